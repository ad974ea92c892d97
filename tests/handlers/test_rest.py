"""The button that fetches the other links: for the sender, once, and only if there is room."""

from typing import Any

import pytest
from aiogram.types import Chat, Message

from handlers.rest import on_rest
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from platforms import load_registry
from tests.fakes import GONE, LINK, FakeIntake, FakeTelegram, make_ack

TEXTS = load_texts()
REGISTRY = load_registry()


class Bench:
    def __init__(self, telegram: FakeTelegram) -> None:
        self.telegram = telegram
        self.intake = FakeIntake()

    async def press(self, note: Any, data: str = "rest/5", user_id: int = 7) -> None:
        query = self.telegram.query(data, note, user_id=user_id)
        ack, _ = make_ack()
        await on_rest(query, ChatView("en"), TEXTS, self.intake.as_intake, REGISTRY, ack)

    def note(self, **values: Any) -> Message:
        request = self.telegram.message(LINK.url, message_id=69, **values)
        return self.telegram.message("more", reply_to_message=request)


async def test_the_links_are_read_from_the_message_above(telegram: FakeTelegram):
    bench = Bench(telegram)
    await bench.press(bench.note())
    (submission,) = bench.intake.submissions
    assert [link.url for link in submission.links] == [LINK.url]
    assert submission.data == "5"
    assert telegram.alerts == [(None, False)]


async def test_a_second_press_is_answered_with_a_notice(telegram: FakeTelegram):
    bench = Bench(telegram)
    bench.intake.is_new = False
    await bench.press(bench.note())
    assert telegram.alerts == [(TEXTS["en"]["already_running"], False)]


async def test_only_the_sender_may_press(telegram: FakeTelegram):
    bench = Bench(telegram)
    await bench.press(bench.note(), user_id=8)
    assert bench.intake.submissions == []
    assert telegram.alerts == [(TEXTS["en"]["not_yours"], False)]
    group = Chat(id=-7, type="supergroup")
    await bench.press(bench.note(sender_chat=group), user_id=8)
    assert len(bench.intake.submissions) == 1


async def test_without_room_the_button_stays(telegram: FakeTelegram):
    bench = Bench(telegram)
    bench.intake.has_room = False
    await bench.press(bench.note())
    assert bench.intake.submissions == []
    assert telegram.alerts == [(TEXTS["en"]["busy"], True)]


@pytest.mark.parametrize("data", ["rest/", "rest/x", "rest/-1", "rest/²"])
async def test_a_button_that_makes_no_sense_has_expired(telegram: FakeTelegram, data: str):
    bench = Bench(telegram)
    await bench.press(bench.note(), data)
    assert telegram.alerts == [(TEXTS["en"]["button_expired"], True)]


async def test_without_the_message_it_has_expired(telegram: FakeTelegram):
    bench = Bench(telegram)
    await bench.press(GONE)
    await bench.press(telegram.message("more"))
    assert bench.intake.submissions == []
    assert telegram.alerts == [(TEXTS["en"]["button_expired"], True)] * 2
