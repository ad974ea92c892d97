"""/ban and /unban: what becomes of it is said. The list: every ban can be lifted."""

import pytest
from aiogram.filters import CommandObject

from core.pseudonyms import Pseudonyms
from data.bans import ban, banned_chats
from handlers.admin.bans import BanMenu
from handlers.admin.menu import AdminScreen, Press
from misc.chat_lookup import ChatLookup
from misc.middlewares.ban_list import BanList
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from tests.fakes import PERSON, FakeTelegram

TEXTS = load_texts()
pytestmark = pytest.mark.usefixtures("sqlite_db")


def section(telegram: FakeTelegram, bans: BanList) -> BanMenu:
    return BanMenu(telegram.sender, TEXTS, bans, ChatLookup(Pseudonyms("token")))


async def run(telegram: FakeTelegram, bans: BanList, command: str, args: str | None) -> str:
    message = telegram.message(f"/{command} {args or ''}")
    order = CommandObject(command=command, args=args)
    await section(telegram, bans).on_ban(message, order, ChatView("en"))
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


@pytest.mark.parametrize("args", [None, "", "ann", "1 2", "1" * 19, "١٢٣", "１２３"])
async def test_what_is_no_id_is_explained(telegram: FakeTelegram, args: str | None):
    answer = await run(telegram, BanList(frozenset()), "ban", args)
    assert answer == TEXTS("en", "ban_usage", command="ban")
    assert await banned_chats() == frozenset()


async def show(telegram: FakeTelegram, page: str = "", bans: BanList | None = None) -> AdminScreen:
    one = section(telegram, bans or BanList(frozenset()))
    return await one.section(Press(PERSON, "en", page))


def buttons(screen: AdminScreen) -> list[str]:
    return [button.callback_data or "" for row in screen.rows for button in row]


async def test_the_list_has_pages_and_lifts_bans(telegram: FakeTelegram):
    assert (await show(telegram)).text == TEXTS["en"]["admin_bans_none"]
    for number in range(1, 11):
        await ban(-number, PERSON)
    first = await show(telegram)
    assert "10 bans" in first.text
    assert len(buttons(first)) == 9
    assert buttons(first)[-1] == "admin/bans/page=1"
    second = await show(telegram, "page=1")
    assert len(buttons(second)) == 3
    assert buttons(second)[-1] == "admin/bans/page=0"
    bans = BanList(frozenset())
    await bans.refresh()
    after = await show(telegram, "unban=-3", bans)
    assert after.notice == TEXTS.plain("en", "unbanned", id=-3)
    assert "9 bans" in after.text
    assert -3 not in await banned_chats()
    assert not bans.is_banned(-3)


@pytest.mark.parametrize("page", ["page=-1", "page=x", "unban=", "unban=x", "nonsense"])
async def test_nonsense_shows_the_list(telegram: FakeTelegram, page: str):
    await ban(-1, PERSON)
    assert "1 ban" in (await show(telegram, page)).text
    assert await banned_chats() == {-1}
