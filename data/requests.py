"""The request store: requests that survive a restart."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    delete,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from core.errors import (
    AlreadySentError,
    BusyError,
    LinksLeftOutError,
    QueueFullError,
    RequestCancelledError,
    RequestTakenOverError,
)
from core.media import Link
from core.request import Progress, Request, Ticket, is_from_newer_version
from data.database import DatabaseTime, read, read_one, run, table_of, unix_now, write
from data.groups import Group, Kind
from data.models import Flights, Requests, Workers
from data.prepared_statements import PreparedStatement, parameters
from data.workers import is_alive

#: The stored outcome of a request that was answered in full.
DELIVERED: Final = "delivered"
#: Outcomes without a sad face.
_NO_FAILURE: Final = frozenset({DELIVERED, AlreadySentError.code, RequestCancelledError.code})
#: Outcomes after which a list's post may be asked for again: there was no room in the queue, or
#: somebody has changed their mind.
_NOT_ASKED: Final = frozenset(
    {BusyError.code, LinksLeftOutError.code, QueueFullError.code, RequestCancelledError.code}
)
#: How long before its last outcome a process that was killed may not have ended a status, in
#: seconds; and how long after the last outcome of any process that is looked for.
_DYING_S: Final = 10
_LOOKED_FOR_S: Final = 600

# Prepared once and on the bare table, because ORM mapping would double the cost per request.
_TABLE: Final = table_of(Requests)
_NEW: Final = parameters(
    "bot_id", "update_id", "number", "chat_id", "asked_at", "what", "owner", "attempts"
)
_INSERT: Final = PreparedStatement(
    *(
        insert(_TABLE)
        .values(_NEW)
        .on_conflict_do_nothing()
        .returning(_TABLE.c.id, _TABLE.c.bot_id, _TABLE.c.update_id, _TABLE.c.number)
        for insert in (sqlite.insert, postgresql.insert)
    )
)
#: The row of a claim, while nobody else has claimed it and it is not finished.
_CLAIMED: Final = (
    update(_TABLE)
    .where(
        _TABLE.c.id == bindparam("row"),
        _TABLE.c.owner == bindparam("me"),
        _TABLE.c.epoch == bindparam("claimed_at"),
        _TABLE.c.finished_at.is_(None),
    )
    .returning(_TABLE.c.id)
)
_COUNT_ATTEMPT: Final = PreparedStatement(_CLAIMED.values(attempts=_TABLE.c.attempts + 1))
_STORE_PROGRESS: Final = PreparedStatement(_CLAIMED.values(progress=bindparam("how_far")))
_FINISH: Final = PreparedStatement(
    _CLAIMED.values(
        finished_at=bindparam("at"),
        outcome=bindparam("how"),
        progress=bindparam("how_far"),
    )
)
#: A request that no running worker serves.
_IS_ORPHAN: Final = _TABLE.c.finished_at.is_(None) & or_(
    _TABLE.c.owner.is_(None), ~is_alive(_TABLE.c.owner)
)
_RELEASE: Final = PreparedStatement(_CLAIMED.values(owner=None, epoch=_TABLE.c.epoch + 1))
_HAS_ENDED: Final = PreparedStatement(
    select(_TABLE.c.id).where(
        _TABLE.c.id == bindparam("row"),
        _TABLE.c.epoch == bindparam("claimed_at"),
        _TABLE.c.finished_at.is_not(None),
    )
)
_CLAIM: Final = PreparedStatement(
    update(_TABLE)
    .where(_TABLE.c.id == bindparam("row"), _IS_ORPHAN)
    .values(owner=bindparam("me"), epoch=_TABLE.c.epoch + 1)
    .returning(_TABLE)
)
#: Key of the advisory lock under which requests are taken over: any constant of all versions.
_TAKE_OVER_LOCK: Final = 0x0C11_9FE8
#: Updates of the bot between a message and its edit two minutes later, at most.
_SPAN: Final = 100_000


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Claim:
    """The right of a worker to serve a request; it ends when another worker claims the request."""

    #: Id of the request's row.
    row: int
    #: Name of the worker.
    owner: str
    #: The row's number of changes of its owner at the time of the claim.
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A stored request that is not finished, as a worker has claimed it."""

    #: Id of the row.
    id: int
    #: See `Claim`.
    epoch: int
    #: None if the stored JSON is invalid.
    request: Request | None
    progress: Progress
    #: See `core.request.is_given_up`.
    attempts: int
    #: A newer version has stored it, which this one must leave to a newer worker.
    is_newer: bool = False


