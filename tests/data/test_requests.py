"""Stored requests on both databases: none is stored twice, none is served by two processes."""

import asyncio
import sys
import time
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update

from core.cached_post import CacheKey
from core.errors import RequestTakenOverError
from core.media import Link
from core.preferences import Preferences
from core.request import (
    UNKNOWN,
    WANTED,
    Asker,
    ButtonPress,
    ChatSettings,
    Origin,
    Progress,
    Request,
    Target,
    Ticket,
)
from data import database
from data.bans import ban, banned_chats, unban
from data.chats import register_chat
from data.config import ROOT
from data.db_service import get_user_videos
from data.downloads import record_download
from data.elections import claim_polling
from data.flights import begin_flight, end_flight
from data.models import Flights, Requests, Workers
from data.requests import (
    Claim,
    OpenRequest,
    claim_request,
    count_attempt,
    find_ended,
    finish_request,
    forget_statuses,
    hand_back,
    has_failed,
    left_statuses,
    release_request,
    reopen,
    store_progress,
    store_requests,
    sweep_requests,
    take_over,
)
from data.workers import renew_lease
from tests.fakes import make_request
from tests.leases import LEASE_S, expire
from tests.records import changed

LINK = Link("tiktok", "https://www.tiktok.com/@a/video/1", "1")
REQUEST = make_request(link=LINK)
ROOM = 100
KEY = CacheKey(42, "tiktok", "1", "media/best")


