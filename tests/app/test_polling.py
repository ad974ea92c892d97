"""Polling: the heartbeat, updates that are not forgotten, and a second instance."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiogram.exceptions import TelegramConflictError, TelegramNetworkError
from aiogram.methods import GetMe, GetUpdates
from aiogram.types import Update

from app.polling import PollingWatch
from misc.middlewares.update_acks import UpdateAcks
from tests.fakes import FakeTelegram, settle


class Bench:
    def __init__(self, telegram: FakeTelegram, folder: Path) -> None:
        self.bot = telegram.bot
        self.acks = UpdateAcks()
        self.heartbeat = folder / "new" / "heartbeat"
        self.stops = 0
        self.asked: list[Any] = []
        self.answer: Any = []
        self.watch = PollingWatch(self.stop, self.acks, self.heartbeat)

    async def stop(self) -> None:
        self.stops += 1

    async def make_request(self, _bot: Any, method: Any) -> Any:
        self.asked.append(method)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def call(self, method: Any) -> Any:
        return await self.watch(self.make_request, self.bot, method)


@pytest.fixture
def bench(telegram: FakeTelegram, tmp_path: Path) -> Bench:
    return Bench(telegram, tmp_path)


def conflict() -> TelegramConflictError:
    return TelegramConflictError(method=GetUpdates(), message="terminated by other getUpdates")


async def test_an_answer_touches_the_heartbeat(bench: Bench):
    assert not bench.heartbeat.exists()
    await bench.call(GetMe())
    assert not bench.heartbeat.exists()
    assert await bench.call(GetUpdates()) == []
    assert bench.heartbeat.exists()


async def test_a_failed_poll_is_no_heartbeat(bench: Bench):
    bench.answer = TelegramNetworkError(method=GetUpdates(), message="x")
    with pytest.raises(TelegramNetworkError):
        await bench.call(GetUpdates())
    assert not bench.heartbeat.exists()
    assert bench.stops == 0


async def test_a_poll_waits_until_the_last_updates_are_safe(bench: Bench):
    bench.answer = [Update(update_id=5), Update(update_id=6)]
    assert await bench.call(GetUpdates()) == bench.answer
    assert bench.acks.last == 6
    bench.answer = []
    next_poll = asyncio.ensure_future(bench.call(GetUpdates()))
    await settle()
    assert len(bench.asked) == 1
    await bench.call(GetMe())  # other requests do not wait
    bench.acks.give(5)
    await settle()
    assert len(bench.asked) == 2
    bench.acks.give(6)
    await next_poll
    assert len(bench.asked) == 3


async def test_another_instance_ends_this_one_once(bench: Bench):
    bench.answer = conflict()
    for _ in range(2):
        with pytest.raises(TelegramConflictError):
            await bench.call(GetUpdates())
    await settle()
    assert bench.watch.has_conflict
    assert bench.stops == 1


async def test_a_conflict_of_another_request_ends_nothing(bench: Bench):
    bench.answer = conflict()
    with pytest.raises(TelegramConflictError):
        await bench.call(GetMe())
    await settle()
    assert not bench.watch.has_conflict
    assert bench.stops == 0
