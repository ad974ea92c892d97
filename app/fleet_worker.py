"""The part of a process that takes jobs from the job queue, in the role worker of a fleet."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from app.container import Container
from core.concurrency import cancel_all
from data.config import Settings
from misc.fleet_work import FleetWork
from misc.intake import RequestIntake

logger = logging.getLogger(__name__)

#: Longest time for jobs to end once `drain` has given up their requests, and again once they are
#: cancelled, in seconds. Requests must be handed back before the process is killed.
_JOBS_S: Final = 2.0


class FleetWorker:
    """Takes jobs while the process runs, and hands back what does not end in time."""

    def __init__(self, container: Container, settings: Settings, intake: RequestIntake) -> None:
        from data.job_worker import JobWorker  # not installed for a single process

        self._queue = container.request_queue
        self._work = FleetWork(intake)
        self._jobs = JobWorker(
            settings["database"]["url"],
            container.bot.id,
            at_once=settings.limits.active_requests,
            lease_s=settings.run.lease_s,
            serve=self._work.serve,
            cancel=self._work.cancel,
        )

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Take jobs during the block, which calls `drain` at its end.

        A job that does not end then is left: a request may wait for Telegram for a minute.

        Raises:
            StorageError: the database did not respond.
        """
        await self._work.prepare()
        running = asyncio.create_task(self._jobs.run())  # noqa: TID251 - ends with the block
        try:
            yield
        finally:
            self._jobs.stop()
            await asyncio.wait([running], timeout=_JOBS_S)
            if not running.done():
                logger.warning("Jobs did not end in time", extra={"event": "jobs_late"})
                await cancel_all([running], _JOBS_S)

    async def drain(self, grace_s: float) -> None:
        """Take no more jobs, give running requests `grace_s` seconds, and hand back the others."""
        self._jobs.stop()
        self._work.stop()
        await self._queue.drain(grace_s)