@pytest.fixture
def now(db: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The database's clock, in the tests' hands."""
    moment = [1_000_000]
    monkeypatch.setattr(database, "clock", lambda: moment[0])
    return moment


async def test_an_update_that_comes_twice_is_stored_once(now: list[int]):
    first = await store_requests(42, 5, [REQUEST, REQUEST], "a")
    again = await store_requests(42, 5, [REQUEST, REQUEST, REQUEST], "a")
    assert None not in first
    assert again[:2] == [None, None]
    assert again[2] is not None
    assert None not in await store_requests(43, 5, [REQUEST], "a")


async def test_what_the_dead_have_left_is_taken_over_once_and_as_it_was(now: list[int]):
    request = Request(
        "sound",
        Link("tiktok", "https://vm.tiktok.com/x", None),
        Target(-100, 9, is_private=False, thread_id=4),
        asked_at=5,
        chat=ChatSettings("uk", file_mode=True, preferences=Preferences(silent=True)),
        asker=Asker(name="Олена"),
        origin=Origin(press=ButtonPress("id/1", '{"inline_keyboard":[]}')),
    )
    await renew_lease("a", LEASE_S)
    (row,) = await store_requests(42, 5, [request], "a")
    assert row
    await store_progress(Claim(row, "a"), Progress(sent=(11, 12), total=5).record_sending(3))
    assert await take_over(42, "b", ROOM) == []
    await expire("a")
    await renew_lease("b", LEASE_S)
    await renew_lease("c", LEASE_S)
    taken = [*await take_over(42, "b", ROOM), *await take_over(42, "c", ROOM)]
    assert [entry.id for entry in taken] == [row]
    assert taken[0].request == request
    assert taken[0].attempts == 0
    assert taken[0].progress == Progress(sent=(11, 12, 0, 0, 0), total=5)
    assert await take_over(43, "b", ROOM) == []


async def test_two_that_take_over_at_once_do_not_get_the_same(now: list[int]):
    await renew_lease("b", LEASE_S)
    await renew_lease("c", LEASE_S)
    for update_id in range(40):
        await store_requests(42, update_id, [REQUEST], "dead")
    both = await asyncio.gather(*(take_over(42, name, ROOM) for name in "bcbc"))
    ids = [entry.id for taken in both for entry in taken]
    assert len(ids) == len(set(ids)) == 40


async def test_a_request_is_claimed_by_one_live_worker(now: list[int]):
    await renew_lease("a", LEASE_S)
    await renew_lease("b", LEASE_S)
    (row,) = await store_requests(42, 5, [REQUEST], None)
    assert row
    first = await claim_request(row, "a")
    assert first == OpenRequest(row, 1, REQUEST, Progress(), 0)
    assert await claim_request(row, "b") is None
    await expire("a")
    second = await claim_request(row, "b")
    assert second
    assert second.epoch == 2
    await finish_request(Claim(row, "b", 2), Progress(), "delivered")
    assert await claim_request(row, "a") is None


@pytest.mark.usefixtures("now")
async def test_of_many_workers_that_claim_a_request_one_wins():
    names = [f"worker {number}" for number in range(20)]
    for name in names:
        await renew_lease(name, LEASE_S)
    (row,) = await store_requests(42, 5, [REQUEST], None)
    assert row
    claims = await asyncio.gather(*(claim_request(row, name) for name in names))
    assert [claim.epoch for claim in claims if claim] == [1]


async def test_what_is_handed_back_is_free_at_once(now: list[int]):
    await renew_lease("a", LEASE_S)
    (row,) = await store_requests(42, 5, [REQUEST], "a")
    assert row
    await count_attempt(Claim(row, "a"))
    await count_attempt(Claim(row, "a"))
    assert await hand_back("a") == 1
    await renew_lease("b", LEASE_S)
    (entry,) = await take_over(42, "b", ROOM)
    assert entry.attempts == 2


async def test_what_is_finished_is_not_taken_over_and_goes_after_its_time(now: list[int]):
    (row,) = await store_requests(42, 5, [REQUEST], "dead")
    assert row
    await finish_request(Claim(row, "dead"), Progress(sent=(8,), total=1), "delivered")
    await finish_request(Claim(row, "dead"), Progress(), "TooLateError")
    assert await take_over(42, "b", ROOM) == []
    stored = await database.read(lambda db: db.execute(select(Requests.__table__)).one())
    assert (stored.outcome, stored.owner) == ("delivered", "dead")
    assert Progress.from_json(stored.progress) == Progress(sent=(8,), total=1)
    assert await sweep_requests(now[0]) == 0
    assert await sweep_requests(now[0] + 1) == 1


async def ended(update_id: int, *outcomes: str | None, owner: str = "dead") -> Request:
    """Store and finish the requests of an update; None leaves one open. Return the last one."""
    requests = [changed(REQUEST, message_id=update_id) for _ in outcomes]
    rows = await store_requests(42, update_id, requests, owner)
    for row, outcome in zip(rows, outcomes, strict=True):
        if row and outcome:
            await finish_request(Claim(row, owner), Progress(), outcome)
    return requests[-1]


async def take_over_statuses() -> list[tuple[Request, bool]]:
    """Return what the dead have left, as often as it is asked for until that is ended."""
    left = await left_statuses(42)
    assert await left_statuses(42) == left
    await forget_statuses(42, left.owners)
    return list(left.messages)


async def test_the_statuses_of_a_dead_worker_are_ended_once(now: list[int]):
    """Its last outcomes are stored, and the status on their messages may still be there."""
    await renew_lease("alive", LEASE_S)
    await ended(1, "delivered")
    now[0] += 11  # enough time to end the status of the first one
    one = await ended(2, "delivered")
    both = await ended(3, "AlreadySentError", "NotFoundError")
    failed = await ended(4, "NotFoundError")
    await ended(5, "delivered", None)  # whoever serves the open one ends the status
    await ended(6, "delivered", owner="alive")
    await ended(7, "delivered", owner="stopped")
    await hand_back("stopped")
    assert await take_over_statuses() == [(one, False), (both, True), (failed, True)]
    assert await take_over_statuses() == []
    await expire("alive")
    ((left, _),) = await take_over_statuses()
    assert left.target.message_id == 6


async def test_the_statuses_of_a_busy_worker_are_ended(now: list[int]):
    """In ten minutes it ends more requests than a statement may have parameters."""
    many = text(
        """
        INSERT INTO requests
            (bot_id, update_id, number, chat_id, asked_at, what, owner, epoch, attempts,
             finished_at, outcome)
        WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 40000)
        SELECT 42, n + 100, 0, 1, 1, '{}', 'dead', 0, 1, :ended_at, 'NotFoundError' FROM numbers
        """
    )
    await database.write(lambda db: db.execute(many, {"ended_at": now[0] - 11}))
    left = await ended(1, "delivered")
    assert await take_over_statuses() == [(left, False)]
    assert await take_over_statuses() == []


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["delivered"], False),
        (["delivered", "CalledOffError", "AlreadySentError"], False),
        (["NotFoundError", "delivered"], True),
        (["delivered", None], None),
    ],
)
async def test_how_the_requests_of_a_message_have_ended(
    now: list[int], outcomes: list[str | None], expected: bool | None
):
    await ended(2, "NotFoundError")
    await ended(3, *outcomes)
    query = select(Requests.id).where(Requests.update_id == 3)
    rows = await database.read(lambda db: db.execute(query).scalars().all())
    assert [await has_failed(row) for row in rows] == [expected] * len(rows)
    assert await has_failed(max(rows) + 1) is None


async def test_a_request_of_an_unknown_kind_is_taken_over_without_its_content(now: list[int]):
    await store_requests(42, 5, [REQUEST], "dead")
    newer = update(Requests).values(what='{"kind": "dance", "steps": 3}')
    await database.write(lambda db: db.execute(newer))
    (entry,) = await take_over(42, "b", ROOM)
    assert entry.request is None


async def test_one_post_is_fetched_by_one_living_process(now: list[int]):
    await renew_lease("a", LEASE_S)
    await renew_lease("b", LEASE_S)
    assert await begin_flight(KEY, "a")
    assert await begin_flight(KEY, "a")
    assert not await begin_flight(KEY, "b")
    await expire("a")
    await renew_lease("b", LEASE_S)
    assert await begin_flight(KEY, "b")
    await end_flight(KEY, "a")
    await renew_lease("a", LEASE_S)
    assert not await begin_flight(KEY, "a")
    await end_flight(KEY, "b")
    assert await begin_flight(KEY, "a")


@pytest.mark.usefixtures("now")
async def test_of_many_that_begin_one_flight_at_once_one_wins():
    names = [f"worker {number}" for number in range(20)]
    for name in names:
        await renew_lease(name, LEASE_S)
    claims = await asyncio.gather(*(begin_flight(KEY, name) for name in names))
    assert sum(claims) == 1


async def test_the_flight_of_a_dead_process_is_free_although_others_fly(now: list[int]):
    other = replace(KEY, post_id="another")
    await renew_lease("a", LEASE_S)
    assert await begin_flight(KEY, "a")
    await expire("a")
    await renew_lease("b", LEASE_S)
    await renew_lease("c", LEASE_S)
    assert await begin_flight(other, "b")
    assert await begin_flight(KEY, "c")


async def test_the_dead_are_forgotten(now: list[int]):
    await renew_lease("a", LEASE_S)
    await begin_flight(KEY, "a")
    await expire("a")
    await sweep_requests(0)
    for model in (Workers, Flights):
        table = select(model.__table__)
        assert await database.read(lambda db, table=table: db.execute(table).all()) == []  # type: ignore[misc]


async def test_a_ban_is_set_once_and_lifted_once(now: list[int]):
    assert await ban(7, 1)
    assert not await ban(7, 1)
    assert await ban(-100, 1)
    assert await banned_chats() == {7, -100}
    assert await unban(7)
    assert not await unban(7)
    assert await banned_chats() == {-100}


# --- sending an answer again ----------------------------------------------------------------------


async def unconfirmed(attempts: int = 1) -> Ticket:
    """Store a request whose second album got no response; return the ticket of its button."""
    (row,) = await store_requests(42, 5, [REQUEST], "a")
    assert row
    for _ in range(attempts):
        await count_attempt(Claim(row, "a"))
    await finish_request(
        Claim(row, "a"), Progress((8, 9), 4).record_sending(2), "UnknownOutcomeError"
    )
    return Ticket(row, attempts)


async def test_of_many_presses_at_once_one_sends(now: list[int]):
    """The presses may be those of two administrators, in two processes."""
    ticket = await unconfirmed()
    found = await asyncio.gather(*(find_ended(42, ticket) for _ in range(20)))
    assert all(one and one.is_ended for one in found)
    progress = Progress((8, 9, WANTED, WANTED), 4)
    claims = await asyncio.gather(
        *(reopen(ticket, REQUEST, progress, f"process {n % 2}") for n in range(20))
    )
    assert sum(claim is not None for claim in claims) == 1
    assert not await reopen(ticket, REQUEST, progress, "late")


async def test_a_claimed_request_is_open_until_it_ends_again(now: list[int]):
    ticket = await unconfirmed()
    asked_now = replace(REQUEST, asked_at=now[0])
    progress = Progress((8, 9, WANTED, WANTED), 4)
    await renew_lease("b", LEASE_S)
    assert await reopen(ticket, asked_now, progress, "b")
    await renew_lease("c", LEASE_S)
    assert await take_over(42, "c", ROOM) == []
    running = await find_ended(42, ticket)
    assert running
    assert not running.is_ended
    await expire("b")  # its process has died
    await renew_lease("c", LEASE_S)
    (entry,) = await take_over(42, "c", ROOM)
    assert (entry.request, entry.progress) == (asked_now, progress)
    assert entry.attempts == ticket.attempts_after_press


async def test_each_button_works_once(now: list[int]):
    ticket = await unconfirmed()
    for _ in range(2):
        claim = await reopen(ticket, REQUEST, Progress(), "a")
        assert claim
        await finish_request(claim, Progress((UNKNOWN,), 1), "UnknownOutcomeError")
        assert await find_ended(42, ticket) is None
        assert not await reopen(ticket, REQUEST, Progress(), "a")
        ticket = replace(ticket, attempts=ticket.attempts_after_press)
    claim = await reopen(ticket, REQUEST, Progress(), "a")
    assert claim
    await finish_request(claim, Progress((8,), 1), "delivered")
    ticket = replace(ticket, attempts=ticket.attempts_after_press)
    assert await find_ended(42, ticket) is None
    assert not await reopen(ticket, REQUEST, Progress(), "a")


async def test_the_button_of_another_bot_and_of_a_deleted_request_find_nothing(now: list[int]):
    ticket = await unconfirmed()
    assert await find_ended(43, ticket) is None
    await sweep_requests(now[0] + 1)
    assert await find_ended(42, ticket) is None
    assert not await reopen(ticket, REQUEST, Progress(), "a")


# --- fencing --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("now")
async def test_a_worker_that_has_lost_a_request_writes_nothing_more():
    (row,) = await store_requests(42, 5, [REQUEST], "a")
    assert row
    await renew_lease("b", LEASE_S)
    (taken,) = await take_over(42, "b", ROOM)
    lost = Claim(row, "a")
    for write in (
        store_progress(lost, Progress((8,), 1)),
        count_attempt(lost),
        finish_request(lost, Progress((8,), 1), "delivered"),
        release_request(lost),
    ):
        with pytest.raises(RequestTakenOverError):
            await write
    assert await hand_back("a") == 0
    stored = await database.read(lambda db: db.execute(select(Requests.__table__)).one())
    assert (stored.owner, stored.epoch, stored.progress, stored.attempts) == ("b", 1, None, 0)
    await finish_request(Claim(row, "b", taken.epoch), Progress(), "TooLongError")


@pytest.mark.usefixtures("now")
async def test_an_earlier_claim_of_the_same_worker_counts_no_more():
    """It has lost the request, and got it again: only one of its two tasks may answer."""
    (row,) = await store_requests(42, 5, [REQUEST], "a")
    assert row
    await renew_lease("b", LEASE_S)
    assert await take_over(42, "b", ROOM)
    await hand_back("b")
    await renew_lease("a", LEASE_S)
    (again,) = await take_over(42, "a", ROOM)
    with pytest.raises(RequestTakenOverError):
        await store_progress(Claim(row, "a"), Progress())
    await store_progress(Claim(row, "a", again.epoch), Progress())


@pytest.mark.usefixtures("now")
async def test_a_delivery_whose_request_is_lost_leaves_no_history():
    await register_chat(7, "en")
    await store_requests(42, 5, [REQUEST], "a")
    await renew_lease("b", LEASE_S)
    (taken,) = await take_over(42, "b", ROOM)
    facts: dict[str, Any] = dict.fromkeys(("is_images", "is_processed", "is_inline"), False)
    facts["ads"] = None
    with pytest.raises(RequestTakenOverError):
        await record_download(7, LINK.url, answers=(Claim(taken.id, "a"), Progress()), **facts)
    assert await get_user_videos(7) == []
    claim = Claim(taken.id, "b", taken.epoch)
    await record_download(7, LINK.url, answers=(claim, Progress()), **facts)
    assert len(await get_user_videos(7)) == 1
    await finish_request(claim, Progress(), "delivered")  # what has ended may end once more


@pytest.mark.parametrize("offset_s", [-600, 600])
async def test_the_clocks_of_the_machines_decide_no_lease(
    db: str, monkeypatch: pytest.MonkeyPatch, offset_s: int
):
    right = time.time

    def use_clock(offset_s: int) -> None:
        """Let the whole process see another time, as a machine would."""
        monkeypatch.setattr(time, "time", lambda: right() + offset_s)

    use_clock(offset_s)
    await renew_lease("off", LEASE_S)
    await store_requests(42, 5, [REQUEST], "off")
    assert await begin_flight(KEY, "off")
    assert await claim_polling(42, "off")
    use_clock(0)
    await renew_lease("right", LEASE_S)
    assert await take_over(42, "right", ROOM) == []
    assert not await begin_flight(KEY, "right")
    assert not await claim_polling(42, "right")
    await expire("off")
    assert await take_over(42, "right", ROOM)
    use_clock(offset_s)
    await sweep_requests(0)
    await renew_lease("off", LEASE_S)
    assert await take_over(42, "off", ROOM) == []
    use_clock(0)
    await sweep_requests(0)
    assert not await renew_lease("third", LEASE_S)
    assert len(await database.read(lambda db: db.execute(select(Workers.name)).all())) == 3


# --- taking over ----------------------------------------------------------------------------------


def of_chat(chat_id: int) -> Request:
    return changed(REQUEST, chat_id=chat_id)


@pytest.mark.usefixtures("now")
async def test_a_worker_takes_as_much_as_it_has_room_for_and_divides_no_chat():
    await renew_lease("a", LEASE_S)
    await renew_lease("b", LEASE_S)
    rows = []
    for update_id, chat_id in enumerate((7, 7, 8, 7, 8, 9)):
        rows += await store_requests(42, update_id, [of_chat(chat_id)], "dead")
    assert await take_over(42, "a", 0) == []
    assert [one.id for one in await take_over(42, "a", 2)] == rows[:2]
    # The last one of chat 7 waits for those before it.
    assert [one.id for one in await take_over(42, "b", 9)] == [rows[2], rows[4], rows[5]]
    assert await take_over(42, "b", 9) == []
    assert [one.id for one in await take_over(42, "a", 9)] == [rows[3]]


@pytest.mark.usefixtures("now")
async def test_what_a_newer_version_has_stored_is_left_to_it():
    (row,) = await store_requests(42, 5, [REQUEST], "dead")
    newer = REQUEST.as_json().replace("{", '{"v": 2, ', 1)
    await database.write(lambda db: db.execute(update(Requests).values(what=newer)))
    (entry,) = await take_over(42, "b", ROOM)
    assert (entry.request, entry.is_newer) == (None, True)
    assert row
    await release_request(Claim(row, "b", entry.epoch))
    assert await take_over(42, "b", ROOM, [row]) == []
    claimed = await claim_request(row, "newer worker")
    assert claimed
    assert claimed.epoch == entry.epoch + 2


WORKER = """
import asyncio, sys
from data import database
from data.requests import take_over
from data.elections import claim_polling
from data.workers import renew_lease

