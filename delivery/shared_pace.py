"""The pace of several processes: turns are claimed in the database.

At most one statement of a process is under way; what happens meanwhile goes into the next one.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from core.concurrency import cancel_all, wait_for_event
from core.errors import StorageError
from core.pacing import HOLD_S, OVERALL, Call, CallTicket, Pacer
from core.turns import EndedCall, Refusal, Report, Turns, WantedTurn

logger = logging.getLogger(__name__)

#: Sends a report to the database and returns its answer. Raises StorageError.
ClaimTurns = Callable[[Report], Awaitable[Turns]]

#: Turns that are claimed at once. The rest waits: it could not get a turn anyway.
_AT_ONCE: Final = OVERALL[0]
#: Pause after a claim that was not granted in full, in seconds.
_SHORTEST_WAIT_S: Final = 0.02
#: How long the end of a call waits for a claim that takes it along, in seconds.
_ENDED_S: Final = 0.1
#: Interval at which the claims of running calls are renewed, in seconds.
_RENEW_S: Final = HOLD_S / 3
#: Longest wait for the database, in seconds.
DATABASE_S: Final = 1.0
#: Longest wait for the end of a claim that is cancelled, in seconds.
_CLOSE_S: Final = 5.0
#: Interval between two attempts to reach it again, in seconds. For twice as long after it has
#: answered, other processes may not know yet, and this one keeps to its share.
_RETRY_S: Final = 1.0
#: Processes to share with while the database has never answered.
_UNKNOWN: Final = 10
#: Age of a turn that no limit counts any more, in seconds.
_LONG_AGO_S: Final = 120.0
#: Ended calls that are kept for the database while it is away: those of a minute.
_MOST_ENDED: Final = 2_000


@dataclass(slots=True)
class _Outbox:
    """What the next report says."""

    wanted: "deque[CallTicket]" = field(default_factory=deque)
    #: Tickets of the report that is under way.
    claiming: list[CallTicket] = field(default_factory=list)
    #: Id of the claim, ticket, and when the call ended.
    ended: "deque[tuple[int | None, CallTicket, float]]" = field(
        default_factory=lambda: deque(maxlen=_MOST_ENDED)
    )
    refused: list[Refusal] = field(default_factory=list)
    #: Ids of the claims of running calls.
    in_flight: dict[CallTicket, int] = field(default_factory=dict)

    def end(self, ticket: CallTicket, now: float) -> None:
        """Note the end of a granted call. One that was cancelled before its claim has no trace."""
        for waiting in (self.wanted, self.claiming):
            if ticket in waiting:
                waiting.remove(ticket)
                return
        self.ended.append((self.in_flight.pop(ticket, None), ticket, now))

    def report(self, now: float) -> tuple[list[CallTicket], Report]:
        """Return the next report, and the tickets whose turns it claims."""
        batch = [self.wanted.popleft() for _ in range(min(len(self.wanted), _AT_ONCE))]
        self.claiming = batch.copy()
        return batch, Report(
            [EndedCall(id_, one.chat_id, one.weight, now - at) for id_, one, at in self.ended],
            list(self.in_flight.values()),
            list(self.refused),
            [WantedTurn(one.chat_id, one.weight, one.has_low_priority(now)) for one in batch],
        )

    def forget(self, report: Report) -> None:
        """Drop what the database knows now."""
        for _ in report.ended:
            self.ended.popleft()
        del self.refused[: len(report.refused)]


@dataclass(slots=True)
class _Outage:
    """Whether the database answers, and who shares the limits if it does not."""

    processes: int = _UNKNOWN
    is_on: bool = False
    #: The limits are divided until then; 0 if they are not.
    divided_until: float = 0.0


class SharedPace:
    """Claims the turns of one process.

    While the database is away, the process keeps to its share of each limit: the whole, divided by
    the number of processes that were alive.
    """

    def __init__(
        self,
        claim: ClaimTurns,
        pacer: Pacer,
        start: Callable[[CallTicket], None],
        look_again: Callable[[], None],
    ) -> None:
        """Claim turns for the calls of `pacer`.

        `start` starts a granted call; `look_again` is called after tickets were put back.
        """
        self._claim = claim
        self._pacer = pacer
        self._start = start
        self._look_again = look_again
        self._outbox = _Outbox()
        self._outage = _Outage()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._asked_at = 0.0

    def want(self, tickets: list[CallTicket]) -> None:
        """Claim turns for calls that this process may start."""
        if self._outage.is_on:
            for ticket in tickets:
                self._start(ticket)
        elif tickets:
            self._outbox.wanted.extend(tickets)
            self._wake()

    def ended(self, ticket: CallTicket) -> None:
        """Note that a granted call has ended: its tokens return one window later."""
        self._outbox.end(ticket, _now())
        self._wake()

    def refused(self, call: Call, seconds: float) -> None:
        """Tell all processes about a 429."""
        self._outbox.refused.append(Refusal(call.chat_id, seconds, call.is_bulk))
        self._wake()

    async def close(self) -> None:
        """Report what has ended; else the others would wait until the claims expire."""
        if self._task:
            await cancel_all([self._task], _CLOSE_S)
        if self._outbox.ended:
            await self._exchange()

    def _wake(self) -> None:
        self._news.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())  # noqa: TID251 - ends by itself or in close

    async def _run(self) -> None:
        while (due := self._due()) is not None:
            delay = due - _now()
            if delay <= 0:
                await self._exchange()
                continue
            self._news.clear()
            await wait_for_event(self._news, delay)

    def _due(self) -> float | None:
        """Return when the next exchange begins; None if there is nothing to say or to ask."""
        outbox = self._outbox
        if self._outage.is_on or (self._outage.divided_until and not outbox.wanted):
            return self._asked_at + _RETRY_S
        if outbox.wanted or outbox.refused:
            return 0.0
        if outbox.ended:
            return outbox.ended[0][2] + _ENDED_S
        return self._asked_at + _RENEW_S if outbox.in_flight else None

    async def _exchange(self) -> None:
        now = self._asked_at = _now()
        batch, report = self._outbox.report(now)
        try:
            async with asyncio.timeout(DATABASE_S):
                answer = await self._claim(report)
                if len(answer.turns) != len(batch):
                    raise ValueError(f"{len(answer.turns)} turns for {len(batch)} calls")
        except Exception as error:  # noqa: BLE001 - whatever it is, calls wait for these tickets
            self._begin_outage(error)
            self._put_back(batch, [0.0] * len(batch))
        else:
            self._outbox.forget(report)
            self._end_outage(answer.processes)
            self._use(batch, answer)
        self._outbox.claiming = []
        self._look_again()

    def _use(self, batch: list[CallTicket], answer: Turns) -> None:
        now = _now()
        self._pacer.note_elsewhere(answer.used, now)
        refused = []
        for ticket, turn in zip(batch, answer.turns, strict=True):
            if turn.id is None:
                refused.append((ticket, turn.wait_s))
            elif ticket in self._outbox.claiming:
                self._outbox.in_flight[ticket] = turn.id
                asyncio.get_running_loop().call_later(turn.delay_s, self._start, ticket)
            else:  # it was cancelled meanwhile: its turn is free at once
                self._outbox.ended.append((turn.id, ticket, now - _LONG_AGO_S))
        self._put_back([ticket for ticket, _ in refused], [wait_s for _, wait_s in refused])
        if answer.wait_s:
            self._pacer.pause(now + max(answer.wait_s, _SHORTEST_WAIT_S))

    def _put_back(self, tickets: list[CallTicket], waits_s: list[float]) -> None:
        """Return tickets to the pacer, the last one first: each goes to the front of its queue."""
        for ticket, wait_s in reversed(list(zip(tickets, waits_s, strict=True))):
            if ticket in self._outbox.claiming:
                self._pacer.put_back(
                    ticket, _now(), wait_s=wait_s and max(wait_s, _SHORTEST_WAIT_S)
                )

    def _begin_outage(self, error: Exception) -> None:
        if self._outage.is_on:
            return
        logger.warning(
            "Rate limits are no longer shared, this process uses 1/%d of them: %s",
            self._outage.processes,
            error,
            exc_info=None if isinstance(error, (StorageError, TimeoutError)) else error,
            extra={"event": "pace_divided"},
        )
        self._outage.is_on = True
        self._outage.divided_until = math.inf
        self._pacer.share_with(self._outage.processes)
        # What the others have sent in the last second is not known any more.
        self._pacer.pause(_now() + OVERALL[1])
        waiting, self._outbox.wanted = list(self._outbox.wanted), deque()
        self._outbox.claiming += waiting
        self._put_back(waiting, [0.0] * len(waiting))

    def _end_outage(self, processes: int) -> None:
        outage, now = self._outage, _now()
        outage.processes = max(processes, 1)
        if outage.is_on:
            outage.is_on, outage.divided_until = False, now + 2 * _RETRY_S
            logger.info("Rate limits are shared again", extra={"event": "pace_shared"})
        elif outage.divided_until and now >= outage.divided_until:
            outage.divided_until = 0.0
            self._pacer.share_with(1)


def _now() -> float:
    return asyncio.get_running_loop().time()
