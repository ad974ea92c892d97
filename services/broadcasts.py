"""Sends broadcasts: at lower priority than answers, and never twice to the same chat.

The state of each recipient is stored before and after the send. After a crash, the outcome of at
most `AT_ONCE` messages is unknown; these are reported, and sent again only if an administrator
chooses to.
"""

import asyncio
import heapq
import logging
import time
from collections import deque
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Final, Protocol

from core.broadcasts import AT_ONCE, Broadcast, Outcome, State
from core.errors import (
    ChatForbiddenError,
    ChatMovedError,
    DeliveryError,
    FloodError,
    SourceGoneError,
    StorageError,
    TelegramUnreachableError,
    UnknownOutcomeError,
)
from core.pseudonyms import LoggedChat
from data.broadcasts import (
    change_broadcast,
    claim_broadcast,
    find_broadcast,
    list_recipients,
    next_recipients,
    record_outcome,
    record_sending_to,
    release_broadcast,
    rename_recipient,
)
from data.chats import mark_blocked, move_chat
from delivery.rate_limiter import is_bulk_send
from delivery.sender import Sender
from services.requests.store import RequestStore

logger = logging.getLogger(__name__)

#: Recipients read from the database at a time.
_PAGE: Final = 200
#: How often the broadcast is checked for a pause, in seconds.
_CHECK_INTERVAL_S: Final = 1.0
#: How often the card is updated, in seconds.
_CARD_INTERVAL_S: Final = 3.0
#: Delay before a retry after a failure that has nothing to do with the chat, in seconds.
_RETRY_S: Final = 5.0


class Card(Protocol):
    """Shows an administrator the progress of a broadcast."""

    async def show(self, broadcast: Broadcast, per_second: float = 0.0) -> None:
        """Show the state, and the speed in messages per second. Raises nothing."""


