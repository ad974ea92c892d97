"""The receiver: an update is acknowledged once it cannot be lost, and handled once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiogram import Bot
from aiogram.types import Update

from app import receiver as module
from app.receiver import Availability, Receiver
from core.concurrency import run_uncancelled
from core.errors import StorageError
from misc.middlewares.update_acks import UpdateAck, UpdateAcks
from tests.fakes import FakeTelegram, settle

RAW = {"update_id": 5}


class Reader:
    def parse_update(self, _bot: Bot, raw: dict[str, Any]) -> Update:
        return Update(update_id=raw["update_id"])


class Bench:
    """A receiver whose dispatcher calls `handle`."""

    def __init__(self, telegram: FakeTelegram) -> None:
        self.telegram = telegram
        self.acks = UpdateAcks()
        self.checks = 0
        self.is_down = False
        self.handled: list[int] = []
        self.handle: Callable[[Update], Awaitable[None]] = self.acknowledge
        self.receiver = Receiver(Reader(), self.acks, Availability(self.check))

    async def check(self) -> None:
        self.checks += 1
        if self.is_down:
            raise StorageError("gone")

    async def acknowledge(self, update: Update) -> None:
        self.handled.append(update.update_id)

    async def feed_update(self, _bot: Bot, update: Update) -> None:
        await self.handle(update)

    def start(self, at_once: int = 10) -> None:
        self.receiver.start(self.telegram.bot, self, at_once)  # type: ignore[arg-type]


@pytest.fixture
def bench(telegram: FakeTelegram) -> Bench:
    bench = Bench(telegram)
    bench.start()
    return bench


async def test_an_update_is_accepted_once_it_is_acknowledged(bench: Bench):
    go_on = asyncio.Event()

    async def handle(update: Update) -> None:
        await go_on.wait()
        UpdateAck(update.update_id, bench.acks).acknowledge()
        await asyncio.Event().wait()  # the rest of the handler

    bench.handle = handle
    receiving = asyncio.ensure_future(bench.receiver.receive(RAW))
    await settle()
    assert not receiving.done()
    go_on.set()
    assert await receiving is True
    await bench.receiver.drain(0, 60)


async def test_an_update_that_comes_again_is_handled_once(bench: Bench):
    receiving = [bench.receiver.receive(RAW) for _ in range(3)]
    assert await asyncio.gather(*receiving) == [True] * 3
    assert await bench.receiver.receive(RAW) is True
    assert bench.handled == [5]


async def test_a_refused_update_is_handled_again(bench: Bench):
    async def refuse(update: Update) -> None:
        bench.acks.refuse(update.update_id)

    bench.handle = refuse
    assert await bench.receiver.receive(RAW) is False
    bench.handle = bench.acknowledge
    assert await bench.receiver.receive(RAW) is True
    assert bench.handled == [5]
    assert bench.checks == 2  # the database is asked again after it has failed


async def test_a_handler_that_fails_does_not_make_the_update_come_again(bench: Bench):
    async def fail(_update: Update) -> None:
        raise ZeroDivisionError

    bench.handle = fail
    assert await bench.receiver.receive(RAW) is True


@pytest.fixture
def monotonic(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """This machine's monotonic clock, in the tests' hands."""
    moment = [1_000.0]
    monkeypatch.setattr("app.receiver.time.monotonic", lambda: moment[0])
    return moment


@pytest.mark.usefixtures("monotonic")
async def test_nothing_is_handled_without_the_database(bench: Bench):
    bench.is_down = True
    assert await asyncio.gather(*(bench.receiver.receive({"update_id": n}) for n in range(9))) == (
        [False] * 9
    )
    assert (bench.handled, bench.checks) == ([], 1)


async def test_the_database_is_asked_once_a_second(bench: Bench, monotonic: list[float]):
    for checks in (1, 2):
        for number in range(20):
            assert await bench.receiver.receive({"update_id": 100 * checks + number})
        assert bench.checks == checks
        monotonic[0] += 1


async def test_a_slow_update_is_neither_accepted_nor_begun_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "ACKNOWLEDGED_WITHIN_S", 0.01)
    go_on = asyncio.Event()

    async def handle(update: Update) -> None:
        await go_on.wait()
        await bench.acknowledge(update)

    bench.handle = handle
    assert await bench.receiver.receive(RAW) is False
    assert await bench.receiver.receive(RAW) is False
    go_on.set()
    await bench.acks.complete()
    assert await bench.receiver.receive(RAW) is True
    assert bench.handled == [5]


async def test_no_more_updates_are_handled_at_once_than_allowed(telegram: FakeTelegram):
    bench = Bench(telegram)
    bench.start(at_once=2)
    running, most = 0, 0

    async def handle(_update: Update) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await settle()
        running -= 1

    bench.handle = handle
    assert all(await asyncio.gather(*(bench.receiver.receive({"update_id": n}) for n in range(9))))
    assert most == 2


async def test_what_is_accepted_ends_and_nothing_more_is_accepted(bench: Bench):
    go_on = asyncio.Event()

    async def handle(update: Update) -> None:
        await go_on.wait()
        await bench.acknowledge(update)

    bench.handle = handle
    receiving = asyncio.ensure_future(bench.receiver.receive(RAW))
    await settle()
    bench.receiver.close()
    assert not bench.receiver.is_open
    assert await bench.receiver.receive({"update_id": 6}) is False
    go_on.set()
    assert await receiving is True
    await bench.receiver.drain(5, 60)
    assert bench.handled == [5]
    assert bench.acks.is_idle


async def test_an_update_that_arrives_during_the_end_is_refused(bench: Bench):
    """The receiver closes while the database is asked."""

    async def check() -> None:
        bench.receiver.close()

    bench.receiver = Receiver(Reader(), bench.acks, Availability(check))
    bench.start()
    assert await bench.receiver.receive(RAW) is False
    assert bench.handled == []


async def test_old_updates_are_set_aside_only_while_many_are_left(telegram: FakeTelegram):
    bench, stored = Bench(telegram), list[int]()

    async def set_aside(raw: dict[str, Any]) -> bool:
        if raw["update_id"] > 7:  # is new
            return False
        stored.append(raw["update_id"])
        return True

    bench.receiver = Receiver(Reader(), bench.acks, Availability(bench.check), set_aside)
    bench.start()
    assert await bench.receiver.receive({"update_id": 5})
    bench.receiver.is_behind = True
    for update_id in (6, 7, 6, 8):
        assert await bench.receiver.receive({"update_id": update_id})
    assert (bench.handled, stored) == ([5, 8], [6, 7])
    bench.is_down = True
    bench.receiver = Receiver(Reader(), bench.acks, Availability(bench.check), set_aside)
    bench.receiver.is_behind = True
    bench.start()
    assert await bench.receiver.receive({"update_id": 7}) is False


async def test_the_end_does_not_wait_for_a_handler_that_goes_on(bench: Bench):
    may_end = asyncio.Event()

    async def call() -> None:
        await may_end.wait()

    async def handle(update: Update) -> None:
        UpdateAck(update.update_id, bench.acks).acknowledge()
        await run_uncancelled(call())
        bench.handled.append(update.update_id)

    bench.handle = handle
    assert await bench.receiver.receive(RAW) is True
    try:
        async with asyncio.timeout(60):
            await bench.receiver.drain(0, 0.01)
        assert bench.handled == []
    finally:
        may_end.set()
        await settle()


async def test_an_update_comes_again_if_its_handler_is_cancelled(bench: Bench):
    has_begun = asyncio.Event()

    async def handle(update: Update) -> None:
        async def handler(*_: object) -> None:
            has_begun.set()
            await asyncio.Event().wait()

        event = Update(update_id=update.update_id, message=bench.telegram.message("x"))
        await bench.acks(handler, event, {})

    bench.handle = handle
    receiving = asyncio.ensure_future(bench.receiver.receive(RAW))
    await has_begun.wait()
    await bench.receiver.drain(0, 60)
    assert await receiving is False


async def test_an_update_comes_again_if_it_is_cancelled_before_it_is_handled(
    telegram: FakeTelegram,
):
    bench = Bench(telegram)
    bench.start(at_once=0)
    receiving = asyncio.ensure_future(bench.receiver.receive(RAW))
    await settle()
    await bench.receiver.drain(0, 60)
    assert await receiving is False
