"""The request store: requests survive the process, and their progress is written as it happens.

While the database does not answer, a process that is alone serves what it has from memory. In a
fleet, or where another process is alive, nothing leaves that is not recorded: another one may have
taken the request over, or will (docs/decisions/0033).
"""

import asyncio
import logging
import math
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from core.cached_post import CacheKey
from core.errors import RequestTakenOverError, StorageError
from core.progress import WorkProgress
from core.request import Progress, Request, Ticket
from data.database import unix_now
from data.jobs import store_with_job
from data.requests import (
    Claim,
    OpenRequest,
    claim_request,
    count_attempt,
    find_ended,
    finish_request,
    finish_unstored,
    forget_statuses,
    give_up_requests,
    hand_back,
    has_failed,
    last_finished_at,
    left_statuses,
    number_of,
    release_request,
    reopen,
    store_progress,
    store_requests,
    stored_before,
    sweep_requests,
    take_over,
)
from data.workers import renew_lease
from services.requests.claims import Claims

logger = logging.getLogger(__name__)

#: Telegram repeats an unacknowledged update for a day; rows are kept for two, to recognise it.
_KEPT_S: Final = 2 * 86_400
#: The stored outcome of a request that this version cannot read.
UNREADABLE: Final = "unreadable"
#: Pause before the database is asked again by what has to wait for it, in seconds.
RETRY_S: Final = 1.0
#: Outcomes that are kept while the database does not answer.
_MAX_OUTCOMES: Final = 100_000


