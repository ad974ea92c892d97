"""The ban list: no update of a banned user or group is handled, of whatever kind."""

from typing import Any

import pytest
from aiogram.types import ChosenInlineResult, InlineQuery, TelegramObject

from data.bans import ban
from misc.middlewares.ban_list import BanList
from tests.fakes import FakeTelegram, make_user

ADMIN, BANNED, GROUP = 1, 8, -7
pytestmark = pytest.mark.usefixtures("sqlite_db")


class Bench:
    def __init__(self) -> None:
        self.dropped: list[tuple[str, int]] = []
        self.bans = BanList(frozenset({ADMIN}), lambda *drop: self.dropped.append(drop))
        self.handled: list[TelegramObject] = []

    async def is_handled(self, event: TelegramObject) -> bool:
        return bool(await self.bans(self.handle, event, {}) == "handled")

    async def handle(self, event: TelegramObject, _data: dict[str, Any]) -> str:
        self.handled.append(event)
        return "handled"


def updates(telegram: FakeTelegram, user_id: int) -> list[TelegramObject]:
    user = make_user(user_id)
    return [
        telegram.message("x", chat_id=user_id, user_id=user_id),
        telegram.query("x", user_id=user_id),
        InlineQuery(id="1", from_user=user, query="x", offset=""),
        ChosenInlineResult(result_id="1", from_user=user, query="x"),
    ]


async def test_nothing_of_a_banned_person_is_handled(telegram: FakeTelegram):
    bench = Bench()
    assert await bench.bans.add(BANNED, ADMIN)
    for event in updates(telegram, BANNED):
        assert not await bench.is_handled(event)
    assert bench.handled == []
    assert bench.dropped == [("banned", BANNED)] * 4
    for event in updates(telegram, 9):
        assert await bench.is_handled(event)


async def test_a_banned_group_is_not_handled_whoever_writes(telegram: FakeTelegram):
    bench = Bench()
    await bench.bans.add(GROUP, ADMIN)
    message = telegram.message("x", chat_id=GROUP)
    assert not await bench.is_handled(message)
    assert not await bench.is_handled(telegram.query("x", message))
    assert bench.dropped == [("banned", GROUP)] * 2
    assert await bench.is_handled(telegram.message("x"))


async def test_administrators_are_answered_even_there(telegram: FakeTelegram):
    bench = Bench()
    await bench.bans.add(GROUP, ADMIN)
    assert await bench.is_handled(telegram.message("x", chat_id=GROUP, user_id=ADMIN))
    assert not await bench.bans.add(ADMIN, ADMIN)
    assert await bench.is_handled(telegram.message("x", chat_id=ADMIN, user_id=ADMIN))


async def test_a_ban_is_new_once_and_lifted_once(telegram: FakeTelegram):
    bench = Bench()
    assert [await bench.bans.add(BANNED, ADMIN) for _ in range(2)] == [True, False]
    assert [await bench.bans.remove(BANNED) for _ in range(2)] == [True, False]
    assert await bench.is_handled(telegram.message("x", user_id=BANNED))


async def test_bans_of_other_processes_hold_after_a_refresh(telegram: FakeTelegram):
    bench = Bench()
    await ban(BANNED, ADMIN)
    assert await bench.is_handled(telegram.message("x", user_id=BANNED))
    await bench.bans.refresh()
    assert not await bench.is_handled(telegram.message("x", user_id=BANNED))


async def test_a_message_without_a_sender_is_handled(telegram: FakeTelegram):
    assert await Bench().is_handled(telegram.message("x", chat_id=-9, from_user=None))
