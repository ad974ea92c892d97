"""The part of a process that takes jobs from the job queue, in the role worker of a fleet."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.container import Container
from app.stop_time import StopStep, StopTime
from core.concurrency import cancel_all
from data.config import Settings
from misc.fleet_work import FleetWork
from misc.intake import RequestIntake

logger = logging.getLogger(__name__)


class FleetWorker:
    """Takes jobs while the process runs, and hands back what does not end in time."""

    def __init__(
        self, container: Container, settings: Settings, intake: RequestIntake, stop_time: StopTime
    ) -> None:
        from data.job_worker import JobWorker  # not installed for a single process

        self._queue = container.request_queue
        self._stop_time = stop_time
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

        A job that does not end then is left: a request may wait for Telegram for a minute, and all
        must be handed back before the process is killed.

        Raises:
            StorageError: the database did not respond.
        """
        await self._work.prepare()
        running = asyncio.create_task(self._jobs.run())  # noqa: TID251 - ends with the block
        try:
            yield
        finally:
            self._jobs.stop()
            await asyncio.wait([running], timeout=self._stop_time.left_s(StopStep.JOBS))
            if not running.done():
                logger.warning("Jobs did not end in time", extra={"event": "jobs_late"})
                await cancel_all([running], self._stop_time.left_s(StopStep.JOBS))

    async def drain(self, grace_s: float, cancel_s: float) -> None:
        """Take no more jobs, and drain the queue; what does not end in time is handed back."""
        self._jobs.stop()
        self._work.stop()
        await self._queue.drain(grace_s, cancel_s)
