"""/start: the welcome, repeated for those who are known."""

from aiogram.methods import SendMessage

from core.errors import ChatForbiddenError
from handlers.start import on_start
from misc.middlewares.registration import ChatView
from misc.utils import platform_titles
from platforms import load_registry
from tests.fakes import FakeTelegram

REGISTRY = load_registry()


async def test_somebody_who_is_known_is_welcomed_again(telegram: FakeTelegram):
    await on_start(telegram.message("/start"), ChatView("en"), REGISTRY)
    (text,) = telegram.texts
    assert "Welcome" in text
    assert ", or ".join(platform_titles(REGISTRY)[-2:]) in text


async def test_the_welcome_is_in_the_chats_language(telegram: FakeTelegram):
    await on_start(telegram.message("/start"), ChatView("uk"), REGISTRY)
    (text,) = telegram.texts
    assert "Welcome" not in text
    assert "Українська" in text or "українською" in text.lower()


async def test_somebody_new_has_been_welcomed_already(telegram: FakeTelegram):
    await on_start(telegram.message("/start"), ChatView("en", is_new=True), REGISTRY)
    assert telegram.session.calls == []


async def test_a_closed_chat_raises_nothing(telegram: FakeTelegram):
    telegram.fail(SendMessage, ChatForbiddenError())
    await on_start(telegram.message("/start"), ChatView("en"), REGISTRY)
    assert len(telegram.of(SendMessage)) == 1
