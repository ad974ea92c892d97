"""The work that one process does for all: elections, standing by, resigning, and stops."""

import asyncio

import pytest

from app.election import Election
from app.periodic_tasks import PeriodicTask, running_periodic_tasks
from core.errors import StorageError
from data.workers import forget_worker
from services.requests.store import RequestStore
from tests.fakes import settle
from tests.stops import stop_begun


def candidate(lease_s: int = 300) -> tuple[Election, RequestStore]:
    store = RequestStore(42, 300)
    return Election("scheduler/42", store, lease_s), store


@pytest.mark.usefixtures("db")
async def test_one_of_two_is_elected_and_the_other_follows_when_it_resigns():
    first, _ = candidate()
    second, _ = candidate(0)
    assert await first.is_held()
    assert not await second.is_held()
    await first.release()
    assert not await first.is_held()
    assert await second.is_held()


@pytest.mark.usefixtures("db")
async def test_a_process_that_was_stopped_finds_out_that_another_one_is_elected():
    stopped, store = candidate(0)
    other, _ = candidate(0)
    assert await stopped.is_held()
    await forget_worker(store.name)
    assert await other.is_held()
    assert not await stopped.is_held()


class SlowElections:
    """Elections of one process, each of which takes until it is let go; records the statements."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, is_lost: bool = False) -> None:
        self.done: list[str] = []
        self.has_begun, self.goes_on = asyncio.Event(), asyncio.Event()
        self._is_lost = is_lost
        monkeypatch.setattr("app.election.elect", self.elect)
        monkeypatch.setattr("app.election.resign", self.resign)

    async def elect(self, _name: str, _owner: str) -> int:
        self.has_begun.set()
        await self.goes_on.wait()
        self.done.append("elected")
        if self._is_lost:
            raise StorageError("the answer was lost")
        return 1

    async def resign(self, _name: str, _owner: str) -> None:
        self.done.append("resigned")


@pytest.mark.usefixtures("sqlite_db")
async def test_a_process_resigns_after_the_election_that_is_under_way(
    monkeypatch: pytest.MonkeyPatch,
):
    elections, (election, _) = SlowElections(monkeypatch), candidate()
    asking = asyncio.ensure_future(election.is_held())
    await elections.has_begun.wait()
    releasing = asyncio.ensure_future(election.release())
    await settle()
    elections.goes_on.set()
    assert await asking is False
    await releasing
    assert elections.done == ["elected", "resigned"]
    assert not await election.is_held()


@pytest.mark.usefixtures("sqlite_db")
async def test_a_process_resigns_after_an_election_whose_answer_was_lost(
    monkeypatch: pytest.MonkeyPatch,
):
    elections, (election, _) = SlowElections(monkeypatch, is_lost=True), candidate()
    elections.goes_on.set()
    with pytest.raises(StorageError):
        await election.is_held()
    await election.release()
    assert elections.done == ["elected", "resigned"]


async def test_without_the_database_nothing_is_done_for_all(monkeypatch: pytest.MonkeyPatch):
    election, store = candidate(0)

    async def away() -> None:
        raise StorageError("away")

    monkeypatch.setattr(store, "beat", away)
    with pytest.raises(StorageError):
        await election.is_held()


async def test_work_for_all_is_left_to_the_elected_process():
    done: list[str] = []
    is_done = asyncio.Event()

    async def mine() -> bool:
        return True

    async def others() -> bool:
        return False

    def work(name: str) -> PeriodicTask:
        async def run() -> None:
            done.append(name)
            is_done.set()

        return PeriodicTask(name, 3_600, run, others if name == "theirs" else mine)

    async with running_periodic_tasks([work("theirs"), work("mine")], stop_begun(0)):
        await is_done.wait()
    assert done == ["mine"]
