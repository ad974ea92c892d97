"""Who runs a request: the one seam. This process does, one request of each chat at a time."""

import asyncio
import itertools
import logging
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from core.chat_queue import ChatQueues
from core.errors import BusyError, ClipferryError, QueueFullError, RequestCancelledError
from services.requests.slots import Slots

logger = logging.getLogger(__name__)


class QueuedJob(Protocol):
    """A request that can be served, turned away, or left to the next process."""

    @property
    def chat_id(self) -> int:
        """The chat in whose queue it stands."""

    @property
    def position(self) -> int:
        """The number of its message, which says who was first."""

    async def run(self) -> None:
        """Serve it. Handles its own failures."""

    async def refuse(self, error: ClipferryError, *, aloud: bool = True) -> None:
        """End it without serving it, and tell the asker why. Handles its own failures."""

    async def leave(self) -> None:
        """Leave it to the next process. Handles its own failures."""

    async def seen(self) -> None:
        """Show the asker that it was seen, although its turn is still to come."""

    async def waits(self, number: int, ahead: int) -> None:
        """Tell the asker that it takes long: its number, and how many are ahead of it."""


class RequestQueue:
    """Runs requests: of each chat one at a time. What is costly about them waits for a slot."""

    def __init__(self, slots: Slots, *, most: int, patience_s: float) -> None:
        self._slots = slots
        self._most = most
        self._patience_s = patience_s
        #: Numbers of the jobs.
        self._queues: ChatQueues[int] = ChatQueues()
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        #: By number: all jobs that have not ended, and the tasks of those that run.
        self._known: dict[int, QueuedJob] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        #: What will be said to those who have waited long; forgotten at once when it is not needed,
        #: because in a rush there are many.
        self._reminders: dict[int, asyncio.TimerHandle] = {}
        #: Numbers of those that run and are wanted no more.
        self._called_off: set[int] = set()
        self._is_closing = False

    @property
    def count(self) -> int:
        """How many requests are running or waiting, or being turned away."""
        return max(len(self._queues), len(self._tasks))

    @property
    def running(self) -> int:
        """How many requests are being served; they may be waiting for a slot."""
        return len(self._running)

    def submit(self, jobs: Sequence[QueuedJob], most: int | None) -> None:
        """Take what a message asks for, one job or more of one chat.

        `most` is how many messages of its chat may be in the queue; None for those that were taken
        before. What cannot be taken is refused at once.
        """
        if self._is_closing:
            for job in jobs:
                self._start(job.leave())
            return
        numbered = {next(self._numbers): job for job in jobs}
        chat_id, position = jobs[0].chat_id, jobs[0].position
        if most is not None and len(self._queues) + len(jobs) > self._most:
            self.turn_away(jobs, BusyError())
        elif self._queues.put(chat_id, list(numbered), most, position):
            self._known |= numbered
            self._call_up(chat_id)
            loop = asyncio.get_running_loop()
            for number, job in numbered.items():
                self._reminders[number] = loop.call_later(self._patience_s, self._remind, number)
                if number not in self._running:
                    self._start(job.seen())
        else:
            self.turn_away(jobs, QueueFullError(most or 0))

    def turn_away(self, jobs: Sequence[QueuedJob], error: ClipferryError) -> None:
        """Refuse what a message asks for without queueing it; that is said once."""
        for job in jobs:
            self._start(job.refuse(error, aloud=job is jobs[0]))

    def cancel(self, number: int, chat_id: int) -> bool:
        """Stop a request of a chat, waiting or running; False if it has ended already."""
        job = self._known.get(number)
        if job is None or job.chat_id != chat_id:
            return False
        if task := self._running.get(number):
            self._called_off.add(number)
            task.cancel()
        elif self._queues.remove(chat_id, number):
            self._forget(number)
            self._start(job.refuse(RequestCancelledError()))
        return True

    async def drain(self, grace_s: float) -> None:
        """Start nothing new, leave what waits, and give what is at work `grace_s` seconds."""
        self._is_closing = True
        for number in self._queues.drain():
            self._start(self._forget(number).leave())
        self._slots.close()
        if not self._tasks:
            return
        logger.info("Waiting for %d requests", len(self._tasks))
        _, late = await asyncio.wait(self._tasks, timeout=grace_s)
        for task in late:
            task.cancel()
        if late:
            logger.warning("%d requests did not end in time", len(late))
            await asyncio.wait(late, timeout=10)

    def _call_up(self, chat_id: int) -> None:
        """Start a chat's next request, if none of its is running."""
        number = self._queues.take(chat_id)
        if number is not None:
            self._running[number] = self._start(self._run(number, self._known[number]))

    async def _run(self, number: int, job: QueuedJob) -> None:
        try:
            await job.run()
        except asyncio.CancelledError:
            if number in self._called_off:
                await job.refuse(RequestCancelledError())
            else:
                await job.leave()
        finally:
            self._forget(number)
            del self._running[number]
            self._called_off.discard(number)
            self._queues.done(job.chat_id)
            self._call_up(job.chat_id)

    def _forget(self, number: int) -> QueuedJob:
        """Give a job that has ended, or is taken out of the queue."""
        self._reminders.pop(number).cancel()
        return self._known.pop(number)

    def _remind(self, number: int) -> None:
        """Tell an asker who has waited for long where the request is."""
        job = self._known.get(number)
        if job and not self._is_closing:
            ahead = self._slots.ahead_of(job.chat_id) or 0
            if number not in self._running:
                ahead += self._queues.before(job.chat_id, number)
            self._start(job.waits(number, ahead))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)  # noqa: TID251 - this is the place
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
