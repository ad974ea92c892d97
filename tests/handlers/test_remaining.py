"""The buttons that fetch the other links of a message, and the other items of a post."""

from typing import Any

import pytest
from aiogram.types import Chat, Message

from core.choices import Choice, Piece
from core.formats import Quality
from core.request import Continuation
from handlers.remaining import CarriesRemainingItems, on_remaining_items, on_remaining_links
from misc.middlewares.registration import ChatView
from misc.middlewares.running_buttons import RunningButtons
from misc.ui.callback_data import (
    MAX_BYTES,
    RemainingLinks,
    read_remaining_items,
    remaining_items_of,
)
from misc.ui.keyboards import one_button
from misc.ui.texts import load_texts
from platforms import load_registry
from tests.fakes import GONE, LINK, FakeIntake, FakeTelegram, make_ack

TEXTS = load_texts()
REGISTRY = load_registry()
BUTTON = "rest/5"


class Bench:
    def __init__(self, telegram: FakeTelegram) -> None:
        self.telegram = telegram
        self.intake = FakeIntake()

    async def press(self, note: Any, data: str = BUTTON, user_id: int = 7) -> None:
        query = self.telegram.query(data, note, user_id=user_id)
        ack, _ = make_ack()
        await on_remaining_links(query, ChatView("en"), TEXTS, self.intake.as_intake, REGISTRY, ack)

    def note(self, data: str = BUTTON, text: str = LINK.url, **values: Any) -> Message:
        """Return a message with a button, a reply to one with a link."""
        request = self.telegram.message(text, message_id=69, **values)
        buttons = one_button("more", data)
        return self.telegram.message("more", reply_to_message=request, reply_markup=buttons)


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


async def test_who_has_replied_to_the_message_may_press(telegram: FakeTelegram):
    bench = Bench(telegram)
    data = "rest/of/7/mp3/5"
    await bench.press(bench.note(data, user_id=8), data, user_id=8)
    assert telegram.alerts == [(TEXTS["en"]["not_yours"], False)]
    await bench.press(bench.note(data, user_id=8), data, user_id=7)
    data = "rest/of/-7//5"  # an anonymous administrator has
    await bench.press(bench.note(data, user_id=8), data, user_id=9)
    assert len(bench.intake.submissions) == 2


@pytest.mark.parametrize("data", ["rest/of/8//999", "rest/of/8//0", "rest/of/-1//999", "rest/1"])
async def test_a_button_that_the_message_does_not_have_has_expired(
    telegram: FakeTelegram, data: str
):
    """What is pressed last deletes the message, which may be any answer of the bot."""
    bench = Bench(telegram)
    await bench.press(bench.note("rest/10"), data, user_id=8)
    await bench.press(bench.note("id/1"), data, user_id=8)
    assert bench.intake.submissions == []
    assert telegram.alerts == [(TEXTS["en"]["button_expired"], True)] * 2


@pytest.mark.parametrize(
    "button",
    [
        RemainingLinks(5),
        RemainingLinks(5, 7),
        RemainingLinks(99, -1_001_234_567_890, Choice(Quality.SOUND, is_mp3=True, piece=Piece(30))),
    ],
    ids=str,
)
def test_the_button_for_links_says_who_has_asked(button: RemainingLinks):
    assert RemainingLinks.parse(str(button)) == button
    assert len(str(button)) <= MAX_BYTES
    assert read_remaining_items(str(button)) is None


async def test_without_room_the_button_stays(telegram: FakeTelegram):
    bench = Bench(telegram)
    bench.intake.has_room = False
    await bench.press(bench.note())
    assert bench.intake.submissions == []
    assert telegram.alerts == [(TEXTS["en"]["busy"], True)]


@pytest.mark.parametrize("data", ["rest/", "rest/x", "rest/-1", "rest/²", "rest/of/7/8k/5"])
async def test_an_invalid_button_has_expired(telegram: FakeTelegram, data: str):
    bench = Bench(telegram)
    await bench.press(bench.note(data), data)
    assert telegram.alerts == [(TEXTS["en"]["button_expired"], True)]


async def test_without_the_message_it_has_expired(telegram: FakeTelegram):
    bench = Bench(telegram)
    await bench.press(GONE)
    await bench.press(telegram.message("more"))
    assert bench.intake.submissions == []
    assert telegram.alerts == [(TEXTS["en"]["button_expired"], True)] * 2


async def test_links_that_telegram_does_not_repeat_are_not_under_way(telegram: FakeTelegram):
    bench = Bench(telegram)
    await bench.press(bench.note(text="@demo_bot"))  # it replied to the links
    assert bench.intake.submissions == []
    assert telegram.alerts == [(TEXTS["en"]["button_expired"], True)]


# --- the items of a post --------------------------------------------------------------------------

REMAINING = "rest/10.1f2e3d/instagram/stories:ferry.demo"


async def press_remaining(
    telegram: FakeTelegram, intake: FakeIntake, message: Any, data: str = REMAINING
) -> bool:
    """Press a button; return False if it is not one for the items of a post."""
    query = telegram.query(data, message)
    if not await CarriesRemainingItems()(query):
        return False
    ack, _ = make_ack()
    buttons = RunningButtons()
    view = ChatView("en")
    await on_remaining_items(query, view, TEXTS, intake.as_intake, buttons, REGISTRY, ack)
    return True


async def test_the_other_items_are_those_of_the_post_from_an_index_on(telegram: FakeTelegram):
    intake = FakeIntake()
    message = telegram.message("below an album")
    assert await press_remaining(telegram, intake, message)
    (submission,) = intake.submissions
    assert submission.links[0].url == "https://www.instagram.com/stories/ferry.demo/"
    assert (submission.origin, submission.data) == (message, "10.1f2e3d")
    assert telegram.alerts == [(None, False)]


@pytest.mark.parametrize("data", ["rest/10/nowhere/1", "rest/10/instagram/stories:a%2Fb"])
async def test_a_post_that_is_no_longer_known_has_expired(telegram: FakeTelegram, data: str):
    intake = FakeIntake()
    assert await press_remaining(telegram, intake, telegram.message("below"), data)
    assert await press_remaining(telegram, intake, GONE)
    assert intake.submissions == []
    assert telegram.alerts == [(TEXTS["en"]["button_expired"], True)] * 2


@pytest.mark.parametrize("data", ["rest/5", "rest/0/x/1", "rest/x/x/1", "rest/5/x", "rest/"])
async def test_other_buttons_are_not_for_the_items_of_a_post(telegram: FakeTelegram, data: str):
    assert not await press_remaining(telegram, FakeIntake(), telegram.message("below"), data)


@pytest.mark.parametrize(("user", "is_offered"), [("a" * 30, True), ("a" * 40, False)])
def test_a_button_is_offered_if_telegram_takes_its_data(user: str, is_offered: bool):
    data = remaining_items_of(Continuation(999, "1f2e3d"), "instagram", f"stories:{user}")
    assert (data is not None) == is_offered
    if data:
        assert read_remaining_items(data) == (
            Continuation(999, "1f2e3d"),
            "instagram",
            f"stories:{user}",
        )
