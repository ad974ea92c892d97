"""Sends broadcasts: at lower priority than answers, and never twice to the same chat.

The state of each recipient is stored before and after the send. After a crash, the outcome of at
most `AT_ONCE` messages is unknown; these are reported, and sent again only if an administrator
chooses to.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable
from typing import Final, Protocol

from core.broadcasts import AT_ONCE, Broadcast, Outcome, State
from core.concurrency import during, wait_for_event
from core.errors import (
    ChatForbiddenError,
    ChatMovedError,
    DeliveryError,
    FloodError,
    SourceGoneError,
    StorageError,
    TelegramUnreachableError,
    TooLargeError,
    UnknownOutcomeError,
)
from core.pseudonyms import LoggedChat
from data.broadcasts import (
    change_broadcast,
    claim_broadcast,
    find_broadcast,
    has_due_broadcast,
    hold_broadcasts,
    list_recipients,
    mark_told,
    record_outcome,
    record_sending_to,
    release_broadcast,
    rename_recipient,
)
from data.chats import mark_blocked, move_chat
from data.database import unix_now, without_time_limits
from delivery.rate_limiter import caller_retries, is_bulk_send
from delivery.sender import Sender
from services.broadcast_run import RETRY_S, BroadcastRun
from services.requests.store import RequestStore

logger = logging.getLogger(__name__)

#: How often the broadcast is checked for a pause, in seconds.
_CHECK_INTERVAL_S: Final = 1.0
#: How often the card is updated, in seconds.
_CARD_INTERVAL_S: Final = 3.0


class Card(Protocol):
    """Shows an administrator the progress of a broadcast."""

    async def show(self, broadcast: Broadcast, per_second: float = 0.0) -> None:
        """Show the state, and the speed in messages per second. Raises nothing."""


class BroadcastSender:
    """Sends the broadcasts of one bot, one after the other."""

    def __init__(
        self,
        bot_id: int,
        sender: Sender,
        request_store: RequestStore,
        card: Card,
        due: asyncio.Event,
    ) -> None:
        """Take what sends and what shows; `due` is set when `work` has something to do."""
        self.due = due
        self._bot_id = bot_id
        self._sender = sender
        self._request_store = request_store
        self._card = card
        self._run: BroadcastRun | None = None
        self._is_closing = False

    async def work(self) -> None:
        """Send due broadcasts that no other process sends, until there are none.

        Raises:
            StorageError: the database did not respond.
        """
        while not self._is_closing and await has_due_broadcast(self._bot_id):
            await self._request_store.beat()
            broadcast = await claim_broadcast(self._bot_id, self._request_store.name)
            if broadcast is None:
                return
            logger.info(
                "Broadcast %d: sending to %d of %d chats",
                broadcast.id,
                broadcast.counts.left,
                broadcast.counts.total,
                extra={"event": "broadcast_started"},
            )
            self._run = BroadcastRun(broadcast)
            try:
                await self._send(self._run)
            finally:
                self._run.ended.set()
                self._run = None

    async def hold(self, *, is_restored: bool, unattended_s: int) -> list[Broadcast]:
        """Pause what is found unfinished at the start, and return it. Its cards do not say so yet.

        Also return what was paused at an earlier start that did not get to tell of it.

        After a crash or a short downtime a broadcast goes on by itself. After a longer one, or in a
        restored database, it waits for an administrator: it may have been sent in the meantime.

        Raises:
            StorageError: the database did not respond.
        """
        since = None if is_restored else unix_now() - unattended_s
        trouble = "broadcast_restored" if is_restored else "broadcast_unattended"
        held = []
        for number in await hold_broadcasts(self._bot_id, since, trouble):
            broadcast = await find_broadcast(number)
            if broadcast is None or broadcast.state is not State.PAUSED:
                await mark_told(number)  # an administrator has been faster
            else:
                logger.warning(
                    "Broadcast %d waits for an administrator: %d of %d sent",
                    broadcast.id,
                    broadcast.counts.sent,
                    broadcast.counts.total,
                    extra={"event": "broadcast_held"},
                )
                held.append(broadcast)
        return held

    @property
    def progress(self) -> tuple[int, int] | None:
        """Return the running broadcast's number and how many chats are done; None without one."""
        return (self._run.number, self._run.done) if self._run else None

    async def close(self, grace_s: float) -> None:
        """Stop sending; wait up to `grace_s` seconds for the messages in flight."""
        self._is_closing = True
        if run := self._run:
            run.stop()
            if not await wait_for_event(run.ended, grace_s):
                logger.warning(
                    "Broadcast %d did not stop in time",
                    run.number,
                    extra={"event": "broadcast_stop_timeout"},
                )

    async def _send(self, run: BroadcastRun) -> None:
        try:
            with without_time_limits():
                while not run.is_stopped and await list_recipients(run.number):
                    await self._request_store.beat()
            async with during(self._monitor(run)):
                works = (self._send_to_all(run) for _ in range(AT_ONCE))
                # While one of them sends, the broadcast stays claimed, whatever became of another.
                ends = await asyncio.gather(*works, return_exceptions=True)
                if failures := [end for end in ends if end]:
                    raise failures[0]
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
                latest.counts.sent,
                extra={"event": "broadcast_stopped"},
            )
            await self._card.show(latest)

    async def _send_to_all(self, run: BroadcastRun) -> None:
        """Send to one chat after another until none is left; `AT_ONCE` of these run at a time."""
        is_bulk_send.set(True)
        caller_retries.set(True)
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
                if not run.stop_signal.has_interrupted():
                    raise
                return
            except Exception:
                run.stop()
                raise

    async def _send_to(self, run: BroadcastRun, chat_id: int) -> None:
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
                    RETRY_S,
                    error,
                    extra={"event": "broadcast_outcome_not_recorded"},
                )
                await asyncio.sleep(RETRY_S)
        if outcome is Outcome.WAITING:
            run.retry(chat_id, delay_s)
        else:
            run.done += 1

    async def _try_send(self, run: BroadcastRun, chat_id: int) -> tuple[Outcome, float]:
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
            return Outcome.WAITING, RETRY_S
        except SourceGoneError:
            await run.pause("broadcast_gone")
            return Outcome.WAITING, 0
        except (DeliveryError, TooLargeError) as error:
            logger.info(
                "Broadcast %d could not be sent to chat %s: %s",
                run.number,
                LoggedChat(chat_id),
                error,
                extra={"event": "broadcast_refused"},
            )
            return Outcome.FAILED, 0
        return Outcome.SENT, 0

    async def _replace_recipient(self, run: BroadcastRun, chat_id: int, new_id: int) -> None:
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

    async def _copy(self, run: BroadcastRun, chat_id: int) -> None:
        async def record_start() -> None:
            run.stop_signal.started()
            if await record_sending_to(run.number, chat_id, self._request_store.name):
                return
            run.stop()
            raise StorageError("it was stopped, or another process has taken it over")

        with run.stop_signal.interruptible():
            await self._sender.copy(run.broadcast, chat_id, record_start)

    async def _monitor(self, run: BroadcastRun) -> None:
        """Renew the lease, update the card, and stop the run once it is paused or cancelled."""
        shown_at = -math.inf
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


async def _after_refusal(update: Awaitable[object]) -> None:
    """Store what a refusal says about a chat; a failure does not change the outcome."""
    try:
        await update
    except StorageError as error:
        logger.warning(
            "Could not update a chat: %s", error, extra={"event": "broadcast_chat_not_updated"}
        )
