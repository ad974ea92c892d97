"""Folders and files that a start needs: what is wrong with them, in words; and the heartbeat."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from core.causes import may_pass
from core.errors import SettingsError, SpoolError

logger = logging.getLogger(__name__)

#: The setting that names the heartbeat file; other small files are beside it.
HEARTBEAT: Final = "[files] heartbeat (FILES_HEARTBEAT)"
SPOOL: Final = "[files] spool_dir (FILES_SPOOL_DIR)"


@contextmanager
def usable(setting: str, path: Path) -> Iterator[None]:
    """Name the setting of a path if it cannot be used in the block.

    Raises:
        SettingsError: the path cannot be used.
        SpoolError: it can be used again once there is room on the disk.
    """
    try:
        yield
    except OSError as error:
        sentence = f"{setting}: {path}: {error.strerror or type(error).__name__}"
        if may_pass(error):
            raise SpoolError(sentence) from None
        raise SettingsError([sentence]) from None


def nearest_existing(path: Path) -> Path:
    """Return a path, or the nearest folder above it that exists as far as this user may see."""
    return next(above for above in (path, *path.absolute().parents) if _exists(above))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder above it is closed to this user
        return False


def may_write(folder: Path) -> bool:
    """Return whether this user may write into an existing folder."""
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def starts_marker(heartbeat: Path) -> Path:
    """Return the file that counts the starts, see `data.starts`."""
    return heartbeat.with_name("starts")


def make_folder_of(heartbeat: Path) -> None:
    """Create the folder of the heartbeat file.

    Raises:
        SettingsError: it cannot be created.
        SpoolError: its disk is full.
    """
    with usable(HEARTBEAT, heartbeat.parent):
        heartbeat.parent.mkdir(parents=True, exist_ok=True)


def touch(heartbeat: Path) -> None:
    """Touch the heartbeat file. Answers go on if that fails; health checks notice its age."""
    try:
        heartbeat.touch()
    except OSError as error:
        logger.warning(
            "Could not touch the heartbeat file: %s",
            error.strerror,
            extra={"event": "heartbeat_failed"},
        )
