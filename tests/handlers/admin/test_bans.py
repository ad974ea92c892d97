"""/ban and /unban: what becomes of it is said."""

import pytest
from aiogram.filters import CommandObject

from handlers.admin.bans import on_ban
from misc.middlewares.ban_list import BanList
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from tests.fakes import PERSON, FakeTelegram

TEXTS = load_texts()
pytestmark = pytest.mark.usefixtures("sqlite_db")


async def run(telegram: FakeTelegram, bans: BanList, command: str, args: str | None) -> str:
    message = telegram.message(f"/{command} {args or ''}")
    order = CommandObject(command=command, args=args)
    await on_ban(message, order, ChatView("en"), bans, telegram.sender, TEXTS)
    return telegram.texts[-1]


async def test_a_ban_is_set_and_lifted_once(telegram: FakeTelegram):
    bans = BanList(frozenset({PERSON}))
    answers = [
        await run(telegram, bans, command, " -1007 ")
        for command in ("ban", "ban", "unban", "unban")
    ]
    keys = ("banned", "ban_idle", "unbanned", "ban_idle")
    assert answers == [TEXTS("en", key, id=-1007) for key in keys]


async def test_an_administrator_cannot_be_banned(telegram: FakeTelegram):
    answer = await run(telegram, BanList(frozenset({PERSON})), "ban", str(PERSON))
    assert answer == TEXTS("en", "ban_idle", id=PERSON)


@pytest.mark.parametrize("args", [None, "", "@ann", "1 2", "1" * 19])
async def test_what_is_no_id_is_explained(telegram: FakeTelegram, args: str | None):
    answer = await run(telegram, BanList(frozenset()), "ban", args)
    assert answer == TEXTS("en", "ban_usage")
