"""/privacy: what is kept, as a file, and its erasure after a second question."""

import json
from pathlib import Path

import pytest
from aiogram.methods import AnswerCallbackQuery, EditMessageText, SendDocument, SendMessage
from aiogram.types import InlineKeyboardMarkup, Message

from core.errors import FileRejectedError, UnknownOutcomeError
from data.chats import find_chat, register_chat
from handlers.privacy import on_delete, on_export, on_no, on_privacy, on_privacy_in_group, on_yes
from misc.middlewares.registration import ChatView
from misc.opt_outs import OptOutList
from misc.ui.keyboards import one_button
from misc.ui.texts import load_texts
from platforms import Spool
from tests.fakes import GONE, PERSON, FakeTelegram, buttons_in, make_profile

TEXTS = load_texts()
CHAT = ChatView("en")


def menu(telegram: FakeTelegram, button: str = "privacy/delete") -> Message:
    """Return the message with the buttons."""
    return telegram.message("menu", reply_markup=one_button("🗑", button))


async def test_it_is_said_what_is_kept(telegram: FakeTelegram):
    await on_privacy(telegram.message("/privacy"), CHAT, telegram.sender, TEXTS)
    (about,) = telegram.of(SendMessage)
    assert about.text == TEXTS["en"]["privacy_about"]
    assert buttons_in(about.reply_markup) == ["privacy/export", "privacy/delete"]


async def test_in_a_group_the_way_to_the_private_chat_is_shown(telegram: FakeTelegram):
    message = telegram.message("/privacy@demo_bot", chat_id=-7)
    await on_privacy_in_group(message, CHAT, telegram.sender, TEXTS, make_profile())
    (answer,) = telegram.of(SendMessage)
    assert answer.text == TEXTS["en"]["privacy_in_private"]
    assert isinstance(answer.reply_markup, InlineKeyboardMarkup)
    ((button,),) = answer.reply_markup.inline_keyboard
    assert button.url == "https://t.me/demo_bot?start=privacy"


@pytest.mark.usefixtures("sqlite_db")
async def test_the_export_has_only_the_rows_of_the_person(telegram: FakeTelegram, tmp_path: Path):
    await register_chat(PERSON, "uk", "friend")
    await register_chat(8, "en")
    query = telegram.query("privacy/export", menu(telegram))
    await on_export(query, telegram.sender, Spool(tmp_path, 1_000_000))
    (document,) = telegram.of(SendDocument)
    assert document.chat_id == PERSON
    content = json.loads(telegram.session.uploads[f"{PERSON}.json"])
    (row,) = content["users"]
    assert (row["user_id"], row["lang"]) == (PERSON, "uk")
    assert "friend" in row.values()
    assert telegram.alerts == [(None, False)]
    assert not list(tmp_path.glob("*/*.json"))  # the file is gone


@pytest.mark.usefixtures("sqlite_db")
async def test_deleting_asks_first(telegram: FakeTelegram):
    await register_chat(PERSON, "en")
    await on_delete(telegram.query("privacy/delete", menu(telegram)), CHAT, TEXTS)
    (question,) = telegram.of(EditMessageText)
    assert question.text == TEXTS["en"]["privacy_sure"]
    assert buttons_in(question.reply_markup) == ["privacy/yes", "privacy/no"]
    assert await find_chat(PERSON) is not None


@pytest.mark.usefixtures("sqlite_db")
@pytest.mark.parametrize("is_old", [False, True])
async def test_yes_erases_everything_of_this_person(telegram: FakeTelegram, is_old: bool):
    await register_chat(PERSON, "en")
    await register_chat(8, "en")
    message = GONE if is_old else menu(telegram)
    opt_outs = OptOutList()
    await opt_outs.add(PERSON)
    await on_yes(telegram.query("privacy/yes", message), CHAT, TEXTS, opt_outs)
    assert PERSON not in opt_outs
    assert await find_chat(PERSON) is None
    assert await find_chat(8) is not None
    assert telegram.alerts == [(None, False)]
    assert telegram.texts == ([] if is_old else [TEXTS["en"]["privacy_done"]])


@pytest.mark.usefixtures("sqlite_db")
async def test_no_goes_back_and_erases_nothing(telegram: FakeTelegram):
    await register_chat(PERSON, "en")
    await on_no(telegram.query("privacy/no", menu(telegram)), CHAT, TEXTS)
    assert await find_chat(PERSON) is not None
    assert telegram.texts == [TEXTS["en"]["privacy_about"]]


@pytest.mark.usefixtures("sqlite_db")
async def test_a_menu_that_is_gone_is_no_failure(telegram: FakeTelegram):
    await register_chat(PERSON, "en")
    telegram.fail(AnswerCallbackQuery, UnknownOutcomeError())
    telegram.fail(EditMessageText, FileRejectedError("message to edit not found"))
    await on_yes(telegram.query("privacy/yes", menu(telegram)), CHAT, TEXTS, OptOutList())
    assert await find_chat(PERSON) is None


async def test_another_message_of_the_bot_stays_as_it_is(telegram: FakeTelegram):
    """Callback data can be forged, for any message of the bot, also by a member of a group."""
    await on_no(telegram.query("privacy/no", menu(telegram, "set/page/main")), CHAT, TEXTS)
    assert telegram.alerts == [(None, False)]
    assert telegram.of(EditMessageText) == []
