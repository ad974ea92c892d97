"""Members who may not change a group's settings are told who may."""

from aiogram.methods import SendMessage

from handlers.not_allowed import on_command, on_press
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from tests.fakes import FakeTelegram

TEXTS = load_texts()


async def test_a_command_is_answered_in_the_group(telegram: FakeTelegram):
    message = telegram.message("/mode", chat_id=-7)
    await on_command(message, ChatView("uk"), telegram.sender, TEXTS)
    (answer,) = telegram.of(SendMessage)
    assert (answer.chat_id, answer.text) == (-7, TEXTS["uk"]["not_admin"])


async def test_a_press_is_answered_to_the_presser_only(telegram: FakeTelegram):
    query = telegram.query("set/silent", telegram.message("menu", chat_id=-7))
    await on_press(query, ChatView("uk"), TEXTS)
    assert telegram.alerts == [(TEXTS["uk"]["not_admin"], False)]
    assert telegram.of(SendMessage) == []
