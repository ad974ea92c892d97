"""The folder with downloaded versions of yt-dlp, and the one that this machine uses.

var/yt-dlp/selected      the version in use; absent: the installed one
var/yt-dlp/2026.11.20/   yt_dlp, and yt_dlp_ejs where it is used
var/yt-dlp/lock          locked by the process that gets a version
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.process_lock import ProcessLock
from app.ytdlp_update.wheel import damage
from core.errors import UpdateError
from core.ytdlp_releases import version_key

_SELECTED: Final = "selected"
#: Locked by the process that gets a version, and how often the others look, in seconds.
_LOCK: Final = "lock"
_LOOK_S: Final = 1.0
#: Prefix of the folders of versions that are being tried, and the age at which nobody tries them.
_NEW: Final = ".new-"
_OLD_S: Final = 3_600


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of yt-dlp below one folder, each in a folder of its own."""

    folder: Path

    def selected(self) -> str | None:
        """Return the version that this machine uses; None for the installed one."""
        try:
            version = (self.folder / _SELECTED).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None
        return version if version_key(version) else None

    def select(self, version: str | None) -> None:
        """Use a version from the next start on; None for the installed one.

        Raises:
            UpdateError: the folder cannot be written.
        """
        file = self.folder / _SELECTED
        with self._writing():
            if version is None:
                file.unlink(missing_ok=True)
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            new = file.with_name(f"{_SELECTED}.{os.getpid()}")
            new.write_text(version, encoding="ascii")
            new.replace(file)

    def path(self, version: str) -> Path:
        """Return the folder of a version."""
        return (self.folder / version).absolute()

    def damage(self, version: str) -> str | None:
        """Return what is wrong with the folder of a version; None if it can be used."""
        path = self.path(version)
        return damage(path) if path.is_dir() else "there is no such folder"

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Provide a folder for the block, on the same file system.

        Raises:
            UpdateError: the folder cannot be written, in the block or here.
        """
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.folder, prefix=_NEW) as name:
                yield Path(name)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Let no other process with this folder into such a block at the same time.

        Raises:
            UpdateError: the folder cannot be written, in the block or here.
        """
        lock = ProcessLock(self.folder / _LOCK)
        with self._writing():
            while not lock.is_held:
                lock.acquire(str(os.getpid()))
                if not lock.is_held:  # it is held for minutes at most: trials have a limit
                    await asyncio.sleep(_LOOK_S)
            try:
                yield
            finally:
                lock.release()

    def keep(self, unpacked: Path, version: str) -> None:
        """Move an unpacked version to its place, unless another process was faster.

        Raises:
            UpdateError: the folder cannot be written.
        """
        with self._writing():
            if self.damage(version):
                shutil.rmtree(self.path(version), ignore_errors=True)
                unpacked.rename(self.path(version))

    def prune(self, kept: Collection[str | None]) -> None:
        """Delete all versions but those that are named, and what killed processes have left."""
        keys = {version_key(version or "") for version in kept}
        for path in self.folder.glob("*"):
            is_old = path.name.startswith(_NEW) and time.time() - path.stat().st_mtime > _OLD_S
            if is_old or version_key(path.name) not in {*keys, ()}:
                shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UpdateError(f"{self.folder} cannot be written: {error.strerror}") from error