class Broadcasts:
    """Sends the broadcasts of one bot, one after the other."""

    def __init__(
        self, bot_id: int, sender: Sender, request_store: RequestStore, card: Card
    ) -> None:
        self._bot_id = bot_id
        self._sender = sender
        self._request_store = request_store
        self._card = card
        self._run: _Run | None = None
        self._is_closing = False

    async def work(self) -> None:
        """Send due broadcasts that no other process sends, until there are none.

        Raises:
            StorageError: the database did not respond.
        """
        while not self._is_closing:
            await self._request_store.beat()
            broadcast = await claim_broadcast(self._bot_id, self._request_store.name)
            if broadcast is None:
                return
            logger.info(
                "Broadcast %d: sending to %d of %d chats",
                broadcast.id,
                broadcast.left,
                broadcast.total,
                extra={"event": "broadcast_started"},
            )
            self._run = _Run(broadcast)
            try:
                await self._send(self._run)
            finally:
                self._run.ended.set()
                self._run = None

    @property
    def progress(self) -> tuple[int, int] | None:
        """Return the running broadcast's number and how many chats are done; None without one."""
        return (self._run.number, self._run.done) if self._run else None

    async def close(self, grace_s: float) -> None:
        """Stop sending; wait up to `grace_s` seconds for the messages in flight."""
        self._is_closing = True
        if run := self._run:
            run.stop()
            try:
                await asyncio.wait_for(run.ended.wait(), grace_s)
            except TimeoutError:
                logger.warning(
                    "Broadcast %d did not stop in time",
                    run.number,
                    extra={"event": "broadcast_stop_timeout"},
                )

    async def _send(self, run: "_Run") -> None:
        try:
            while not run.is_stopped and await list_recipients(run.number):
                await self._request_store.beat()
            monitor = asyncio.create_task(self._monitor(run))  # noqa: TID251 - ends with this block
            try:
                await asyncio.gather(*(self._send_to_all(run) for _ in range(AT_ONCE)))
            finally:
                monitor.cancel()
                await asyncio.gather(monitor, return_exceptions=True)
            if run.is_over:
                await change_broadcast(run.number, State.RUNNING, state=State.DONE)
        finally:
            await release_broadcast(run.number, self._request_store.name)
            latest = await find_broadcast(run.number)
        if latest:
            logger.info(
                "Broadcast %d is %s: %d sent",
                latest.id,
                latest.state,
                latest.sent,
                extra={"event": "broadcast_stopped"},
            )
            await self._card.show(latest)

    async def _send_to_all(self, run: "_Run") -> None:
        """Send to one chat after another until none is left; `AT_ONCE` of these run at a time."""
        is_bulk_send.set(True)
        while not run.is_stopped:
            chat_id = None
            try:
                chat_id = await run.next_chat()
                if chat_id is None:
                    return
                await self._send_to(run, chat_id)
            except StorageError as error:
                if chat_id is not None:
                    run.retry(chat_id, 0)
                await run.wait_after(error)
            except asyncio.CancelledError:
                task = _current_task()
                if task not in run.interrupted:
                    raise
                task.uncancel()
                return

    async def _send_to(self, run: "_Run", chat_id: int) -> None:
        """Send to a chat and record the outcome.

        Raises:
            StorageError: nothing was sent, because the start could not be recorded.
        """
        try:
            outcome, delay_s = await self._try_send(run, chat_id)
        except ChatMovedError as moved:
            await self._replace_recipient(run, chat_id, moved.new_chat_id)
            return
        while True:
            try:
                await record_outcome(run.number, chat_id, outcome)
                break
            except StorageError as error:  # the message was sent: its outcome must not be lost
                logger.warning(
                    "Broadcast %d could not record an outcome, retrying in %d s: %s",
                    run.number,
                    _RETRY_S,
                    error,
                    extra={"event": "broadcast_outcome_not_recorded"},
                )
                await asyncio.sleep(_RETRY_S)
        if outcome is Outcome.WAITING:
            run.retry(chat_id, delay_s)
        else:
            run.done += 1

    async def _try_send(self, run: "_Run", chat_id: int) -> tuple[Outcome, float]:
        """Send to a chat; return the outcome and, for WAITING, the seconds until a retry.

        Raises:
            ChatMovedError: the chat has a new id.
            StorageError: nothing was sent.
        """
        try:
            await self._copy(run, chat_id)
        except ChatMovedError:
            raise
        except ChatForbiddenError:
            await _after_refusal(mark_blocked(chat_id))
            return Outcome.BLOCKED, 0
        except UnknownOutcomeError:
            return Outcome.UNKNOWN, 0
        except FloodError as flood:
            return Outcome.WAITING, flood.retry_after_s
        except TelegramUnreachableError:
            return Outcome.WAITING, _RETRY_S
        except SourceGoneError:
            await run.pause("broadcast_gone")
            return Outcome.WAITING, 0
        except DeliveryError as error:
            logger.info(
                "Broadcast %d could not be sent to chat %s: %s",
                run.number,
                LoggedChat(chat_id),
                error,
                extra={"event": "broadcast_refused"},
            )
            return Outcome.FAILED, 0
        return Outcome.SENT, 0

    async def _replace_recipient(self, run: "_Run", chat_id: int, new_id: int) -> None:
        """Replace a group by the supergroup that it became, unless that is a recipient already."""
        await _after_refusal(move_chat(chat_id, new_id))
        while True:
            try:
                if await rename_recipient(run.number, chat_id, new_id):
                    run.retry(new_id, 0)
            except StorageError as error:
                await run.wait_after(error)
                if not run.is_stopped:
                    continue
            return

    async def _copy(self, run: "_Run", chat_id: int) -> None:
        async def record_start() -> None:
            run.waiting.discard(_current_task())
            if await record_sending_to(run.number, chat_id):
                return
            run.stop()
            raise StorageError("it was stopped, or another process has taken it over")

        run.waiting.add(_current_task())
        try:
            await self._sender.copy(run.broadcast, chat_id, record_start)
        finally:
            run.waiting.discard(_current_task())

    async def _monitor(self, run: "_Run") -> None:
        """Renew the lease, update the card, and stop the run once it is paused or cancelled."""
        shown_at = 0.0
        while True:
            try:
                await self._request_store.beat()
                latest = await find_broadcast(run.number)
            except StorageError as error:
                logger.warning(
                    "Could not check broadcast %d for a pause: %s",
                    run.number,
                    error,
                    extra={"event": "broadcast_check_failed"},
                )
            else:
                if latest is None or latest.state is not State.RUNNING:
                    run.stop()
                elif time.monotonic() - shown_at > _CARD_INTERVAL_S:
                    shown_at = time.monotonic()
                    await self._card.show(latest, run.per_second())
            await asyncio.sleep(_CHECK_INTERVAL_S)


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task
    return task


async def _after_refusal(update: Awaitable[object]) -> None:
    """Store what a refusal says about a chat; a failure does not change the outcome."""
    try:
        await update
    except StorageError as error:
        logger.warning(
            "Could not update a chat: %s", error, extra={"event": "broadcast_chat_not_updated"}
        )


class _Run:
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
        #: Tasks whose message waits for the rate limiter and has not been started.
        self.waiting: set[asyncio.Task[Any]] = set()
        #: Tasks that were cancelled while they waited: nothing was sent.
        self.interrupted: set[asyncio.Task[Any]] = set()
        #: Number of chats with a final outcome.
        self.done = 0
        self._stopped = asyncio.Event()
        self._is_at_end = False
        self.ended = asyncio.Event()

    @property
    def number(self) -> int:
        """Return the number of the broadcast, its key in the database."""
        return self.broadcast.id

    @property
    def is_stopped(self) -> bool:
        """Return True if nothing more may be sent."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Send nothing more; messages that are being sent end as usual."""
        self._stopped.set()
        self.interrupted |= self.waiting
        for task in self.waiting:
            task.cancel()

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
            await self._pause(delay_s)
        return None

    async def _pause(self, seconds: float) -> None:
        """Wait, at most until the run is stopped."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)

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
                _RETRY_S,
                error,
                extra={"event": "broadcast_delayed"},
            )
            await self._pause(_RETRY_S)

    async def pause(self, trouble: str) -> None:
        """Pause the broadcast; `trouble` is the key of the text that explains why."""
        self.stop()
        await change_broadcast(self.number, State.RUNNING, state=State.PAUSED, trouble=trouble)

    def per_second(self) -> float:
        """Return the average number of messages per second."""
        return self.done / max(time.monotonic() - self._started_at, 0.001)
