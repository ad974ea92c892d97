"""/help, /cancel, /about, unknown commands, commands of other bots, and the command lists."""

import logging
import sqlite3
from contextlib import closing

import pytest

from core.facts import Fact
from core.version import VERSION
from data.chats import find_chat
from misc.ui.texts import load_texts
from simulator.telegram.markup import parse_html
from simulator.telegram.world import Json
from tests.e2e.bot_harness import ID, PATIENCE_S, PLATFORMS, VIDEO, BotHarness

TEXTS = load_texts()
EN = TEXTS["en"]


def plain(key: str, **facts: Fact) -> str:
    """Return an English text as the user sees it."""
    return parse_html(TEXTS("en", key, **facts))[0]


# --- /help, /about, /start ------------------------------------------------------------------------


async def test_the_help_fits_the_kind_of_chat(harness: BotHarness):
    await harness.start(BOT_BUSINESS="true")
    crew = harness.world.group(-1002)
    await harness.say("/start")
    assert "/help" in harness.texts()[0]
    await harness.say("/HELP")
    everything = harness.texts()[-1]
    for part in (*PLATFORMS, "🎵", "/mode", "/privacy", "/cancel", "50\N{NO-BREAK SPACE}MB"):
        assert part in everything
    assert "@clipferry_demo_bot" not in everything  # inline mode is off
    await harness.say("/help", chat=crew)
    welcome, short = harness.answers(crew)
    assert "Welcome" in welcome["text"]
    assert short["text"] == plain("help_in_group", platforms=PLATFORMS)
    (row,) = short["reply_markup"]["inline_keyboard"]
    assert row[0]["url"] == "https://t.me/clipferry_demo_bot?start=help"
    harness.world.say_to_business(harness.ada, "/help@clipferry_demo_bot")
    await harness.settled()
    answer = harness.answers()[-1]
    assert answer["text"] == plain("help_in_business", platforms=PLATFORMS)
    assert answer["business_connection_id"] == "business-1"
    before = len(harness.answers())
    harness.world.say_to_business(harness.ada, "/help")
    await harness.settled()
    assert len(harness.answers()) == before  # may be meant for the account itself


async def test_the_deep_link_leads_to_the_help_and_is_no_referral(harness: BotHarness):
    await harness.start()
    await harness.say("/start help")
    welcome, everything = harness.texts()
    assert "Welcome" in welcome
    assert plain("help_sound") in everything
    await harness.say("/start help")
    assert harness.texts()[2:] == [everything]
    crew = harness.world.group(-1002)
    await harness.say("/start@clipferry_demo_bot help", chat=crew)
    assert harness.texts(crew)[-1] == plain("help_in_group", platforms=PLATFORMS)


async def test_about_names_version_license_source_and_operator(harness: BotHarness):
    await harness.start(BOT_CONTACT="@the_owner", BOT_SOURCE_URL="https://git.example/clipferry")
    crew = harness.world.group(-1002)
    for chat in (harness.home, crew):
        await harness.say("/about", chat=chat)
        (text,) = harness.texts(chat)
        for part in (VERSION, "MIT", "https://git.example/clipferry", "@the_owner", "/privacy"):
            assert part in text
        assert await find_chat(chat.id) is None


async def test_in_groups_only_commands_that_name_the_bot_are_answered(harness: BotHarness):
    await harness.start()
    crew = harness.world.group(-1002)
    for text in ("/start", "/nonsense", "/nonsense @clipferry_demo_bot", "/privacy"):
        await harness.say(text, chat=crew)
    assert harness.answers(crew) == []
    await harness.say("/nonsense@clipferry_demo_bot", chat=crew)
    assert harness.texts(crew) == [EN["unknown_command"]]
    assert await find_chat(-1002) is None
    await harness.say("/start@Clipferry_Demo_Bot", chat=crew)
    assert len(harness.texts(crew)) == 2
    assert "Welcome" in harness.texts(crew)[-1]


async def test_an_unknown_command_gets_one_short_hint_in_private(harness: BotHarness):
    await harness.start()
    await harness.say("/start")
    for text in ("/nonsense", "/Nonsense@clipferry_demo_bot x", "/stats", "/ban 5"):
        await harness.say(text)
    assert harness.texts()[1:] == [EN["unknown_command"]] * 4


