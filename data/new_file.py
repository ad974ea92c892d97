"""Files that exist only when they are complete."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from core.causes import may_pass
from core.errors import StorageError, WrongFileError

#: Ending of a file that is being written; one that was cut off keeps it.
UNFINISHED: Final = ".unfinished"
#: Files that SQLite has beside a database while it is written.
BESIDE: Final = ("-wal", "-shm", "-journal")


@contextmanager
def new_file(target: Path, *, is_restored: bool = False) -> Iterator[Path]:
    """Yield the path of an empty file, only for this user, that becomes `target` after the block.

    What root restores belongs to the owner of its folder: the bot must be able to read it.

    Raises:
        WrongFileError: `target` exists already, or cannot be created.
        StorageError: it cannot be created or written at the moment.
    """
    refuse_existing(target)
    unfinished = target.with_name(target.name + UNFINISHED)
    try:
        delete(unfinished)  # of a process that was killed
        with _opened(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as descriptor:
            if is_restored:
                _give_to_owner(descriptor, target.parent)
    except OSError as error:
        raise file_error(f"cannot create {target}", error) from error
    try:
        yield unfinished
        _make_durable(unfinished)
        unfinished.rename(target)
        make_names_durable(target.parent)
    except OSError as error:
        raise StorageError(f"cannot write {target}: {error.strerror}") from error
    finally:
        delete(unfinished)


def _give_to_owner(descriptor: int, folder: Path) -> None:
    """Give what root has just created to the owner of a folder, if that is possible.

    By its descriptor, because its name may mean another file by now. Some network disks keep
    everything to themselves, and in a container the owner may be a user that it does not have.
    """
    owner = folder.stat()
    if os.geteuid() == 0:
        with suppress(OSError):
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Create a folder, and what is missing above it.

    Each belongs to the owner of the one above if root creates it.
    """
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(mode, exist_ok=True)
        with _opened(missing, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW) as descriptor:
            _give_to_owner(descriptor, missing.parent)


def refuse_existing(target: Path) -> None:
    """Refuse to replace a file.

    Raises:
        WrongFileError: there is one with this name, or none can have it.
    """
    try:
        is_there = target.exists()
    except OSError as error:
        raise WrongFileError(f"cannot create {target}: {error.strerror}") from error
    if is_there:
        raise WrongFileError(f"{target} exists already: choose another name")


def file_error(sentence: str, error: OSError) -> StorageError:
    """Return the error of a file or a folder that a command cannot use, with the reason."""
    kind = StorageError if may_pass(error) else WrongFileError
    return kind(f"{sentence}: {error.strerror}")


def delete(file: Path) -> None:
    """Delete a file and what SQLite may have beside it, as far as they exist."""
    for suffix in ("", *BESIDE):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def add_name(file: Path, name: Path) -> None:
    """Give a file that a restore replaces another name beside its own.

    Where a file system has no links, copy it.

    Raises:
        StorageError: neither is possible.
    """
    try:
        os.link(file, name)
    except OSError:
        with new_file(name, is_restored=True) as unfinished:
            shutil.copyfile(file, unfinished)


def make_names_durable(folder: Path) -> None:
    """Write the names of a folder's files to the disk, where its file system can do that."""
    with suppress(OSError):
        _make_durable(folder)


def _make_durable(path: Path) -> None:
    with _opened(path, os.O_RDONLY) as descriptor:
        os.fsync(descriptor)


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
