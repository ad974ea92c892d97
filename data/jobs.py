"""The job queue, which hands stored requests out to the workers of several processes.

The job queue is procrastinate (docs/decisions/0034). Its tables are in the same database, so that
requests and their job are stored in one transaction. This module calls procrastinate's own SQL
functions through our connection; `data.job_worker` runs its worker. A single process uses neither.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any, Final

from sqlalchemy import Connection, or_, select, text, update

from core.chat_queue import Lane
from core.request import Asker, Progress, Request
from data.database import DatabaseTime, lock_upgrades, read, read_one, without_time_limits, write
from data.key_values import read_value_in, set_value_in
from data.models import Requests
from data.requests import store_requests
from data.workers import is_alive

#: The task's name in procrastinate.
TASK: Final = "serve"
#: Workers listen here for requests that somebody cancels while they run.
CANCELLATIONS: Final = "clipferry_cancel"
#: Open requests that get a job again at a time.
_MAX_ORPHANS: Final = 1_000
_SCHEMA_KEY: Final = "engine/schema"
_ADDITIONS_KEY: Final = "engine/additions"
_OPEN: Final = "status IN ('todo', 'doing')"

#: Our additions to procrastinate's tables. The indexes are for the counts of a chat, a person and a
#: lane. The trigger is because procrastinate announces new jobs only: the next job of a lane would
#: wait until a worker happens to ask again.
_ADDITIONS: Final = f"""
CREATE INDEX IF NOT EXISTS clipferry_jobs_lane ON procrastinate_jobs (lock, id) WHERE {_OPEN};
CREATE INDEX IF NOT EXISTS clipferry_jobs_chat ON procrastinate_jobs ((args->>'chat'))
    WHERE {_OPEN};
CREATE INDEX IF NOT EXISTS clipferry_jobs_person ON procrastinate_jobs ((args->>'person'))
    WHERE {_OPEN};
CREATE INDEX IF NOT EXISTS clipferry_requests_open_by_chat ON requests (chat_id)
    WHERE finished_at IS NULL;
CREATE OR REPLACE FUNCTION clipferry_announce_lane() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM procrastinate_jobs WHERE lock = OLD.lock AND status = 'todo') THEN
        PERFORM pg_notify(
            'procrastinate_queue_v1#' || OLD.queue_name,
            json_build_object('type', 'job_inserted', 'job_id', OLD.id)::text
        );
    END IF;
    RETURN NULL;
END;
$$;
CREATE OR REPLACE TRIGGER clipferry_lane_freed AFTER DELETE OR UPDATE OF status
    ON procrastinate_jobs FOR EACH ROW WHEN (OLD.status = 'doing')
    EXECUTE FUNCTION clipferry_announce_lane();
