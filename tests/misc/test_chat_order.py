"""The order of a chat's messages: each waits for the acknowledgement of the one before."""

import asyncio
from typing import Any

from aiogram.types import TelegramObject, Update

from misc.middlewares.chat_order import ChatOrder
from misc.middlewares.update_acks import UpdateAck, UpdateAcks
from tests.fakes import FakeTelegram, settle


class Handling:
    """Updates that are being handled; the test acknowledges and ends them."""

    def __init__(self) -> None:
        self._order = ChatOrder()
        self._ends: dict[int, asyncio.Event] = {}
        self.acks: dict[int, UpdateAck] = {}
        self.begun: list[int] = []

    def begin(self, update: Update) -> "asyncio.Future[Any]":
        number = update.update_id
        self._ends[number] = asyncio.Event()
        self.acks[number] = UpdateAck(number, UpdateAcks())
        return asyncio.ensure_future(self._order(self._handle, update, {"ack": self.acks[number]}))

    def end(self, number: int) -> None:
        self._ends[number].set()

    async def _handle(self, event: TelegramObject, _data: dict[str, Any]) -> None:
        assert isinstance(event, Update)
        self.begun.append(event.update_id)
        await self._ends[event.update_id].wait()
        if event.update_id == 13:
            raise ValueError("a handler with a bug")


async def test_a_message_waits_for_the_acknowledgement_of_the_one_before(telegram: FakeTelegram):
    handling = Handling()
    updates = [Update(update_id=n, message=telegram.message("x")) for n in (1, 2, 3)]
    other = Update(update_id=4, message=telegram.message("x", chat_id=8))
    running = [handling.begin(update) for update in (*updates, other)]
    await settle()
    assert handling.begun == [1, 4]
    handling.acks[1].give()
    await settle()
    assert handling.begun == [1, 4, 2]
    handling.acks[2].give()
    await settle()
    assert handling.begun == [1, 4, 2, 3]
    for number in (1, 2, 3, 4):
        handling.end(number)
    await asyncio.gather(*running)


async def test_a_handler_that_fails_holds_up_nobody(telegram: FakeTelegram):
    handling = Handling()
    first = handling.begin(Update(update_id=13, message=telegram.message("x")))
    second = handling.begin(Update(update_id=14, message=telegram.message("x")))
    handling.end(13)
    handling.end(14)
    results = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(result) for result in results] == [ValueError, type(None)]


async def test_a_button_waits_for_nothing(telegram: FakeTelegram):
    handling = Handling()
    message = handling.begin(Update(update_id=1, message=telegram.message("x")))
    press = Update(update_id=2, callback_query=telegram.query("noop", telegram.message("x")))
    button = handling.begin(press)
    await settle()
    assert handling.begun == [1, 2]
    handling.end(1)
    handling.end(2)
    await asyncio.gather(message, button)
