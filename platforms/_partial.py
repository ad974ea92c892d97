"""Download the part of a file that is needed, where the server sends parts."""

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from io import RawIOBase
from pathlib import Path
from typing import Final

from core.choices import Part
from core.errors import BrokenLinkError, PlatformError, PlatformUnreachableError
from core.progress import ByteCount
from platforms._body import read_body
from platforms._download import (
    MAX_URLS,
    Checks,
    ContentRange,
    FileServer,
    content_range,
    request_headers,
    write_all,
)
from platforms._spool import spool_error

#: The beginning of a file, which tells where the rest of it is. The index of an hour is 1 MB.
_HEAD_BYTES: Final = 2_000_000
#: A file that says that it is larger is not downloaded in parts.
_MAX_BYTES: Final = 100_000_000_000

#: Returns the part that is needed, from a file that has only its beginning; None if that does not
#: tell.
SelectPart = Callable[[Path], Awaitable[Part | None]]


async def download_part(
    server: FileServer, urls: tuple[str, ...], target: Path, checks: Checks, select: SelectPart
) -> int | None:
    """Download only what is needed of a file; `urls` are alternatives. See `_download_one`.

    Return None if no server sends it. The caller then downloads the whole file, which may fail for
    the same reason and then names it.

    Raises:
        SpoolError: the file cannot be written.
    """
    for url in urls[:MAX_URLS]:
        with suppress(PlatformError, BrokenLinkError):
            return await _download_one(server, url, target, checks, select)
    return None


async def _download_one(
    server: FileServer, url: str, target: Path, checks: Checks, select: SelectPart
) -> int | None:
    """Download the beginning of a file and the part that `select` returns; the rest are holes.

    Return the number of bytes that were needed, or None if the whole file must be downloaded: the
    server sends no parts, the beginning does not tell which one is needed, or it is too large.

    Raises:
        SpoolError: the file cannot be written.
        PlatformError: the server did not send what it announced.
    """
    checks.count.received = 0
    head = await _fetch(server, url, target, (0, _HEAD_BYTES), checks.count)
    if head is None or head.total is None or head.total > _MAX_BYTES:
        return None
    if head.end >= head.total:
        return head.total
    part = await select(target)
    if part is None or part.end - part.start > checks.limit_bytes:
        return None
    start, end = max(part.start, head.end), min(part.end, head.total)
    size = head.end + max(end - start, 0)
    if start < end:
        checks.claim(size, is_exact=True)
        checks.count.total = size
        rest = await _fetch(server, url, target, (start, end), checks.count)
        # Less of it would leave a hole, and another size is another file.
        if rest != ContentRange(start, end, head.total):
            return None
    _set_size(target, part.content_end or head.total)
    return size


async def _fetch(
    server: FileServer, url: str, target: Path, wanted: tuple[int, int], count: ByteCount
) -> ContentRange | None:
    """Write a range of a file to its place; None if the server sends another one, or all of it.

    Raises:
        SpoolError: the file cannot be written.
        PlatformError: the server did not send what it announced.
    """
    headers = {**request_headers(server), "Range": f"bytes={wanted[0]}-{wanted[1] - 1}"}
    async with server.web.get(url, server.hosts, headers, stall_s=server.stall_s) as response:
        sent = content_range(response)
        if sent is None or sent.start != wanted[0] or sent.end > wanted[1]:
            return None
        received = 0
        with _opened(target, sent.start) as file:
            async for piece in read_body(response, sent.end - sent.start):
                write_all(file, piece)
                received += len(piece)
                count.received += len(piece)
    if received != sent.end - sent.start:
        raise PlatformUnreachableError("the server sent another part of a file")
    return sent


def _opened(target: Path, start: int) -> RawIOBase:
    try:
        file = target.open("r+b" if start else "wb", buffering=0)
        file.seek(start)
    except OSError as error:
        raise spool_error(error) from error
    return file


def _set_size(target: Path, size: int) -> None:
    try:
        os.truncate(target, size)
    except OSError as error:
        raise spool_error(error) from error
