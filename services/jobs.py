"""Who runs a request: the one seam. For now this process does, and the queue lives in memory."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Protocol

from core.errors import BusyError, ClipferryError, ShuttingDownError

logger = logging.getLogger(__name__)


class Job(Protocol):
    """A request that can be served, or turned away."""

    async def run(self) -> None:
        """Serve it. Handles its own failures."""

    async def refuse(self, error: ClipferryError) -> None:
        """Tell the asker why it is not served. Handles its own failures."""


class Jobs:
    """Runs a bounded number of requests at a time; the others wait in order of coming."""

    def __init__(self, *, active: int, waiting: int) -> None:
        self._slots = asyncio.Semaphore(active)
        self._most = active + waiting
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    @property
    def count(self) -> int:
        """How many requests are running or waiting."""
        return len(self._tasks)

    def submit(self, job: Job) -> None:
        """Take a request; one that cannot be taken is refused at once."""
        if self._closing.is_set():
            self._start(job.refuse(ShuttingDownError()))
        elif len(self._tasks) >= self._most:
            self._start(job.refuse(BusyError()))
        else:
            self._start(self._run(job))

    async def drain(self, grace_s: float) -> None:
        """Start nothing new, turn away what waits, and give what runs `grace_s` seconds."""
        self._closing.set()
        if not self._tasks:
            return
        logger.info("Waiting for %d requests", len(self._tasks))
        _, late = await asyncio.wait(self._tasks, timeout=grace_s)
        for task in late:
            task.cancel()
        if late:
            logger.warning("%d requests did not end in time", len(late))
            await asyncio.wait(late, timeout=10)

    async def _run(self, job: Job) -> None:
        turn = asyncio.ensure_future(self._slots.acquire())  # noqa: TID251 - awaited right here
        closing = asyncio.ensure_future(self._closing.wait())  # noqa: TID251
        await asyncio.wait({turn, closing}, return_when=asyncio.FIRST_COMPLETED)
        closing.cancel()
        if not turn.done():
            turn.cancel()
            await job.refuse(ShuttingDownError())
            return
        try:
            await job.run()
        finally:
            self._slots.release()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)  # noqa: TID251 - this is the place
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
