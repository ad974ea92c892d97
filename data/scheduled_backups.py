"""Regular backups: a new one when the newest is old enough, and the oldest are deleted."""

import asyncio
import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from core.clock import Clock, shared_clock
from core.errors import StorageError
from data.backup import back_up, sqlite_path
from data.new_file import UNFINISHED
from data.postgres_tools import dump

logger = logging.getLogger(__name__)

_NAMES: Final = "clipferry-????????T??????Z.backup"
#: How far in the future the name of a backup may be, in seconds: clocks are corrected by a little.
_AHEAD_S: Final = 600
#: Longest wait for a backup to end once it is cancelled, in seconds: at the end of the process, the
#: cancellation is repeated soon after.
_END_S: Final = 1.0
#: What processes that were killed have left.
_CUT_OFF: Final = f"clipferry-????????T??????Z*{UNFINISHED}*"


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """Where backups are written, how often, and how many are kept."""

    folder: Path
    interval_s: int
    kept: int
    #: Schedulers of several machines may write to the same folder, one after the other.
    clock: Clock = shared_clock

    async def follow(self, db_url: str) -> None:
        """Make a backup if one is due, then delete those that are too many.

        None is deleted if all others are in the future: the clock may be wrong now, as on a machine
        that starts in 1970 until it has reached a time server.

        Raises:
            StorageError: the backup could not be made. No older one is deleted then.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            newest_at = self.newest_at()
            if newest_at is not None and self.clock() - newest_at < self.interval_s:
                return
            now = datetime.fromtimestamp(self.clock(), UTC)
            target = self.folder / f"clipferry-{now:%Y%m%dT%H%M%SZ}.backup"
            began = time.monotonic()
            await _write(db_url, target)
            too_many = [] if newest_at is None else self._found()[: -self.kept]
            for old in [*too_many, *self.folder.glob(_CUT_OFF)]:
                old.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{self.folder}: {error.strerror}") from error
        logger.info(
            "Backed up the database to %s in %.1f s",
            target,
            time.monotonic() - began,
            extra={"event": "backup_made"},
        )

    def newest_at(self) -> float | None:
        """Return the Unix time of the newest backup; None if there is none."""
        return max(map(self._made_at, self._found()), default=0) or None

    def _found(self) -> list[Path]:
        """Return the finished backups, oldest first."""
        named = [path for path in self.folder.glob(_NAMES) if _time_in(path.name) is not None]
        return sorted(named, key=lambda path: (self._made_at(path), path.name))

    def _made_at(self, backup: Path) -> float:
        """Return the Unix time in a backup's name; its file may have been copied since.

        0 if it is in the future: the clock was wrong then. Such a backup is not the newest one, for
        which the next would wait until that time, but the first that is deleted.
        """
        made_at = _time_in(backup.name) or 0
        return made_at if made_at <= self.clock() + _AHEAD_S else 0


def _time_in(name: str) -> float | None:
    """Return the Unix time in the name of a backup; None if it is another file's."""
    try:
        return datetime.strptime(name, "clipferry-%Y%m%dT%H%M%S%z.backup").timestamp()
    except ValueError:
        return None


async def _write(db_url: str, target: Path) -> None:
    """Write a backup; if the caller is cancelled, wait for the thread's end, but not for ever."""
    must_end = threading.Event()
    loop = asyncio.get_running_loop()
    if database := sqlite_path(db_url):
        writing = loop.run_in_executor(None, back_up, database, target)
    else:
        writing = loop.run_in_executor(None, dump, db_url, target, must_end)
    try:
        await asyncio.wait([writing])
    except asyncio.CancelledError:
        must_end.set()
        await asyncio.wait([writing], timeout=_END_S)
        if writing.done():
            writing.exception()  # marks it as seen: the cancellation is what is raised
        raise
    writing.result()