@pytest.mark.parametrize("where", ["private", "group", "business"])
async def test_commands_of_other_bots_are_never_for_this_one(harness: BotHarness, where: str):
    """They are not answered, register nobody, and do not count as a flood."""
    harness.video()
    await harness.start(LIMITS_SPAM_GUARD="true", BOT_BUSINESS="true", BOT_ADMINS="1001")
    crew = harness.world.group(-1002)
    bo = harness.world.person(1002, "Bo")
    texts = ("/start@other_bot", "/ban@other_bot 5", "/help@other_bot", f"/dl@other_bot {VIDEO}")
    for text in texts * 3:
        if where == "business":
            harness.world.say_to_business(bo, text)
        else:
            harness.world.say(bo, text, crew if where == "group" else None)
    await harness.settled()
    assert harness.answers(crew) == harness.answers(harness.world.chats[1002]) == []
    assert await find_chat(-1002) is None
    assert await find_chat(1002) is None
    await harness.say(VIDEO, bo, crew)
    assert len(harness.videos(crew)) == 1  # twelve messages a moment ago were no flood


# --- /cancel --------------------------------------------------------------------------------------


def link(number: int) -> str:
    return VIDEO.replace(ID, str(int(ID) + number))


async def waiting(harness: BotHarness, number: int) -> None:
    """Wait until `number` requests run or wait."""
    application = harness.application
    assert application
    await harness.until(
        lambda: application.container.request_queue.count == number, f"{number} requests"
    )


async def test_cancel_ends_what_runs_and_what_waits_and_says_how_much(harness: BotHarness):
    harness.site.latency_s = 60  # nothing ends by itself
    await harness.start()
    await harness.say("/start")
    for number in range(3):
        harness.world.say(harness.ada, link(number))
    await waiting(harness, 3)
    await harness.say("/cancel")
    assert harness.texts()[1:] == [plain("cancelled_all", count=3)]
    await harness.say("/Cancel")
    assert harness.texts()[2:] == [EN["cancelled_none"]]
    assert harness.home.reactions == {}
    harness.site.latency_s = 0
    harness.video()
    await harness.say(VIDEO)
    assert len(harness.videos()) == 1


async def test_cancel_ends_the_link_of_the_same_batch_of_updates(harness: BotHarness):
    harness.site.latency_s = 60
    await harness.start()
    await harness.say("/start")
    # Without a pause in between, so that one getUpdates response has all of them.
    harness.world.say(harness.ada, link(0))
    harness.world.say(harness.ada, link(1))
    harness.world.say(harness.ada, "/cancel")
    harness.world.say(harness.ada, link(2))
    await harness.until(lambda: len(harness.answers()) == 2)
    assert harness.texts()[1:] == [plain("cancelled_all", count=2)]
    await waiting(harness, 1)  # the link behind it is not meant
    await harness.say("/cancel")
    assert harness.texts()[2:] == [plain("cancelled_all", count=1)]


async def test_a_setting_applies_to_the_links_behind_it_in_the_same_batch(harness: BotHarness):
    for number in range(2):
        harness.video(str(int(ID) + number))
    await harness.start()
    await harness.say("/start")
    harness.world.say(harness.ada, link(0))
    harness.world.say(harness.ada, "/mode")
    harness.world.say(harness.ada, link(1))
    await harness.settled()
    kinds = {"video", "document"}
    assert [kinds & set(message) for message in harness.answers() if kinds & set(message)] == [
        {"video"},
        {"document"},
    ]
    before = len(harness.answers())
    menu = harness.answers()[0]
    harness.world.press(harness.ada, menu, "lang/uk")
    harness.world.say(harness.ada, VIDEO.replace(ID, "1"))
    await harness.settled()
    assert harness.texts()[before:] == [TEXTS["uk"]["media_deleted"]]


async def test_cancel_of_one_member_leaves_the_requests_of_others(harness: BotHarness):
    for number in range(3):
        harness.video(str(int(ID) + number))
    harness.site.latency_s = 60
    await harness.start()
    crew, bo = harness.world.group(-1002), harness.world.person(1002, "Bo")
    harness.world.say(harness.ada, link(0), crew)
    await waiting(harness, 1)
    theirs = harness.world.say(bo, link(1), crew)
    await waiting(harness, 2)
    harness.world.say(harness.ada, f"{link(2)}", crew)
    await waiting(harness, 3)
    harness.site.latency_s = 0
    await harness.say("/cancel", chat=crew)
    assert plain("cancelled_all", count=2) in harness.texts(crew)
    (video,) = harness.videos(crew)
    assert video["reply_to_message"]["message_id"] == theirs["message_id"]
    await harness.say("/cancel", bo, crew)
    assert harness.texts(crew)[-1] == EN["cancelled_none"]


async def test_a_sound_that_was_asked_for_in_a_group_is_cancelled_too(harness: BotHarness):
    harness.video()
    await harness.start()
    crew, bo = harness.world.group(-1002), harness.world.person(1002, "Bo")
    await harness.say(VIDEO, chat=crew)
    harness.site.latency_s = harness.site.file_latency_s = 60
    (video,) = harness.videos(crew)
    harness.world.press(bo, video, f"id/{ID}")
    await waiting(harness, 1)
    harness.world.say(harness.ada, "/cancel", crew)
    await harness.until(lambda: EN["cancelled_none"] in harness.texts(crew))
    await harness.say("/cancel", bo, crew)
    assert harness.texts(crew)[-1] == plain("cancelled_all", count=1)


