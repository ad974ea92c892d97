"""The backlog: a batch has ended once each of its updates has, whatever became of the others."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from aiogram.types import Update

from app.backlog import Backlog
from data.old_updates import OldUpdate, has_old_updates, next_old_updates, store_old_updates
from delivery.client import TolerantSession, UpdatePolicy
from misc.addressing import BotAccount
from tests.fakes import FakeTelegram, settle
from tests.links import REGISTRY
from tests.updates import LINK, message


class Dispatcher:
    """Fails to handle update 1, while update 2 is being handled."""

    def __init__(self) -> None:
        self.fed: list[int] = []
        self.has_failed, self.may_end = asyncio.Event(), asyncio.Event()

    async def feed_update(self, _bot: Any, update: Update) -> None:
        self.fed.append(update.update_id)
        if update.update_id == 1:
            self.has_failed.set()
            raise ZeroDivisionError
        await self.may_end.wait()


@pytest.mark.usefixtures("sqlite_db")
async def test_an_update_that_fails_neither_ends_its_batch_nor_comes_again(
    telegram: FakeTelegram, caplog: pytest.LogCaptureFixture
):
    rows = [
        OldUpdate(n, 7, json.dumps({"update_id": n, "message": message(text=LINK)})) for n in (1, 2)
    ]
    await store_old_updates(telegram.bot.id, rows)
    queue: Any = SimpleNamespace(count=0)
    session = TolerantSession(UpdatePolicy())
    backlog = Backlog(telegram.bot, session, REGISTRY, queue)
    dispatcher: Any = Dispatcher()
    backlog.start(dispatcher, BotAccount(42, "demo_bot"))
    working = asyncio.create_task(backlog.work())
    try:
        async with asyncio.timeout(60):
            await dispatcher.has_failed.wait()
            async with asyncio.TaskGroup() as group:
                closing = group.create_task(backlog.close(60))
                await settle()
                assert (working.done(), closing.done()) == (False, False)
                dispatcher.may_end.set()
            await working
    finally:
        working.cancel()
        await asyncio.wait([working])
    assert dispatcher.fed == [1, 2]
    assert not await has_old_updates(telegram.bot.id)
    failures = [record.message for record in caplog.records if record.exc_info]
    assert failures == ["Stored update 1 failed"]


@pytest.mark.usefixtures("sqlite_db")
@pytest.mark.parametrize("text", ["Привіт 🛳", "half a pair: \ud83d"])
async def test_a_stored_update_is_what_telegram_has_sent(telegram: FakeTelegram, text: str):
    queue: Any = SimpleNamespace(count=0)
    session = TolerantSession(UpdatePolicy())
    update: dict[str, Any] = {"update_id": 5, "message": {**message(text=text), "date": 1}}
    assert await Backlog(telegram.bot, session, REGISTRY, queue).take(update)
    (stored,) = await next_old_updates(telegram.bot.id, 9)
    assert json.loads(stored.content) == update
    assert stored.chat_id == update["message"]["chat"]["id"]
