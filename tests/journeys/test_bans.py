"""Who is banned gets no answer; only administrators ban."""

import re

import pytest

from data.chats import find_chat
from misc.texts import load_texts
from tests.journeys.ferry import VIDEO, Ferry

TEXTS = load_texts()
ADMIN = {"BOT_ADMINS": "1001"}


def told(key: str, **facts: int) -> str:
    """Give a sentence as it is seen."""
    return re.sub("<.*?>", "", TEXTS("en", key, **facts))


async def test_a_banned_person_is_ignored_everywhere_until_forgiven(ferry: Ferry):
    ferry.video()
    await ferry.start(**ADMIN)
    bo = ferry.world.person(1002, "Bo")
    his, crew = ferry.world.chats[1002], ferry.world.group(-1002)
    await ferry.say("/start", bo)
    await ferry.say("/ban 1002")
    assert ferry.texts()[-1] == told("banned", id=1002)
    before = len(ferry.answers(his))
    await ferry.say(VIDEO, bo)
    await ferry.say(VIDEO, bo, crew)
    ferry.world.press(bo, ferry.answers(his)[-1], "lang/uk")
    await ferry.settled()
    assert len(ferry.answers(his)) == before
    assert ferry.answers(crew) == []
    await ferry.say(VIDEO, chat=crew)
    assert len(ferry.videos(crew)) == 1
    await ferry.say("/unban 1002")
    assert ferry.texts()[-1] == told("unbanned", id=1002)
    await ferry.say(VIDEO, bo)
    assert len(ferry.videos(his)) == 1


async def test_a_banned_group_and_a_stranger_are_not_even_registered_and_a_start_forgets_no_ban(
    ferry: Ferry,
):
    ferry.video()
    await ferry.start(**ADMIN)
    bo, crew = ferry.world.person(1002, "Bo"), ferry.world.group(-1002)
    await ferry.say("/ban -1002")
    await ferry.say("/ban 1002")
    await ferry.stop()
    await ferry.start(**ADMIN)
    await ferry.until(
        lambda: ferry.application and ferry.application.parts.bans._banned, "the list"
    )
    await ferry.say(VIDEO, ferry.world.person(1003, "Cy"), crew)
    await ferry.say("/start", bo)
    assert ferry.answers(crew) == []
    assert await find_chat(-1002) is None
    assert await find_chat(1002) is None


@pytest.mark.parametrize("text", ["/ban", "/ban somebody", "/unban 1 2", "/ban 1002; drop"])
async def test_what_is_no_id_is_explained(ferry: Ferry, text: str):
    await ferry.start(**ADMIN)
    await ferry.say(text)
    assert ferry.texts()[-1] == told("ban_usage")


@pytest.mark.parametrize("text", ["/ban 1001", "/unban 1002"])
async def test_what_changes_nothing_says_so(ferry: Ferry, text: str):
    """An administrator cannot be banned, and who is not banned cannot be forgiven."""
    await ferry.start(**ADMIN)
    await ferry.say(text)
    assert ferry.texts()[-1] == told("ban_idle", id=int(text.split()[1]))


async def test_for_everybody_else_the_word_is_ordinary_text(ferry: Ferry):
    await ferry.start(**ADMIN)
    bo, crew = ferry.world.person(1002, "Bo"), ferry.world.group(-1002)
    await ferry.say("hello", bo)
    await ferry.say("what?", bo)
    await ferry.say("/ban 1003", bo)
    await ferry.say("/ban 1002", chat=crew)
    *_, hint, answer = ferry.texts(ferry.world.chats[1002])
    assert answer == hint
    assert ferry.answers(crew) == []
    await ferry.say(VIDEO, ferry.world.person(1003, "Cy"))
    assert ferry.answers(ferry.world.chats[1003]) != []
