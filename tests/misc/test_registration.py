"""Registration: chats are found or registered, welcomed once, and served without the database."""

from typing import Any

import pytest
from aiogram.dispatcher.event.handler import HandlerObject
from aiogram.methods import SendMessage
from aiogram.types import CallbackQuery, Message, TelegramObject

from core.errors import ChatForbiddenError, StorageError
from core.formats import Quality
from core.preferences import Preferences
from data.chats import change_preferences, find_chat, mark_blocked, register_chat
from data.db_service import get_referral_stats
from delivery.moved_chats import MovedChats
from misc.join_log import JoinLog
from misc.middlewares.registration import STORES, TURNS_AWAY, ChatView, Registration
from misc.ui.texts import load_texts
from platforms import load_registry
from tests.fakes import GONE, PERSON, FakeTelegram, buttons_in, make_ack, make_user

TEXTS = load_texts()
LOG_CHAT = -99


class Bench:
    """One update after the other passes the registration on its way to a handler."""

    def __init__(self, telegram: FakeTelegram, log_chat: int = 0) -> None:
        self.telegram = telegram
        join_log = JoinLog(log_chat, MovedChats({})) if log_chat else None
        self.registration = Registration(TEXTS, load_registry(), join_log)
        #: What the handler saw, in order: the chat, and how many messages were sent before.
        self.seen: list[tuple[ChatView, int]] = []
        self.acks: list[bool] = []

    async def handle(
        self, event: Message | CallbackQuery, flags: dict[str, Any] | None = None
    ) -> ChatView:
        ack, acks = make_ack()

        async def handler(_event: TelegramObject, data: dict[str, Any]) -> str:
            self.seen.append((data["chat"], len(self.telegram.of(SendMessage))))
            self.acks.append(bool(acks.acknowledged))
            return "result"

        data = {"ack": ack, "handler": HandlerObject(handler, flags=flags or {})}
        assert await self.registration(handler, event, data) == "result"
        return self.seen[-1][0]


@pytest.fixture
def bench(sqlite_db: None, telegram: FakeTelegram) -> Bench:
    return Bench(telegram)


async def test_a_new_chat_is_registered_and_welcomed_before_the_answer(bench: Bench):
    chat = await bench.handle(bench.telegram.message("/start"))
    assert chat == ChatView("en", is_new=True)
    assert await find_chat(PERSON) is not None
    assert bench.seen[0][1] == 1
    assert "Welcome" in bench.telegram.texts[0]
    assert bench.acks == [True]


async def test_where_a_request_is_stored_the_welcome_comes_after_it(bench: Bench):
    await bench.handle(bench.telegram.message("x"), STORES)
    assert bench.seen[0][1] == 0
    assert len(bench.telegram.texts) == 1
    assert bench.acks == [False]  # the handler acknowledges what it has stored


async def test_a_chat_is_welcomed_once(bench: Bench):
    await bench.handle(bench.telegram.message("/start"))
    for text in ("/start", "hello"):
        assert not (await bench.handle(bench.telegram.message(text))).is_new
    assert len(bench.telegram.texts) == 1


async def test_a_known_chat_has_its_settings(bench: Bench):
    await register_chat(PERSON, "uk")
    await change_preferences(PERSON, "en", lambda _: Preferences(quality=Quality.SMALL))
    chat = await bench.handle(bench.telegram.message("x"))
    assert chat == ChatView("uk", preferences=Preferences(quality=Quality.SMALL))


async def test_a_stored_language_that_is_gone_becomes_english(bench: Bench):
    await register_chat(PERSON, "tlh")
    user = make_user(language_code="uk")
    assert (await bench.handle(bench.telegram.message("x", from_user=user))).lang == "en"


async def test_a_new_chat_speaks_the_language_of_the_app(bench: Bench):
    user = make_user(language_code="uk-UA")
    await bench.handle(bench.telegram.message("x", from_user=user))
    record = await find_chat(PERSON)
    assert record
    assert record.lang == "uk"


async def test_the_first_sender_does_not_choose_the_language_of_a_group(bench: Bench):
    user = make_user(language_code="uk-UA")
    await bench.handle(bench.telegram.message("x", chat_id=-7, from_user=user))
    record = await find_chat(-7)
    assert record
    assert record.lang == "en"
    (welcome,) = bench.telegram.of(SendMessage)
    assert "welcome/uk" in buttons_in(welcome.reply_markup)


async def test_an_invitation_is_stored_and_reported_to_the_log_chat(
    sqlite_db: None, telegram: FakeTelegram
):
    bench = Bench(telegram, LOG_CHAT)
    user = make_user(first_name="Ann <3", username="ann")
    await bench.handle(telegram.message("/start Friend_1", from_user=user))
    assert await get_referral_stats() == [("friend_1", 1)]
    (told,) = [call for call in telegram.of(SendMessage) if call.chat_id == LOG_CHAT]
    assert all(part in told.text for part in ("Ann &lt;3", "@ann", "friend_1"))


async def test_a_press_registers_nobody(bench: Bench):
    chat = await bench.handle(bench.telegram.query("x", bench.telegram.message("menu")))
    assert chat == ChatView("en")
    assert await find_chat(PERSON) is None
    assert bench.telegram.texts == []


@pytest.mark.parametrize("is_gone", [True, False])
async def test_a_press_has_the_settings_of_its_chat(bench: Bench, is_gone: bool):
    await register_chat(PERSON, "uk")
    query = bench.telegram.query("x", GONE if is_gone else bench.telegram.message("menu"))
    assert (await bench.handle(query)).lang == "uk"


async def test_a_press_below_an_inline_message_speaks_the_pressers_language(bench: Bench):
    await register_chat(PERSON, "en")
    user = make_user(language_code="uk")
    query = bench.telegram.query("x", from_user=user, inline_message_id="1")
    assert (await bench.handle(query)).lang == "uk"


async def test_a_chat_that_is_turned_away_is_not_registered(bench: Bench):
    chat = await bench.handle(bench.telegram.message("/mode", chat_id=-7), TURNS_AWAY)
    assert chat == ChatView("en")
    assert await find_chat(-7) is None
    assert bench.telegram.texts == []


async def test_a_chat_that_writes_is_reachable_again(bench: Bench):
    await register_chat(PERSON, "en")
    await mark_blocked(PERSON)
    await bench.handle(bench.telegram.message("x"))
    record = await find_chat(PERSON)
    assert record
    assert not record.is_blocked


async def test_without_the_database_chats_are_served_with_the_defaults(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    async def failing(*_: object, **__: object) -> None:
        raise StorageError

    monkeypatch.setattr("misc.middlewares.registration.find_chat", failing)
    monkeypatch.setattr("misc.middlewares.registration.start_manager", failing)
    user = make_user(language_code="uk")
    for text in ("/start", "x"):
        chat = await bench.handle(bench.telegram.message(text, from_user=user))
        assert chat == ChatView("uk")
    assert bench.telegram.texts == []


async def test_a_welcome_that_fails_stops_nothing(bench: Bench):
    bench.telegram.fail(SendMessage, ChatForbiddenError())
    assert (await bench.handle(bench.telegram.message("/start"))).is_new
