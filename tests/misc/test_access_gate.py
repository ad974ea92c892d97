"""The access gate: which notices are sent, how often, and where none is."""

from typing import Any

import pytest
from aiogram.methods import SendMessage
from aiogram.types import CallbackQuery, Chat, InlineKeyboardMarkup, Message, TelegramObject

from core.access import Mode
from core.errors import ChatForbiddenError
from data.chats import change_preferences, register_chat
from misc.middlewares import access_gate
from misc.middlewares.access_gate import AccessGate, visitor_of
from misc.ui.texts import load_texts
from tests.fakes import LINK, FakeIntake, FakeTelegram, make_access, make_ack, make_user

TEXTS = load_texts()
EN = TEXTS["en"]
GROUP = -7

pytestmark = pytest.mark.usefixtures("sqlite_db")


class Bench:
    def __init__(self, telegram: FakeTelegram, mode: Mode = "listed") -> None:
        self.dropped: list[tuple[str, int]] = []
        self.ack, self.acks = make_ack()
        self.gate = AccessGate(
            make_access(telegram, mode, "5"),
            telegram.sender,
            TEXTS,
            FakeIntake().as_intake,
            lambda *drop: self.dropped.append(drop),
        )

    async def is_handled(self, event: Message | CallbackQuery, **data: Any) -> bool:
        return bool(await self.gate(handle, event, {"ack": self.ack, **data}))


async def handle(_event: TelegramObject, _data: dict[str, Any]) -> str:
    return "handled"


async def test_a_refusal_is_said_counted_and_acknowledged(telegram: FakeTelegram):
    bench = Bench(telegram)
    assert await bench.is_handled(telegram.message("x", user_id=5))
    assert bench.acks.acknowledged == []
    assert not await bench.is_handled(telegram.message("x"))
    assert telegram.texts == [EN["access_listed"]]
    assert bench.dropped == [("not_allowed", 7)]
    assert bench.acks.acknowledged == [5]


async def test_it_is_said_in_the_language_that_the_person_has_chosen(telegram: FakeTelegram):
    await register_chat(7, "hi")
    bench = Bench(telegram)
    await bench.is_handled(telegram.message("x", chat_id=GROUP))
    await bench.is_handled(telegram.query("id/1", telegram.message("post", chat_id=GROUP)))
    assert telegram.texts == [TEXTS["hi"]["access_listed"]]
    assert telegram.alerts == [(TEXTS["hi"]["access_listed"], True)]


async def test_in_private_every_message_is_answered_and_in_groups_one_an_hour(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    bench = Bench(telegram)
    for chat_id in (7, 7, GROUP, GROUP, -8):
        await bench.is_handled(telegram.message("x", chat_id=chat_id))
    assert [call.chat_id for call in telegram.of(SendMessage)] == [7, 7, GROUP]
    await bench.is_handled(telegram.message("x", chat_id=GROUP, user_id=9))
    assert len(telegram.texts) == 4
    monkeypatch.setattr(access_gate, "AGAIN_S", 0.0)
    await bench.is_handled(telegram.message("x", chat_id=GROUP))
    assert len(telegram.texts) == 5
    assert len(bench.dropped) == 7


@pytest.mark.parametrize("is_muted", [True, False])
async def test_a_link_is_refused_only_if_the_group_wants_answers(
    telegram: FakeTelegram, is_muted: bool
):
    def mute(preferences: Any) -> Any:
        return preferences.with_platform_toggled(LINK.platform) if is_muted else preferences

    await change_preferences(GROUP, "en", mute)
    await Bench(telegram).is_handled(telegram.message(LINK.url, chat_id=GROUP), links=[LINK])
    assert telegram.texts == ([] if is_muted else [EN["access_listed"]])


async def test_business_chats_are_refused_in_silence(telegram: FakeTelegram):
    bench = Bench(telegram)
    assert not await bench.is_handled(telegram.message("x", business_connection_id="b"))
    assert telegram.texts == []
    assert bench.dropped == [("not_allowed", 7)]


async def test_a_refusal_that_fails_raises_nothing(telegram: FakeTelegram):
    telegram.fail(SendMessage, ChatForbiddenError())
    assert not await Bench(telegram).is_handled(telegram.message("x"))


async def test_the_join_button_goes_with_the_sentence_about_members(telegram: FakeTelegram):
    await Bench(telegram, "members").is_handled(telegram.message("x"))
    (sent,) = telegram.of(SendMessage)
    assert sent.text == EN["access_members"]
    assert isinstance(sent.reply_markup, InlineKeyboardMarkup)
    assert sent.reply_markup.inline_keyboard[0][0].url == "https://t.me/news"


async def test_a_visitor_is_the_person_or_the_chat_that_writes(telegram: FakeTelegram):
    channel = Chat(id=-9, type="channel", username="news")
    user = make_user(8, username="Ada")
    visitors = [
        visitor_of(telegram.message("x", from_user=user)),
        visitor_of(telegram.message("x", from_user=user, chat_id=GROUP)),
        visitor_of(telegram.message("x", chat_id=GROUP, sender_chat=channel)),
        visitor_of(telegram.query("x", telegram.message("y", chat_id=GROUP), from_user=user)),
        visitor_of(telegram.query("x", None, from_user=user)),
        visitor_of(telegram.message("x", from_user=None)),
    ]
    assert [(v.sender_id, v.username, v.group_id, v.is_person) for v in visitors] == [
        (8, "Ada", None, True),
        (8, "Ada", GROUP, True),
        (-9, "news", GROUP, False),
        (8, "Ada", GROUP, True),
        (8, "Ada", None, True),
        (None, "", None, True),
    ]
