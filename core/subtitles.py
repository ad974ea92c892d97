"""Subtitles: which ones are offered, and their conversion to SubRip (.srt)."""

import html
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from core.choices import Piece
from core.errors import BrokenFileError, NoSubtitlesError
from core.media import Subtitles
from core.text import clean

#: Subtitles that are offered of one video.
_MOST_OFFERED: Final = 6
#: Largest number of cues; ten hours of speech have half as many.
_MAX_CUES: Final = 20_000
_NEVER_MS: Final = 1 << 62
#: Source: https://www.w3.org/TR/webvtt1/#webvtt-timestamp; SubRip has a comma.
_TIME: Final = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{3})"
_TIMING: Final = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}", re.ASCII)
#: "<c.yellow>", "</i>", and the time of a word, "<00:00:01.500>".
_TAG: Final = re.compile(r"<[^<>\n]{1,100}>")
#: What a JSON document of another form raises; OverflowError comes from an infinite number.
_UNREADABLE: Final = (
    *(ValueError, KeyError, TypeError, AttributeError),
    *(OverflowError, RecursionError),
)


@dataclass(frozen=True, slots=True)
class Cue:
    """A text, and when it is shown, in milliseconds."""

    start_ms: int
    end_ms: int
    text: str


def offered(subtitles: Iterable[Subtitles], language: str) -> list[Subtitles]:
    """Return the subtitles to offer, each language once.

    Those in `language`, a code such as "uk", come first, then those in the video's own language.
    """
    ranked = sorted(subtitles, key=lambda one: _rank(one, language))
    by_language: dict[str, Subtitles] = {}
    for one in ranked:
        by_language.setdefault(one.language, one)
    return list(by_language.values())[:_MOST_OFFERED]


def best(subtitles: Iterable[Subtitles], language: str) -> Subtitles | None:
    """Return the subtitles that suit a language best; None if there are none."""
    return min(subtitles, key=lambda one: _rank(one, language), default=None)


def _rank(one: Subtitles, language: str) -> tuple[bool, ...]:
    """Return a sort key; equal ones keep the site's order."""
    is_close = _base(one.language) == _base(language)
    is_first = is_close or one.is_original
    return one.language != language, not is_close, not is_first, one.is_automatic


def _base(language: str) -> str:
    return language.partition("-")[0].lower()


def read_cues(content: str) -> list[Cue]:
    """Read WebVTT, SubRip or YouTube's JSON ("json3"), which is recognised by the content.

    Raises:
        BrokenFileError: it is none of them, or has no text.
    """
    is_json = content.lstrip().startswith("{")
    cues = _json_cues(content) if is_json else _timed_cues(content)
    if not cues:
        raise BrokenFileError("no subtitles in the file")
    return cues[:_MAX_CUES]


def _timed_cues(content: str) -> list[Cue]:
    """Read the blocks that begin with a timing; everything between them does not count."""
    cues: list[Cue] = []
    timing: tuple[int, int] | None = None
    lines: list[str] = []
    for line in [*content.splitlines(), ""]:
        found = _TIMING.match(line) if "-->" in line else None
        if timing and (found or not line.strip()):
            cues += _cue(*timing, "\n".join(lines))
            timing = None
        if found:
            start, end = found.groups()[:4], found.groups()[4:]
            timing, lines = (_milliseconds(*start), _milliseconds(*end)), []
        elif timing:
            lines.append(line)
    return cues


def _milliseconds(hours: str | None, minutes: str, seconds: str, rest: str) -> int:
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1_000 + int(rest)


def _json_cues(content: str) -> list[Cue]:
    """Read the events of a json3 file, of which some only set a style or append a line break."""
    try:
        events = json.loads(content)["events"]
        cues: list[Cue] = []
        for event in events:
            text = "".join(segment.get("utf8", "") for segment in event.get("segs", ()))
            start = _time_of(event, "tStartMs")
            if text.strip():
                cues += _cue(start, start + _time_of(event, "dDurationMs"), text)
    except _UNREADABLE as error:
        raise BrokenFileError("unreadable subtitles") from error
    return _without_overlaps(cues) if cues else []


def _time_of(event: dict[str, Any], key: str) -> int:
    return min(max(int(event.get(key, 0)), 0), _NEVER_MS)


def _without_overlaps(cues: Sequence[Cue]) -> list[Cue]:
    """End each cue when the next one begins: automatic ones overlap, to roll over the screen."""
    return [
        replace(cue, end_ms=max(min(cue.end_ms, following.start_ms), cue.start_ms))
        for cue, following in zip(cues, [*cues[1:], Cue(_NEVER_MS, _NEVER_MS, "")], strict=True)
    ]


def _cue(start_ms: int, end_ms: int, markup: str) -> list[Cue]:
    """Return a cue without markup and blank lines, which would end it; none without text."""
    text = clean(html.unescape(_TAG.sub("", markup)))
    lines = [stripped for line in text.splitlines() if (stripped := line.strip())]
    return [Cue(start_ms, end_ms, "\n".join(lines))] if lines else []


def cut(cues: Iterable[Cue], piece: Piece) -> list[Cue]:
    """Return the cues of a piece, with times from its start.

    Raises:
        NoSubtitlesError: nothing is said in the piece.
    """
    start, end = piece.start_s * 1_000, _NEVER_MS if piece.end_s is None else piece.end_s * 1_000
    found = [
        Cue(max(cue.start_ms, start) - start, min(cue.end_ms, end) - start, cue.text)
        for cue in cues
        if cue.start_ms < end and cue.end_ms > start
    ]
    if not found:
        raise NoSubtitlesError(f"from {piece.start_s} s")
    return found


def as_srt(cues: Iterable[Cue]) -> str:
    """Return the content of a SubRip file."""
    return "\n".join(
        f"{number}\n{_srt_time(cue.start_ms)} --> {_srt_time(cue.end_ms)}\n{cue.text}\n"
        for number, cue in enumerate(cues, start=1)
    )


def _srt_time(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1_000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02},{rest:03}"