@dataclass(frozen=True, slots=True)
class EndedRequest:
    """A stored request that ended without its whole answer."""

    #: None if the stored JSON is invalid.
    request: Request | None
    progress: Progress
    #: False while it is being answered again.
    is_ended: bool


async def store_requests(
    bot_id: int,
    update_id: int,
    requests: Sequence[Request],
    owner: str | None,
    then: Callable[[Connection, Sequence[int | None]], None] | None = None,
) -> list[int | None]:
    """Store the requests of one update in one transaction and return the ids of the rows.

    `owner` has claimed them in epoch 0; with None, any worker may claim them. An id is None if the
    request is already stored, because Telegram delivered the update twice. `then` gets the ids, and
    adds to the transaction. A request's number within the update is its `entry`, or its place.
    """
    new = _NewRequests(
        (bot_id, update_id),
        [
            {
                "bot_id": bot_id,
                "update_id": update_id,
                "number": number_of(request, place),
                "chat_id": request.chat_id,
                "asked_at": request.asked_at,
                "what": request.as_json(),
                "owner": owner,
                "attempts": 0,
            }
            for place, request in enumerate(requests)
        ],
    )
    if then is None:
        return await run(_STORE, new)

    def work(db: Connection) -> list[int | None]:
        (ids,) = _insert(db, [new])
        then(db, ids)
        return ids

    return await write(work)


@dataclass(frozen=True, slots=True)
class _NewRequests:
    """The rows of the requests of one update."""

    #: Ids of the bot and of the update.
    update: tuple[int, int]
    rows: Sequence[Mapping[str, Any]]


def _insert(db: Connection, updates: Sequence[_NewRequests]) -> list[list[int | None]]:
    inserted = _INSERT.many(db, [row for new in updates for row in new.rows])
    ids = {(row.bot_id, row.update_id, row.number): row.id for row in inserted}
    # Each id once: two requests with the same number are the same one.
    return [[ids.pop((*new.update, row["number"]), None) for row in new.rows] for new in updates]


_STORE: Final = Group[_NewRequests, list[int | None]](
    _insert, lambda new: new.update, Kind.STATEMENT
)


def number_of(request: Request, place: int) -> int:
    """Return the number of a request within its update; `place` is its index in it."""
    entry = request.origin.entry
    return place if entry is None else entry


async def stored_numbers(bot_id: int, update_id: int) -> set[int]:
    """Return the numbers of all requests of an update that were accepted, however they have ended.

    Those that found no room in the queue, and those that were cancelled, are forgotten, so that
    they can be made again.
    """
    this = (_TABLE.c.bot_id == bot_id) & (_TABLE.c.update_id == update_id)
    refused = delete(_TABLE).where(this, _TABLE.c.outcome.in_(_NOT_ASKED))
    query = select(_TABLE.c.number).where(this)

    def work(db: Connection) -> set[int]:
        db.execute(refused)
        return set(db.execute(query).scalars().all())

    return await write(work)


async def stored_before(
    bot_id: int, update_ids: Collection[int], owner: str
) -> dict[tuple[int, int], int]:
    """Return the rows of updates that `owner` has stored without knowing.

    The answer to its transaction was lost. The keys are ids of updates and numbers within them.
    """
    query = select(_TABLE.c.update_id, _TABLE.c.number, _TABLE.c.id).where(
        _TABLE.c.bot_id == bot_id,
        _TABLE.c.update_id.in_(update_ids),
        _TABLE.c.owner == owner,
        _TABLE.c.epoch == 0,
        _TABLE.c.finished_at.is_(None),
    )
    rows = await read(lambda db: db.execute(query).all())
    return {(row.update_id, row.number): row.id for row in rows}


