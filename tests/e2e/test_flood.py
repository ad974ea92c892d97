"""The flood guard warns a flooding user once and then ignores them; links are not counted."""

import pytest

from data.chats import find_chat
from misc.ui.texts import load_texts
from tests.e2e.bot_harness import PATIENCE_S, VIDEO, BotHarness

TEXTS = load_texts()
EN = TEXTS["en"]
ON = {"LIMITS_SPAM_GUARD": "true"}


@pytest.fixture(autouse=True)
def _long_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count over minutes: on a busy machine, six messages may take longer than five seconds."""
    monkeypatch.setattr("core.flood.SENDER", (5, PATIENCE_S))
    monkeypatch.setattr("core.flood.GROUP", (20, PATIENCE_S))


async def test_the_sixth_message_gets_a_warning_and_later_ones_no_answer(
    harness: BotHarness,
):
    await harness.start(**ON)
    bo = harness.world.person(1002, "Bo", language_code="uk")
    for _ in range(9):
        await harness.say("hello", bo)
    texts = harness.texts(harness.world.chats[1002])
    assert texts[-1] == TEXTS("uk", "spam_sender", count=1)
    assert len(texts) == 6


async def test_a_flooding_user_cannot_register_a_group(harness: BotHarness):
    """Messages are counted per sender over all chats."""
    await harness.start(**ON)
    for _ in range(6):
        await harness.say("hello")
    crew = harness.world.group(-1002)
    await harness.say("/mode", chat=crew)
    assert harness.answers(crew) == []
    assert await find_chat(-1002) is None


async def test_a_link_is_served_even_in_a_time_out(harness: BotHarness):
    harness.video()
    await harness.start(**ON)
    for _ in range(7):
        await harness.say("hello")
    await harness.say(VIDEO)
    assert len(harness.videos()) == 1
    assert len(harness.answers()) == 7


async def test_group_talk_and_links_are_not_counted_and_commands_are(harness: BotHarness):
    harness.video()
    await harness.start(**ON)
    crew = harness.world.group(-1002)
    for _ in range(30):
        await harness.say("just talk", chat=crew)
    people = [harness.world.person(3000 + number) for number in range(22)]
    for person in people:
        await harness.say(VIDEO, person, crew)
    assert len(harness.videos(crew)) == 22
    for person in people:
        await harness.say("/mode", person, crew)
    assert harness.texts(crew).count(EN["not_admin"]) == 20
    assert harness.texts(crew).count(TEXTS("en", "spam_group", count=1)) == 1


async def test_administrators_are_not_limited(harness: BotHarness):
    await harness.start(**ON, BOT_ADMINS="1001")
    for _ in range(8):
        await harness.say("hello")
    assert len(harness.answers()) == 8


async def test_an_undelivered_warning_does_not_lift_the_limit(harness: BotHarness):
    await harness.start(**ON)
    for _ in range(5):
        await harness.say("hello")
    harness.fail("sendMessage", "403")
    await harness.say("hello")
    await harness.say("hello")
    assert len(harness.answers()) == 5