"""

_ROOM: Final = text(
    f"""
    SELECT
      (SELECT coalesce(sum(jsonb_array_length(args->'rows')), 0) FROM procrastinate_jobs
        WHERE {_OPEN} AND queue_name = :queue AND args->>'person' = :person) AS links,
      (SELECT count(*) FROM procrastinate_jobs
        WHERE {_OPEN} AND queue_name = :queue AND args->>'chat' = :chat) AS messages,
      (SELECT count(*) FROM (
        SELECT FROM procrastinate_jobs WHERE {_OPEN} AND queue_name = :queue LIMIT :most
      ) AS waiting) AS total,
      EXISTS (SELECT FROM procrastinate_jobs
        WHERE {_OPEN} AND queue_name = :queue AND args->>'chat' = :chat AND args->>'what' = :what
      ) AS is_running
    """  # noqa: S608 - our own constant
)
_DEFER: Final = text(
    """
    SELECT procrastinate_defer_jobs_v1(ARRAY[
      ROW(:queue, :task, :priority, :lock, NULL, CAST(:args AS jsonb), NULL)
    ]::procrastinate_job_to_defer_v1[])
    """
)
_LOCK_LANE: Final = text("SELECT pg_advisory_xact_lock(hashtextextended(:lock, 0))")
#: Sorts the waiting jobs of a lane by message: updates are handled side by side, so that a later
#: message may be stored before an earlier one. procrastinate orders by id, so the contents move.
_SORT_LANE: Final = text(
    """
    WITH waiting AS (
      SELECT id, args FROM procrastinate_jobs
        WHERE lock = :lock AND status = 'todo' AND priority = :priority FOR UPDATE
    ), places AS (
      SELECT id, row_number() OVER (ORDER BY id) AS place FROM waiting
    ), contents AS (
      SELECT args, row_number() OVER (ORDER BY (args->>'position')::bigint, id) AS place
        FROM waiting
    )
    UPDATE procrastinate_jobs AS jobs SET args = contents.args
      FROM places JOIN contents USING (place)
      WHERE jobs.id = places.id AND jobs.args <> contents.args
    """
)
_LONG_TAKEN: Final = text(
    """
    SELECT id, args->'rows' AS rows FROM procrastinate_jobs AS jobs
      WHERE status = 'doing' AND queue_name = :queue
        AND (SELECT max(at) FROM procrastinate_events AS events
          WHERE events.job_id = jobs.id AND type = 'started')
          < now() - make_interval(secs => :silent_s)
    """
)
_TAKE_BACK: Final = text(
    """
    WITH locked AS MATERIALIZED (
      SELECT id FROM procrastinate_jobs
        WHERE id = ANY(:ids) AND status = 'doing' FOR UPDATE SKIP LOCKED
    )
    SELECT procrastinate_retry_job_v2(id, NULL, NULL, NULL, NULL) FROM locked
    """
)
#: The first request of each message that waits, of the next `most` messages. A lane's later ones
#: have no status note: ten messages at once would otherwise have ten.
_WAITING: Final = text(
    """
    WITH next AS (
      SELECT args, lock, priority, id FROM procrastinate_jobs
        WHERE status = 'todo' AND queue_name = :queue ORDER BY priority DESC, id LIMIT :most
    ), places AS (
      SELECT CAST(args->'rows'->>0 AS bigint) AS row,
          row_number() OVER (ORDER BY priority DESC, id) AS place,
          row_number() OVER (PARTITION BY lock ORDER BY priority DESC, id) AS place_in_lane
        FROM next
    )
    SELECT row, what, progress, place FROM places JOIN requests ON requests.id = row
      WHERE place_in_lane <= 3 AND owner IS NULL AND finished_at IS NULL
        AND asked_at <= extract(epoch FROM now()) - :patience_s
      ORDER BY place
    """
)
_HAS_NO_JOB: Final = text(
    f"""
    NOT EXISTS (SELECT FROM procrastinate_jobs
      WHERE {_OPEN} AND queue_name = :queue AND args->>'chat' = CAST(requests.chat_id AS text)
        AND args->'rows' @> to_jsonb(requests.id))
    """
)


@dataclass(frozen=True, slots=True)
class Room:
    """What waits or runs in the whole fleet, when a message arrives."""

    #: Links of the person, over all chats.
    links: int
    #: Messages of the chat.
    messages: int
    #: Messages of all chats, counted up to a limit.
    total: int
    #: The same press is being handled.
    is_running: bool


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """A request that no worker has taken yet."""

    row: int
    request: Request
    progress: Progress
    #: Its place among all that wait, from 1.
    place: int


async def set_up_job_queue() -> None:
    """Create or upgrade procrastinate's tables; several processes may do so at once.

    Raises:
        StorageError: the database did not respond, or refused.
    """
    with without_time_limits():
        await write(_upgrade)


async def room_for(bot_id: int, request: Request, most: int) -> Room:
    """Count what is there already; messages of all chats only up to `most`.

    Raises:
        StorageError: the database did not respond.
    """
    values = {
        "queue": queue_of(bot_id),
        "person": str(request.person_id),
        "chat": str(request.chat_id),
        "what": _identity(request),
        "most": most,
    }
    row = await read_one(lambda db: db.execute(_ROOM, values).one())
    return Room(row.links, row.messages, row.total, row.is_running)


async def store_with_job(
    bot_id: int, update_id: int, requests: Sequence[Request], fitting: int, *, is_late: bool
) -> list[int | None]:
    """Store the requests of an update, with a job for those of the first `fitting` that are new.

    Return the ids of the rows, None for what was stored before. See `add_job` for `is_late`.

    Raises:
        StorageError: nothing is stored.
    """

    def add(db: Connection, rows: Sequence[int | None]) -> None:
        new = [row for row in rows[:fitting] if row is not None]
        if new:
            add_job(db, bot_id, new, requests[0], is_late=is_late)

    return await store_requests(bot_id, update_id, requests, None, add)


def add_job(
    db: Connection, bot_id: int, rows: Sequence[int], request: Request, *, is_late: bool = False
) -> None:
    """Let a worker serve the requests of one message, in the caller's transaction.

    `rows` are the ids of the requests, and `request` is the first of them. What `is_late` is served
    behind all others.
    """
    queue, lane = queue_of(bot_id), Lane(request.chat_id, request.person_id)
    values = {"lock": f"{queue}/{lane.chat_id}/{lane.person_id}", "priority": -int(is_late)}
    args = {
        "rows": list(rows),
        # As texts, for the indexes.
        "chat": str(lane.chat_id),
        "person": str(lane.person_id),
        "position": request.target.message_id,
        "what": _identity(request),
    }
    db.execute(_LOCK_LANE, {"lock": values["lock"]})
    db.execute(_DEFER, {**values, "queue": queue, "task": TASK, "args": json.dumps(args)})
    db.execute(_SORT_LANE, values)


async def rescue(bot_id: int, lease_s: int) -> int:
    """Hand out again what no live worker has; return the number of jobs.

    That is what a worker took more than a lease ago, and then was killed, or could not say that it
    has ended; and open requests without any job, for example because procrastinate's tables were
    restored from an older backup.

    Raises:
        StorageError: the database did not respond.
    """

    def work(db: Connection) -> int:
        taken = _abandoned(db, bot_id, lease_s)
        db.execute(_TAKE_BACK, {"ids": taken})
        groups: dict[object, list[int]] = {}
        firsts: dict[object, Request] = {}
        key: object
        for row_id, request in _orphans(db, bot_id):
            key = (request.target, request.origin.press)
            groups.setdefault(key, []).append(row_id)
            firsts.setdefault(key, request)
        for key, rows in groups.items():
            add_job(db, bot_id, rows, firsts[key])
        return len(taken) + len(groups)

    return await write(work)


async def open_requests_of(bot_id: int, chat_id: int) -> list[tuple[int, Request]]:
    """Return the open requests of a chat that this version can read, with the ids of their rows.

    Raises:
        StorageError: the database did not respond.
    """
    query = (
        select(Requests.id, Requests.what)
        .where(
            Requests.bot_id == bot_id, Requests.chat_id == chat_id, Requests.finished_at.is_(None)
        )
        .order_by(Requests.id)
    )
    rows = await read(lambda db: db.execute(query).all())
    found = [(row.id, Request.from_json(row.what)) for row in rows]
    return [(row_id, request) for row_id, request in found if request]


async def announce_cancellation(row: int, chat_id: int, *, is_quiet: bool) -> None:
    """Ask the worker that has a request to cancel it; nobody answers."""
    what = json.dumps({"row": row, "chat": chat_id, "quiet": is_quiet})
    values = {"channel": CANCELLATIONS, "what": what}
    await write(lambda db: db.execute(text("SELECT pg_notify(:channel, :what)"), values))


async def pass_on(bot_id: int, row: int, request: Request) -> None:
    """Let a worker serve a request that this process has claimed.

    Raises:
        StorageError: the database did not respond. Once the claim is released, `rescue` makes up
            for it.
    """

    def work(db: Connection) -> None:
        released = {"owner": None, "epoch": Requests.epoch + 1}
        db.execute(update(Requests).where(Requests.id == row).values(released))
        add_job(db, bot_id, [row], request)

    await write(work)


async def waiting_requests(bot_id: int, patience_s: float, most: int) -> list[WaitingRequest]:
    """Return requests that have waited for some seconds, of the next `most` messages, in order.

    Raises:
        StorageError: the database did not respond.
    """
    values = {"queue": queue_of(bot_id), "patience_s": patience_s, "most": most}
    found = await read(lambda db: db.execute(_WAITING, values).all())
    return [
        WaitingRequest(row.row, request, Progress.from_json(row.progress), row.place)
        for row in found
        if (request := Request.from_json(row.what))
    ]


async def record_waiting_note(row: int, before: Progress, after: Progress) -> bool:
    """Record the status note of a request that waits; return False if it waits no longer.

    Raises:
        StorageError: the database did not respond.
    """
    known = Requests.progress == before.as_json()
    statement = (
        update(Requests)
        .where(
            Requests.id == row,
            Requests.owner.is_(None),
            Requests.finished_at.is_(None),
            # What a worker has sent meanwhile must not be forgotten.
            known if before != Progress() else Requests.progress.is_(None),
        )
        .values(progress=after.as_json())
    )
    return bool(await write(lambda db: db.execute(statement).rowcount))


async def any_open(rows: Sequence[int]) -> bool:
    """Return True if one of the requests has not ended."""
    query = select(Requests.id).where(Requests.id.in_(rows), Requests.finished_at.is_(None))
    return await read_one(lambda db: db.execute(query.limit(1)).first()) is not None


def queue_of(bot_id: int) -> str:
    """Return procrastinate's queue for the requests of a bot."""
    return f"requests/{bot_id}"