async def test_a_business_customer_cancels_with_the_bots_name(harness: BotHarness):
    harness.site.latency_s = 60
    await harness.start(BOT_BUSINESS="true")
    harness.world.say_to_business(harness.ada, VIDEO)
    await waiting(harness, 1)
    harness.world.say_to_business(harness.ada, "/cancel")
    harness.world.say(harness.ada, "/cancel")  # in the private chat, where nothing runs
    await harness.until(lambda: EN["cancelled_none"] in harness.texts())
    harness.world.say_to_business(harness.ada, "/cancel@clipferry_demo_bot")
    await harness.settled()
    cancelled = plain("cancelled_all", count=1)
    (answer,) = (m for m in harness.answers() if m.get("text") == cancelled)
    assert answer["business_connection_id"] == "business-1"


# --- command lists --------------------------------------------------------------------------------


def names(harness: BotHarness, key: str) -> list[str]:
    commands: list[Json] = harness.api.methods.commands.get(key, [])
    return [command["command"] for command in commands]


def published(harness: BotHarness) -> str:
    """Return what is stored about the lists that Telegram has taken; "" if nothing is."""
    with closing(sqlite3.connect(harness.folder / "bot.db")) as db:
        row = db.execute("SELECT value FROM notes WHERE name LIKE 'commands/%'").fetchone()
    return row[0] if row else ""


async def test_the_first_poll_does_not_wait_for_the_command_lists(harness: BotHarness):
    harness.new_database = None
    harness.fail("setMyCommands", "slow", seconds=PATIENCE_S * 2, times=99)
    await harness.start()
    await harness.say("hello")
    assert len(harness.answers()) == 1
    assert harness.api.methods.commands == {}


async def test_only_administrators_see_their_commands(
    harness: BotHarness, caplog: pytest.LogCaptureFixture
):
    """One who has never written to the bot has no chat for them yet."""
    harness.new_database = None
    harness.world.person(1002, "Bo")
    with caplog.at_level(logging.INFO):
        await harness.start(BOT_ADMINS="1001,1009", STATISTICS_READERS="1002")
        await harness.until(lambda: published(harness), "the lists")
    assert "ban" not in names(harness, "all_private_chats/")
    assert "stats" not in names(harness, "all_private_chats/")
    for language in ("", "/uk"):
        mine = names(harness, f"chat/1001/{language.removeprefix('/')}")
        assert mine[:2] == ["start", "help"]
        assert {"admin", "stats", "ban", "log"} <= set(mine)
    assert names(harness, "chat/1002/")[-1] == "stats"
    assert "ban" not in names(harness, "chat/1002/")
    (record,) = [r for r in caplog.records if "command list of" in r.getMessage()]
    assert record.levelno == logging.INFO
    assert len([c for c in harness.calls("setMyCommands") if "1009" in str(c.params)]) == 1


async def test_command_lists_are_sent_only_when_they_have_changed(harness: BotHarness):
    harness.new_database = None
    await harness.start(BOT_ADMINS="1001,1009")
    await harness.until(lambda: published(harness), "the lists")
    await harness.stop()
    sent = len(harness.calls("setMyCommands"))
    harness.world.person(1009, "Cy")
    await harness.start(BOT_ADMINS="1001,1009")
    await harness.until(lambda: "chat/1009" in published(harness), "the list")
    new = harness.calls("setMyCommands")[sent:]
    assert len(new) == 8  # the administrator who had no chat before
    assert {call.params["scope"]["chat_id"] for call in new} == {1009}
    await harness.stop()
    await harness.start(BOT_ADMINS="1001")
    await harness.until(lambda: "chat/1009" not in published(harness), "the deletion")
    assert len(harness.calls("setMyCommands")) == sent + 8
    assert names(harness, "chat/1009/") == []
    assert {call.params["scope"]["chat_id"] for call in harness.calls("deleteMyCommands")} == {1009}
    await harness.stop()
    await harness.start(BOT_ADMINS="1001")
    await harness.say("hello")
    assert len(harness.calls("setMyCommands", "deleteMyCommands")) == sent + 16


async def test_lists_that_telegram_did_not_take_are_sent_at_the_next_start(harness: BotHarness):
    harness.new_database = None
    harness.fail("setMyCommands", "500", times=99)
    await harness.start()
    await harness.until(lambda: len(harness.calls("setMyCommands")) == 3, "a try for each list")
    await harness.stop()
    assert harness.api.methods.commands == {}
    harness.api.faults.clear()
    await harness.start()
    await harness.until(lambda: published(harness), "the lists")
    assert names(harness, "all_private_chats/")[0] == "start"