async def stored_links(
    bot_id: int, update_id: int, chat_id: int, message_id: int, asked_at: int
) -> list[tuple[Link, int]]:
    """Return the links that were stored for a message, with the id of the update of each.

    `update_id` is that of an update about the message: others about it have similar ids, which
    saves an index by message. `asked_at` is the Unix time of the message.
    """
    near = Requests.update_id.between(update_id - _SPAN, update_id + _SPAN)
    query = select(Requests.what, Requests.update_id).where(
        Requests.bot_id == bot_id,
        near,
        Requests.chat_id == chat_id,
        Requests.asked_at == asked_at,
    )
    rows = await read(lambda db: db.execute(query).all())
    found = [(Request.from_json(row.what), row.update_id) for row in rows]
    return [
        (request.link, number)
        for request, number in found
        if request and request.target.message_id == message_id and request.origin.press is None
    ]


async def claim_request(row: int, owner: str) -> OpenRequest | None:
    """Claim a request for a worker; return None if it is finished, or a live worker has it."""
    values = {"row": row, "me": owner}
    claimed = await write(lambda db: _CLAIM.first(db, values))
    return _open_request(claimed) if claimed else None


async def count_attempt(claim: Claim) -> None:
    """Count an attempt at a request. A high count marks requests that crash the process.

    Raises:
        RequestTakenOverError: the claim has ended.
    """
    await _write_claimed(_COUNT_ATTEMPT, claim, {})


async def store_progress(claim: Claim, progress: Progress) -> None:
    """Store how much of an answer has been sent.

    Raises:
        RequestTakenOverError: the claim has ended.
    """
    if not await run(_PROGRESS, (claim, progress)):
        raise RequestTakenOverError(f"request {claim.row}")


def _store_progress(db: Connection, changes: Sequence[tuple[Claim, Progress]]) -> list[bool]:
    values = [{**_fence(claim), "how_far": progress.as_json()} for claim, progress in changes]
    stored = {row.id for row in _STORE_PROGRESS.many(db, values)}
    return [claim.row in stored for claim, _ in changes]


_PROGRESS: Final = Group[tuple[Claim, Progress], bool](
    _store_progress, lambda change: change[0].row, Kind.STATEMENT
)


async def finish_request(claim: Claim, progress: Progress, outcome: str) -> None:
    """Mark a request as finished; do nothing if the same claim has finished it already.

    `outcome` is "delivered" or the code of the error that the user was told.

    Raises:
        RequestTakenOverError: the claim has ended.
    """
    await write(lambda db: finish(db, [(claim, progress)], outcome))


async def finish_unstored(
    bot_id: int, update_id: int, number: int, owner: str, progress: Progress, outcome: str
) -> None:
    """Mark a request as finished that its owner served from memory: it could not be stored.

    Its row may exist all the same: the answer to the transaction was lost, or came too late. It is
    left alone if another worker has claimed it.
    """
    statement = (
        update(Requests)
        .where(
            Requests.bot_id == bot_id,
            Requests.update_id == update_id,
            Requests.number == number,
            Requests.owner == owner,
            Requests.finished_at.is_(None),
        )
        .values(finished_at=unix_now(), outcome=outcome, progress=progress.as_json(), owner=None)
    )
    await write(lambda db: db.execute(statement))


def finish(db: Connection, ends: Sequence[tuple[Claim, Progress]], outcome: str) -> None:
    """Mark requests as finished, inside the caller's transaction; see `finish_request`.

    Raises:
        RequestTakenOverError: so that the whole transaction is rolled back.
    """
    now = unix_now()
    values = [
        {**_fence(claim), "at": now, "how": outcome, "how_far": progress.as_json()}
        for claim, progress in ends
    ]
    finished = {row.id for row in _FINISH.many(db, values)}
    for claim, _ in ends:
        known = {"row": claim.row, "claimed_at": claim.epoch}
        if claim.row not in finished and not _HAS_ENDED.first(db, known):
            raise RequestTakenOverError(f"request {claim.row}")