def _identity(request: Request) -> str:
    """Return what tells a second press of the same button, by anybody, from another request."""
    press = request.origin.press
    origin = replace(request.origin, press=None)
    same = replace(request, asked_at=0, asker=Asker(), origin=origin)
    return hashlib.sha256(f"{press and press.data} {same.as_json()}".encode()).hexdigest()[:16]


def _abandoned(db: Connection, bot_id: int, lease_s: int) -> list[int]:
    """Return the ids of jobs that were taken long ago, and whose requests no live worker has.

    A worker ends its job a moment after the last of the requests.
    """
    values = {"queue": queue_of(bot_id), "silent_s": lease_s}
    jobs = {row.id: row.rows for row in db.execute(_LONG_TAKEN, values)}
    rows = {row for each in jobs.values() for row in each}
    is_served = Requests.finished_at.is_(None) & is_alive(Requests.owner)
    has_just_ended = Requests.finished_at > DatabaseTime() - lease_s
    query = select(Requests.id).where(Requests.id.in_(rows), is_served | has_just_ended)
    served = set(db.execute(query).scalars())
    return [job for job, rows in jobs.items() if served.isdisjoint(rows)]


def _orphans(db: Connection, bot_id: int) -> list[tuple[int, Request]]:
    """Return open requests that have neither a job nor a live worker, oldest first."""
    query = (
        select(Requests.id, Requests.what)
        .where(
            Requests.bot_id == bot_id,
            Requests.finished_at.is_(None),
            or_(Requests.owner.is_(None), ~is_alive(Requests.owner)),
            _HAS_NO_JOB.bindparams(queue=queue_of(bot_id)),
        )
        .order_by(Requests.id)
        .limit(_MAX_ORPHANS)
    )
    found = [(row.id, Request.from_json(row.what)) for row in db.execute(query)]
    return [(row_id, request) for row_id, request in found if request]


