"""A lock file: tells at once, and for certain, that the last process on this machine has ended."""

import fcntl
import os
from pathlib import Path


class ProcessLock:
    """A lock on a file, held until the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self, name: str) -> str | None:
        """Lock the file and write this process's name into it.

        Return the name of the process that held the lock last, which has ended. Return None if
        there is none, or if another process holds the lock.

        Raises:
            OSError: the file cannot be used.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        self._descriptor = descriptor
        previous = os.pread(descriptor, 100, 0).decode(errors="replace")
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, name.encode(), 0)
        return previous or None

    @property
    def is_held(self) -> bool:
        """Return True if this object holds the lock."""
        return self._descriptor is not None

    def release(self) -> None:
        """Unlock the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_locked(path: Path) -> bool:
    """Return True if a running process holds the lock on a file."""
    lock = ProcessLock(path)
    before = path.read_text()
    held = lock.acquire(before) is None and bool(before)
    lock.release()
    return held
