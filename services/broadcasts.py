"""Sends a message to everybody: behind the answers to people, and never twice to anybody.

What has become of each message is written before and after it is sent. A crash leaves no more than
`AT_ONCE` of which nobody knows; these are reported, and sent again only when an administrator says so.
"""

import asyncio
import logging
import time
from collections import deque
from typing import Final, Protocol

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

#: Chats that are read from the list at a time.
_PAGE: Final = 200
#: How often it is looked whether somebody has paused it, in seconds.
_WATCH_S: Final = 1.0
#: How often the card shows how far it is, in seconds.
_SHOW_S: Final = 3.0
#: After a failure that has nothing to do with a chat, in seconds.
_REST_S: Final = 5.0


class Card(Protocol):
    """Where an administrator sees how far a broadcast is."""

    async def show(self, broadcast: Broadcast, per_second: float = 0.0) -> None:
        """Show it. Handles its own failures."""


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
        """Send what is due and nobody else sends, to its end.

        Raises:
            StorageError: the database did not answer.
        """
        while not self._is_closing:
            await self._request_store.beat()
            broadcast = await claim_broadcast(self._bot_id, self._request_store.name)
            if broadcast is None:
                return
            logger.info(
                "Broadcast %d: %d of %d left", broadcast.id, broadcast.left, broadcast.total
            )
            self._run = _Run(broadcast)
            try:
                await self._send(self._run)
            finally:
                self._run.ended.set()
                self._run = None

    @property
    def progress(self) -> tuple[int, int] | None:
        """Give the number of the broadcast that this process is sending, and how many have got it."""
        return (self._run.number, self._run.done) if self._run else None

    async def close(self, grace_s: float) -> None:
        """Start nothing new, and give what is on its way `grace_s` seconds."""
        self._is_closing = True
        if run := self._run:
            run.is_stopped = True
            try:
                await asyncio.wait_for(run.ended.wait(), grace_s)
            except TimeoutError:
                logger.warning("Broadcast %d did not end in time", run.number)

    async def _send(self, run: "_Run") -> None:
        try:
            while not run.is_stopped and await list_recipients(run.number):
                await self._request_store.beat()
            watch = asyncio.create_task(self._watch(run))  # noqa: TID251 - ends with this block
            try:
                await asyncio.gather(*(self._serve(run) for _ in range(AT_ONCE)))
            finally:
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)
            if run.is_over:
                await change_broadcast(run.number, State.RUNNING, state=State.DONE)
        finally:
            await release_broadcast(run.number, self._request_store.name)
            latest = await find_broadcast(run.number)
        if latest:
            logger.info("Broadcast %d is %s: %d sent", latest.id, latest.state, latest.sent)
            await self._card.show(latest)

    async def _serve(self, run: "_Run") -> None:
        """Send to one chat after the other."""
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
                    run.again.append(chat_id)
                await run.rest(error)

    async def _send_to(self, run: "_Run", chat_id: int) -> None:
        """Send to a chat, and note what has become of it.

        Raises:
            StorageError: nothing was sent, because nobody would know of it.
        """
        try:
            outcome, rest_s = await self._outcome(run, chat_id)
        except ChatMovedError as moved:
            await self._follow(run, chat_id, moved.new_chat_id)
            return
        while True:
            try:
                await record_outcome(run.number, chat_id, outcome)
                break
            except StorageError as error:  # what is known must not be lost to a bad minute
                logger.warning("Broadcast %d cannot note an outcome: %s", run.number, error)
                await asyncio.sleep(_REST_S)
        if outcome is Outcome.WAITING:
            run.again.append(chat_id)
            await asyncio.sleep(rest_s)
        else:
            run.done += 1

    async def _outcome(self, run: "_Run", chat_id: int) -> tuple[Outcome, float]:
        """Send to a chat; WAITING where it is to be tried again, and after how many seconds.

        Raises:
            ChatMovedError: it has another id by now.
            StorageError: it was not sent.
        """
        try:
            await self._copy(run, chat_id)
        except ChatMovedError:
            raise
        except ChatForbiddenError:
            await mark_blocked(chat_id)
            return Outcome.BLOCKED, 0
        except UnknownOutcomeError:
            return Outcome.UNKNOWN, 0
        except FloodError as flood:
            return Outcome.WAITING, flood.retry_after_s
        except TelegramUnreachableError:
            return Outcome.WAITING, _REST_S
        except SourceGoneError:
            await run.pause("broadcast_gone")
            return Outcome.WAITING, 0
        except DeliveryError as error:
            logger.info(
                "Broadcast %d is refused by chat %s: %s", run.number, LoggedChat(chat_id), error
            )
            return Outcome.FAILED, 0
        return Outcome.SENT, 0

    async def _follow(self, run: "_Run", chat_id: int, new_id: int) -> None:
        """Let the supergroup have it that a group has become, unless it is in the list itself."""
        await move_chat(chat_id, new_id)
        if await rename_recipient(run.number, chat_id, new_id):
            run.again.append(new_id)

    async def _copy(self, run: "_Run", chat_id: int) -> None:
        has_left = False

        async def leaving() -> None:
            nonlocal has_left
            if has_left:  # refused with a 429, and about to be tried once more
                return
            has_left = await record_sending_to(run.number, chat_id)
            if has_left:
                return
            run.is_stopped = True
            raise StorageError("it was stopped, or is somebody else's by now")

        await self._sender.copy(run.broadcast, chat_id, leaving)

    async def _watch(self, run: "_Run") -> None:
        """Say that we are alive, show how far it is, and stop when somebody has said so."""
        shown_at = 0.0
        while True:
            try:
                await self._request_store.beat()
                latest = await find_broadcast(run.number)
            except StorageError as error:
                logger.warning("Broadcast %d cannot be watched: %s", run.number, error)
            else:
                if latest is None or latest.state is not State.RUNNING:
                    run.is_stopped = True
                elif time.monotonic() - shown_at > _SHOW_S:
                    shown_at = time.monotonic()
                    await self._card.show(latest, run.pace())
            await asyncio.sleep(_WATCH_S)


class _Run:
    """One broadcast that is being sent by this process."""

    def __init__(self, broadcast: Broadcast) -> None:
        self.number = broadcast.id
        self.broadcast = broadcast
        self._page: deque[int] = deque()
        self._after: int | None = None
        self._reading = asyncio.Lock()
        self._began_at = time.monotonic()
        #: Chats that are to be tried again.
        self.again: deque[int] = deque()
        self.done = 0
        self.is_stopped = False
        self._is_at_end = False
        self.ended = asyncio.Event()

    async def next_chat(self) -> int | None:
        """Give the next chat; None when there is none left."""
        async with self._reading:
            if self.again:
                return self.again.popleft()
            if not self._page:
                self._page.extend(await next_recipients(self.number, self._after, _PAGE))
            if not self._page:
                self._is_at_end = True
                return None
            self._after = self._page.popleft()
            return self._after

    @property
    def is_over(self) -> bool:
        """Tell whether everybody has been served."""
        return self._is_at_end and not self.again and not self.is_stopped

    async def rest(self, error: StorageError) -> None:
        """Wait for better times, unless it was stopped."""
        if not self.is_stopped:
            logger.warning("Broadcast %d has to wait: %s", self.number, error)
            await asyncio.sleep(_REST_S)

    async def pause(self, trouble: str) -> None:
        """Stop by itself, and say why."""
        self.is_stopped = True
        await change_broadcast(self.number, State.RUNNING, state=State.PAUSED, trouble=trouble)

    def pace(self) -> float:
        """Give the messages per second so far."""
        return self.done / max(time.monotonic() - self._began_at, 0.001)
