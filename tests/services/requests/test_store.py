"""The request store: requests outlive their process, and a failing database only costs that."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from core.cached_post import CacheKey
from core.errors import RequestTakenOverError, StorageError
from core.request import Progress
from data import database
from data.flights import begin_flight, end_flight
from data.models import Requests
from data.requests import (
    Claim,
    claim_request,
    release_requests,
    reopen,
    store_requests,
    take_over,
)
from services.requests.store import UNREADABLE, RequestStore, StoredRequest
from tests.fakes import BOT_ID, make_request, settle
from tests.leases import expire_all

FIRST, SECOND = make_request(message_id=70), make_request("sound", message_id=71)
KEY = CacheKey(BOT_ID, "tiktok", "1", "media/best")
LEASE_S = 60

pytestmark = pytest.mark.usefixtures("sqlite_db")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The database's clock, in the tests' hands."""
    moment = [1_000_000]
    monkeypatch.setattr(database, "clock", lambda: moment[0])
    return moment


@pytest.fixture
def monotonic(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """This machine's monotonic clock, in the tests' hands."""
    moment = [1_000.0]
    monkeypatch.setattr("services.requests.store.time.monotonic", lambda: moment[0])
    return moment


class Fail:
    """Lets functions of the database fail, until the end of a block or for good."""

    def __init__(self) -> None:
        self.undo: list[Callable[[], None]] = []

    def __call__(
        self, name: str, module: str = "store"
    ) -> AbstractContextManager[Callable[[], None]]:
        """Let it fail from now on; as a block, until its end or until what it yields is called."""
        broken = pytest.MonkeyPatch()
        broken.setattr(f"services.requests.{module}.{name}", _failing)
        self.undo.append(broken.undo)

        @contextmanager
        def block() -> Iterator[Callable[[], None]]:
            yield broken.undo
            broken.undo()

        return block()


@pytest.fixture
def fail() -> Iterator[Fail]:
    fail = Fail()
    yield fail
    for undo in fail.undo:
        undo()


async def _failing(*_: object) -> None:
    raise StorageError


def store() -> RequestStore:
    return RequestStore(BOT_ID, LEASE_S)


async def left_open() -> list[StoredRequest]:
    """Return what another process would take over."""
    return await store().take_over(100)


async def test_requests_get_rows_and_a_repeated_update_gets_none():
    one = store()
    entries = await one.enter(5, [FIRST, SECOND])
    assert [entry.request for entry in entries] == [FIRST, SECOND]
    assert len({entry.row for entry in entries} - {None}) == 2
    assert await one.enter(5, [FIRST, SECOND]) == []
    assert len(await one.enter(6, [FIRST])) == 1


async def test_only_what_is_new_of_a_repeated_update_is_served():
    one = store()
    await one.enter(5, [FIRST])
    assert [entry.request for entry in await one.enter(5, [FIRST, SECOND])] == [SECOND]


@pytest.mark.parametrize("broken", ["store_requests", "renew_lease"])
async def test_without_the_database_requests_are_served_from_memory(fail: Fail, broken: str):
    fail(broken)
    entries = await store().enter(5, [FIRST, SECOND])
    assert [(entry.request, entry.row) for entry in entries] == [(FIRST, None), (SECOND, None)]
    for entry in entries:
        await entry.begin()
        await entry.record_sending(1)
        await entry.record_sent([11])
        await entry.finish("delivered")
        assert entry.progress.sent == (11,)
        assert entry.is_finished


async def test_an_outcome_that_cannot_be_stored_is_stored_later(
    monkeypatch: pytest.MonkeyPatch,
):
    first = store()
    (entry,) = await first.enter(5, [FIRST])
    with monkeypatch.context() as broken:
        broken.setattr("data.requests.write", _failing)
        await entry.finish("delivered")
        with pytest.raises(StorageError):
            await first.beat()
    await first.beat()
    await first.hand_back(60)
    assert await left_open() == []


async def test_outcomes_are_stored_once_however_many_renew_the_lease(
    monkeypatch: pytest.MonkeyPatch,
):
    first = store()
    entries = [(await first.enter(update_id, [FIRST]))[0] for update_id in range(5, 15)]
    with monkeypatch.context() as broken:
        broken.setattr("data.requests.write", _failing)
        for entry in entries:
            await entry.finish("delivered")
    await asyncio.gather(*(first.beat() for _ in range(4)))
    await first.hand_back(60)
    assert await left_open() == []


async def test_a_request_whose_row_came_too_late_is_not_answered_again(
    monkeypatch: pytest.MonkeyPatch,
):
    stored = store_requests

    async def too_late(*arguments: Any) -> None:
        await stored(*arguments)
        raise StorageError("the answer was lost")

    first = store()
    with monkeypatch.context() as broken:
        broken.setattr("services.requests.store.store_requests", too_late)
        one, two = await first.enter(5, [FIRST, SECOND])
    assert (one.row, two.row) == (None, None)
    await one.finish("delivered")
    with monkeypatch.context() as broken:
        broken.setattr("data.requests.write", _failing)
        await two.finish("delivered")
    await first.hand_back(60)
    assert [entry.request for entry in await left_open()] == []


async def refuse(one: RequestStore, monkeypatch: pytest.MonkeyPatch, *, is_stored: bool) -> None:
    """Let a store refuse an update of a webhook, whose request is stored now or not at all yet."""

    async def fail_before(*_: object) -> None:
        raise StorageError("no connection")

    async def fail_after(*arguments: Any) -> None:
        await store_requests(*arguments)
        raise StorageError("the answer was lost")

    with monkeypatch.context() as broken:
        broken.setattr(
            "services.requests.store.store_requests", fail_after if is_stored else fail_before
        )
        with pytest.raises(StorageError):
            await one.enter(5, [FIRST], is_refusable=True)


async def test_a_refused_update_that_was_stored_is_served_when_it_comes_again(
    monkeypatch: pytest.MonkeyPatch,
):
    first = store()
    await refuse(first, monkeypatch, is_stored=True)
    await refuse(first, monkeypatch, is_stored=False)
    (entry,) = await first.enter(5, [FIRST], is_refusable=True)
    await first.beat()
    await entry.finish("delivered")
    assert entry.is_finished
    assert await first.enter(5, [FIRST], is_refusable=True) == []
    await first.hand_back(60)
    assert await left_open() == []


async def test_a_refused_update_that_was_stored_is_left_to_others(monkeypatch: pytest.MonkeyPatch):
    """It comes again to another process, which knows it already, or does not come again."""
    first, second = store(), store()
    await refuse(first, monkeypatch, is_stored=True)
    assert await second.enter(5, [FIRST], is_refusable=True) == []
    assert await second.take_over(9) == []
    await first.beat()
    assert [entry.request for entry in await second.take_over(9)] == [FIRST]


async def test_what_of_a_refused_update_is_stored_late_is_left_to_others_too(
    monkeypatch: pytest.MonkeyPatch, monotonic: list[float]
):
    first = store()
    await refuse(first, monkeypatch, is_stored=False)
    await first.beat()
    await store_requests(BOT_ID, 5, [FIRST], first.name)
    monotonic[0] += 299
    await first.beat()
    assert [entry.request for entry in await left_open()] == [FIRST]


async def test_a_refused_update_comes_again_while_its_requests_are_released(
    monkeypatch: pytest.MonkeyPatch,
):
    """It is not served by a claim that ends at once: somebody takes it over."""
    first, has_begun, goes_on = store(), asyncio.Event(), asyncio.Event()
    done: list[str] = []

    async def slow(*arguments: Any) -> None:
        has_begun.set()
        await goes_on.wait()
        await release_requests(*arguments)
        done.append("released")

    async def store_again(*arguments: Any) -> object:
        done.append("stored again")
        return await store_requests(*arguments)

    await refuse(first, monkeypatch, is_stored=True)
    monkeypatch.setattr("services.requests.claims.release_requests", slow)
    monkeypatch.setattr("services.requests.store.store_requests", store_again)
    beating = asyncio.ensure_future(first.beat())
    async with asyncio.timeout(60):
        await has_begun.wait()
    entering = asyncio.ensure_future(first.enter(5, [FIRST], is_refusable=True))
    await settle()
    goes_on.set()
    await beating
    assert await entering == []
    assert done == ["released", "stored again"]
    assert [entry.request for entry in await left_open()] == [FIRST]


async def test_a_live_process_keeps_its_requests_and_a_dead_one_loses_them(now: list[int]):
    first = store()
    (entry,) = await first.enter(5, [FIRST])
    assert await left_open() == []
    await expire_all()
    second = store()
    (taken,) = await second.take_over(100)
    assert (taken.request, taken.row, taken.is_resumed) == (FIRST, entry.row, True)
    assert await left_open() == []


async def test_a_claim_after_anothers_expects_its_status(now: list[int]):
    """The other worker has perhaps reacted, and died before its first attempt."""
    (row,) = await store().hand_out(5, [FIRST], 0, is_late=False)
    assert row
    first = await store().claim(row)
    await expire_all()
    second = await store().claim(row)
    assert first
    assert second
    assert (first.is_resumed, second.is_resumed) == (False, True)


@contextmanager
def lost_answers(
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[..., Awaitable[object]],
    error: type[BaseException] = StorageError,
) -> Iterator[None]:
    """Let a call of the database succeed in the block, and its answer get lost."""

    async def lose(*arguments: Any) -> None:
        await call(*arguments)
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(f"services.requests.store.{call.__name__}", lose)
        yield


async def handed_out(update_id: int = 5) -> int:
    """Store a request without an owner; return its row."""
    (row,) = await store().hand_out(update_id, [FIRST], 0, is_late=False)
    assert row
    return row


@pytest.mark.parametrize("error", [StorageError, asyncio.CancelledError])
async def test_a_claim_whose_answer_is_lost_is_released(
    monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
):
    row, first, second = await handed_out(), store(), store()
    with lost_answers(monkeypatch, claim_request, error), pytest.raises(error):
        await first.claim(row)
    assert await second.claim(row) is None
    await first.beat()
    assert await second.claim(row)


async def test_a_process_claims_again_what_it_may_have_claimed(monkeypatch: pytest.MonkeyPatch):
    row, first = await handed_out(), store()
    with lost_answers(monkeypatch, claim_request), pytest.raises(StorageError):
        await first.claim(row)
    claimed = await first.claim(row)
    assert claimed
    await first.beat()
    await claimed.finish("delivered")
    assert claimed.is_finished
    assert await left_open() == []


async def test_of_the_requests_of_a_message_all_are_released_if_one_claim_fails(
    monkeypatch: pytest.MonkeyPatch,
):
    rows, first, second = [await handed_out(5), await handed_out(6)], store(), store()

    async def claim_first(row: int, owner: str) -> object:
        if row != rows[0]:
            raise StorageError
        return await claim_request(row, owner)

    with monkeypatch.context() as broken:
        broken.setattr("services.requests.store.claim_request", claim_first)
        with pytest.raises(StorageError):
            await first.claim_all(rows)
    await first.beat()
    assert len(await second.claim_all(rows)) == 2


async def test_a_request_that_is_being_answered_is_not_released(fail: Fail):
    """Somebody cancels it, and the database fails before it says that this process has it."""
    row, first = await handed_out(), store()
    claimed = await first.claim(row)
    with fail("claim_request"), pytest.raises(StorageError):
        await first.claim(row)
    await first.beat()
    assert await store().claim(row) is None
    assert claimed
    await claimed.confirm()


async def test_an_outcome_that_is_not_stored_yet_keeps_its_claim(
    fail: Fail, monkeypatch: pytest.MonkeyPatch
):
    row, first = await handed_out(), store()
    claimed = await first.claim(row)
    assert claimed
    with fail("claim_request"), pytest.raises(StorageError):
        await first.claim(row)
    with monkeypatch.context() as broken:
        broken.setattr("data.requests.write", _failing)
        await claimed.finish("delivered")
    del claimed
    await first.claim(await handed_out(6))  # releases what is doubtful
    await first.beat()
    assert await store().claim(row) is None


async def test_what_cannot_be_released_is_released_later(monkeypatch: pytest.MonkeyPatch):
    row, first = await handed_out(), store()
    claimed = await first.claim(row)
    assert claimed
    with monkeypatch.context() as broken:
        broken.setattr("services.requests.claims.release_requests", _failing)
        with pytest.raises(StorageError):
            await first.release([claimed])
        with pytest.raises(StorageError):
            await first.beat()
    assert await store().claim(row) is None
    await first.beat()
    assert await store().claim(row)


async def test_a_request_that_is_claimed_again_is_not_given_up():
    row, first = await handed_out(), store()
    old = await first.claim(row)
    assert old
    await first.release([old])
    new = await first.claim(row)
    first.give_up([old])
    await first.beat()
    assert await store().claim(row) is None
    assert new
    await new.confirm()


async def test_what_may_have_been_taken_over_is_left_to_others(monkeypatch: pytest.MonkeyPatch):
    row, first = await handed_out(), store()
    with lost_answers(monkeypatch, take_over), pytest.raises(StorageError):
        await first.take_over(9)
    assert await left_open() == []
    await first.beat()
    assert [left.row for left in await left_open()] == [row]


async def test_a_request_that_may_have_been_opened_again_is_left_to_others(
    monkeypatch: pytest.MonkeyPatch,
):
    first = store()
    (entry,) = await first.enter(5, [FIRST])
    await entry.finish("unavailable")
    assert entry.ticket
    with lost_answers(monkeypatch, reopen), pytest.raises(StorageError):
        await first.reopen(entry.ticket)
    assert await left_open() == []
    await first.beat()
    assert [left.row for left in await left_open()] == [entry.row]


async def test_beats_keep_a_process_alive(monotonic: list[float]):
    first = store()
    await first.enter(5, [FIRST])
    for _ in range(5):
        await expire_all()
        monotonic[0] += LEASE_S // 2
        await first.beat()
        assert await left_open() == []


async def test_progress_and_attempts_are_taken_over(now: list[int]):
    (entry,) = await store().enter(5, [FIRST])
    await entry.begin()
    await entry.begin()
    entry.record_total(4)
    await entry.record_sending(2)
    await entry.record_sent([11, 12])
    await entry.record_sending(1)
    await expire_all()
    (taken,) = await left_open()
    assert taken.attempts == 2
    # What was on its way may have arrived.
    assert taken.progress == Progress(sent=(11, 12, 0), total=4)
    assert taken.progress.is_uncertain


async def test_a_status_note_is_taken_over_with_the_whole_answer(now: list[int]):
    (entry,) = await store().enter(7, [FIRST])
    entry.record_total(1)
    await entry.record_note(500)
    await entry.record_sending(1)
    await entry.record_sent([11])
    await expire_all()
    # Otherwise a crash before the note is deleted would leave the answer in doubt.
    (taken,) = await left_open()
    assert taken.progress == Progress((11,), 1, note=500)
    await taken.record_note(None)
    await taken.finish("delivered")
    await taken.record_note(600)
    assert taken.progress.note == 600


async def test_what_has_certainly_not_arrived_leaves_no_doubt(now: list[int]):
    (entry,) = await store().enter(5, [FIRST])
    entry.record_total(1)
    await entry.record_sending(1)
    await entry.record_not_sent()
    await expire_all()
    (taken,) = await left_open()
    assert taken.progress == Progress(sent=(), total=1)


async def test_what_has_ended_is_not_taken_over(now: list[int]):
    finished, unfinished = await store().enter(5, [FIRST, SECOND])
    await finished.finish("delivered")
    await expire_all()
    assert [taken.row for taken in await left_open()] == [unfinished.row]


async def test_an_outcome_is_stored_once(monkeypatch: pytest.MonkeyPatch):
    outcomes: list[str] = []

    async def finish(claim: Claim, progress: Progress, outcome: str) -> None:
        outcomes.append(outcome)

    monkeypatch.setattr("services.requests.store.finish_request", finish)
    entry = StoredRequest(FIRST, Claim(1, "a"))
    await entry.finish("delivered")
    await entry.finish("BugError")
    assert outcomes == ["delivered"]


async def test_a_database_that_fails_on_the_way_stops_no_answer(fail: Fail):
    (entry,) = await store().enter(5, [FIRST])
    for name in ("count_attempt", "store_progress", "finish_request"):
        fail(name)
    await entry.begin()
    entry.record_total(2)
    await entry.record_sending(1)
    await entry.record_sent([11])
    await entry.finish("delivered")
    assert entry.progress.sent == (11,)
    assert entry.is_finished


async def make_unreadable(row: int | None) -> None:
    statement = update(Requests).where(Requests.id == row).values(what='{"kind": "post"}')
    await database.write(lambda db: db.execute(statement))


async def test_an_unreadable_request_is_closed_and_stops_no_other(now: list[int]):
    unreadable, readable = await store().enter(5, [FIRST, SECOND])
    await make_unreadable(unreadable.row)
    await expire_all()
    assert [taken.row for taken in await left_open()] == [readable.row]
    await expire_all()
    assert [taken.row for taken in await left_open()] == [readable.row]
    outcome = select(Requests.outcome).where(Requests.id == unreadable.row)
    assert await database.read(lambda db: db.execute(outcome).scalar()) == UNREADABLE


async def test_an_unreadable_request_that_cannot_be_closed_stops_no_other(
    now: list[int], fail: Fail
):
    unreadable, readable = await store().enter(5, [FIRST, SECOND])
    await make_unreadable(unreadable.row)
    await expire_all()
    fail("finish_request")
    assert [taken.row for taken in await left_open()] == [readable.row]


async def make_newer(row: int | None) -> None:
    statement = update(Requests).where(Requests.id == row).values(what='{"v": 2, "kind": "post"}')
    await database.write(lambda db: db.execute(statement))


async def test_a_request_of_a_newer_version_is_left_to_it_and_logged_once(
    now: list[int], caplog: pytest.LogCaptureFixture
):
    newer, readable = await store().enter(5, [replace(FIRST, asked_at=now[0]), SECOND])
    await make_newer(newer.row)
    await expire_all()
    second = store()
    assert [taken.row for taken in await second.take_over(9)] == [readable.row]
    assert await second.take_over(9) == []
    await second.sweep()
    events = [getattr(record, "event", "") for record in caplog.records]
    assert events.count("request_newer") == 1
    assert newer.row is not None
    assert await claim_request(newer.row, "newer worker")


async def test_a_request_that_no_version_has_read_is_given_up_at_last(now: list[int]):
    (newer,) = await store().enter(5, [replace(FIRST, asked_at=now[0])])
    await make_newer(newer.row)
    await expire_all()
    second = store()
    await second.take_over(9)
    await second.sweep()
    now[0] += 2 * 86_400 + 1
    await second.sweep()
    assert newer.row is not None
    assert await claim_request(newer.row, "newer worker") is None


async def test_a_process_that_ends_hands_its_requests_back():
    first = store()
    await first.enter(5, [FIRST])
    await first.hand_back(60)
    assert [taken.request for taken in await left_open()] == [FIRST]


async def test_requests_are_handed_back_although_an_outcome_cannot_be_stored_in_time(
    caplog: pytest.LogCaptureFixture,
):
    first = store()
    await first.enter(5, [FIRST])
    never = asyncio.Event()

    async def hang() -> None:
        await never.wait()

    first.keep_outcome(hang)
    async with asyncio.timeout(30):
        await first.hand_back(0.01)
    assert [taken.request for taken in await left_open()] == [FIRST]
    assert "1 outcomes could not be stored in time" in caplog.text


async def test_a_process_that_goes_on_after_handing_back_is_alive_again():
    first = store()
    await first.enter(5, [FIRST])
    await first.hand_back(60)
    await first.enter(6, [SECOND])
    assert [taken.request for taken in await left_open()] == [FIRST]


async def test_requests_that_cannot_be_handed_back_wait_for_the_lease(fail: Fail, now: list[int]):
    first = store()
    await first.enter(5, [FIRST])
    fail("hand_back")
    await first.hand_back(60)
    assert await left_open() == []
    await expire_all()
    assert [taken.request for taken in await left_open()] == [FIRST]


async def test_old_requests_are_deleted_and_recognised_no_more(now: list[int]):
    one = store()
    (entry,) = await one.enter(5, [FIRST])
    await entry.finish("delivered")
    now[0] += 86_400
    await one.sweep()
    assert await one.enter(5, [FIRST]) == []
    now[0] += 86_401
    await one.sweep()
    assert len(await one.enter(5, [FIRST])) == 1


async def test_a_flight_belongs_to_one_live_process(now: list[int]):
    first, second = store(), store()
    assert await first.begin_flight(KEY)
    assert not await second.begin_flight(KEY)
    await second.end_flight(KEY)  # it is not its own
    assert not await second.begin_flight(KEY)
    await first.end_flight(KEY)
    assert await second.begin_flight(KEY)
    await expire_all()
    assert await first.begin_flight(KEY)


async def test_a_flight_that_ends_without_the_database_is_released_later(fail: Fail):
    first, second = store(), store()
    assert await first.begin_flight(KEY)
    with fail("end_flight", "claims"):
        await first.end_flight(KEY)
        with pytest.raises(StorageError):
            await first.beat()
    assert not await second.begin_flight(KEY)
    await first.beat()
    assert await second.begin_flight(KEY)


async def test_a_flight_that_has_begun_again_is_not_released(fail: Fail):
    first, second = store(), store()
    assert await first.begin_flight(KEY)
    with fail("end_flight", "claims"):
        await first.end_flight(KEY)
    assert await first.begin_flight(KEY)
    await first.beat()
    assert not await second.begin_flight(KEY)


async def test_a_flight_that_begins_while_it_is_released_is_claimed_afterwards(
    fail: Fail, monkeypatch: pytest.MonkeyPatch
):
    first, second = store(), store()
    has_begun, goes_on = asyncio.Event(), asyncio.Event()
    done: list[str] = []

    async def slow(key: CacheKey, owner: str) -> None:
        has_begun.set()
        await goes_on.wait()
        await end_flight(key, owner)
        done.append("released")

    async def claim(key: CacheKey, owner: str) -> bool:
        done.append("claimed")
        return await begin_flight(key, owner)

    assert await first.begin_flight(KEY)
    with fail("end_flight", "claims"):
        await first.end_flight(KEY)
    monkeypatch.setattr("services.requests.claims.end_flight", slow)
    monkeypatch.setattr("services.requests.claims.begin_flight", claim)
    beating = asyncio.ensure_future(first.beat())
    async with asyncio.timeout(60):
        await has_begun.wait()
    beginning = asyncio.ensure_future(first.begin_flight(KEY))
    await settle()
    goes_on.set()
    await beating
    assert await beginning
    assert done == ["released", "claimed"]
    assert not await second.begin_flight(KEY)


async def test_without_the_database_everybody_may_fetch(fail: Fail):
    fail("begin_flight", "claims")
    fail("end_flight", "claims")
    first, second = store(), store()
    assert await first.begin_flight(KEY)
    await first.end_flight(KEY)
    assert await second.begin_flight(KEY)


# --- who has lost a request -----------------------------------------------------------------------


async def test_a_send_is_aborted_once_another_process_has_the_request():
    (entry,) = await store().enter(5, [FIRST])
    await expire_all()
    (taken,) = await left_open()
    for lost in (entry.record_sending(1), entry.ensure_ours(), entry.confirm(), entry.begin()):
        with pytest.raises(RequestTakenOverError):
            await lost
    with pytest.raises(RequestTakenOverError):
        await entry.finish("delivered")
    await taken.record_sending(1)


async def test_an_outcome_kept_for_later_gives_way_to_the_other_process(
    monkeypatch: pytest.MonkeyPatch,
):
    first = store()
    (entry,) = await first.enter(5, [FIRST])
    with monkeypatch.context() as broken:
        broken.setattr("data.requests.write", _failing)
        await entry.finish("delivered")
    await expire_all()
    (taken,) = await left_open()
    await first.beat()
    await taken.record_sending(1)


class Pauses:
    """Stands for `asyncio.sleep`: each pause is counted, and may end with something happening."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.then: Callable[[], object] = lambda: None
        self.after = 3
        monkeypatch.setattr("services.requests.store.asyncio.sleep", self._sleep)

    async def _sleep(self, _seconds: float) -> None:
        self.count += 1
        if self.count == self.after:
            self.then()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    return Pauses(monkeypatch)


async def test_beside_another_process_nothing_leaves_unrecorded(fail: Fail, pauses: Pauses):
    """Within its lease, too: it is sent, and the other one would send it again later."""
    await store().beat()
    (entry,) = await store().enter(5, [FIRST])
    with fail("store_progress") as works_again:
        pauses.then = works_again
        await entry.record_sending(1)
    assert pauses.count == 3
    await expire_all()
    (taken,) = await left_open()
    assert taken.progress.is_uncertain


async def test_a_send_that_waited_is_aborted_if_the_request_was_taken_over(
    fail: Fail, pauses: Pauses
):
    await store().beat()
    (entry,) = await store().enter(5, [FIRST])
    await expire_all()
    await left_open()
    with fail("store_progress") as works_again:
        pauses.then = works_again
        with pytest.raises(RequestTakenOverError):
            await entry.record_sending(1)


async def test_beside_another_process_an_update_waits_for_the_database(fail: Fail, pauses: Pauses):
    first = store()
    await store().beat()
    await first.beat()
    with fail("store_requests") as works_again:
        pauses.then = works_again
        (entry,) = await first.enter(5, [FIRST])
    assert entry.row is not None
    assert pauses.count == 3


async def test_an_update_that_was_stored_without_an_answer_is_served_once(
    pauses: Pauses, monkeypatch: pytest.MonkeyPatch
):
    first, stored = store(), store_requests
    await store().beat()
    await first.beat()

    async def lost(*arguments: Any) -> list[int | None]:
        monkeypatch.setattr("services.requests.store.store_requests", stored)
        await stored(*arguments)
        raise StorageError

    monkeypatch.setattr("services.requests.store.store_requests", lost)
    entries = await first.enter(5, [FIRST, SECOND])
    assert [entry.request for entry in entries] == [FIRST, SECOND]
    await entries[1].record_sending(1)
    assert await first.enter(5, [FIRST, SECOND]) == []


async def test_alone_it_goes_on_without_the_database_however_long(
    fail: Fail, monotonic: list[float], pauses: Pauses
):
    first = store()
    (entry,) = await first.enter(5, [FIRST])
    with fail("store_progress"), fail("renew_lease"), fail("store_requests"):
        for _ in range(3):
            monotonic[0] += LEASE_S
            with suppress(StorageError):
                await first.beat()
            await entry.record_sending(1)
            assert entry.may_send()
            (unstored,) = await first.enter(6, [SECOND])
            await unstored.record_sending(1)
            assert unstored.may_send()
    assert pauses.count == 0


async def test_who_was_stopped_during_renewals_does_not_count_as_cut_off(
    monkeypatch: pytest.MonkeyPatch, monotonic: list[float]
):
    """Another process may have started, and taken the request over, while this one stood still."""
    first = store()
    (entry,) = await first.enter(5, [FIRST])
    assert first.is_alone

    async def stop(*_: object) -> bool:
        await asyncio.sleep(0)  # another one may be asked for meanwhile
        monotonic[0] += LEASE_S
        raise StorageError

    monkeypatch.setattr("services.requests.store.renew_lease", stop)
    monotonic[0] += LEASE_S / 2
    await asyncio.gather(first.beat(), first.beat(), return_exceptions=True)
    assert not entry.may_send()
    with pytest.raises(StorageError):
        await first.beat()
    assert entry.may_send()


async def test_what_was_recorded_before_a_long_stop_is_recorded_anew(monotonic: list[float]):
    """The process stops after the database has answered: meanwhile its lease may have run out."""
    (entry,) = await store().enter(5, [FIRST])
    assert entry.may_send()
    monotonic[0] += LEASE_S
    assert not entry.may_send()
    await entry.record_sending(1)
    assert entry.may_send()
    await expire_all()
    monotonic[0] += LEASE_S
    await left_open()
    with pytest.raises(RequestTakenOverError):
        await entry.record_sending(1)


async def test_a_lease_that_was_renewed_too_late_proves_nothing(monotonic: list[float]):
    """The renewal may run before the tasks that ask: in between, the request may be gone."""
    first = store()
    (entry,) = await first.enter(5, [FIRST])
    monotonic[0] += LEASE_S
    await first.beat()
    assert first.may_send
    assert not entry.may_send()
    assert await entry.is_ours()
    assert entry.may_send()
    await expire_all()
    monotonic[0] += LEASE_S
    await left_open()
    await first.beat()
    assert not await entry.is_ours()


async def test_alone_a_late_renewal_before_an_outage_keeps_nothing_from_leaving(
    fail: Fail, monotonic: list[float], pauses: Pauses
):
    first = store()
    (entry,) = await first.enter(5, [FIRST])
    monotonic[0] += LEASE_S
    await first.beat()
    with fail("store_progress"):
        await entry.record_sending(1)
        assert entry.may_send()
    assert pauses.count == 0


async def test_beside_another_process_what_is_not_recorded_waits_for_the_database_too(
    fail: Fail, monotonic: list[float], pauses: Pauses
):
    """Such as the edit of an inline message."""
    first = store()
    await store().beat()
    (entry,) = await first.enter(5, [FIRST])
    monotonic[0] += LEASE_S
    with fail("renew_lease") as works_again:
        pauses.then = works_again
        await entry.ensure_ours()
    assert pauses.count == 3
    assert entry.may_send()


async def test_a_process_whose_lease_has_run_out_gives_the_others_time(monotonic: list[float]):
    """After an outage of the database, all leases have run out, and nobody is dead."""
    first, second = store(), store()
    await first.enter(5, [FIRST])
    await second.beat()
    await expire_all()
    monotonic[0] += LEASE_S
    assert await second.take_over(9) == []
    await first.beat()
    assert await second.take_over(9) == []
