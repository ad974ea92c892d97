"""Banned users and groups get no answer; only administrators can ban."""

import re

import pytest

from data.bans import banned_chats
from data.chats import find_chat
from misc.ui.texts import load_texts
from tests.e2e.bot_harness import VIDEO, BotHarness

TEXTS = load_texts()
ADMIN = {"BOT_ADMINS": "1001"}


def plain(key: str, **facts: str | int) -> str:
    """Return a text without its HTML tags, as the user sees it."""
    return re.sub("<.*?>", "", TEXTS("en", key, **facts))


async def test_a_banned_user_is_ignored_in_every_chat_until_unbanned(harness: BotHarness):
    harness.video()
    await harness.start(**ADMIN)
    bo = harness.world.person(1002, "Bo")
    bo_chat, crew = harness.world.chats[1002], harness.world.group(-1002)
    await harness.say("/start", bo)
    await harness.say("/Ban 1002")  # as some keyboards write it
    assert harness.texts()[-1] == plain("banned", id=1002)
    before = len(harness.answers(bo_chat))
    await harness.say(VIDEO, bo)
    await harness.say(VIDEO, bo, crew)
    harness.world.press(bo, harness.answers(bo_chat)[-1], "lang/uk")
    await harness.settled()
    assert len(harness.answers(bo_chat)) == before
    assert harness.answers(crew) == []
    await harness.say(VIDEO, chat=crew)
    assert len(harness.videos(crew)) == 1
    await harness.say("/unban 1002")
    assert harness.texts()[-1] == plain("unbanned", id=1002)
    await harness.say(VIDEO, bo)
    assert len(harness.videos(bo_chat)) == 1


async def test_bans_survive_a_restart_and_banned_chats_are_not_registered(
    harness: BotHarness,
):
    harness.video()
    await harness.start(**ADMIN)
    bo, crew = harness.world.person(1002, "Bo"), harness.world.group(-1002)
    await harness.say("/ban -1002")
    await harness.say("/ban 1002")
    await harness.stop()
    await harness.start(**ADMIN)
    assert harness.application
    await harness.application.container.bans.refresh()
    await harness.say(VIDEO, harness.world.person(1003, "Cy"), crew)
    await harness.say("/start", bo)
    assert harness.answers(crew) == []
    assert await find_chat(-1002) is None
    assert await find_chat(1002) is None


@pytest.mark.parametrize("first", ["old", "new"])
async def test_a_ban_follows_a_group_to_its_new_id(harness: BotHarness, first: str):
    """Telegram reports the new id in both chats, in any order."""
    harness.video()
    await harness.start(**ADMIN)
    old = harness.world.group(-1002)
    await harness.say(VIDEO, chat=old)
    await harness.say("/ban -1002")
    new = harness.world.migrate(harness.ada, old, -1_000_001_002)
    if first == "new":
        harness.world.updates.reverse()
    await harness.settled()
    await harness.say(VIDEO, harness.world.person(1003, "Cy"), new)
    assert harness.answers(new) == []
    assert await banned_chats() == {-1_000_001_002}
    await harness.say("/unban -1000001002")
    await harness.say(VIDEO, harness.world.person(1003, "Cy"), new)
    assert len(harness.videos(new)) == 1


async def test_a_banned_group_that_is_not_registered_stays_banned(harness: BotHarness):
    await harness.start(**ADMIN)
    old = harness.world.group(-1002)
    await harness.say("/ban -1002")
    harness.world.migrate(harness.ada, old, -1_000_001_002)
    await harness.settled()
    assert await banned_chats() == {-1_000_001_002}
    assert await find_chat(-1_000_001_002) is None


@pytest.mark.parametrize("text", ["/ban", "/ban somebody", "/unban 1 2", "/ban 1002; drop"])
async def test_an_invalid_id_shows_the_usage(harness: BotHarness, text: str):
    await harness.start(**ADMIN)
    await harness.say(text)
    assert harness.texts()[-1] == plain("ban_usage", command=text[1:].split()[0])


@pytest.mark.parametrize("text", ["/ban 1001", "/unban 1002"])
async def test_a_ban_without_effect_is_reported(harness: BotHarness, text: str):
    """An administrator cannot be banned; a user who is not banned cannot be unbanned."""
    await harness.start(**ADMIN)
    await harness.say(text)
    assert harness.texts()[-1] == plain("ban_idle", id=int(text.split()[1]))


async def test_ban_commands_of_other_users_are_handled_as_ordinary_text(harness: BotHarness):
    await harness.start(**ADMIN)
    bo, crew = harness.world.person(1002, "Bo"), harness.world.group(-1002)
    await harness.say("hello", bo)
    await harness.say("/what", bo)
    await harness.say("/ban 1003", bo)
    await harness.say("/ban 1002", chat=crew)
    *_, hint, answer = harness.texts(harness.world.chats[1002])
    assert answer == hint
    assert harness.answers(crew) == []
    await harness.say(VIDEO, harness.world.person(1003, "Cy"))
    assert harness.answers(harness.world.chats[1003]) != []
