"""Who runs a request: the one seam. For now this process does, and the queue lives in memory."""

import asyncio
import itertools
import logging
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from core.errors import (
    BusyError,
    CalledOffError,
    ClipferryError,
    QueueFullError,
    ShuttingDownError,
)
from core.turns import FairQueue

logger = logging.getLogger(__name__)


class Job(Protocol):
    """A request that can be served, or turned away."""

    @property
    def chat_id(self) -> int:
        """The chat in whose queue it stands."""

    @property
    def order(self) -> int:
        """The number of its message, which says who was first."""

    async def run(self) -> None:
        """Serve it. Handles its own failures."""

    async def refuse(self, error: ClipferryError) -> None:
        """Tell the asker why it is not served. Handles its own failures."""

    async def seen(self) -> None:
        """Show the asker that it was seen, although its turn is still to come."""

    async def waits(self, number: int, ahead: int) -> None:
        """Tell the asker that it takes long: its number, and how many are ahead of it."""


class Jobs:
    """Runs a bounded number of requests at a time: one of each chat, the chats in turn."""

    def __init__(self, *, active: int, waiting: int, patience_s: float) -> None:
        self._free = active
        self._most = active + waiting
        self._patience_s = patience_s
        #: Numbers of the jobs.
        self._queue: FairQueue[int] = FairQueue()
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        #: By number: the jobs in the queue, and the tasks of those that run.
        self._known: dict[int, Job] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        #: Numbers of those that run and are wanted no more.
        self._called_off: set[int] = set()
        self._is_closing = False

    @property
    def count(self) -> int:
        """How many requests are running or waiting, or being turned away."""
        return max(len(self._queue), len(self._tasks))

    def submit(self, jobs: Sequence[Job], most: int) -> None:
        """Take what a message asks for, one job or more of one chat.

        `most` is how many messages of its chat may be in the queue. What cannot be taken is refused
        at once.
        """
        numbered = {next(self._numbers): job for job in jobs}
        if error := self._objection(numbered, most):
            for job in jobs:
                self._start(job.refuse(error))
            return
        self._known |= numbered
        self._call_up()
        for number, job in numbered.items():
            asyncio.get_running_loop().call_later(self._patience_s, self._remind, number)
            if number not in self._running:
                self._start(job.seen())

    def _objection(self, numbered: dict[int, Job], most: int) -> ClipferryError | None:
        """Queue jobs, or say why that cannot be."""
        if self._is_closing:
            return ShuttingDownError()
        if len(self._queue) + len(numbered) > self._most:
            return BusyError()
        first = next(iter(numbered.values()))
        if self._queue.put(first.chat_id, list(numbered), most, first.order):
            return None
        return QueueFullError(most)

    def cancel(self, number: int, chat_id: int) -> bool:
        """Stop a request of a chat, waiting or running; False if it has ended already."""
        job = self._known.get(number)
        if job is None or job.chat_id != chat_id:
            return False
        if task := self._running.get(number):
            self._called_off.add(number)
            task.cancel()
        elif self._queue.remove(chat_id, number):
            del self._known[number]
            self._start(job.refuse(CalledOffError()))
        return True

    async def drain(self, grace_s: float) -> None:
        """Start nothing new, turn away what waits, and give what runs `grace_s` seconds."""
        self._is_closing = True
        for number in self._queue.drain():
            self._start(self._known.pop(number).refuse(ShuttingDownError()))
        if not self._tasks:
            return
        logger.info("Waiting for %d requests", len(self._tasks))
        _, late = await asyncio.wait(self._tasks, timeout=grace_s)
        for task in late:
            task.cancel()
        if late:
            logger.warning("%d requests did not end in time", len(late))
            await asyncio.wait(late, timeout=10)

    def _call_up(self) -> None:
        """Start whose turn it is, as long as somebody is free to serve."""
        while self._free and (taken := self._queue.take()):
            chat_id, number = taken
            self._free -= 1
            self._running[number] = self._start(self._run(number, chat_id, self._known[number]))

    async def _run(self, number: int, chat_id: int, job: Job) -> None:
        try:
            await job.run()
        except asyncio.CancelledError:
            was_called_off = number in self._called_off
            await job.refuse(CalledOffError() if was_called_off else ShuttingDownError())
        finally:
            del self._known[number], self._running[number]
            self._called_off.discard(number)
            self._free += 1
            self._queue.done(chat_id)
            self._call_up()

    def _remind(self, number: int) -> None:
        """Tell an asker who has waited for long where the request is."""
        job = self._known.get(number)
        if job and not self._is_closing:
            is_running = number in self._running
            ahead = 0 if is_running else self._queue.ahead_of(job.chat_id, number)
            self._start(job.waits(number, ahead))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)  # noqa: TID251 - this is the place
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
