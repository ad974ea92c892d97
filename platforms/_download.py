"""Bytes from the sites to the disk: bounded in size, in stalls and in the room they may take."""

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
from platforms._http import Hosts, WebClient

_CHUNK_BYTES: Final = 256 * 1024
#: Begins the names of our folders, so that nothing else in the spool's folder is ever touched.
_OURS: Final = "clipferry-"
#: How many addresses of the same file are tried before the attempt counts as failed.
_MAX_ADDRESSES: Final = 3


class Spool:
    """A folder with a quota for files on their way.

    Room is reserved before bytes are fetched; who finds none waits until somebody gives some back.
    """

    def __init__(self, folder: Path, quota_bytes: int) -> None:
        self._folder = folder
        #: This process's part of it, and the lock that says so.
        self._home = folder
        self._lock: int | None = None
        self.quota_bytes = quota_bytes
        self._reserved = 0
        self._changed = asyncio.Condition()

    @property
    def reserved_bytes(self) -> int:
        """How much of the quota is in use."""
        return self._reserved

    def prepare(self) -> None:
        """Make a place of our own in the folder; what earlier runs have left there is cleared away."""
        self._folder.mkdir(parents=True, exist_ok=True)
        while self._lock is None:  # another one that tidies may be faster than the lock
            self._home = Path(tempfile.mkdtemp(prefix=_OURS, dir=self._folder))
            self._lock = _locked(self._home)
        self.tidy()

    def tidy(self) -> None:
        """Clear away what processes have left that are no more. The living hold the lock of theirs."""
        for left in self._folder.glob(f"{_OURS}*"):
            if left != self._home and (lock := _locked(left)) is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(lock)

    def close(self) -> None:
        """Clear our own place away."""
        if self._lock is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            os.close(self._lock)
            self._lock = None

    @asynccontextmanager
    async def workspace(self) -> AsyncIterator["Workspace"]:
        """Give a folder of one's own; at the end it and its room are given back."""
        space = Workspace(self, Path(tempfile.mkdtemp(dir=self._home)))
        try:
            yield space
        finally:
            shutil.rmtree(space.folder, ignore_errors=True)
            await self._give_back(space.reserved)

    async def _take(self, size: int) -> None:
        if size > self.quota_bytes:
            raise TooLargeError(size, self.quota_bytes)
        async with self._changed:
            await self._changed.wait_for(lambda: self._reserved + size <= self.quota_bytes)
            self._reserved += size

    async def _give_back(self, size: int) -> None:
        async with self._changed:
            self._reserved -= size
            self._changed.notify_all()


def _locked(folder: Path) -> int | None:
    """Lock a folder against other processes; None while one of them has it. Closing unlocks it."""
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
    """One request's folder in the spool."""

    def __init__(self, spool: Spool, folder: Path) -> None:
        self.folder = folder
        #: Bytes of the quota that this workspace holds.
        self.reserved = 0
        self._spool = spool

    @property
    def most(self) -> int:
        """How many bytes can be reserved at all."""
        return self._spool.quota_bytes

    async def reserve(self, size: int) -> None:
        """Hold room for `size` bytes in all, waiting for it if need be.

        A workspace asks once for its main file, so that two never wait for each other.

        Raises:
            TooLargeError: more than the whole quota.
        """
        if size > self.reserved:
            await self._spool._take(size - self.reserved)
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
    """Stream one file to disk; give its size in bytes.

    The addresses are those of one file: a stale or broken one is passed over. The number of bytes
    is checked against the announced one, and an empty file is no file.

    Raises:
        TooLargeError: it is larger than `limit_bytes`; announced, or found while reading.
        PlatformError: no address gave the whole file, or one leads away from the allowed hosts.
    """
    failure: PlatformError = PlatformUnreachableError("no address")
    for url in urls[:_MAX_ADDRESSES]:
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
    headers = dict(access.headers)
    if access.cookies:
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in access.cookies.items())
    async with web.get(url, hosts, headers, stall_s=stall_s) as response:
        announced = response.content_length
        if announced is not None and announced > limit_bytes:
            raise TooLargeError(announced, limit_bytes)
        received = 0
        with target.open("wb") as file:
            async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                received += len(chunk)
                if received > limit_bytes:
                    raise TooLargeError(None, limit_bytes)
                file.write(chunk)
    if received == 0:
        raise PlatformUnreachableError("an empty file")
    if announced is not None and received != announced:
        raise PlatformUnreachableError(f"{received} of {announced} bytes")
    return received
