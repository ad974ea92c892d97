"""Elections: of the processes that share a database, one does a task, until its lease ends."""

import asyncio

import pytest
from sqlalchemy import text

from data import database
from data.elections import claim_polling, elect, resign
from data.workers import forget_worker, renew_lease
from tests.leases import LEASE_S

pytestmark = pytest.mark.usefixtures("db")


async def test_of_many_candidates_one_is_elected_and_stays():
    names = [f"worker {number}" for number in range(20)]
    for name in names:
        await renew_lease(name, LEASE_S)
    epochs = await asyncio.gather(*(elect("sweeps", name) for name in names))
    assert sorted(epochs) == [0] * 19 + [1]
    elected = names[epochs.index(1)]
    assert await elect("sweeps", elected) == 1


async def test_the_epoch_grows_with_each_change():
    for name in "ab":
        await renew_lease(name, LEASE_S)
    assert await elect("sweeps", "a") == 1
    assert await elect("sweeps", "b") == 0
    await forget_worker("a")
    assert await elect("sweeps", "b") == 2
    await renew_lease("a", LEASE_S)
    assert await elect("sweeps", "a") == 0
    await resign("sweeps", "a")  # it is not its own any more
    assert await elect("sweeps", "a") == 0
    await resign("sweeps", "b")
    assert await elect("sweeps", "a") == 3


async def test_each_task_has_its_own_election():
    for name in "ab":
        await renew_lease(name, LEASE_S)
    assert await elect("sweeps", "a") == 1
    assert await elect("board", "b") == 1


async def test_a_process_of_an_older_release_is_respected():
    """It knows the key-value row only."""
    for name in ("old", "new"):
        await renew_lease(name, LEASE_S)
    row = text("INSERT INTO notes (name, value) VALUES ('polling/42', 'old')")
    await database.write(lambda db: db.execute(row))
    assert await claim_polling(42, "new") == 0
    await forget_worker("old")
    assert await claim_polling(42, "new") == 1
