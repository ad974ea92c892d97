"""The spool: temporary files on disk, with a quota."""

import asyncio
import errno
import fcntl
import logging
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import SpoolError

logger = logging.getLogger(__name__)

#: Prefix of our folders, so that `tidy` never deletes anything else in the spool folder.
_PREFIX: Final = "clipferry-"
#: This much of the disk stays free, in bytes: thumbnails and remuxed files need room, too.
_KEPT_FREE_BYTES: Final = 20_000_000
#: So much free space is enough to begin a download of any size, in bytes.
_ENOUGH_BYTES: Final = 100_000_000
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class DiskWaits:
    """How long requests wait for room on a full disk. All times are in seconds."""

    #: Longest wait of one request.
    patience_s: float = 60.0
    #: How often the disk is checked.
    check_s: float = 1.0
    #: How long a full disk is remembered after the last request that met it.
    remembered_s: float = 60.0


class Spool:
    """A folder for temporary files, with a quota in bytes.

    Space is reserved before a download starts. If the quota is used up, the request waits until
    another request releases space; if the disk is full, it waits for a while until somebody frees
    it. Files that were kept for later are deleted before anything waits. Several processes may
    share the folder; each has its own subfolder and its own quota.
    """

    def __init__(self, folder: Path, quota_bytes: int, waits: DiskWaits = DiskWaits()) -> None:
        self._folder = folder
        self.waits = waits
        #: This process's subfolder, and the open descriptor that holds the lock on it.
        self._home = folder
        self._lock: int | None = None
        self.quota_bytes = quota_bytes
        self._reserved = 0
        self._changed = asyncio.Condition()
        #: Requests that wait for space.
        self._waiting = 0
        #: Workspaces that outlive their requests, oldest first, and what ends them.
        self._kept: dict[Workspace, asyncio.TimerHandle] = {}
        #: When the disk was last too full, as a monotonic time; None for never.
        self._full_at: float | None = None

    @property
    def reserved_bytes(self) -> int:
        """Return the reserved part of the quota, in bytes."""
        return self._reserved

    @property
    def free_bytes(self) -> int:
        """Return the free space of the disk, in bytes; 0 if the folder cannot be used."""
        try:
            return shutil.disk_usage(self._folder).free
        except OSError:
            return 0

    @property
    def is_full(self) -> bool:
        """Return True if the disk has been too full, and still is or was not long ago."""
        if self._full_at is None:
            return False
        has_room = self.free_bytes >= _ENOUGH_BYTES + _KEPT_FREE_BYTES
        return not has_room or time.monotonic() - self._full_at < self.waits.remembered_s

    def note_full(self) -> None:
        """Record that a request has met a full disk."""
        self._full_at = time.monotonic()

    def prepare(self) -> None:
        """Create and lock this process's subfolder, and delete those of ended processes.

        Raises:
            OSError: the folder cannot be used.
        """
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
        for timer in self._kept.values():
            timer.cancel()
        self._kept.clear()
        if self._lock is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            os.close(self._lock)
            self._lock = None

    @asynccontextmanager
    async def workspace(
        self, kept: "Workspace | None" = None, *, may_wait: bool = True
    ) -> AsyncIterator["Workspace"]:
        """Yield a new empty folder; on exit, delete it and release its reserved space.

        With `kept`, which `keep` has stored, yield that instead. On exit, it stays if it is kept.
        The holder of another workspace must not wait for room in this one, see `Workspace.reserve`.

        Raises:
            SpoolError: the disk is full, or the folder cannot be used.
        """
        if kept is not None and kept in self._kept:
            self._kept.pop(kept).cancel()
            space = kept
        else:
            space = Workspace(self, self._new_folder(), may_wait=may_wait)
        try:
            yield space
        except OSError as error:
            raise spool_error(error, self) from error
        finally:
            if space not in self._kept:
                shutil.rmtree(space.folder, ignore_errors=True)
                await self._release(space.reserved)

    def keep(self, space: "Workspace", seconds: float) -> bool:
        """Let a workspace outlive its request; return False if there is no room for it.

        It is deleted after `seconds`, or earlier if its space is needed.
        """
        is_needed = self._waiting or self.free_bytes < _KEPT_FREE_BYTES
        has_room = not is_needed and space.extend(space.used_bytes)
        if has_room:
            timer = asyncio.get_running_loop().call_later(seconds, self._drop, space)
            self._kept[space] = timer
        return has_room

    def is_kept(self, space: "Workspace") -> bool:
        """Return True until a workspace that was kept is used again or deleted."""
        return space in self._kept

    def _drop(self, space: "Workspace") -> None:
        """Delete a kept workspace. Nobody waits for its space: while some wait, none is kept."""
        self._kept.pop(space).cancel()
        shutil.rmtree(space.folder, ignore_errors=True)
        self._reserved -= space.reserved

    def _drop_until(self, has_room: Callable[[], bool]) -> None:
        """Delete kept workspaces, the oldest first, until there is room or none is left."""
        while self._kept and not has_room():
            self._drop(next(iter(self._kept)))

    def _new_folder(self) -> Path:
        try:
            try:
                return Path(tempfile.mkdtemp(dir=self._home))
            except FileNotFoundError:  # somebody has deleted the spool
                self.close()
                self.prepare()
                return Path(tempfile.mkdtemp(dir=self._home))
        except OSError as error:
            raise spool_error(error, self) from error

    async def _reserve(self, size: int, *, may_wait: bool) -> None:
        self._drop_until(lambda: self._has_room(size))
        if not may_wait and not self._has_room(size):
            raise SpoolError("no room at the moment")
        self._waiting += 1
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: self._has_room(size))
                self._reserved += size
        finally:
            self._waiting -= 1

    def _has_room(self, size: int) -> bool:
        return self._reserved + size <= self.quota_bytes

    async def _wait_for_disk(self, size: int) -> None:
        """Wait until the disk has room for `size` bytes, or enough for most files.

        Raises:
            SpoolError: it has no room after the longest wait.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.waits.patience_s
        # The size may be no more than the largest that is allowed: most files are much smaller.
        needed = min(size, _ENOUGH_BYTES) + _KEPT_FREE_BYTES
        self._drop_until(lambda: self.free_bytes >= needed)
        while self.free_bytes < needed:
            if not self.is_full:
                logger.warning(
                    "The disk for downloads is full: %d MB are left",
                    self.free_bytes // 1_000_000,
                    extra={"event": "spool_full"},
                )
            self.note_full()
            if loop.time() >= deadline:
                raise SpoolError("the disk is full")
            self.tidy()
            await asyncio.sleep(self.waits.check_s)

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

    def __init__(self, spool: Spool, folder: Path, *, may_wait: bool = True) -> None:
        self.folder = folder
        self._may_wait = may_wait
        #: Bytes of the quota that are reserved for this workspace.
        self.reserved = 0
        self._spool = spool

    @property
    def most(self) -> int:
        """Return the maximum number of bytes that can be reserved: the whole quota."""
        return self._spool.quota_bytes

    @property
    def used_bytes(self) -> int:
        """Return the size of all files."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    async def reserve(self, size: int) -> None:
        """Reserve `size` bytes for all files together; wait until there is space.

        What the workspace holds is given up first, with its files: workspaces that hold space and
        wait for more would block each other forever.

        Raises:
            SpoolError: `size` is larger than the whole quota, or the disk is full; or there is no
                space at the moment, and the workspace may not wait.
        """
        await self._give_up()
        if size > self._spool.quota_bytes:
            raise SpoolError("the files are larger than the whole quota")
        await self._spool._reserve(size, may_wait=self._may_wait)
        self.reserved = size
        await self._spool._wait_for_disk(size)

    def extend(self, size: int) -> bool:
        """Raise the reservation to `size` bytes in total, if there is space; return whether."""
        more = size - self.reserved
        if more > 0:
            self._spool._drop_until(lambda: self._spool._has_room(more))
            if not self._spool._has_room(more):
                return False
            self._spool._reserved += more
            self.reserved = size
        return True

    def take_over(self, other: "Workspace", size: int) -> int:
        """Move at most `size` bytes of another reservation here, and return how many.

        For files that move: nobody else gets their room meanwhile.
        """
        moved = min(other.reserved, max(size, 0))
        other.reserved -= moved
        self.reserved += moved
        return moved

    async def shrink(self, size: int) -> None:
        """Lower the reservation to `size` bytes in total."""
        if size < self.reserved:
            released, self.reserved = self.reserved - size, size
            await self._spool._release(released)

    async def _give_up(self) -> None:
        for path in self.folder.iterdir():
            path.unlink(missing_ok=True)
        await self.shrink(0)


def spool_error(error: OSError, spool: Spool | None = None) -> SpoolError:
    """Return the error that a failed file operation stands for; its text has no path."""
    if spool and error.errno in _NO_ROOM:
        spool.note_full()
    return SpoolError(errno.errorcode.get(error.errno or 0, type(error).__name__))
