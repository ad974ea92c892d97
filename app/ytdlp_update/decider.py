"""Decides which yt-dlp all processes use; one process does so for all of them."""

import asyncio
import logging
import math
from dataclasses import replace
from functools import partial
from typing import Final

from app.ytdlp_update.trials import Trials
from core.errors import ReleaseRefusedError, UpdateError
from core.statistics import slot_of
from core.ytdlp_plan import BEFORE_S, Counts, Fall, Plan, find_fall, in_use, subtract, sum_by_site
from core.ytdlp_releases import MIN_AGE_S, Release
from data.database import unix_now
from data.statistics import outcomes_by_slot
from data.ytdlp_plan import begin_requested_update, change_plan, end_requested_update, load_plan
from platforms import Registry
from services.alarms import Notifier
from services.metrics import downloads_by_slot

logger = logging.getLogger(__name__)

#: Interval between two looks at the index, in seconds.
_LOOK_S: Final = 6 * 3_600
#: Time whose downloads are looked at for a fall, in seconds.
_RECENT_S: Final = 12 * 3_600
#: Attempts at an update that an administrator has requested: a restart cuts one off.
_MOST_BEGUN: Final = 3


class Decider:
    """Looks for newer versions, adopts those that work, and rolls back those that do not."""

    def __init__(
        self,
        trials: Trials,
        installed: str,
        registry: Registry,
        notifier: Notifier,
        telling: asyncio.Lock,
    ) -> None:
        """`installed` is the installed version; `telling` is locked until a decision is told."""
        self._trials = trials
        self._installed = installed
        self._registry = registry
        self._notifier = notifier
        self._telling = telling

    async def look(self) -> None:
        """Look for a newer version if it is time, or if an administrator has asked.

        The administrator gets an answer, if need be after the next start.

        Raises:
            StorageError: the database did not respond.
        """
        plan, begun = await load_plan(), await begin_requested_update()
        # Below 0 the clock was ahead at the last look.
        if not begun and 0 <= unix_now() - plan.looked_at < _LOOK_S:
            return
        looked = replace(plan, looked_at=unix_now())
        if not await change_plan(plan, looked):
            return
        try:
            if begun > _MOST_BEGUN:
                raise UpdateError("the bot was stopped in the middle each time")
            await self._look(looked, begun)
        except UpdateError as error:
            logger.warning(
                "Could not look for a newer yt-dlp: %s",
                error.detail,
                extra={"event": "ytdlp_not_looked"},
            )
            if begun:
                end = partial(end_requested_update, begun)
                await self._notifier.report(end, "ytdlp_unreachable", reason=error.detail)
        else:
            await end_requested_update(begun)

    async def watch(self) -> None:
        """Take a new version back if downloads have got worse with it.

        Raises:
            StorageError: the database did not respond.
        """
        plan, now = await load_plan(), unix_now()
        if not plan.is_watched(now):
            return
        since = max(plan.switched_at, now - _RECENT_S)
        counts = downloads_by_slot(await outcomes_by_slot(since))
        fall = find_fall(plan.before, subtract(counts, slot_of(plan.switched_at), plan.at_switch))
        if fall:
            await self._roll_back(plan, fall)

    async def _look(self, plan: Plan, begun: int) -> None:
        """Look for a newer version; `begun` is not 0 if an administrator has asked.

        Raises:
            UpdateError: the index cannot be read, or the version cannot be had.
        """
        current = in_use(plan.chosen, self._installed)
        until = math.inf if begun else unix_now() - MIN_AGE_S
        refused = () if begun else plan.refused
        release = await self._trials.newest(current, refused, until)
        if release is None:
            if begun:
                end = partial(end_requested_update, begun)
                await self._notifier.report(end, "ytdlp_current", version=current)
            return
        try:
            wheels = await self._trials.try_release(release, until)
        except ReleaseRefusedError as error:
            await self._refuse(plan, release.version, error.detail)
        else:
            await self._choose(plan, wheels, release.version)

    async def _refuse(self, plan: Plan, version: str, reason: str) -> None:
        is_refused = await self._notifier.report(
            partial(change_plan, plan, plan.refusing(version)),
            "ytdlp_refused",
            version=version,
            current=in_use(plan.chosen, self._installed),
            reason=reason,
        )
        if is_refused:
            logger.warning(
                "yt-dlp %s is not used: %s", version, reason, extra={"event": "ytdlp_refused"}
            )

    async def _choose(self, plan: Plan, wheels: tuple[Release, ...], version: str) -> None:
        """Store a new version with what its downloads are compared with, and tell about it."""
        now = unix_now()
        slots = downloads_by_slot(await outcomes_by_slot(now - BEFORE_S))
        at_switch: dict[str, Counts] = {
            site: counts for (slot, site), counts in slots.items() if slot == slot_of(now)
        }
        chosen = plan.switched(wheels, now, sum_by_site(slots), at_switch)
        async with self._telling:
            is_chosen = await self._notifier.report(
                partial(change_plan, plan, chosen),
                "ytdlp_switched",
                version=version,
                current=in_use(plan.chosen, self._installed),
            )
        if is_chosen:
            logger.info(
                "yt-dlp %s has passed its tests and is used now",
                version,
                extra={"event": "ytdlp_chosen"},
            )

    async def _roll_back(self, plan: Plan, fall: Fall) -> None:
        platform = self._registry.by_name.get(fall.site)
        async with self._telling:
            is_back = await self._notifier.report(
                partial(change_plan, plan, plan.rolled_back()),
                "ytdlp_rolled_back",
                version=plan.version or "",
                current=in_use(plan.previous, self._installed),
                site=platform.title if platform else fall.site,
                before=fall.before,
                after=fall.after,
            )
        if is_back:
            logger.warning(
                "Rolled back yt-dlp %s: %d %% of the downloads from %s succeed, %d %% before",
                plan.version,
                fall.after,
                fall.site,
                fall.before,
                extra={"event": "ytdlp_rolled_back"},
            )
