"""Where the bot is: blocked and let in again, and groups that get another id."""

from typing import Any

import pytest
from aiogram.types import (
    Chat,
    ChatMemberBanned,
    ChatMemberLeft,
    ChatMemberMember,
    ChatMemberUpdated,
)

from data.bans import ban
from data.chats import find_chat, register_chat, set_language
from handlers.chat_member import on_chat_member, on_new_id
from misc.middlewares.ban_list import BanList
from tests.fakes import DATE, PERSON, FakeTelegram, make_user

pytestmark = pytest.mark.usefixtures("sqlite_db")
BOT = make_user(42, is_bot=True)
INSIDE = ChatMemberMember(user=BOT)
LEFT = ChatMemberLeft(user=BOT)
KICKED = ChatMemberBanned(user=BOT, until_date=DATE)


def event(status: ChatMemberMember | ChatMemberLeft | ChatMemberBanned) -> ChatMemberUpdated:
    return ChatMemberUpdated(
        chat=Chat(id=PERSON, type="private"),
        from_user=make_user(),
        date=DATE,
        old_chat_member=INSIDE,
        new_chat_member=status,
    )


async def is_blocked() -> bool | None:
    record = await find_chat(PERSON)
    return record.is_blocked if record else None


@pytest.mark.parametrize("status", [LEFT, KICKED], ids=["left", "kicked"])
async def test_a_chat_without_the_bot_is_marked_until_it_is_back(
    status: ChatMemberLeft | ChatMemberBanned,
):
    await register_chat(PERSON, "en")
    await on_chat_member(event(status))
    assert await is_blocked()
    await on_chat_member(event(INSIDE))
    assert await is_blocked() is False


async def test_an_unknown_chat_is_not_registered_by_it():
    await on_chat_member(event(LEFT))
    assert await is_blocked() is None


@pytest.mark.parametrize(
    "report",
    [
        {"chat_id": -7, "migrate_to_chat_id": -1007},
        {"chat_id": -1007, "migrate_from_chat_id": -7},
    ],
)
async def test_a_group_takes_its_settings_and_its_ban_to_its_new_id(
    telegram: FakeTelegram, report: dict[str, Any]
):
    await set_language(-7, "uk")
    await ban(-7, PERSON)
    bans = BanList(frozenset())
    await on_new_id(telegram.message(**report), bans)
    record = await find_chat(-1007)
    assert record
    assert record.lang == "uk"
    assert await find_chat(-7) is None
    assert [bans.is_banned(chat_id) for chat_id in (-7, -1007)] == [False, True]
