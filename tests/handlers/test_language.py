"""/lang: the menu of languages, and the choice."""

import pytest
from aiogram.methods import EditMessageText, SendMessage

from core.errors import UnchangedError
from data.chats import find_chat
from handlers.language import on_choice, on_lang
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from tests.fakes import GONE, PERSON, FakeTelegram, buttons_in, make_ack

TEXTS = load_texts()
CHAT = ChatView("en")


async def test_all_languages_are_offered(telegram: FakeTelegram):
    await on_lang(telegram.message("/lang"), CHAT, telegram.sender, TEXTS)
    (menu,) = telegram.of(SendMessage)
    assert menu.text == TEXTS["en"]["lang_prompt"]
    assert set(buttons_in(menu.reply_markup)) == {f"lang/{code}" for code in TEXTS.languages}


@pytest.mark.usefixtures("sqlite_db")
async def test_a_choice_is_stored_and_confirmed_in_the_new_language(telegram: FakeTelegram):
    await on_choice(telegram.query("lang/uk", telegram.message("menu")), CHAT, TEXTS, make_ack()[0])
    record = await find_chat(PERSON)
    assert record
    assert record.lang == "uk"
    (edit,) = telegram.of(EditMessageText)
    assert edit.text == TEXTS("uk", "lang_set", language=TEXTS["uk"]["language_name"])
    assert telegram.alerts == [(None, False)]


@pytest.mark.usefixtures("sqlite_db")
async def test_a_second_press_is_answered_although_the_menu_says_so_already(
    telegram: FakeTelegram,
):
    telegram.fail(EditMessageText, UnchangedError())
    await on_choice(telegram.query("lang/uk", telegram.message("menu")), CHAT, TEXTS, make_ack()[0])
    assert telegram.alerts == [(None, False)]


@pytest.mark.usefixtures("sqlite_db")
async def test_a_menu_that_is_too_old_to_be_edited_still_works(telegram: FakeTelegram):
    await on_choice(telegram.query("lang/uk", GONE), CHAT, TEXTS, make_ack()[0])
    record = await find_chat(PERSON)
    assert record
    assert record.lang == "uk"
    assert telegram.of(EditMessageText) == []
    assert telegram.alerts == [(None, False)]


@pytest.mark.usefixtures("sqlite_db")
@pytest.mark.parametrize("code", ["xx", "", "en/uk"])
async def test_a_language_that_is_not_there_changes_nothing(telegram: FakeTelegram, code: str):
    await on_choice(
        telegram.query(f"lang/{code}", telegram.message("menu")), CHAT, TEXTS, make_ack()[0]
    )
    assert await find_chat(PERSON) is None
    assert telegram.alerts == [(TEXTS["en"]["lang_unknown"], True)]
