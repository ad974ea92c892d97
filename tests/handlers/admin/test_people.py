"""/user, and the section about people: counts, recent activity, a search."""

import re
from pathlib import Path

import pytest
from aiogram.filters import CommandObject
from aiogram.methods import SendMessage
from aiogram.types import (
    Chat,
    Message,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUnion,
    MessageOriginUser,
)

from core.pseudonyms import Pseudonyms
from data.bans import ban, banned_chats
from data.chats import register_chat
from data.downloads import record_download
from data.usernames import store_name
from handlers.admin.menu import AdminScreen, Press
from handlers.admin.people import PeopleMenu
from handlers.admin.waiting import AwaitsReference
from misc.chat_lookup import ChatLookup
from misc.middlewares.ban_list import BanList
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from platforms import Spool
from services.statistics import Statistics
from tests.fakes import DATE, LINK, PERSON, FakeTelegram, buttons_in, make_user

TEXTS = load_texts()
CHAT = ChatView("en")
PSEUDONYMS = Pseudonyms("token")
pytestmark = pytest.mark.usefixtures("sqlite_db")
CARD = ["history/8", "admin/people/ban=8", "admin/people"]


@pytest.fixture
def people(telegram: FakeTelegram, tmp_path: Path) -> PeopleMenu:
    statistics = Statistics(telegram.sender, Spool(tmp_path, 100_000_000))
    bans = BanList(frozenset({PERSON}))
    lookup = ChatLookup(PSEUDONYMS)
    return PeopleMenu(telegram.sender, TEXTS, statistics, bans, lookup, PSEUDONYMS)


async def look_up(
    people: PeopleMenu, telegram: FakeTelegram, args: str | None, reply_to: Message | None = None
) -> SendMessage:
    command = CommandObject(command="user", args=args)
    message = telegram.message("/user", reply_to_message=reply_to)
    await people.on_user(message, command, CHAT)
    return telegram.of(SendMessage)[-1]


async def test_a_chat_is_shown_with_what_can_be_done(people: PeopleMenu, telegram: FakeTelegram):
    await register_chat(8, "uk", "friend<3")
    card = await look_up(people, telegram, " 8 ")
    assert "<b>8</b>" in card.text
    assert f"Language: {TEXTS['uk']['language_name']}" in card.text
    assert "Source: friend&lt;3" in card.text
    assert PSEUDONYMS.of(8) in card.text
    assert buttons_in(card.reply_markup) == CARD
    await ban(8, 1)
    card = await look_up(people, telegram, "8")
    assert "Banned: ✅" in card.text
    assert "admin/people/unban=8" in buttons_in(card.reply_markup)


async def test_dates_are_those_of_the_readers_language(people: PeopleMenu, telegram: FakeTelegram):
    await register_chat(8, "en")
    screen = await people.section(Press(PERSON, "uk", "show=8"))
    assert re.search(r"З нами від: \d+ [а-я]+\.? 20\d\d", screen.text)


async def test_a_chat_that_is_not_known_has_no_history(people: PeopleMenu, telegram: FakeTelegram):
    answer = await look_up(people, telegram, "9")
    assert answer.text == TEXTS("en", "user_unknown", id=9)
    assert "history/9" not in buttons_in(answer.reply_markup)


@pytest.mark.parametrize("args", [None, "", "Ann", "8 9", "٨", "８", "8" * 19])
async def test_what_is_no_reference_is_explained(
    people: PeopleMenu, telegram: FakeTelegram, args: str | None
):
    await register_chat(8, "en")
    answer = await look_up(people, telegram, args)
    assert answer.text == TEXTS["en"]["user_usage"]


async def test_a_name_is_found_whatever_its_case(people: PeopleMenu, telegram: FakeTelegram):
    await register_chat(-8, "en")
    await store_name(-8, PSEUDONYMS.of_name("Ferry_Crew"))
    for words in ("@Ferry_Crew", "@ferry_crew", "https://t.me/FERRY_CREW"):
        assert "<b>-8</b>" in (await look_up(people, telegram, words)).text
    answer = await look_up(people, telegram, "@ferry_cat")
    assert answer.text == TEXTS("en", "user_no_name", name="ferry_cat")


GROUP = Chat(id=-8, type="supergroup", title="Crew")


