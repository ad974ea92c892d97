"""The work that one process does for all: elections, standing by, resigning, and stops."""

import asyncio

import pytest

from app.election import Election
from app.periodic_tasks import PeriodicTask, running_periodic_tasks
from core.errors import StorageError
from data.workers import forget_worker
from services.requests.store import RequestStore


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

    async with running_periodic_tasks([work("theirs"), work("mine")]):
        await is_done.wait()
    assert done == ["mine"]
