"""A broadcast one of whose messages fails with an unexpected error."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from core.broadcasts import Broadcast, State
from core.errors import TooLargeError
from data.broadcasts import (
    add_content,
    claim_broadcast,
    confirm_broadcast,
    find_broadcast,
    new_draft,
)
from data.chats import register_chat
from services.broadcasts import BroadcastSender
from services.requests.store import RequestStore
from tests.fakes import settle

BOT, ADMIN = 42, 7
pytestmark = pytest.mark.usefixtures("sqlite_db")


class Sender:
    """Fails to send to chat 5, while the message to chat 6 is on its way."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.copied: list[int] = []
        self.is_sending, self.has_failed = asyncio.Event(), asyncio.Event()
        self.may_end = asyncio.Event()

    async def copy(
        self, broadcast: Broadcast, chat_id: int, on_start: Callable[[], Awaitable[None]]
    ) -> None:
        await on_start()
        self.copied.append(chat_id)
        if chat_id == 5:
            await self.is_sending.wait()
            self.has_failed.set()
            raise self._error
        self.is_sending.set()
        await self.may_end.wait()


class Card:
    async def show(self, broadcast: Broadcast, per_second: float = 0.0) -> None:
        pass


async def confirmed() -> int:
    for chat_id in (5, 6):
        await register_chat(chat_id, "en")
    number = await new_draft(BOT, ADMIN)
    await add_content(number, 10, None, None)
    await confirm_broadcast(number)
    return number


def make_broadcasts(sender: Any) -> BroadcastSender:
    return BroadcastSender(BOT, sender, RequestStore(BOT, 600), Card(), asyncio.Event())


async def test_a_broadcast_stays_claimed_until_every_message_on_its_way_has_ended():
    number, sender = await confirmed(), Sender(ValueError("a bug"))
    broadcasts = make_broadcasts(sender)
    working = asyncio.create_task(broadcasts.work())
    try:
        async with asyncio.timeout(60):
            await sender.has_failed.wait()
        await settle()
        assert await claim_broadcast(BOT, "another process") is None
        assert not working.done()
        sender.may_end.set()
        async with asyncio.timeout(60):
            with pytest.raises(ValueError, match="a bug"):
                await working
            await broadcasts.work()
    finally:
        working.cancel()
        await asyncio.wait([working])
    found = await find_broadcast(number)
    assert found
    assert (found.state, found.counts.sent, found.counts.unknown) == (State.DONE, 1, 1)
    assert sorted(sender.copied) == [5, 6]


async def test_what_telegram_finds_too_large_is_refused():
    number, sender = await confirmed(), Sender(TooLargeError(None, 50_000_000))
    sender.may_end.set()
    async with asyncio.timeout(60):
        await make_broadcasts(sender).work()
    found = await find_broadcast(number)
    assert found
    assert (found.state, found.counts.sent, found.counts.failed) == (State.DONE, 1, 1)