async def take_over(
    bot_id: int,
    owner: str,
    room: int,
    skipped: Collection[int] = (),
    picked: set[int] | None = None,
) -> list[OpenRequest]:
    """Assign up to `room` requests without a live worker to `owner`; return them, oldest first.

    The order in each chat is kept: none is taken while a live worker has an earlier one of the same
    chat, and those of several workers are taken one after the other. `skipped` are rows to leave.
    `picked` gets the ids before they are committed: if that fails, `owner` may have them.
    """
    found = (
        _orphans(bot_id, owner, skipped).limit(room).with_for_update(skip_locked=True, of=_TABLE)
    )
    statement = (
        update(_TABLE)
        .where(_TABLE.c.id.in_(select(found.cte("picked").c.id)))
        .values(owner=owner, epoch=_TABLE.c.epoch + 1)
        .returning(*_TABLE.c)
    )

    def work(db: Connection) -> Sequence[Any]:
        if db.dialect.name == "postgresql":
            # The second process sees what the first has taken, so that no chat is divided.
            db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _TAKE_OVER_LOCK})
        rows = db.execute(statement).all()
        if picked is not None:
            picked.update(row.id for row in rows)
        return rows

    rows = await write(work) if room > 0 else []
    return [_open_request(row) for row in sorted(rows, key=lambda row: row.id)]


def _orphans(bot_id: int, owner: str, skipped: Collection[int]) -> Select[tuple[int]]:
    """Return a query for the rows that `owner` may take over, oldest first."""
    is_open = (_TABLE.c.bot_id == bot_id) & _TABLE.c.finished_at.is_(None)
    served = _TABLE.alias("served")
    first_served = (
        select(served.c.chat_id, func.min(served.c.id).label("id"))
        .where(
            served.c.bot_id == bot_id,
            served.c.finished_at.is_(None),
            served.c.owner != owner,
            is_alive(served.c.owner).correlate(served),
        )
        .group_by(served.c.chat_id)
        .subquery("first_served")
    )
    return (
        select(_TABLE.c.id)
        .outerjoin(first_served, first_served.c.chat_id == _TABLE.c.chat_id)
        .where(
            is_open,
            _IS_ORPHAN,
            _TABLE.c.owner.is_distinct_from(owner),
            _TABLE.c.id.not_in(list(skipped)),
            or_(first_served.c.id.is_(None), first_served.c.id > _TABLE.c.id),
        )
        .order_by(_TABLE.c.id)
    )


async def release_request(claim: Claim) -> None:
    """End a claim without finishing the request, so that any worker may claim it.

    Raises:
        RequestTakenOverError: the claim has ended.
    """
    await _write_claimed(_RELEASE, claim, {})


async def give_up_requests(rows: Collection[int], asked_before: int, outcome: str) -> int:
    """Finish those of some requests that no worker serves and that are old; return their number."""
    statement = (
        update(_TABLE)
        .where(_TABLE.c.id.in_(list(rows)), _IS_ORPHAN, _TABLE.c.asked_at < asked_before)
        .values(finished_at=unix_now(), outcome=outcome, owner=None)
    )
    return await write(lambda db: db.execute(statement).rowcount)


async def last_finished_at(bot_id: int) -> int:
    """Return the Unix time at which a process finished a request last; 0 if none has."""
    query = select(func.max(Requests.finished_at)).where(Requests.bot_id == bot_id)
    return await read(lambda db: db.execute(query).scalar()) or 0