@dataclass(slots=True, eq=False)
class StoredRequest:
    """A request, and how much of its answer has been sent.

    Failures of the database are logged, and the request is answered all the same; only a send waits
    for it where another process is alive. Every method that writes raises `RequestTakenOverError`
    once another process has claimed the request.
    """

    request: Request
    #: This process's right to serve it; None if it could not be stored, and exists in memory only.
    claim: Claim | None = None
    progress: Progress = field(default_factory=Progress)
    #: Counts how often a process has begun to answer it, see `core.request.is_given_up`.
    attempts: int = 0
    #: An earlier attempt, of this or another process, has shown its status already.
    is_resumed: bool = False
    is_finished: bool = False
    #: Where it comes from; None for one that no process stores.
    store: "RequestStore | None" = None
    #: How far the work on it is, for its status note.
    work: WorkProgress = field(default_factory=WorkProgress)
    #: Stores the outcome of a request without a row; None if there is no way to.
    finish_without_row: Callable[[Progress, str], Awaitable[None]] | None = None
    #: The tenure of its process, see `RequestStore`, in which the claim was certain.
    tenure: int = 0

    async def begin(self) -> None:
        """Count an attempt before the fetch, which may crash the process."""
        if self.claim:
            try:
                await count_attempt(self.claim)
            except StorageError as error:
                self._log_failure("attempt", error)
            else:
                self.attempts += 1

    @property
    def row(self) -> int | None:
        """Return the id of its row; None if it could not be stored."""
        return self.claim.row if self.claim else None

    @property
    def ticket(self) -> Ticket | None:
        """Return what allows to send the answer again; None for a request that is not stored."""
        return Ticket(self.row, self.attempts) if self.row is not None else None

    async def confirm(self) -> None:
        """Make sure that no other process has taken the request over.

        Raises:
            RequestTakenOverError: one has.
        """
        if not self.is_finished:
            await self._store_progress()

    def record_total(self, files: int) -> None:
        """Record how many files the answer has."""
        self.progress = replace(self.progress, total=files)

    async def record_sending(self, files: int) -> None:
        """Record that files, or with 0 the text below them, are about to be sent."""
        self.work.begin_message()
        self.progress = self.progress.record_sending(files)
        await self.ensure_ours()

    async def ensure_ours(self) -> None:
        """Store the progress, and wait until no other process can have taken the request over.

        Raises:
            RequestTakenOverError: one has.
        """
        while not await self._store_start():  # noqa: ASYNC110 - waits for the database
            await asyncio.sleep(RETRY_S)

    def may_send(self) -> bool:
        """Return True if no other process can have taken the request over.

        A lease that has lapsed meanwhile proves nothing once it is renewed, only the row does.
        """
        if self.store is None or not self.store.may_send:
            return self.store is None
        return self.claim is None or self.tenure == self.store.tenure

    async def is_ours(self) -> bool:
        """Return True if no other process can have taken the request over; ask if in doubt."""
        if not self.may_send():
            with suppress(StorageError, RequestTakenOverError):
                await self._write_progress()
        return self.may_send()

    async def record_not_sent(self) -> None:
        """Record that what was about to be sent has certainly not arrived."""
        if self.progress.in_flight is not None:
            self.progress = self.progress.record_not_sent()
            await self._store_progress()

    def begin_upload(self, size: int) -> None:
        """Take the size of the uploads in bytes, for the status note."""
        if size:
            self.work.begin_upload(size)

    def count_uploaded(self, size: int) -> None:
        """Count bytes that have left, for the status note."""
        self.work.count_uploaded(size)

    async def record_unknown(self) -> None:
        """Record that what was about to be sent may have arrived."""
        self.progress = self.progress.interrupted()
        await self._store_progress()

    async def record_sent(self, message_ids: Sequence[int]) -> None:
        """Record that what was about to be sent has arrived.

        The last part is written by `finish`, together with the history, except where a status note
        must be deleted before.
        """
        self.work.confirm_message()
        self.progress = self.progress.record_sent(tuple(message_ids))
        if self.progress.note or not self.progress.is_complete:
            await self._store_progress()

    async def record_note(self, message_id: int | None) -> None:
        """Record the message of the status note, or that it is deleted."""
        self.progress = replace(self.progress, note=message_id)
        if not self.is_finished:
            await self._store_progress()

    async def finish(self, outcome: str) -> None:
        """Store the outcome; a second call changes nothing."""
        if self.is_finished:
            return
        self.is_finished = True
        store: Callable[[], Awaitable[None]]
        if self.claim:
            store = partial(finish_request, self.claim, self.progress, outcome)
        elif self.finish_without_row:
            store = partial(self.finish_without_row, self.progress, outcome)
        else:
            return
        try:
            await store()
        except RequestTakenOverError:
            self.is_finished = False  # another process will, or has
            raise
        except StorageError as error:
            self._log_failure("outcome", error)
            if self.store:
                self.store.keep_outcome(store)

    async def has_message_failed(self, known: bool | None) -> bool | None:
        """Return True if a request of the message has failed, whichever process has ended it.

        None: one has not ended, so that whoever ends it shows the end. `known` is what this process
        knows, for a request without a row, or if the database does not answer or know.
        """
        if self.row is None or (self.store and self.store.has_outcomes_left):
            return known
        with suppress(StorageError):
            return await has_failed(self.row)
        return known

    async def _store_start(self) -> bool:
        """Store the progress; return True if nobody can have taken the request over meanwhile."""
        try:
            await self._write_progress()
        except StorageError as error:
            self._log_failure("progress", error)
            if self.store is None or not self.store.is_alone:
                return self.store is None
            self.tenure = self.store.tenure  # nobody has taken it: see the module's docstring
        return self.may_send()

    async def _store_progress(self) -> None:
        try:
            await self._write_progress()
        except StorageError as error:
            self._log_failure("progress", error)

    async def _write_progress(self) -> None:
        """Store the progress, which proves that the claim holds.

        Raises:
            RequestTakenOverError: it does not.
            StorageError: the database did not answer.
        """
        if self.store:
            await self.store.renew_if_lapsed()
        tenure = self.store.tenure if self.store else 0
        if self.claim:
            await store_progress(self.claim, self.progress)
            self.tenure = tenure

    def _log_failure(self, what: str, error: StorageError) -> None:
        logger.warning(
            "Could not store the %s of request %s: %s",
            what,
            self.row,
            error,
            extra={"event": "request_not_updated"},
        )


@dataclass(frozen=True, slots=True)
class _Lease:
    """The terms of a process's lease."""

    seconds: int
    may_be_alone: bool


@dataclass(slots=True)
class _Outage:
    """The failures of renewals since the last one that did not fail."""

    #: When the first of them failed.
    failed_at: float = math.inf
    #: Another one, which was asked for after that, has failed too.
    is_certain: bool = False

    def note_failure(self, asked_at: float) -> None:
        """Take the failure of a renewal that was asked for at a time.

        The process may have been stopped during it. Then its failure says nothing about the
        database, and others may have started meanwhile; a second attempt tells.
        """
        self.is_certain |= asked_at >= self.failed_at
        self.failed_at = min(self.failed_at, time.monotonic())


