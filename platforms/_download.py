"""Download files to disk, with limits on size, stalls and total disk usage."""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from core.errors import (
    BrokenLinkError,
    PlatformChangedError,
    PlatformError,
    PlatformUnreachableError,
    TooLargeError,
)
from core.media import Access
from platforms._body import read_body
from platforms._http import Hosts, WebClient

#: Prefix of our folders, so that `tidy` never deletes anything else in the spool folder.
_PREFIX: Final = "clipferry-"
#: Maximum number of URLs of the same file that one download tries.
_MAX_URLS: Final = 3


class Spool:
    """A folder for temporary files, with a quota in bytes.

    Space is reserved before a download starts. If the quota is used up, the request waits until
    another request releases space. Several processes may share the folder; each has its own
    subfolder and its own quota.
    """

    def __init__(self, folder: Path, quota_bytes: int) -> None:
        self._folder = folder
        #: This process's subfolder, and the open descriptor that holds the lock on it.
        self._home = folder
        self._lock: int | None = None
        self.quota_bytes = quota_bytes
        self._reserved = 0
        self._changed = asyncio.Condition()

    @property
    def reserved_bytes(self) -> int:
        """Return the reserved part of the quota, in bytes."""
        return self._reserved

    def prepare(self) -> None:
        """Create and lock this process's subfolder, and delete those of ended processes."""
        self._folder.mkdir(parents=True, exist_ok=True)
        # Another process may delete the new folder in `tidy` before it is locked.
        while self._lock is None:
            self._home = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._folder))
            self._lock = _try_lock(self._home)
        self.tidy()

    def tidy(self) -> None:
        """Delete the subfolders of ended processes; a running process holds the lock on its own."""
        for subfolder in self._folder.glob(f"{_PREFIX}*"):
            if subfolder != self._home and (lock := _try_lock(subfolder)) is not None:
                shutil.rmtree(subfolder, ignore_errors=True)
                os.close(lock)

    def close(self) -> None:
        """Delete this process's subfolder and release its lock."""
        if self._lock is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            os.close(self._lock)
            self._lock = None

    @asynccontextmanager
    async def workspace(self) -> AsyncIterator["Workspace"]:
        """Yield a new empty folder; on exit, delete it and release its reserved space."""
        space = Workspace(self, Path(tempfile.mkdtemp(dir=self._home)))
        try:
            yield space
        finally:
            shutil.rmtree(space.folder, ignore_errors=True)
            await self._release(space.reserved)

    async def _reserve(self, size: int) -> None:
        if size > self.quota_bytes:
            raise TooLargeError(size, self.quota_bytes)
        async with self._changed:
            await self._changed.wait_for(lambda: self._reserved + size <= self.quota_bytes)
            self._reserved += size

    async def _release(self, size: int) -> None:
        async with self._changed:
            self._reserved -= size
            self._changed.notify_all()


def _try_lock(folder: Path) -> int | None:
    """Lock a folder against other processes; return the descriptor, or None if it is locked.

    Closing the descriptor releases the lock.
    """
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        folder.stat()
    except OSError:
        os.close(lock)
        return None
    return lock


class Workspace:
    """The temporary folder of one request in the spool."""

    def __init__(self, spool: Spool, folder: Path) -> None:
        self.folder = folder
        #: Bytes of the quota that are reserved for this workspace.
        self.reserved = 0
        self._spool = spool

    @property
    def most(self) -> int:
        """Return the maximum number of bytes that can be reserved: the whole quota."""
        return self._spool.quota_bytes

    async def reserve(self, size: int) -> None:
        """Raise this workspace's reservation to `size` bytes in total; wait until there is space.

        Call it once per workspace, for all required files together. Two workspaces that each hold
        space and wait for more could block each other forever.

        Raises:
            TooLargeError: `size` is larger than the whole quota.
        """
        if size > self.reserved:
            await self._spool._reserve(size - self.reserved)
            self.reserved = size


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
        size = 0
        with target.open("wb") as file:
            async for piece in read_body(response, limit_bytes):
                size += file.write(piece)
    if size == 0:
        raise PlatformUnreachableError("the file is empty")
    return size
