"""Download files to disk, with limits on size and stalls."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from core.errors import (
    BrokenLinkError,
    PlatformChangedError,
    PlatformError,
    PlatformUnreachableError,
    SpoolError,
    TooLargeError,
)
from core.media import Access
from platforms._body import read_body
from platforms._http import Hosts, WebClient
from platforms._spool import spool_error

#: Maximum number of URLs of the same file that one download tries.
_MAX_URLS: Final = 3


async def download(
    web: WebClient,
    urls: tuple[str, ...],
    hosts: Hosts,
    access: Access,
    target: Path,
    *,
    limit_bytes: int,
    stall_s: float,
) -> int:
    """Stream one file to `target` and return its size in bytes.

    `urls` are alternative URLs of the same file. If one fails, the next is tried. The size is
    checked against Content-Length, and an empty file is an error. `stall_s` is the maximum time
    without data, in seconds.

    Raises:
        TooLargeError: the file is larger than `limit_bytes`, by Content-Length or while reading.
        SpoolError: the file cannot be written.
        PlatformError: no URL returned the whole file, or the last one left the allowed hosts.
    """
    failure: PlatformError = PlatformUnreachableError("no URL")
    for url in urls[:_MAX_URLS]:
        try:
            return await _download_one(
                web, url, hosts, access, target, limit_bytes=limit_bytes, stall_s=stall_s
            )
        except PlatformError as error:
            failure = error
        except BrokenLinkError as error:
            failure = PlatformChangedError(error.detail)
    raise failure


async def _download_one(
    web: WebClient,
    url: str,
    hosts: Hosts,
    access: Access,
    target: Path,
    *,
    limit_bytes: int,
    stall_s: float,
) -> int:
    # Media files are compressed already. Some servers compress them all the same.
    headers = {**access.headers, "Accept-Encoding": "identity"}
    if access.cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in access.cookies.items())
    async with web.get(url, hosts, headers, stall_s=stall_s) as response:
        announced = response.content_length
        if announced is not None and announced > limit_bytes:
            raise TooLargeError(announced, limit_bytes)
        size = await _write(target, read_body(response, limit_bytes))
    if size == 0:
        raise PlatformUnreachableError("the file is empty")
    return size


async def _write(target: Path, body: AsyncIterator[bytes]) -> int:
    """Write a body to a file and return its size.

    Raises:
        SpoolError: the file cannot be written. Inside the request, an OSError would be the site's.
    """
    size = 0
    try:
        file = target.open("wb", buffering=0)
    except OSError as error:
        raise spool_error(error) from error
    with file:
        async for piece in body:
            try:
                # Unbuffered, so that no error comes later; a short write means a full disk.
                written = file.write(piece)
            except OSError as error:
                raise spool_error(error) from error
            if written != len(piece):
                raise SpoolError("ENOSPC")
            size += written
    return size
