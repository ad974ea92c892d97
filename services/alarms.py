"""Alarms to administrators: failing sites, accounts, canaries and backups, full disks, and more.

The state of each alarm is in the database, so that only one process sends each change, once.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import floor
from typing import Final, Protocol

from core.errors import ClipferryError, PlatformChangedError, StorageError
from core.facts import Fact, FileSize
from core.failures import RecentDownloads
from core.formats import Quality
from core.media import Clip, Link, Picture, Post
from data.database import unix_now
from data.key_values import Along, check_writable, compare_and_set, read_value
from data.statistics import last_download_at, outcomes_by_slot
from delivery.moved_chats import MovedChats
from platforms import Attempt, Fetcher, Spool
from services.metrics import Metrics, downloads_by_slot
from services.requests.file_requests import picture_request, video_request

logger = logging.getLogger(__name__)

#: Prefix of the keys under which the states of the alarms are stored.
_KEY_PREFIX: Final = "alarm"
#: Downloads that are looked at when this process begins to check, in seconds.
_LOOK_BACK_S: Final = 1_800

#: Failed writes in a row after which the database counts as out of order.
_DATABASE_FAILURES: Final = 2


#: Makes a change of the database, with what belongs to it; returns False if nothing changes.
Change = Callable[[Along], Awaitable[bool]]


class Notifier(Protocol):
    """Sends alarms to administrators."""

    async def notify(self, key: str, **facts: Fact) -> None:
        """Send the text `key`, filled with `facts`. Raises nothing.

        It is lost with the process: this is for what cannot be stored, or is found out again.
        """

    async def report(self, change: Change, key: str, **facts: Fact) -> bool:
        """Make a change, and send a text about it; return False if there was nothing to change.

        Raises:
            StorageError: the change was not made.
        """


@dataclass(frozen=True, slots=True)
class AlarmThresholds:
    """When alarms are sent."""

    #: Failure rate of a site's last downloads, from 0 to 1; 0 for never.
    failing: float
    #: Seconds without any download; 0 for never.
    quiet_s: int
    #: Posts that are fetched regularly as a test.
    canaries: Sequence[Link]


class Alarms:
    """Checks for trouble and notifies administrators when it starts and ends.

    Each check is a periodic task.
    """

    def __init__(
        self,
        notifier: Notifier,
        metrics: Metrics,
        fetcher: Fetcher,
        spool: Spool,
        thresholds: AlarmThresholds,
        machine: str = "",
    ) -> None:
        """Build them; `machine` names this machine if several share the database."""
        self._notifier = notifier
        self._metrics = metrics
        self._fetcher = fetcher
        self._spool = spool
        self._thresholds = thresholds
        self._machine = machine
        self._recent = RecentDownloads()
        #: Checks of the database that have failed in a row; what has no room to store it is here.
        self._database_failures = 0

    async def check_sites(self) -> None:
        """Check the failure rate of each site, over the downloads of all processes.

        Raises:
            StorageError: the database did not respond.
        """
        rows = await outcomes_by_slot(unix_now() - _LOOK_BACK_S)
        self._recent.update(downloads_by_slot(rows))
        for platform, failure_rate in self._recent.failing().items():
            title = self._fetcher.registry[platform].title
            if failure_rate >= self._thresholds.failing:
                percent = round(failure_rate * 100)
                await self._set_state(
                    f"site/{platform}", "1", "alarm_site", site=title, percent=percent
                )
            elif failure_rate <= self._thresholds.failing / 2:
                await self._set_state(f"site/{platform}", None, "alarm_site_over", site=title)

    async def check_updates(self) -> None:
        """Report each part of Telegram's updates that could not be read, once.

        Raises:
            StorageError: the database did not respond.
        """
        for where in sorted(self._metrics.unreadable_updates.parts):
            await self._set_state(f"update/{where}", "1", "alarm_update", where=where)

    async def check_moved_chats(self, moved: MovedChats) -> None:
        """Report each setting that has the old id of a group, once.

        Raises:
            StorageError: the database did not respond.
        """
        for setting, new_id in moved.stale_settings():
            facts = {"setting": setting, "chat": str(new_id)}
            await self._set_state(f"moved/{setting}/{new_id}", "1", "alarm_moved", **facts)

    async def check_disk(self) -> None:
        """Check whether the disk for downloads is full.

        Raises:
            StorageError: the database did not respond.
        """
        if self._spool.is_full:
            free = FileSize(self._spool.free_bytes, floor)
            await self._set_state(self._here("disk"), "1", "alarm_disk", free=free)
        else:
            await self._set_state(self._here("disk"), None, "alarm_disk_over")

    async def check_identities(self) -> None:
        """Check whether all accounts of a site have failed.

        They are files: all processes that share the folder have one alarm.

        Raises:
            StorageError: the database did not respond.
        """
        for platform in self._fetcher.registry.by_name.values():
            trouble = self._fetcher.identities.has_trouble(platform)
            if trouble is None:
                continue
            name = f"identities/{platform.name}"
            # Containers that share the folder have names of their own.
            folder = self._machine and self._fetcher.identities.folder_id()
            alarm = f"{name}/{folder}" if folder else self._here(name)
            if trouble:
                await self._set_state(alarm, "1", "alarm_identities", site=platform.title)
            else:
                await self._set_state(alarm, None, "alarm_identities_over", site=platform.title)

    async def check_database(self) -> None:
        """Check whether the database takes what is written: full and read-only disks still read.

        The state cannot be stored, so every process reports for itself.
        """
        try:
            await check_writable()
        except StorageError as error:
            self._database_failures += 1
            # One failure may be a lock.
            if self._database_failures == _DATABASE_FAILURES:
                await self._notifier.notify("alarm_database", error=error.detail)
            return
        is_over = self._database_failures >= _DATABASE_FAILURES
        self._database_failures = 0
        if is_over:
            await self._notifier.notify("alarm_database_over")

    async def watch_backup(self, make: Callable[[], Awaitable[None]]) -> None:
        """Let `make` make the backup that is due, if one is.

        Raises:
            StorageError: the backup could not be made, or the database did not respond.
        """
        try:
            await make()
        except StorageError as error:
            await self._set_state("backup", "1", "alarm_backup", error=error.detail)
            raise
        await self._set_state("backup", None, "alarm_backup_over")

    async def check_quiet(self) -> None:
        """Check how long ago the last download was.

        Raises:
            StorageError: the database did not respond.
        """
        last_at = await last_download_at()
        if last_at is None:
            return
        quiet_s = unix_now() - last_at
        level = min(quiet_s // self._thresholds.quiet_s, 2)
        key = "alarm_quiet" if level else "alarm_quiet_over"
        await self._set_state("quiet", str(level) if level else None, key, count=quiet_s // 60)

    async def check_canaries(self) -> None:
        """Fetch each canary, one after the other.

        Raises:
            StorageError: the database did not respond.
        """
        for link in self._thresholds.canaries:
            title = self._fetcher.registry[link.platform].title
            try:
                # A test must not cost an account.
                await self._fetcher.attempt(link, self._fetch, may_sign_in=False)
            except ClipferryError as error:
                logger.warning(
                    "Could not fetch the canary for %s: %s: %s",
                    title,
                    type(error).__name__,
                    error,
                    extra={"event": "canary_failed"},
                )
                facts = {"site": title, "error": type(error).__name__}
                await self._set_state(f"canary/{link.url}", "1", "alarm_canary", **facts)
            else:
                await self._set_state(f"canary/{link.url}", None, "alarm_canary_over", site=title)

    async def _fetch(self, attempt: Attempt) -> Post:
        """Read a post and download its first file, in the smallest rendition.

        Raises:
            ClipferryError: it cannot be fetched.
        """
        post = await attempt.read()
        limit = self._spool.quota_bytes
        match post.items[0]:
            case Clip() as clip:
                file = video_request(clip, "canary", limit, Quality.SMALL)
            case Picture() as picture:
                file = picture_request(picture, "canary", limit)
            case _:
                raise PlatformChangedError("the first item is unreadable")
        async with self._spool.workspace() as space:
            await attempt.save(post, [file], space)
        return post

    def _here(self, alarm: str) -> str:
        """Return the name of an alarm about this machine."""
        return f"{alarm}/{self._machine}" if self._machine else alarm

    async def _set_state(self, alarm: str, state: str | None, key: str, **facts: Fact) -> None:
        """Store an alarm's state (None: off); notify if no process has reported this state yet."""
        name = f"{_KEY_PREFIX}/{alarm}"
        before = await read_value(name)
        if before == state:
            return
        change = partial(compare_and_set, name, before, state)
        if state is None or before is None or state > before:
            await self._notifier.report(change, key, **facts)
        else:
            # A step down to a lower level is stored, but not reported: only the end is.
            await change()
