"""HLS media playlists: lists of segments that make up one file.

Only what sites use for recorded media is read: segments in order, with one initialisation section,
without encryption. Source of the format: https://www.rfc-editor.org/rfc/rfc8216
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urljoin, urlsplit

from core.errors import DrmError, ListError, LiveError, PlatformChangedError

#: Ten hours of segments of four seconds.
_MAX_SEGMENTS: Final = 10_000
#: Names begin where no other character of a name precedes: a long one is looked at only once.
_ATTRIBUTE: Final = re.compile(r'(?<![A-Z0-9-])([A-Z0-9-]+)=("[^"]*"|[^",]*)')
_RANGE: Final = re.compile(r"(\d{1,15})(?:@(\d{1,15}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the file: all of a URL, or a range of its bytes."""

    url: str
    #: The first byte, and the one behind the last; None for all of the URL.
    part: tuple[int, int] | None = None


def is_playlist(url: str) -> bool:
    """Return True if the path of a URL is that of an HLS playlist."""
    try:
        return urlsplit(url).path.endswith(".m3u8")
    except ValueError:
        return False


def read_playlist(text: str, url: str) -> tuple[Segment, ...]:
    """Return the segments of a media playlist in order; `url` is its own.

    Adjacent ranges of one URL are one segment.

    Raises:
        LiveError: the playlist is not complete yet.
        DrmError: the segments are encrypted.
        ListError: there are too many of them.
        PlatformChangedError: it is no media playlist, or one of an unknown form.
    """
    stripped = map(str.strip, text.removeprefix("\ufeff").splitlines())
    lines = list(filter(None, stripped))
    if not lines or not lines[0].startswith("#EXTM3U"):
        raise PlatformChangedError("no playlist")
    if any(line.startswith("#EXT-X-STREAM-INF") for line in lines):
        raise PlatformChangedError("a list of playlists")
    if "#EXT-X-ENDLIST" not in lines:
        raise LiveError("a playlist without an end")
    segments = tuple(_merged(_Reader(url).read(lines)))
    if not segments:
        raise PlatformChangedError("an empty playlist")
    return segments


class _Reader:
    """Reads the lines of a playlist."""

    def __init__(self, url: str) -> None:
        self._url = url
        #: The next segment's range, and where a range without a start begins.
        self._range: str | None = None
        self._ends: dict[str, int] = {}
        self._map: Segment | None = None

    def read(self, lines: list[str]) -> Iterator[Segment]:
        """Yield the segments.

        Raises:
            ClipferryError: see `read_playlist`.
        """
        number = 0
        for line in lines:
            name, _, value = line.partition(":")
            if name == "#EXT-X-KEY" and _attributes(value).get("METHOD") != "NONE":
                raise DrmError("encrypted segments")
            if name == "#EXT-X-BYTERANGE":
                self._range = value
            elif name == "#EXT-X-MAP":
                yield from self._initialisation(_attributes(value))
            elif not line.startswith("#"):
                number += 1
                if number > _MAX_SEGMENTS:
                    raise ListError("too many segments")
                yield self._segment(line, self._range)
                self._range = None

    def _initialisation(self, values: dict[str, str]) -> Iterator[Segment]:
        found = self._segment(values.get("URI", ""), values.get("BYTERANGE"))
        if self._map is None:
            self._map = found
            yield found
        elif found != self._map:
            raise PlatformChangedError("a playlist of several files")

    def _segment(self, address: str, text: str | None) -> Segment:
        try:
            url = urljoin(self._url, address)
        except ValueError:
            raise PlatformChangedError("an invalid URL in a playlist") from None
        if text is None:
            return Segment(url)
        if not (found := _RANGE.fullmatch(text.strip())):
            raise PlatformChangedError("an invalid range in a playlist")
        start = int(found[2]) if found[2] else self._ends.get(url, 0)
        self._ends[url] = start + int(found[1])
        return Segment(url, (start, self._ends[url]))


def _attributes(text: str) -> dict[str, str]:
    return {name: value.strip('"') for name, value in _ATTRIBUTE.findall(text)}


def _merged(segments: Iterator[Segment]) -> Iterator[Segment]:
    last: Segment | None = None
    for segment in segments:
        if last and last.part and segment.part and _continues(last, segment):
            last = replace(last, part=(last.part[0], segment.part[1]))
            continue
        if last:
            yield last
        last = segment
    if last:
        yield last


def _continues(last: Segment, segment: Segment) -> bool:
    return bool(
        last.url == segment.url and last.part and segment.part and last.part[1] == segment.part[0]
    )