async def find_ended(bot_id: int, ticket: Ticket) -> EndedRequest | None:
    """Return the request that a ticket is for; None if it is gone, or the ticket was used.

    While the request is being answered again, every ticket for it is valid here.
    """
    query = select(_TABLE).where(_TABLE.c.id == ticket.row, _TABLE.c.bot_id == bot_id)
    row = await read_one(lambda db: db.execute(query).first())
    if row is None:
        return None
    is_ended = row.finished_at is not None
    if is_ended and (row.attempts != ticket.attempts or row.outcome == DELIVERED):
        return None
    return EndedRequest(Request.from_json(row.what), Progress.from_json(row.progress), is_ended)


async def reopen(ticket: Ticket, request: Request, progress: Progress, owner: str) -> Claim | None:
    """Open an ended request again for `owner`; return None if another press has done that.

    One statement decides: it matches the count of attempts, and changes it.
    """
    statement = (
        update(Requests)
        .where(
            Requests.id == ticket.row,
            Requests.attempts == ticket.attempts,
            Requests.finished_at.is_not(None),
            Requests.outcome != DELIVERED,
        )
        .values(
            what=request.as_json(),
            asked_at=request.asked_at,
            progress=progress.as_json(),
            owner=owner,
            epoch=Requests.epoch + 1,
            attempts=ticket.attempts_after_press,
            finished_at=None,
            outcome=None,
        )
        .returning(Requests.epoch)
    )
    epoch = await write(lambda db: db.execute(statement).scalar())
    return None if epoch is None else Claim(ticket.row, owner, epoch)


@dataclass(frozen=True, slots=True)
class LeftStatuses:
    """What workers had just ended when they died."""

    #: One request of each message, and True if any of the message has failed.
    messages: Sequence[tuple[Request, bool]]
    #: The names of the workers.
    owners: Collection[str]


async def left_statuses(bot_id: int) -> LeftStatuses:
    """Return what workers had just ended when they died.

    A worker ends the status on a message after it has stored the outcome. Messages with open
    requests are left out: whoever ends those ends the status. The result is the same again until
    `forget_statuses`.
    """

    def work(db: Connection) -> LeftStatuses:
        facts = _TABLE.c.owner, _TABLE.c.update_id, _TABLE.c.finished_at
        if not (rows := db.execute(select(*facts).where(*_ended_by_dead(db, bot_id))).all()):
            return LeftStatuses((), ())
        of_these = select(_TABLE).where(
            _TABLE.c.bot_id == bot_id, _TABLE.c.update_id.in_(_perhaps_unended(rows))
        )
        messages = _ended_messages(db.execute(of_these.order_by(_TABLE.c.id)).all())
        return LeftStatuses(messages, {row.owner for row in rows})

    return await read(work)


async def forget_statuses(bot_id: int, owners: Collection[str]) -> None:
    """Note that the statuses which dead workers have left are ended."""

    def work(db: Connection) -> None:
        of_owners = (*_ended_by_dead(db, bot_id), _TABLE.c.owner.in_(list(owners)))
        db.execute(update(_TABLE).where(*of_owners).values(owner=None))

    await write(work)