def _upgrade(db: Connection) -> None:
    """Create procrastinate's tables, or apply its own migrations that are missing.

    Nothing is executed that is there already: it would lock tables against those who store requests
    at the moment, and in another order than they do.
    """
    lock_upgrades(db)
    folder = resources.files("procrastinate.sql")
    migrations = sorted(
        (file for file in folder.joinpath("migrations").iterdir() if file.name.endswith(".sql")),
        key=lambda file: file.name,
    )
    current = read_value_in(db, _SCHEMA_KEY)
    if current is None:
        scripts = [folder.joinpath("schema.sql").read_text(encoding="utf-8")]
    else:
        scripts = [file.read_text("utf-8") for file in migrations if file.name > current]
    digest = hashlib.sha256(_ADDITIONS.encode()).hexdigest()
    if read_value_in(db, _ADDITIONS_KEY) != digest:
        scripts.append(_ADDITIONS)
    driver: Any = db.connection.dbapi_connection
    for script in scripts:
        # Not through SQLAlchemy: a prepared statement has one command only.
        driver.run_async(lambda connection, sql=script: connection.execute(sql))
    # A newer version may have been here.
    set_value_in(db, _SCHEMA_KEY, max(current or "", migrations[-1].name))
    set_value_in(db, _ADDITIONS_KEY, digest)
