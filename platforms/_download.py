"""Download files to disk, with limits on size and stalls."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from io import RawIOBase
from pathlib import Path
from typing import Final, Protocol

import aiohttp

from core.errors import (
    BrokenLinkError,
    MediaError,
    NotFoundError,
    PlatformChangedError,
    PlatformError,
    PlatformUnreachableError,
    SpoolError,
    TooLargeError,
)
from core.media import Access
from core.progress import ByteCount
from platforms._body import read_body
from platforms._http import Hosts, WebClient
from platforms._spool import spool_error

#: Maximum number of URLs of the same file that one download tries.
MAX_URLS: Final = 3
#: Space is claimed in steps of this many bytes if the server does not announce a size.
_CLAIM_BYTES: Final = 16_000_000
#: HTTP statuses with which a whole file comes; 203 if a proxy has changed it.
_WHOLE: Final = frozenset({200, 203})
#: Source: https://www.rfc-editor.org/rfc/rfc9110#section-14.4
_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15}|\*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class FileServer:
    """How the files of a post are requested."""

    web: WebClient
    #: Hosts that redirects may lead to.
    hosts: Hosts
    access: Access
    #: Maximum time without data, in seconds.
    stall_s: float


class ClaimSpace(Protocol):
    """Reserves space."""

    def __call__(self, size_bytes: int, *, is_exact: bool) -> None:
        """Reserve space for a file of this size, or of more unless it `is_exact`.

        What it raises ends the download.
        """


def _claim_nothing(size_bytes: int, *, is_exact: bool) -> None:
    """Accept every size."""


async def trust_length(_path: Path) -> bool:
    """Accept every file as complete."""
    return False


@dataclass(frozen=True, slots=True)
class Checks:
    """What a download must observe."""

    #: The download is stopped at this size.
    limit_bytes: int
    #: Size as the page states it; None if it does not.
    stated_bytes: int | None = None
    #: Called with the size that the file needs, before it is written.
    claim: ClaimSpace = _claim_nothing
    #: Called if the server announced no size; returns True if the file lacks a part of itself.
    is_truncated: Callable[[Path], Awaitable[bool]] = trust_length
    #: Where the bytes are counted as they arrive.
    count: ByteCount = field(default_factory=ByteCount)


async def download(server: FileServer, urls: tuple[str, ...], target: Path, checks: Checks) -> int:
    """Stream one file to `target` and return its size in bytes.

    `urls` are alternative URLs of the same file. If one fails, the next is tried. The size is
    checked against Content-Length, and an empty file is an error. Without that header, only the
    file itself can say that data is missing: the sizes on pages are often another version's.

    Raises:
        TooLargeError: the file is larger than the limit, by Content-Length or while reading.
        SpoolError: the file cannot be written.
        NotFoundError: the last URL is permanent, and the server does not find it, see `Access`; or
            the server says that the file was removed.
        PlatformError: no URL returned the whole file, or the last one left the allowed hosts.
    """
    failure: PlatformError | NotFoundError = PlatformUnreachableError("no URL")
    for url in urls[:MAX_URLS]:
        try:
            return await _download_one(server, url, target, checks)
        except (PlatformError, NotFoundError) as error:
            failure = error
        except BrokenLinkError as error:
            failure = PlatformChangedError(error.detail)
    raise failure


def request_headers(server: FileServer) -> dict[str, str]:
    """Return the headers of a request for a file.

    Media files are compressed already. Some servers compress them all the same.
    """
    headers = {**server.access.headers, "Accept-Encoding": "identity"}
    if cookies := server.access.cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return headers


@dataclass(frozen=True, slots=True)
class ContentRange:
    """The part of a file that a response has."""

    start: int
    #: Behind the last byte.
    end: int
    #: Size of the whole file; None if the server does not say.
    total: int | None


def content_range(response: aiohttp.ClientResponse) -> ContentRange | None:
    """Return what the response to a request for a range has; None if it does not say."""
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    if found is None or response.status != 206:
        return None
    start, end = int(found[1]), int(found[2]) + 1
    total = None if found[3] == "*" else int(found[3])
    return ContentRange(start, end, total) if start < end <= (total or end) else None


def raise_for_part(response: aiohttp.ClientResponse) -> None:
    """Accept only the whole file in response to a request for all of it.

    Raises:
        PlatformUnreachableError: the server has sent a part of it, or no file.
    """
    if response.status in _WHOLE:
        return
    sent = content_range(response)
    if sent is None or sent.start or sent.end != sent.total:
        raise PlatformUnreachableError(f"HTTP {response.status} instead of a whole file")


def write_all(file: RawIOBase, piece: bytes) -> None:
    """Write a piece to an unbuffered file, so that no error comes later.

    Raises:
        SpoolError: the disk is full or fails. Inside the request, an OSError would be the site's.
    """
    try:
        written = file.write(piece)
    except OSError as error:
        raise spool_error(error) from error
    if written != len(piece):
        raise SpoolError("ENOSPC")


async def _download_one(server: FileServer, url: str, target: Path, checks: Checks) -> int:
    async with server.web.get(
        url,
        server.hosts,
        request_headers(server),
        stall_s=server.stall_s,
        is_permanent=server.access.is_permanent,
    ) as response:
        raise_for_part(response)
        announced = response.content_length
        checks.count.received, checks.count.total = 0, announced
        if announced is not None:
            if announced > checks.limit_bytes:
                raise TooLargeError(announced, checks.limit_bytes)
            checks.claim(announced, is_exact=True)
        body = read_body(response, checks.limit_bytes)
        size = await _write(target, body, checks, claimed_bytes=announced or 0)
    if size == 0:
        raise PlatformUnreachableError("the file is empty")
    is_suspect = announced is None and size < (checks.stated_bytes or checks.limit_bytes)
    if is_suspect and await _is_truncated(target, checks):
        raise PlatformUnreachableError("the file was cut off")
    return size


async def _is_truncated(target: Path, checks: Checks) -> bool:
    try:
        return await checks.is_truncated(target)
    except MediaError:  # the check itself failed, which says nothing
        return False


async def _write(
    target: Path, body: AsyncIterator[bytes], checks: Checks, claimed_bytes: int
) -> int:
    """Write a body to a file and return its size.

    Raises:
        SpoolError: the file cannot be written.
    """
    size = 0
    try:
        file = target.open("wb", buffering=0)
    except OSError as error:
        raise spool_error(error) from error
    with file:
        async for piece in body:
            if size + len(piece) > claimed_bytes:
                claimed_bytes = min(size + len(piece) + _CLAIM_BYTES, checks.limit_bytes)
                checks.claim(claimed_bytes, is_exact=False)
            write_all(file, piece)
            size += len(piece)
            checks.count.received = size
    return size
