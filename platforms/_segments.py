"""Download the segments of an HLS playlist into one file.

The file is the segments one after the other: an MPEG transport stream, or a fragmented MP4 if there
is an initialisation section. Both are read by FFmpeg as they are.
"""

from contextlib import closing
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import Final

from core.errors import (
    BrokenLinkError,
    PlatformChangedError,
    PlatformError,
    PlatformUnreachableError,
    TooLargeError,
)
from platforms._body import read_body
from platforms._download import (
    MAX_URLS,
    Checks,
    FileServer,
    content_range,
    raise_for_part,
    request_headers,
    write_all,
)
from platforms._playlist import Segment, read_playlist
from platforms._spool import spool_error

#: Longest playlist, in bytes; one of ten hours has 1 MB.
_MAX_PLAYLIST_BYTES: Final = 4_000_000
#: Space is claimed in steps of this many bytes, because a playlist states no sizes.
_CLAIM_BYTES: Final = 8_000_000


async def download_segments(
    server: FileServer, urls: tuple[str, ...], target: Path, checks: Checks
) -> int:
    """Download a playlist and all its segments to `target`, and return the size in bytes.

    `urls` are alternative playlists. If one fails, the next is tried. The rules of `download` hold
    for every segment.

    Raises:
        TooLargeError: the segments together are larger than the limit.
        SpoolError: the file cannot be written.
        LiveError, DrmError, ListError: see `read_playlist`.
        PlatformError: no playlist could be downloaded completely.
    """
    failure: PlatformError = PlatformUnreachableError("no URL")
    for url in urls[:MAX_URLS]:
        try:
            return await _download_one(server, url, target, checks)
        except PlatformError as error:
            failure = error
        except BrokenLinkError as error:
            failure = PlatformChangedError(error.detail)
    raise failure


async def _download_one(server: FileServer, url: str, target: Path, checks: Checks) -> int:
    segments = read_playlist(*await _text(server, url))
    checks.count.received, checks.count.total = 0, None
    try:
        file: RawIOBase = target.open("wb", buffering=0)
    except OSError as error:
        raise spool_error(error) from error
    with closing(file):
        writer = _Writer(file, checks)
        for segment in segments:
            await _append(server, segment, writer)
    if writer.size == 0:
        raise PlatformUnreachableError("the file is empty")
    return writer.size


async def _text(server: FileServer, url: str) -> tuple[str, str]:
    """Return the text of a playlist, and the URL that it comes from after redirects."""
    headers = request_headers(server)
    async with server.web.get(url, server.hosts, headers, stall_s=server.stall_s) as response:
        raise_for_part(response)
        try:
            pieces = [piece async for piece in read_body(response, _MAX_PLAYLIST_BYTES)]
        except TooLargeError:
            raise PlatformChangedError("the playlist is too large") from None
    return b"".join(pieces).decode(errors="replace"), str(response.url)


@dataclass(slots=True)
class _Writer:
    """Appends to a file, and claims its space in steps."""

    file: RawIOBase
    checks: Checks
    size: int = 0
    claimed_bytes: int = 0

    def write(self, piece: bytes) -> None:
        """Append a piece.

        Raises:
            TooLargeError: the file is larger than its limit now.
            SpoolError: it cannot be written.
        """
        size, limit = self.size + len(piece), self.checks.limit_bytes
        if size > limit:
            raise TooLargeError(None, limit)
        if size > self.claimed_bytes:
            self.claimed_bytes = min(size + _CLAIM_BYTES, limit)
            self.checks.claim(self.claimed_bytes, is_exact=False)
        write_all(self.file, piece)
        self.size = self.checks.count.received = size


async def _append(server: FileServer, segment: Segment, writer: _Writer) -> None:
    """Download one segment.

    Raises:
        PlatformError: it was not sent, or not completely.
    """
    headers, part = request_headers(server), segment.part
    if part:
        headers["Range"] = f"bytes={part[0]}-{part[1] - 1}"
    async with server.web.get(
        segment.url, server.hosts, headers, stall_s=server.stall_s
    ) as response:
        if not part:
            raise_for_part(response)
        elif (sent := content_range(response)) is None or (sent.start, sent.end) != part:
            raise PlatformUnreachableError("the server does not send that part of a file")
        before, longest = writer.size, writer.checks.limit_bytes + 1
        async for piece in read_body(response, longest):
            writer.write(piece)
    if part and writer.size - before != part[1] - part[0]:
        raise PlatformUnreachableError("the server sent another part of a file")
