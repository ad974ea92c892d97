"""Who is banned gets no answer; only administrators ban."""

import re

import pytest

from data.chats import find_chat
from misc.ui.texts import load_texts
from tests.e2e.bot_harness import VIDEO, BotHarness

TEXTS = load_texts()
ADMIN = {"BOT_ADMINS": "1001"}


def told(key: str, **facts: int) -> str:
    """Give a sentence as it is seen."""
    return re.sub("<.*?>", "", TEXTS("en", key, **facts))


async def test_a_banned_person_is_ignored_everywhere_until_forgiven(harness: BotHarness):
    harness.video()
    await harness.start(**ADMIN)
    bo = harness.world.person(1002, "Bo")
    his, crew = harness.world.chats[1002], harness.world.group(-1002)
    await harness.say("/start", bo)
    await harness.say("/ban 1002")
    assert harness.texts()[-1] == told("banned", id=1002)
    before = len(harness.answers(his))
    await harness.say(VIDEO, bo)
    await harness.say(VIDEO, bo, crew)
    harness.world.press(bo, harness.answers(his)[-1], "lang/uk")
    await harness.settled()
    assert len(harness.answers(his)) == before
    assert harness.answers(crew) == []
    await harness.say(VIDEO, chat=crew)
    assert len(harness.videos(crew)) == 1
    await harness.say("/unban 1002")
    assert harness.texts()[-1] == told("unbanned", id=1002)
    await harness.say(VIDEO, bo)
    assert len(harness.videos(his)) == 1


async def test_a_banned_group_and_a_stranger_are_not_even_registered_and_a_start_forgets_no_ban(
    harness: BotHarness,
):
    harness.video()
    await harness.start(**ADMIN)
    bo, crew = harness.world.person(1002, "Bo"), harness.world.group(-1002)
    await harness.say("/ban -1002")
    await harness.say("/ban 1002")
    await harness.stop()
    await harness.start(**ADMIN)
    await harness.until(
        lambda: harness.application and harness.application.container.bans._banned, "the list"
    )
    await harness.say(VIDEO, harness.world.person(1003, "Cy"), crew)
    await harness.say("/start", bo)
    assert harness.answers(crew) == []
    assert await find_chat(-1002) is None
    assert await find_chat(1002) is None


@pytest.mark.parametrize("text", ["/ban", "/ban somebody", "/unban 1 2", "/ban 1002; drop"])
async def test_what_is_no_id_is_explained(harness: BotHarness, text: str):
    await harness.start(**ADMIN)
    await harness.say(text)
    assert harness.texts()[-1] == told("ban_usage")


@pytest.mark.parametrize("text", ["/ban 1001", "/unban 1002"])
async def test_what_changes_nothing_says_so(harness: BotHarness, text: str):
    """An administrator cannot be banned, and who is not banned cannot be forgiven."""
    await harness.start(**ADMIN)
    await harness.say(text)
    assert harness.texts()[-1] == told("ban_idle", id=int(text.split()[1]))


async def test_for_everybody_else_the_word_is_ordinary_text(harness: BotHarness):
    await harness.start(**ADMIN)
    bo, crew = harness.world.person(1002, "Bo"), harness.world.group(-1002)
    await harness.say("hello", bo)
    await harness.say("what?", bo)
    await harness.say("/ban 1003", bo)
    await harness.say("/ban 1002", chat=crew)
    *_, hint, answer = harness.texts(harness.world.chats[1002])
    assert answer == hint
    assert harness.answers(crew) == []
    await harness.say(VIDEO, harness.world.person(1003, "Cy"))
    assert harness.answers(harness.world.chats[1003]) != []
