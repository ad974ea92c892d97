"""The buttons for audio and slides: the right post, once at a time."""

import pytest
from aiogram.types import Message

from handlers.audio import on_press
from misc.middlewares.registration import ChatView
from misc.middlewares.running_buttons import RunningButtons
from misc.ui.texts import load_texts
from platforms import load_registry
from tests.fakes import GONE, LINK, FakeIntake, FakeTelegram, make_ack

TEXTS = load_texts()
REGISTRY = load_registry()
CHAT = ChatView("en")


class Bench:
    def __init__(self, telegram: FakeTelegram) -> None:
        self.telegram = telegram
        self.intake, self.running = FakeIntake(), RunningButtons()

    async def press(self, data: str, message: object = None) -> None:
        message = message or self.telegram.message("post")
        query = self.telegram.query(data, message)  # type: ignore[arg-type]
        ack, _ = make_ack()
        await on_press(query, CHAT, TEXTS, self.intake.as_intake, self.running, REGISTRY, ack)


@pytest.mark.parametrize(
    ("data", "platform", "post_id"),
    [
        (f"id/{LINK.post_id}", "tiktok", LINK.post_id),
        (f"sound/tiktok/{LINK.post_id}", "tiktok", LINK.post_id),
        (f"slides/tiktok/{LINK.post_id}", "tiktok", LINK.post_id),
        ("sound/x/1790000000000000001", "x", "1790000000000000001"),
    ],
)
async def test_a_press_asks_for_the_post_of_its_button(
    telegram: FakeTelegram, data: str, platform: str, post_id: str
):
    bench = Bench(telegram)
    await bench.press(data)
    (submission,) = bench.intake.submissions
    assert [(link.platform, link.post_id) for link in submission.links] == [(platform, post_id)]
    assert submission.data == data
    assert telegram.alerts == [(None, False)]


@pytest.mark.parametrize(
    "data", ["id/", "id/12a", "id/²", "sound/myspace/1", "sound/tiktok", "slides/tiktok/../1"]
)
async def test_an_invalid_button_has_expired(telegram: FakeTelegram, data: str):
    bench = Bench(telegram)
    await bench.press(data)
    assert bench.intake.submissions == []
    assert telegram.alerts == [(TEXTS["en"]["button_expired"], True)]


async def test_below_a_message_that_is_too_old_it_has_expired_too(telegram: FakeTelegram):
    bench = Bench(telegram)
    await bench.press(f"id/{LINK.post_id}", GONE)
    assert bench.intake.submissions == []
    assert telegram.alerts == [(TEXTS["en"]["button_expired"], True)]


async def test_a_second_press_is_answered_with_a_notice(telegram: FakeTelegram):
    bench = Bench(telegram)
    for _ in range(2):
        await bench.press(f"id/{LINK.post_id}")
    assert len(bench.intake.submissions) == 1
    assert telegram.alerts[-1] == (TEXTS["en"]["already_running"], False)
    await bench.press(f"slides/tiktok/{LINK.post_id}")  # another button of the same message
    await bench.press(f"id/{LINK.post_id}", telegram.message("post", message_id=71))
    assert len(bench.intake.submissions) == 3
    await bench.intake.end()
    await bench.press(f"id/{LINK.post_id}")
    assert len(bench.intake.submissions) == 4
    assert isinstance(bench.intake.submissions[0].origin, Message)