@pytest.mark.parametrize(
    ("origin", "shown"),
    [
        (MessageOriginUser(date=DATE, sender_user=make_user(8)), "<b>8</b>"),
        (MessageOriginChat(date=DATE, sender_chat=GROUP), "<b>-8</b>"),
        (MessageOriginChannel(date=DATE, chat=GROUP, message_id=1), "<b>-8</b>"),
        (
            MessageOriginHiddenUser(date=DATE, sender_user_name="Ann <b>"),
            TEXTS("en", "user_hidden", name="Ann <b>"),
        ),
        (None, TEXTS["en"]["user_no_origin"]),
    ],
)
async def test_a_reply_to_a_forward_names_its_author(
    people: PeopleMenu, telegram: FakeTelegram, origin: MessageOriginUnion | None, shown: str
):
    for chat_id in (8, -8):
        await register_chat(chat_id, "en")
    forwarded = telegram.message("hi", forward_origin=origin)
    assert (await look_up(people, telegram, None, forwarded)).text.startswith(shown)


async def test_a_reply_to_a_card_names_the_chat_that_it_shows(
    people: PeopleMenu, telegram: FakeTelegram
):
    await register_chat(8, "en")
    card = telegram.message("8\nLanguage: en", from_user=make_user(42, is_bot=True))
    assert "<b>8</b>" in (await look_up(people, telegram, None, card)).text
    own = telegram.message("8\nLanguage: en")
    answer = await look_up(people, telegram, None, own)
    assert answer.text == TEXTS["en"]["user_no_origin"]


# --- the section ----------------------------------------------------------------------------------


def buttons(screen: AdminScreen) -> list[str]:
    return buttons_in(screen.markup(TEXTS, "en"))


async def test_the_section_counts_chats_and_lists_the_recently_active(people: PeopleMenu):
    for chat_id in (8, 9, -10):
        await register_chat(chat_id, "en")
    for chat_id in (8, -10, 8):
        await record_download(
            chat_id, LINK.url, is_images=False, is_processed=False, is_inline=False, ads=None
        )
    screen = await people.section(Press(PERSON, "en"))
    assert "Private chats: <b>2</b>\nGroups: <b>1</b>" in screen.text
    assert "24 hours: <b>1</b>" in screen.text
    shown = ["admin/people/show=8", "admin/people/show=-10"]
    assert buttons(screen) == [*shown, "admin/people/find", "admin/menu"]
    card = await people.section(Press(PERSON, "en", "show=8"))
    assert buttons(card) == CARD


async def test_a_chat_is_banned_and_unbanned_from_its_card(people: PeopleMenu):
    await register_chat(8, "en")
    banned = await people.section(Press(PERSON, "en", "ban=8"))
    assert await banned_chats() == {8}
    assert (banned.notice, "admin/people/unban=8" in buttons(banned)) == (
        TEXTS.plain("en", "banned", id=8),
        True,
    )
    unbanned = await people.section(Press(PERSON, "en", "unban=8"))
    assert await banned_chats() == frozenset()
    assert buttons(unbanned) == CARD


async def test_the_search_takes_the_next_message(people: PeopleMenu, telegram: FakeTelegram):
    await register_chat(8, "en")
    waits = AwaitsReference()
    assert not await waits(telegram.message("8"))
    prompt = await people.section(Press(PERSON, "en", "find"))
    assert prompt.text == TEXTS["en"]["user_find_prompt"]
    assert buttons(prompt) == ["admin/people"]
    assert await waits(telegram.message("8"))
    await people.take_reference(telegram.message("Bo"), CHAT)
    assert telegram.texts[-1] == TEXTS["en"]["user_usage"]
    assert await waits(telegram.message("8"))  # the next try counts
    origin = MessageOriginUser(date=DATE, sender_user=make_user(8))
    await people.take_reference(telegram.message("hi", forward_origin=origin), CHAT)
    assert "<b>8</b>" in telegram.texts[-1]
    assert not await waits(telegram.message("8"))


async def test_the_search_is_given_up_after_ten_minutes(
    people: PeopleMenu, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    await people.section(Press(PERSON, "en", "find"))
    assert await AwaitsReference()(telegram.message("8"))
    monkeypatch.setattr("handlers.admin.waiting.unix_now", lambda: 4_000_000_000)
    assert not await AwaitsReference()(telegram.message("8"))
