"""One run of a broadcast in this process: whose turn it is, and how the run is stopped."""

import asyncio
import heapq
import logging
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from core.broadcasts import Broadcast, State
from core.concurrency import wait_for_event
from core.errors import StorageError
from data.broadcasts import change_broadcast, next_recipients

logger = logging.getLogger(__name__)

#: Delay before a retry after a failure that has nothing to do with the chat, in seconds.
RETRY_S: Final = 5.0
#: Recipients read from the database at a time.
_PAGE: Final = 200


class StopSignal:
    """Stops a run, and interrupts its tasks where nothing has been sent yet."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        #: Tasks whose message waits for the rate limiter and has not been started.
        self._waiting: set[asyncio.Task[Any]] = set()
        self._interrupted: set[asyncio.Task[Any]] = set()

    @property
    def is_set(self) -> bool:
        """Return True once the run is stopped."""
        return self._event.is_set()

    def set(self) -> None:
        """Stop the run."""
        self._event.set()
        for task in self._waiting - self._interrupted:
            self._interrupted.add(task)
            task.cancel()

    async def wait(self, seconds: float) -> None:
        """Wait, at most until the run is stopped."""
        await wait_for_event(self._event, seconds)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let `set` cancel the current task inside the block, until `started` is called.

        Raises:
            CancelledError: it is stopped already. Where there is nothing to wait for, a later
                cancellation would come when the start is being stored.
        """
        task = _current_task()
        if self.is_set:
            self._interrupted.add(task)
            raise asyncio.CancelledError
        self._waiting.add(task)
        try:
            yield
        finally:
            self._waiting.discard(task)

    def started(self) -> None:
        """Let the current task end as usual from now on: its message is about to be sent."""
        self._waiting.discard(_current_task())

    def has_interrupted(self) -> bool:
        """Return True, and undo the cancellation, if `set` has cancelled the current task."""
        task = _current_task()
        if task not in self._interrupted:
            return False
        task.uncancel()
        return True


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task
    return task


class BroadcastRun:
    """A broadcast that this process is sending."""

    def __init__(self, broadcast: Broadcast) -> None:
        self.broadcast = broadcast
        #: Recipients that were read from the database, and are not sent to yet.
        self._page: deque[int] = deque()
        #: The last recipient taken from `_page`.
        self._last_id: int | None = None
        self._lock = asyncio.Lock()
        self._started_at = time.monotonic()
        #: Chats to send to again: when (event loop time), and which; earliest first.
        self._retries: list[tuple[float, int]] = []
        #: Number of chats with a final outcome.
        self.done = 0
        self.stop_signal = StopSignal()
        self._is_at_end = False
        self.ended = asyncio.Event()

    @property
    def number(self) -> int:
        """Return the number of the broadcast, its key in the database."""
        return self.broadcast.id

    @property
    def is_stopped(self) -> bool:
        """Return True if nothing more may be sent."""
        return self.stop_signal.is_set

    def stop(self) -> None:
        """Send nothing more; messages that are being sent end as usual."""
        self.stop_signal.set()

    def retry(self, chat_id: int, delay_s: float) -> None:
        """Send to a chat again, after `delay_s` seconds at the earliest."""
        heapq.heappush(self._retries, (asyncio.get_running_loop().time() + delay_s, chat_id))

    async def next_chat(self) -> int | None:
        """Return the next chat, or None if none is left or the run is stopped.

        If all that is left are chats to send to later, wait for the first of them.

        Raises:
            StorageError: the database did not respond.
        """
        loop = asyncio.get_running_loop()
        while not self.is_stopped:
            async with self._lock:
                if self._retries and self._retries[0][0] <= loop.time():
                    return heapq.heappop(self._retries)[1]
                if not self._page:
                    self._page.extend(await next_recipients(self.number, self._last_id, _PAGE))
                if self._page:
                    self._last_id = self._page.popleft()
                    return self._last_id
                if not self._retries:
                    self._is_at_end = True
                    return None
                delay_s = self._retries[0][0] - loop.time()
            await self.stop_signal.wait(delay_s)
        return None

    @property
    def is_over(self) -> bool:
        """Return True if every chat has a final outcome."""
        return self._is_at_end and not self._retries and not self.is_stopped

    async def wait_after(self, error: StorageError) -> None:
        """Log a database error and wait before the next attempt; do nothing if stopped."""
        if not self.is_stopped:
            logger.warning(
                "Broadcast %d is delayed by %d s: %s",
                self.number,
                RETRY_S,
                error,
                extra={"event": "broadcast_delayed"},
            )
            await self.stop_signal.wait(RETRY_S)

    async def pause(self, trouble: str) -> None:
        """Pause the broadcast; `trouble` is the key of the text that explains why."""
        self.stop()
        await change_broadcast(self.number, State.RUNNING, state=State.PAUSED, trouble=trouble)

    def per_second(self) -> float:
        """Return the average number of messages per second."""
        return self.done / max(time.monotonic() - self._started_at, 0.001)
