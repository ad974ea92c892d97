"""Request intake of a fleet: requests are stored with a job, which any worker takes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from core.clock import shared_clock
from core.errors import (
    BusyError,
    ClipferryError,
    LinksLeftOutError,
    QueueFullError,
    RequestCancelledError,
    StorageError,
    TooOldError,
)
from core.request import OLD_S, Request, Ticket
from data.jobs import (
    Room,
    announce_cancellation,
    open_requests_of,
    pass_on,
    room_for,
)
from misc.intake import RequestIntake
from misc.middlewares.update_acks import UpdateAck
from services.requests.queue import RequestHandle

T = TypeVar("T")

logger = logging.getLogger(__name__)

#: Pause before a request that could not be stored is stored again, in seconds.
_PAUSE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Verdict:
    """How many requests of a message are accepted, and why not the others."""

    fitting: int
    error: ClipferryError | None = None
    #: The chat is told once per message.
    is_aloud: bool = True


@dataclass(frozen=True, slots=True)
class FleetIntake(RequestIntake):
    """Hands requests out to the workers, and cancels them wherever they are.

    Refusals are explained here, by this process's own queue.
    """

    #: Messages of all chats in the queue.
    max_messages: int

    async def resend(self, ticket: Ticket, ack: UpdateAck) -> bool:
        """Let a worker send the answer to a request again; False if another press has done that.

        Raises:
            StorageError: the database did not respond.
        """
        stored = await self.store.reopen(ticket)
        if stored is not None:
            try:
                await pass_on(self._bot_id, ticket.row, stored.request)
            except BaseException:
                self.store.give_up([stored])
                raise
        ack.acknowledge()
        return stored is not None

    async def cancel(self, number: int, chat_id: int) -> bool:
        """Cancel a request of a chat by its row; False if there is none (any more).

        Raises:
            StorageError: the database did not respond.
        """
        for row, _ in await open_requests_of(self._bot_id, chat_id):
            if row == number:
                await self._cancel(row, chat_id, is_quiet=False)
                return True
        return False

    async def cancel_all(self, chat_id: int, is_meant: Callable[[Request], bool]) -> int:
        """Cancel all requests of a chat that `is_meant` picks, and return their number.

        Raises:
            StorageError: the database did not respond.
        """
        found = await open_requests_of(self._bot_id, chat_id)
        rows = [row for row, request in found if is_meant(request)]
        for row in rows:
            await self._cancel(row, chat_id, is_quiet=True)
        return len(rows)

    async def room_for_links(self, first: Request) -> int:
        """Return how many links like `first` fit into the queue of the fleet.

        Raises:
            StorageError: the database did not respond.
        """
        room = await room_for(self._bot_id, first, self.max_messages)
        waiting = self.limits.waiting_links
        return self._verdict([first] * waiting, room).fitting

    async def _submit(
        self, requests: Sequence[Request], ack: UpdateAck, update_id: int
    ) -> RequestHandle:
        """Store requests with a job, acknowledge their update, and refuse what does not fit.

        Raises:
            StorageError: the database did not answer, and the update comes again.
        """
        handle = RequestHandle(0)
        if requests:
            handle = await self._hand_out(requests, ack, update_id)
        ack.acknowledge()
        return handle

    async def _hand_out(
        self, requests: Sequence[Request], ack: UpdateAck, update_id: int
    ) -> RequestHandle:
        first = requests[0]
        room = await _retry_until_stored(
            ack, lambda: room_for(self._bot_id, first, self.max_messages)
        )
        if room.is_running:
            return RequestHandle(0)
        verdict = self._verdict(requests, room)
        # What comes from a downtime waits behind the others.
        is_late = shared_clock() - first.asked_at > OLD_S
        rows = await _retry_until_stored(
            ack,
            lambda: self.store.hand_out(update_id, requests, verdict.fitting, is_late=is_late),
        )
        if None in rows:
            self.metrics.dropped("repeated_update", first.chat_id)
        if not any(rows):
            return RequestHandle(0)
        await self._refuse([row for row in rows[verdict.fitting :] if row], verdict)
        await self._send_notices(first, len(requests) - verdict.fitting, verdict, room)
        return _ended()

    def _verdict(self, requests: Sequence[Request], room: Room) -> _Verdict:
        """Decide how many requests of a message are accepted."""
        first, limits = requests[0], self.limits
        most = limits.private_queue if first.target.is_private else limits.group_queue
        if shared_clock() - first.asked_at > limits.max_age_s:
            return _Verdict(0, TooOldError())
        if room.total >= self.max_messages:
            return _Verdict(0, BusyError())
        if room.messages >= most:
            return _Verdict(0, QueueFullError(most))
        if first.origin.press or first.target.inline_id:
            return _Verdict(len(requests))
        fitting = min(max(limits.waiting_links - room.links, 0), len(requests))
        return _Verdict(fitting, LinksLeftOutError(limits.waiting_links), is_aloud=False)

    async def _refuse(self, rows: Sequence[int], verdict: _Verdict) -> None:
        claimed = await self.store.claim_all(rows)
        if claimed and verdict.error:
            contexts = self.contexts_of(claimed)
            self.queue.turn_away(contexts, verdict.error, aloud=verdict.is_aloud)

    async def _send_notices(
        self, first: Request, refused: int, verdict: _Verdict, room: Room
    ) -> None:
        """Notify a person with many links that they wait, or of how many are left out."""
        if not room.links:
            self.notices.forget(first.person_id)
        if verdict.fitting and not refused:
            await self.notices.say_waiting(first, room.links + verdict.fitting)
        elif not verdict.is_aloud:
            self.metrics.dropped("waiting_links", first.chat_id)
            await self.notices.say_left_out(first, refused, self.limits.waiting_links)

    async def _cancel(self, row: int, chat_id: int, *, is_quiet: bool) -> None:
        """Cancel a request: here if no worker has it, else by asking its worker."""
        stored = await self.store.claim(row)
        if stored is None:
            await announce_cancellation(row, chat_id, is_quiet=is_quiet)
            return
        error = RequestCancelledError()
        self.queue.turn_away(self.contexts_of([stored]), error, aloud=not is_quiet)

    @property
    def _bot_id(self) -> int:
        return self.groups.account.id


async def _retry_until_stored(ack: UpdateAck, work: Callable[[], Awaitable[T]]) -> T:
    """Repeat work until the database responds: the update is not acknowledged before.

    Raises:
        StorageError: the database did not answer, and the update comes again.
    """
    while True:
        try:
            return await work()
        except StorageError as error:
            if ack.is_refusable:
                raise
            logger.warning(
                "Could not store a request, trying again: %s",
                error,
                extra={"event": "requests_not_stored"},
            )
            await asyncio.sleep(_PAUSE_S)


def _ended() -> RequestHandle:
    """Return the handle of requests that other processes serve: nobody waits for them here."""
    handle = RequestHandle(1)
    handle.one_ended()
    return handle
