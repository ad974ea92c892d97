"""Worker leases: of the processes that share a database, one polls."""

import asyncio
import time

import pytest

from data import database
from data.elections import claim_polling, release_polling
from data.workers import forget_worker, renew_lease
from tests.leases import LEASE_S, expire

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    now = [1_000_000]
    monkeypatch.setattr(database, "clock", lambda: now[0])
    return now


async def test_one_worker_polls_until_its_lease_ends(now: list[int]):
    await renew_lease("a", LEASE_S)
    await renew_lease("b", LEASE_S)
    assert await claim_polling(42, "a")
    assert await claim_polling(42, "a")
    assert not await claim_polling(42, "b")
    await expire("a")
    assert await claim_polling(42, "b")
    await renew_lease("a", LEASE_S)
    assert not await claim_polling(42, "a")


async def test_a_process_whose_clock_is_off_goes_by_the_databases(
    monkeypatch: pytest.MonkeyPatch, db: str
):
    right, offset_s = time.time, 600 if db.startswith("sqlite") else 0
    monkeypatch.setattr(time, "time", lambda: right() + 600)
    await renew_lease("a", LEASE_S)
    # An SQLite file is on the machine itself: it has no other clock.
    assert database.unix_now() - right() == pytest.approx(offset_s, abs=30)
    monkeypatch.setattr(time, "time", right)
    await renew_lease("a", LEASE_S)
    assert database.unix_now() - right() == pytest.approx(0, abs=30)


@pytest.mark.usefixtures("now")
async def test_each_bot_has_its_own_lease():
    await renew_lease("a", LEASE_S)
    await renew_lease("b", LEASE_S)
    assert await claim_polling(42, "a")
    assert await claim_polling(43, "b")
    assert not await claim_polling(43, "a")


@pytest.mark.usefixtures("now")
async def test_the_lease_of_a_dead_worker_is_free_at_once():
    await renew_lease("a", LEASE_S)
    await renew_lease("b", LEASE_S)
    await claim_polling(42, "a")
    await forget_worker("a")
    assert await claim_polling(42, "b")


@pytest.mark.usefixtures("now")
async def test_of_many_that_claim_at_once_one_wins():
    names = [f"worker {number}" for number in range(20)]
    for name in names:
        await renew_lease(name, LEASE_S)
    claims = await asyncio.gather(*(claim_polling(42, name) for name in names))
    assert sum(claims) == 1


@pytest.mark.usefixtures("now")
async def test_what_is_released_is_free_and_the_leases_of_others_stay():
    await renew_lease("a", LEASE_S)
    await renew_lease("b", LEASE_S)
    await claim_polling(42, "a")
    await release_polling(42, "b")
    assert not await claim_polling(42, "b")
    await release_polling(42, "a")
    assert await claim_polling(42, "b")