async def main(url, name):
    database.initialize_database_components(url)
    await renew_lease(name, 60)
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        me = f"{name}/{line.strip()}"
        await renew_lease(me, 60)
        print(*(one.id for one in await take_over(42, me, 6)), flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_two_processes_that_take_over_at_the_same_moment(new_postgres: str):
    """Under READ COMMITTED: nothing is taken by both, and no chat is divided."""
    database.initialize_database_components(new_postgres)
    await database.init_db()
    pipe = asyncio.subprocess.PIPE
    workers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", WORKER, new_postgres, name), cwd=ROOT, stdin=pipe, stdout=pipe
        )
        for name in "ab"
    ]

    async def line(worker: asyncio.subprocess.Process) -> bytes:
        assert worker.stdout
        return await worker.stdout.readline()

    try:
        assert await asyncio.gather(*map(line, workers)) == [b"ready\n"] * 2
        for number in range(40):
            chats: dict[int | None, int] = {}
            for chat_id in (7, 8, 7, 8, 7, 8, 7, 8):
                update_id = 100 * number + len(chats)
                (row,) = await store_requests(42, update_id, [of_chat(chat_id)], "dead")
                chats[row] = chat_id
            for worker in workers:
                assert worker.stdin
                worker.stdin.write(b"%d\n" % number)
            lines = await asyncio.gather(*map(line, workers))
            taken = sorted(([int(row) for row in one.split()] for one in lines), key=len)
            # The second worker has to leave the rest of both chats to the first.
            assert taken == [[], [*chats][:6]]
            await database.write(lambda db: db.execute(delete(Requests)))
    finally:
        for worker in workers:
            worker.kill()
            await worker.wait()
        await database.close()