def _ended_by_dead(db: Connection, bot_id: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of rows that dead workers have ended lately."""
    newest = db.scalar(select(func.max(_TABLE.c.finished_at)).where(_TABLE.c.bot_id == bot_id))
    # Not by their ids: of a busy bot they are more than a statement may have parameters.
    return (
        _TABLE.c.bot_id == bot_id,
        _TABLE.c.finished_at >= (newest or 0) - _LOOKED_FOR_S,
        _TABLE.c.owner.is_not(None),
        ~is_alive(_TABLE.c.owner),
    )


def _perhaps_unended(rows: Sequence[Any]) -> set[int]:
    """Return the ids of the updates about which workers had no time to end the status."""
    last: dict[str, int] = {}
    for row in rows:
        last[row.owner] = max(last.get(row.owner, 0), row.finished_at)
    return {row.update_id for row in rows if row.finished_at >= last[row.owner] - _DYING_S}


def _ended_messages(rows: Sequence[Row[Any]]) -> list[tuple[Request, bool]]:
    by_update: dict[int, list[Row[Any]]] = {}
    for row in rows:
        by_update.setdefault(row.update_id, []).append(row)
    found = [
        (Request.from_json(group[-1].what), _has_failed(group)) for group in by_update.values()
    ]
    return [(one, has_failed) for one, has_failed in found if one and has_failed is not None]


async def has_failed(row: int) -> bool | None:
    """Return True if a request of the same message as `row` has failed; None while one is open."""
    one = _TABLE.alias("one")
    of_message = (_TABLE.c.bot_id == one.c.bot_id) & (_TABLE.c.update_id == one.c.update_id)
    query = select(_TABLE.c.finished_at, _TABLE.c.outcome).join(one, of_message)
    query = query.where(one.c.id == row)
    return _has_failed(await read(lambda db: db.execute(query).all()))


def _has_failed(rows: Sequence[Any]) -> bool | None:
    """Return True if one of a message's requests has failed; None while one has not ended."""
    if not rows or any(row.finished_at is None for row in rows):
        return None
    return any(row.outcome not in _NO_FAILURE for row in rows)


async def release_requests(rows: Collection[int], owner: str, kept: Collection[Claim] = ()) -> None:
    """Give up a worker's claims of requests that it did not finish, except those in `kept`.

    Raises:
        StorageError: the database did not respond.
    """
    mine = Requests.id.in_(rows) & (Requests.owner == owner) & Requests.finished_at.is_(None)
    for claim in kept:
        mine &= (Requests.id != claim.row) | (Requests.epoch != claim.epoch)
    released = update(Requests).where(mine).values(owner=None, epoch=Requests.epoch + 1)
    await write(lambda db: db.execute(released))


async def hand_back(owner: str) -> int:
    """Release a worker's requests, flights and lease. Return the number of open requests."""
    mine = (Requests.owner == owner) & Requests.finished_at.is_(None)
    ended = (Requests.owner == owner) & (Requests.finished_at >= unix_now() - _LOOKED_FOR_S)

    def work(db: Connection) -> int:
        released = update(Requests).where(mine).values(owner=None, epoch=Requests.epoch + 1)
        number = db.execute(released).rowcount
        # It has ended their statuses, too.
        db.execute(update(Requests).where(ended).values(owner=None))
        db.execute(delete(Flights).where(Flights.owner == owner))
        db.execute(delete(Workers).where(Workers.name == owner))
        return number

    return await write(work)


async def sweep_requests(finished_before: int) -> int:
    """Delete requests finished before a Unix time, and flights and leases of dead workers.

    Return the number of deleted requests.
    """

    def work(db: Connection) -> int:
        number = db.execute(delete(Requests).where(Requests.finished_at < finished_before)).rowcount
        db.execute(delete(Flights).where(~is_alive(Flights.owner)))
        db.execute(delete(Workers).where(Workers.alive_until < DatabaseTime()))
        return number

    return await write(work)


async def _write_claimed(
    statement: PreparedStatement, claim: Claim, values: Mapping[str, Any]
) -> None:
    await write(lambda db: _change_claimed(db, statement, claim, values))


def _change_claimed(
    db: Connection, statement: PreparedStatement, claim: Claim, values: Mapping[str, Any]
) -> None:
    """Change the row of a claim.

    Raises:
        RequestTakenOverError: the claim has ended.
    """
    if statement.first(db, {**_fence(claim), **values}) is None:
        raise RequestTakenOverError(f"request {claim.row}")


def _fence(claim: Claim) -> dict[str, Any]:
    """Return the values that no other claim has."""
    return {"row": claim.row, "me": claim.owner, "claimed_at": claim.epoch}


def _open_request(row: Any) -> OpenRequest:
    request = Request.from_json(row.what)
    return OpenRequest(
        row.id,
        row.epoch,
        request,
        Progress.from_json(row.progress).interrupted(),
        row.attempts,
        is_newer=request is None and is_from_newer_version(row.what),
    )
