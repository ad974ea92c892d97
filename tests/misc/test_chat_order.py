"""Commands and presses are handled in the order of their chat's messages; nothing else waits."""

import asyncio
from typing import Any

from aiogram.types import TelegramObject, Update

from misc.middlewares.chat_order import ChatOrder
from tests.fakes import FakeTelegram, make_ack, settle


class Updates:
    """Updates that are handled at the same time, and what they have done."""

    def __init__(self, telegram: FakeTelegram, *, keeps_all: bool = False) -> None:
        self.order = ChatOrder(keeps_all=keeps_all)
        self.telegram = telegram
        self.begun: list[str] = []
        #: By text.
        self.gates: dict[str, asyncio.Event] = {}
        self.tasks: list[asyncio.Task[Any]] = []

    def send(self, text: str, chat_id: int = 1) -> None:
        """Begin to handle a message."""
        message = self.telegram.message(text, chat_id=chat_id)
        self.handle(text, Update(update_id=len(self.tasks), message=message))

    def handle(self, name: str, update: Update) -> None:
        """Begin to handle an update: it is acknowledged and ends once its gate is open."""
        ack, _ = make_ack(update.update_id)
        gate = self.gates[name] = asyncio.Event()

        async def handler(event: TelegramObject, data: dict[str, Any]) -> None:
            self.begun.append(name)
            await gate.wait()
            ack.acknowledge()
            await asyncio.Event().wait()  # the answer takes long

        self.tasks.append(asyncio.create_task(self.order(handler, update, {"ack": ack})))

    async def begun_after(self, *opened: str) -> list[str]:
        """Acknowledge updates, and return those that have begun since the last call."""
        for text in opened:
            self.gates[text].set()
        await settle()
        begun, self.begun = self.begun, []
        return begun

    async def close(self) -> None:
        """Cancel the handlers of all updates."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_a_command_waits_for_what_was_sent_before_and_the_rest_for_it(telegram: FakeTelegram):
    updates = Updates(telegram)
    for text in ("one", "two", "/cancel", "three", "/mode", "four"):
        updates.send(text)
    assert await updates.begun_after() == ["one", "two"]
    assert await updates.begun_after("one") == []
    assert await updates.begun_after("two") == ["/cancel"]
    assert await updates.begun_after("/cancel") == ["three"]
    assert await updates.begun_after("three") == ["/mode"]
    assert await updates.begun_after("/mode") == ["four"]
    await updates.close()


async def test_in_a_fleet_every_message_waits_for_the_one_before(telegram: FakeTelegram):
    updates = Updates(telegram, keeps_all=True)
    for text in ("one", "two", "three"):
        updates.send(text)
    updates.send("other", chat_id=2)
    assert await updates.begun_after() == ["one", "other"]
    assert await updates.begun_after("one") == ["two"]
    assert await updates.begun_after("two") == ["three"]
    await updates.close()


async def test_chats_do_not_wait_for_each_other(telegram: FakeTelegram):
    updates = Updates(telegram)
    updates.send("/mode", chat_id=1)
    updates.send("/cancel", chat_id=2)
    assert await updates.begun_after() == ["/mode", "/cancel"]
    await updates.close()


async def test_presses_are_in_order_too_and_updates_without_a_chat_in_none(telegram: FakeTelegram):
    updates = Updates(telegram)
    query = telegram.query("set/quality", telegram.message("menu", chat_id=1))
    updates.send("link")
    updates.handle("press", Update(update_id=1, callback_query=query))
    updates.handle("inline", Update(update_id=2, callback_query=telegram.query("x", None)))
    assert await updates.begun_after() == ["link", "inline"]
    assert await updates.begun_after("link") == ["press"]
    await updates.close()


async def test_an_update_that_fails_or_is_cancelled_holds_nobody_up(telegram: FakeTelegram):
    updates = Updates(telegram)
    updates.send("/mode")
    assert await updates.begun_after() == ["/mode"]
    await updates.close()
    updates.send("/cancel")
    assert await updates.begun_after() == ["/cancel"]
    await updates.close()
