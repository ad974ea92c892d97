"""Makes this process use the yt-dlp that was chosen; every process does so for itself."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from app.ytdlp_update.selection import version_in_use
from app.ytdlp_update.trials import Trials
from core.errors import ReleaseRefusedError, UpdateError
from core.ytdlp_plan import Plan, in_use, newer_wheels, version_of
from core.ytdlp_releases import version_key
from data.key_values import compare_and_set, read_value
from data.ytdlp_plan import load_plan
from platforms import reader_version
from services.alarms import Notifier

logger = logging.getLogger(__name__)

#: Time after which a version is tried again, in seconds: one that could not be had, and one that
#: does not work on this machine.
_RETRY_S: Final = 600
_REFUSED_S: Final = 6 * 3_600


@dataclass(frozen=True, slots=True)
class Switch:
    """How this process gets to another version."""

    #: Ends this process gracefully and starts it anew.
    restart: Callable[[], None]
    #: Locked until the administrators know of a decision: a restart would interrupt the message.
    telling: asyncio.Lock
    #: Name of this machine, if several share the database.
    machine: str


class Follower:
    """Compares the version in use with the chosen one."""

    def __init__(self, trials: Trials, installed: str, notifier: Notifier, switch: Switch) -> None:
        """`installed` is the installed version."""
        self._trials = trials
        self._installed = installed
        self._notifier = notifier
        self._switch = switch
        #: Monotonic times before which a version is not tried again on this machine.
        self._blocked: dict[str, float] = {}
        self._is_restarting = False

    async def follow(self) -> None:
        """Start anew if this process uses another version than the chosen one.

        A machine that does not have it gets it first. If it does not work here, this process
        remains with the version that it has. While this process ends its last requests, nothing
        more is done: the next start follows by itself.

        Raises:
            StorageError: the database did not respond.
        """
        if self._is_restarting:
            return
        plan = await load_plan()
        version, (used, _) = in_use(plan.chosen, self._installed), reader_version()
        is_blocked = time.monotonic() < self._blocked.get(version, 0)
        if is_blocked or self._has(plan):
            return
        try:
            await self._prepare(plan, used)
        except UpdateError as error:
            await self._remain(version, used, error)
            return
        async with self._switch.telling:
            logger.info("Restarting with yt-dlp %s", version, extra={"event": "ytdlp_restart"})
            self._is_restarting = True
            self._switch.restart()

    def _has(self, plan: Plan) -> bool:
        """Return True if this process uses what a new start would use.

        What yt-dlp says of itself does not count: if it were wrong, each start would end in the
        next one.
        """
        wanted = version_of(newer_wheels(plan.chosen, self._installed))
        found = version_in_use(self._trials.versions.folder)
        return version_key(wanted or "") == version_key(found or "")

    async def _prepare(self, plan: Plan, used: str) -> None:
        """Let the next start use the chosen version.

        Raises:
            UpdateError: this machine cannot use it.
        """
        wheels = newer_wheels(plan.chosen, self._installed)
        if wheels:
            await self._trials.ensure(wheels)
        self._trials.versions.select(version_of(wheels))
        # Until the restart, this process imports further modules of the version that it uses.
        self._trials.versions.prune((version_of(wheels), version_of(plan.previous), used))

    async def _remain(self, version: str, used: str, error: UpdateError) -> None:
        is_refused = isinstance(error, ReleaseRefusedError)
        self._blocked[version] = time.monotonic() + (_REFUSED_S if is_refused else _RETRY_S)
        logger.warning(
            "This machine cannot use yt-dlp %s: %s",
            version,
            error.detail,
            extra={"event": "ytdlp_not_followed"},
        )
        if is_refused:
            await self._report(version, used, error.detail)

    async def _report(self, version: str, used: str, detail: str) -> None:
        """Report once for each version on this machine, over restarts, that it is refused."""
        machine = self._switch.machine
        name = f"alarm/ytdlp/{machine}"
        before = await read_value(name)
        if before != version:
            await self._notifier.report(
                partial(compare_and_set, name, before, version),
                "ytdlp_refused",
                version=version,
                current=used,
                reason=f"{machine}: {detail}",
            )
