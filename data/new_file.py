"""Files that exist only when they are complete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from core.errors import StorageError

#: Ending of a file that is being written; one that was cut off keeps it.
UNFINISHED: Final = ".unfinished"
#: Files that SQLite has beside a database while it is written.
_BESIDE: Final = ("", "-journal", "-wal", "-shm")


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Yield the path of an empty file, only for this user, that becomes `target` after the block.

    Raises:
        StorageError: `target` exists already, or cannot be created.
    """
    unfinished = target.with_name(target.name + UNFINISHED)
    try:
        if target.exists():
            raise StorageError(f"{target} exists already: choose another name")
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise StorageError(f"cannot create {target}: {error.strerror}") from error
    try:
        yield unfinished
        _make_durable(unfinished)
        unfinished.rename(target)
    except OSError as error:
        raise StorageError(f"cannot write {target}: {error.strerror}") from error
    finally:
        for suffix in _BESIDE:
            unfinished.with_name(unfinished.name + suffix).unlink(missing_ok=True)


def _make_durable(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
