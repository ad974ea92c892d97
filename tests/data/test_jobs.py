"""Jobs of a fleet: they are stored with their requests, in order, and found again when lost."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from sqlalchemy import text

from core.request import Asker, ButtonPress, Progress, Request
from data import database
from data.job_worker import Cancel, JobWorker, Serve
from data.jobs import (
    CANCELLATIONS,
    announce_cancellation,
    any_open,
    open_requests_of,
    pass_on,
    rescue,
    room_for,
    set_up_job_queue,
    store_with_job,
)
from data.requests import Claim, claim_request, finish_request, release_requests
from data.workers import renew_lease
from tests.fakes import make_request
from tests.forwarders import TcpForwarder, keepalives_of_connections
from tests.leases import LEASE_S

BOT = 42
#: Over at once.
NOW_S = 0


@pytest.fixture(autouse=True)
async def job_queue(postgres_db: str) -> None:
    await set_up_job_queue()


async def store(update_id: int, *requests: Request, fitting: int = 9) -> list[int | None]:
    return await store_with_job(BOT, update_id, requests, fitting, is_late=False)


async def sql(statement: str, **values: object) -> list[tuple[object, ...]]:
    return await database.write(
        lambda db: [tuple(row) for row in db.execute(text(statement), values)]
    )


async def fetch() -> list[int] | None:
    """Take the next job as a worker of the job queue does; return the rows of its requests."""
    (found,) = await sql(
        "SELECT args->'rows' FROM procrastinate_fetch_job_v2(NULL, "
        "(SELECT worker_id FROM procrastinate_register_worker_v1() AS t(worker_id)))"
    )
    rows = found[0]
    assert rows is None or isinstance(rows, list)
    return rows


async def end(row: int) -> None:
    """Serve a request to its end."""
    claimed = await claim_request(row, "somebody")
    assert claimed
    await finish_request(Claim(row, "somebody", claimed.epoch), Progress(), "delivered")


async def jobs() -> list[object]:
    return [row[0] for row in await sql("SELECT args->'rows' FROM procrastinate_jobs ORDER BY id")]


async def test_setting_up_twice_changes_nothing():
    await set_up_job_queue()
    assert await jobs() == []


async def test_a_start_waits_for_no_open_transaction():
    """Its locks would meet those of receivers in another order: a deadlock."""
    await store(1, make_request())
    assert database.engine
    async with database.engine.connect() as connection:
        for table in ("requests", "procrastinate_jobs"):
            # What a receiver holds until its commit.
            await connection.execute(text(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE"))
        async with asyncio.timeout(60):
            await set_up_job_queue()


async def test_requests_and_their_job_are_stored_together_and_once():
    rows = await store(1, make_request(), make_request(index=1))
    assert await store(1, make_request(), make_request(index=1)) == [None, None]
    assert await jobs() == [rows]


async def test_what_does_not_fit_has_no_job():
    rows = await store(1, make_request(), make_request(index=1), fitting=1)
    assert await jobs() == [rows[:1]]
    assert await store(2, make_request(), fitting=0) != [None]
    assert len(await jobs()) == 1


async def test_one_lane_is_served_one_by_one_in_the_order_of_its_messages():
    late = await store(2, make_request(message_id=8))
    early = await store(1, make_request(message_id=7))
    other = await store(3, make_request(chat_id=9, message_id=1))
    assert [await fetch(), await fetch(), await fetch()] == [early, other, None]
    await sql(
        "DELETE FROM procrastinate_jobs WHERE args->'rows' = CAST(:rows AS jsonb) RETURNING 1",
        rows=str(early),
    )
    assert await fetch() == late


async def test_what_is_late_waits_behind_the_others():
    await store_with_job(BOT, 1, [make_request()], 9, is_late=True)
    new = await store(2, make_request(chat_id=9))
    assert await fetch() == new


async def test_the_room_counts_the_whole_fleet():
    press = make_request(message_id=5, press=ButtonPress("sound/", ""))
    await store(1, make_request(), make_request(index=1))
    await store(2, make_request(chat_id=-7, is_private=False, asker=Asker(make_request().chat_id)))
    await store(3, make_request(chat_id=9))
    room = await room_for(BOT, press, 100)
    assert (room.links, room.messages, room.total, room.is_running) == (3, 1, 3, False)
    assert (await room_for(BOT, press, 2)).total == 2
    await store(4, press)
    assert (await room_for(BOT, press, 100)).is_running
    other = replace(press, asker=Asker(9, "Bo"))
    assert (await room_for(BOT, other, 100)).is_running
    assert not (await room_for(BOT + 1, press, 100)).is_running


async def test_a_job_that_a_dead_worker_has_taken_is_handed_out_again():
    (row,) = await store(1, make_request())
    assert row
    await fetch()
    await renew_lease("alive", LEASE_S)
    await claim_request(row, "alive")
    assert await rescue(BOT, NOW_S) == 0
    await renew_lease("alive", -1)
    assert await rescue(BOT, LEASE_S) == 0
    assert await rescue(BOT, NOW_S) == 1
    assert await fetch() == [row]


async def test_a_job_whose_requests_have_ended_does_not_block_its_lane():
    (row,) = await store(1, make_request())
    assert row
    await fetch()
    await end(row)
    assert await rescue(BOT, NOW_S) == 1


async def test_open_requests_without_a_job_get_one_per_message():
    rows = await store(1, make_request(), make_request(index=1))
    (other,) = await store(2, make_request(message_id=99), fitting=0)
    await sql("DELETE FROM procrastinate_jobs RETURNING 1")
    assert await rescue(BOT, LEASE_S) == 2
    assert await jobs() == [rows, [other]]
    assert await rescue(BOT, LEASE_S) == 0


async def test_a_request_that_a_live_worker_serves_needs_no_job():
    (row,) = await store(1, make_request(), fitting=0)
    assert row
    await renew_lease("alive", LEASE_S)
    await claim_request(row, "alive")
    assert await rescue(BOT, LEASE_S) == 0
    await release_requests([row], "somebody else")
    assert await rescue(BOT, LEASE_S) == 0
    await release_requests([row], "alive")
    assert await rescue(BOT, LEASE_S) == 1


async def test_a_request_is_passed_on_to_the_workers():
    (row,) = await store(1, make_request(), fitting=0)
    assert row
    await pass_on(BOT, row, make_request())
    assert await fetch() == [row]


async def test_open_requests_are_found_by_chat():
    (row,) = await store(1, make_request(chat_id=9))
    assert row
    await store(2, make_request())
    assert await open_requests_of(BOT, 9) == [(row, make_request(chat_id=9))]
    assert await any_open([row])
    await end(row)
    assert await open_requests_of(BOT, 9) == []
    assert not await any_open([row])


async def serve_nothing(_rows: Sequence[int]) -> bool:
    return True


def job_worker(url: str, *, serve: Serve = serve_nothing, cancel: Cancel) -> JobWorker:
    return JobWorker(url, BOT, at_once=2, lease_s=LEASE_S, serve=serve, cancel=cancel)


@asynccontextmanager
async def running(worker: JobWorker) -> AsyncIterator[object]:
    """Run a worker during the block; yield the connection on which it waits for cancellations."""
    task = asyncio.create_task(worker.run())
    try:
        yield await new_listener([])
    finally:
        worker.stop()
        async with asyncio.timeout(60):
            await task


async def test_the_end_of_a_job_that_is_gone_is_no_failure_of_its_worker(
    new_postgres: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    served: list[list[int]] = []

    async def serve(rows: Sequence[int]) -> bool:
        served.append(list(rows))
        # As if it had been handed out again, and ended there.
        await sql("DELETE FROM procrastinate_jobs RETURNING id")
        worker.stop()
        return True

    worker = job_worker(new_postgres, serve=serve, cancel=lambda *_: None)
    (row,) = await store(1, make_request())
    async with asyncio.timeout(60):
        await worker.run()
    assert served == [[row]]
    assert [r.levelname for r in caplog.records if "was not stored" in r.message] == ["INFO"]
    assert not [record for record in caplog.records if record.name == "asyncio"]


async def listeners() -> list[object]:
    """Return the connections that wait for cancellations."""
    found = await sql(
        "SELECT pid FROM pg_stat_activity WHERE query LIKE :what AND state = 'idle'",
        what=f'%LISTEN "{CANCELLATIONS}"%',
    )
    return [row[0] for row in found]


async def new_listener(known: list[object]) -> object:
    async with asyncio.timeout(60):
        while True:
            new = [pid for pid in await listeners() if pid not in known]
            if new:
                return new[0]
            await asyncio.sleep(0.05)


async def test_cancellations_are_heard_after_the_connection_was_cut(new_postgres: str):
    heard: asyncio.Queue[tuple[int, int, bool]] = asyncio.Queue()
    async with TcpForwarder(new_postgres).serving() as url:
        worker = job_worker(url, cancel=lambda *what: heard.put_nowait(what))
        async with running(worker) as first:
            assert keepalives_of_connections(url) == {(1, 10, 5, 2, 20_000)}
            await sql("SELECT pg_terminate_backend(CAST(:pid AS int))", pid=first)
            await new_listener([first])
            await announce_cancellation(5, 7, is_quiet=True)
            async with asyncio.timeout(30):
                assert await heard.get() == (5, 7, True)


async def test_a_worker_ends_while_cancellations_come_without_a_pause(new_postgres: str):
    heard = asyncio.Event()

    def cancel(*_: object) -> None:
        worker.stop()
        heard.set()

    worker = job_worker(new_postgres, cancel=cancel)
    async with running(worker):
        await sql(
            'SELECT pg_notify(:channel, \'{"row": \' || n || \', "chat": 7, "quiet": true}\') '
            "FROM generate_series(1, 50000) AS n",
            channel=CANCELLATIONS,
        )
        async with asyncio.timeout(60):
            await heard.wait()


async def test_a_worker_goes_on_after_a_cancellation_that_it_cannot_read(new_postgres: str):
    heard: asyncio.Queue[tuple[int, int, bool]] = asyncio.Queue()
    async with running(
        job_worker(new_postgres, cancel=lambda *what: heard.put_nowait(what))
    ) as first:
        for payload in ("x", "[]", '{"chat": 7}'):
            await sql("SELECT pg_notify(:channel, :what)", channel=CANCELLATIONS, what=payload)
        await announce_cancellation(5, 7, is_quiet=True)
        async with asyncio.timeout(60):
            assert await heard.get() == (5, 7, True)
            assert first in await listeners()


async def test_a_worker_starts_again_after_a_bug(
    new_postgres: str, caplog: pytest.LogCaptureFixture
):
    bugs = [ZeroDivisionError()]
    heard = asyncio.Event()

    def cancel(*_: object) -> None:
        if bugs:
            raise bugs.pop()
        heard.set()

    async with running(job_worker(new_postgres, cancel=cancel)) as first:
        await announce_cancellation(5, 7, is_quiet=True)
        await new_listener([first])
        await announce_cancellation(5, 7, is_quiet=True)
        async with asyncio.timeout(60):
            await heard.wait()
    crashes = [r for r in caplog.records if getattr(r, "event", "") == "job_worker_crashed"]
    assert len(crashes) == 1