class RequestStore:
    """Stores new requests, and takes over those of processes that have ended."""

    def __init__(self, bot_id: int, lease_s: int, *, may_be_alone: bool = True) -> None:
        """`may_be_alone`: False in a fleet, where another worker may start at any time."""
        self._bot_id = bot_id
        self._lease = _Lease(lease_s, may_be_alone)
        #: Name of this process in the database.
        self.name = secrets.token_hex(8)
        #: Until when no other process can hold this one for dead, on the monotonic clock: counted
        #: from before the renewal, so that the database's clock never says so earlier.
        self._lease_ends = -math.inf
        #: Counts the leases that this process has had: a renewal that comes too late begins
        #: another one, and requests may have been taken over before.
        self.tenure = 0
        #: At the last renewal, no other process had a lease.
        self.is_alone = may_be_alone
        self._outage = _Outage()
        #: What stores the outcomes that could not be stored, oldest first.
        self._outcomes: deque[Callable[[], Awaitable[None]]] = deque(maxlen=_MAX_OUTCOMES)
        #: Rows that a newer version has stored; they are left to a newer process.
        self._newer: set[int] = set()
        self._claims = Claims(bot_id, self.name)

    @property
    def may_send(self) -> bool:
        """Return True if no other process can have taken this one's requests over just now."""
        return time.monotonic() < self._lease_ends or (self.is_alone and self._outage.is_certain)

    async def enter(
        self, update_id: int, requests: Sequence[Request], *, is_refusable: bool = False
    ) -> list[StoredRequest]:
        """Store the requests of an update; return those that were not stored before.

        If the database fails, they are served from memory, unless the update comes again when it
        is refused; where another process is alive, this waits for the database instead.

        Raises:
            StorageError: the database did not answer, and the update is refusable.
        """
        is_repeated = await self._claims.take_back(update_id)
        while True:
            try:
                await self._stay_alive()
                return await self._store(update_id, requests, is_repeated=is_repeated)
            except StorageError as error:
                if is_refusable:
                    self._claims.refuse(update_id)
                    raise
                logger.error(  # noqa: TRY400 - expected
                    "Could not store the requests of update %d: %s",
                    update_id,
                    error,
                    extra={"event": "requests_not_stored"},
                )
                if self.is_alone:
                    return self._unstored(update_id, requests)
            is_repeated = True
            await asyncio.sleep(RETRY_S)

    async def _store(
        self, update_id: int, requests: Sequence[Request], *, is_repeated: bool
    ) -> list[StoredRequest]:
        tenure = self.tenure
        rows = await store_requests(self._bot_id, update_id, requests, self.name)
        if is_repeated:  # an earlier attempt may have succeeded
            known = await stored_before(self._bot_id, [update_id], self.name)
            keys = [(update_id, number_of(request, n)) for n, request in enumerate(requests)]
            rows = [row or known.get(key) for key, row in zip(keys, rows, strict=True)]
        return [
            StoredRequest(request, self._claims.add(row), store=self, tenure=tenure)
            for request, row in zip(requests, rows, strict=True)
            if row is not None
        ]

    async def hand_out(
        self, update_id: int, requests: Sequence[Request], fitting: int, *, is_late: bool
    ) -> list[int | None]:
        """Store the requests of an update, and let the fleet's workers serve the first `fitting`.

        Return the ids of the rows, None for what was stored before. `is_late`: the others first.

        Raises:
            StorageError: nothing is stored.
        """
        return await store_with_job(self._bot_id, update_id, requests, fitting, is_late=is_late)

    async def claim(self, row: int) -> StoredRequest | None:
        """Claim an open request; None if it has ended, a live process has it, or it is unreadable.

        Raises:
            StorageError: the database did not respond.
        """
        await self._stay_alive()
        await self._claims.release()
        tenure = self.tenure
        if row in self._newer:
            return None
        with self._claims.claiming([row]):
            found = await claim_request(row, self.name)
        if found is None:
            return None
        if found.request is None:
            await self._leave_unreadable(found)
            return None
        return StoredRequest(
            found.request,
            self._claims.add(found.id, found.epoch),
            found.progress,
            found.attempts,
            # Another worker's claim was the first: it may have reacted before its first attempt.
            is_resumed=found.attempts > 0 or found.epoch > 1,
            store=self,
            tenure=tenure,
        )

    async def claim_all(self, rows: Sequence[int]) -> list[StoredRequest]:
        """Claim those of some requests that `claim` can; if one fails, none stays claimed.

        Raises:
            StorageError: the database did not respond.
        """
        claimed: list[StoredRequest] = []
        try:
            for row in rows:
                if stored := await self.claim(row):
                    claimed.append(stored)  # noqa: PERF401 - known if a later claim fails
        except BaseException:  # also if the job queue ends the job
            self.give_up(claimed)
            raise
        return claimed

    def give_up(self, entries: Sequence[StoredRequest]) -> None:
        """Leave requests that this process has claimed to others, from its next `beat` on."""
        self._claims.give_up(stored.claim for stored in entries if stored.claim)

    async def release(self, entries: Sequence[StoredRequest]) -> None:
        """Leave requests that this process has claimed to others at once.

        Raises:
            StorageError: the database did not answer; the next `beat` tries again.
        """
        self.give_up(entries)
        await self._claims.release()

    def _unstored(self, update_id: int, requests: Sequence[Request]) -> list[StoredRequest]:
        return [
            StoredRequest(
                request,
                store=self,
                finish_without_row=partial(
                    finish_unstored,
                    self._bot_id,
                    update_id,
                    number_of(request, place),
                    self.name,
                ),
            )
            for place, request in enumerate(requests)
        ]

    async def take_over(self, room: int) -> list[StoredRequest]:
        """Return up to `room` open requests that no running process serves, oldest first.

        A process whose own lease has run out meanwhile takes nothing yet: if the database was gone,
        the others need time to renew theirs.

        Raises:
            StorageError: the database did not answer.
        """
        has_lapsed = -math.inf < self._lease_ends <= time.monotonic()
        await self._stay_alive()
        if has_lapsed:
            return []
        tenure = self.tenure
        picked: set[int] = set()
        with self._claims.claiming(picked):
            found = await take_over(self._bot_id, self.name, room, self._newer, picked)
        entries = []
        for row in found:
            if row.request is None:
                await self._leave_unreadable(row)
            else:
                entries.append(
                    StoredRequest(
                        row.request,
                        self._claims.add(row.id, row.epoch),
                        row.progress,
                        row.attempts,
                        is_resumed=True,
                        store=self,
                        tenure=tenure,
                    )
                )
        return entries

    @asynccontextmanager
    async def left_statuses(self) -> AsyncIterator[list[tuple[StoredRequest, bool]]]:
        """Yield ended requests on whose messages dead processes may have left a status.

        True: a request of the message has failed. The block ends the statuses; if it does not come
        to its end, another process gets them again.

        Raises:
            StorageError: the database did not answer.
        """
        left = await left_statuses(self._bot_id)
        yield [
            (StoredRequest(request, is_resumed=True, is_finished=True), has_failed)
            for request, has_failed in left.messages
        ]
        if left.owners:
            await forget_statuses(self._bot_id, left.owners)

    async def last_finished_at(self) -> int:
        """Return the Unix time at which a process finished a request last; 0 if none has.

        Raises:
            StorageError: the database did not answer.
        """
        return await last_finished_at(self._bot_id)

    async def _leave_unreadable(self, row: OpenRequest) -> None:
        """Leave a request of a newer version to a newer process; close one that nobody can read.

        A failure of the database stops no other request.
        """
        logger.log(
            logging.WARNING if row.is_newer else logging.ERROR,
            "Request %d is left to a newer version" if row.is_newer else "Request %d is unreadable",
            row.id,
            extra={"event": "request_newer" if row.is_newer else "request_unreadable"},
        )
        claim = Claim(row.id, self.name, row.epoch)
        try:
            with self._claims.claiming([row.id]):
                if row.is_newer:
                    self._newer.add(row.id)
                    await release_request(claim)
                else:
                    await finish_request(claim, row.progress, UNREADABLE)
        except (StorageError, RequestTakenOverError) as error:
            logger.warning(
                "Could not close request %d: %s",
                row.id,
                error,
                extra={"event": "request_not_updated"},
            )

    async def find_ended(self, ticket: Ticket) -> Request | None:
        """Return the request whose answer a ticket sends again; None if that is not possible.

        Raises:
            StorageError: the database did not answer.
        """
        ended = await find_ended(self._bot_id, ticket)
        return ended.request if ended else None

    async def reopen(self, ticket: Ticket) -> StoredRequest | None:
        """Claim a request whose answer is sent again; None if another press has claimed it.

        What has certainly arrived is not sent again. The request's age counts from now.

        Raises:
            StorageError: the database did not answer.
        """
        await self._stay_alive()
        ended = await find_ended(self._bot_id, ticket)
        if ended is None or ended.request is None or not ended.is_ended:
            return None
        request = replace(ended.request, asked_at=unix_now())
        progress, tenure = ended.progress.wanted_again(), self.tenure
        with self._claims.claiming([ticket.row]):
            claim = await reopen(ticket, request, progress, self.name)
        if claim is None:
            return None
        return StoredRequest(
            request,
            self._claims.add(claim.row, claim.epoch),
            progress,
            ticket.attempts_after_press,
            is_resumed=True,
            store=self,
            tenure=tenure,
        )

    async def beat(self) -> None:
        """Renew the lease of this process, if it is time, and store outcomes that are left.

        Requests that it may have claimed without knowing are left to others.

        Raises:
            StorageError: the database did not answer.
        """
        await self._stay_alive()
        await self._store_outcomes()
        await self._claims.release()

    async def hand_back(self, outcomes_s: float) -> None:
        """Release this process's open requests: the next one need not wait for the lease.

        Outcomes that are left are stored before, for `outcomes_s` seconds at most: a request
        without its outcome is answered again, whether it is released or the lease ends.
        """
        try:
            await self._store_last_outcomes(outcomes_s)
            number = await hand_back(self.name)
        except StorageError as error:
            logger.warning(
                "Open requests stay claimed for %d s: %s",
                self._lease.seconds,
                error,
                extra={"event": "requests_not_released"},
            )
        else:
            self._lease_ends = -math.inf
            if number:
                logger.info(
                    "Left %d open requests to the next process",
                    number,
                    extra={"event": "requests_released"},
                )

    async def sweep(self) -> None:
        """Delete requests that were answered long ago, and give up what no version has read.

        Raises:
            StorageError: the database did not answer.
        """
        before = unix_now() - _KEPT_S
        await sweep_requests(before)
        if self._newer:
            await give_up_requests(self._newer, before, UNREADABLE)

    async def begin_flight(self, key: CacheKey) -> bool:
        """Claim the fetch of a post; return False while another process has it.

        Without the database every process may fetch.
        """
        try:
            await self._stay_alive()
            return await self._claims.begin_flight(key)
        except StorageError as error:
            logger.warning(
                "Could not claim the fetch of %s: %s",
                key,
                error,
                extra={"event": "flight_not_claimed"},
            )
            return True

    async def end_flight(self, key: CacheKey) -> None:
        """Release the claim, or let `beat` do so if the database does not answer."""
        await self._claims.end_flight(key)

    def keep_outcome(self, store: Callable[[], Awaitable[None]]) -> None:
        """Keep an outcome that could not be stored: otherwise the request is answered again."""
        self._outcomes.append(store)

    @property
    def has_outcomes_left(self) -> bool:
        """Return True if the database does not know all outcomes yet."""
        return bool(self._outcomes)

    async def _store_last_outcomes(self, seconds: float) -> None:
        if not self._outcomes:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._store_outcomes()
        except TimeoutError:
            logger.warning(
                "%d outcomes could not be stored in time: their requests are answered again",
                len(self._outcomes),
                extra={"event": "outcomes_not_stored"},
            )

    async def _store_outcomes(self) -> None:
        # Several tasks renew the lease, so each takes out what it stores.
        while self._outcomes:
            store = self._outcomes.popleft()
            try:
                await store()
            except RequestTakenOverError as error:
                logger.info(
                    "Dropped an outcome, because another process has the request: %s",
                    error,
                    extra={"event": "outcome_superseded"},
                )
            except BaseException:  # also when cancelled: no outcome may be dropped
                self._outcomes.appendleft(store)
                raise

    async def renew_if_lapsed(self) -> None:
        """Renew the lease if it may have run out.

        Raises:
            StorageError: the database did not answer.
        """
        if not self.may_send:
            await self._renew()

    async def _stay_alive(self) -> None:
        """Renew the lease when a third of it is over."""
        if self._lease_ends - time.monotonic() < self._lease.seconds * 2 / 3:
            await self._renew()

    async def _renew(self) -> None:
        asked_at = time.monotonic()
        try:
            has_no_others = await renew_lease(self.name, self._lease.seconds)
        except StorageError:
            self._outage.note_failure(asked_at)
            raise
        self.is_alone = has_no_others and self._lease.may_be_alone
        self._outage = _Outage()
        # By the time of the answer: the database may have let the request for it wait.
        self.tenure += time.monotonic() >= self._lease_ends
        self._lease_ends = asked_at + self._lease.seconds
