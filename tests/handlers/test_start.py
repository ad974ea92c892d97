"""/start: the welcome, repeated for those who are known, and the deep link to the help."""

import pytest
from aiogram.methods import SendMessage

from core.errors import ChatForbiddenError
from core.referrals import PRIVACY
from handlers.start import on_start
from misc.filters import StartedWith
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from tests.fakes import FakeTelegram, make_profile

TEXTS = load_texts()
PROFILE = make_profile()


async def start(telegram: FakeTelegram, chat: ChatView, text: str = "/start") -> list[str]:
    await on_start(telegram.message(text), chat, telegram.sender, TEXTS, PROFILE)
    return telegram.texts


async def test_a_known_chat_is_welcomed_again(telegram: FakeTelegram):
    (text,) = await start(telegram, ChatView("en"))
    assert "Welcome" in text
    assert " or ".join(PROFILE.platforms) in text
    assert "/help" in text


async def test_the_welcome_is_in_the_chats_language(telegram: FakeTelegram):
    (text,) = await start(telegram, ChatView("uk"))
    assert "Welcome" not in text
    assert "Українська" in text or "українською" in text.lower()


async def test_somebody_new_has_been_welcomed_already(telegram: FakeTelegram):
    assert await start(telegram, ChatView("en", is_new=True)) == []


@pytest.mark.parametrize(
    ("text", "is_new", "messages"),
    [
        ("/start@demo_bot true", False, 0),
        ("/start@demo_bot true", True, 0),
        ("/start@demo_bot", False, 1),
        ("/start@demo_bot help", False, 1),
    ],
)
async def test_a_group_is_welcomed_once_when_a_deep_link_adds_the_bot(
    telegram: FakeTelegram, text: str, is_new: bool, messages: int
):
    message = telegram.message(text, chat_id=-7)
    await on_start(message, ChatView("en", is_new=is_new), telegram.sender, TEXTS, PROFILE)
    assert len(telegram.texts) == messages


async def test_the_deep_link_to_the_help_is_answered_for_new_people_too(telegram: FakeTelegram):
    (text,) = await start(telegram, ChatView("en", is_new=True), "/start help")
    assert TEXTS["en"]["help_sound"] in text


@pytest.mark.parametrize(
    ("text", "chat_id", "is_matched"),
    [
        ("/start privacy", 7, True),
        ("/start@demo_bot privacy", -7, False),
        ("/start help", 7, False),
        ("/start", 7, False),
    ],
)
async def test_the_deep_link_to_the_stored_data_is_for_private_chats(
    telegram: FakeTelegram, text: str, chat_id: int, is_matched: bool
):
    message = telegram.message(text, chat_id=chat_id)
    assert await StartedWith(PRIVACY)(message) is is_matched


async def test_a_closed_chat_raises_nothing(telegram: FakeTelegram):
    telegram.fail(SendMessage, ChatForbiddenError())
    await start(telegram, ChatView("en"))
    assert len(telegram.of(SendMessage)) == 1
