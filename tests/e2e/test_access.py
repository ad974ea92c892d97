"""Who may use the bot, in every kind of chat and update, and how administrators change it."""

import pytest

from data.chats import find_chat
from misc.ui.texts import load_texts
from simulator.telegram.markup import parse_html
from simulator.telegram.world import Chat, Json, Person
from tests.e2e.bot_harness import ID, VIDEO, BotHarness
from tests.e2e.inline_harness import ALBUM, ON, InlineHarness, album

TEXTS = load_texts()
EN, UK = TEXTS["en"], TEXTS["uk"]
#: Ada is the administrator, Bo is on the list, Cy is not.
LISTED = {"BOT_ADMINS": "1001", "ACCESS_MODE": "listed", "ACCESS_LISTED": "1002,-1003"}
MEMBERS = {
    "BOT_ADMINS": "1001",
    "ACCESS_MODE": "members",
    "ACCESS_CHANNELS": "@Ferry_News",
    "BOT_BUSINESS": "true",
}


class Town:
    """The people and chats of these tests."""

    def __init__(self, harness: BotHarness) -> None:
        world = harness.world
        self.bo = world.person(1002, "Bo", username="bo_b")
        self.cy = world.person(1003, "Cy", username="Cy_C", language_code="uk")
        self.crew, self.club = world.group(-1002), world.group(-1003, "Club")
        self.news = world.chats[-1005] = Chat(-1005, "channel", "News", username="ferry_news")

    def home(self, harness: BotHarness, person: Person) -> Chat:
        return harness.world.chats[person.id]


def plain(key: str, **facts: str | int) -> str:
    """Return an English text as the user sees it."""
    return parse_html(TEXTS("en", key, **facts))[0]


# --- the list -------------------------------------------------------------------------------------


async def test_only_listed_people_and_groups_and_administrators_are_served(harness: BotHarness):
    harness.video()
    town = Town(harness)
    await harness.start(**LISTED)
    for person in (harness.ada, town.bo):
        await harness.say(VIDEO, person)
        assert len(harness.videos(town.home(harness, person))) == 1
    await harness.say(VIDEO, town.bo, town.crew)  # a listed person, in any group
    await harness.say(VIDEO, town.cy, town.club)  # anybody, in a listed group
    assert len(harness.videos(town.crew)) == len(harness.videos(town.club)) == 1
    for text in (VIDEO, "/start", "/help", "/cancel", "hello"):
        await harness.say(text, town.cy)
    assert harness.texts(town.home(harness, town.cy)) == [UK["access_listed"]] * 5
    assert await find_chat(1003) is None
    assert harness.calls("getChatMember") == []


async def test_in_groups_a_person_is_refused_once_an_hour_and_talk_never(harness: BotHarness):
    harness.video()
    town = Town(harness)
    await harness.start(**LISTED)
    await harness.say("hello", town.cy, town.crew)
    assert harness.answers(town.crew) == []
    for text in (VIDEO, VIDEO, "/help", "/start@clipferry_demo_bot"):
        await harness.say(text, town.cy, town.crew)
    assert harness.texts(town.crew) == [UK["access_listed"]]
    assert await find_chat(-1002) is None
    await harness.say(VIDEO, harness.world.person(1004, "Di"), town.crew)
    assert harness.texts(town.crew)[1:] == [EN["access_listed"]]


async def test_links_that_the_group_leaves_unanswered_are_not_refused(harness: BotHarness):
    harness.video()
    town = Town(harness)
    await harness.start(**LISTED)
    town.crew.members[1002] = "administrator"
    await harness.say("/settings", town.bo, town.crew)
    menu = harness.answers(town.crew)[-1]
    await harness.press(menu, "set/muted/tiktok", town.bo)
    before = len(harness.answers(town.crew))
    await harness.say(VIDEO, town.cy, town.crew)
    assert len(harness.answers(town.crew)) == before
    await harness.press(menu, "set/muted/tiktok", town.bo)
    await harness.press(menu, "set/only_mentioned", town.bo)
    await harness.say(VIDEO, town.cy, town.crew)
    assert len(harness.answers(town.crew)) == before
    await harness.say(f"@clipferry_demo_bot {VIDEO}", town.cy, town.crew)
    assert harness.texts(town.crew)[before:] == [UK["access_listed"]]


async def test_buttons_work_for_allowed_people_only(harness: BotHarness):
    harness.video()
    town = Town(harness)
    await harness.start(**LISTED)
    await harness.say(VIDEO, town.bo, town.crew)
    (video,), before = harness.videos(town.crew), len(harness.answers(town.crew))
    answer = await harness.press(video, f"id/{ID}", town.cy)
    assert answer["text"] == UK["access_listed"]
    assert answer["show_alert"] is True
    assert len(harness.answers(town.crew)) == before
    await harness.press(video, f"id/{ID}", town.bo)
    assert "audio" in harness.answers(town.crew)[-1]


async def test_everybody_may_ask_who_runs_the_bot_and_what_it_stores(harness: BotHarness):
    town = Town(harness)
    await harness.start(**LISTED, BOT_CONTACT="@the_owner")
    home = town.home(harness, town.cy)
    await harness.say("/about", town.cy)
    assert "@the_owner" in harness.texts(home)[-1]
    await harness.say("/start privacy", town.cy)
    assert harness.texts(home)[-1] == UK["privacy_about"]
    await harness.say("/privacy", town.cy)
    menu = harness.answers(home)[-1]
    await harness.press(menu, "privacy/delete", town.cy)
    await harness.press(menu, "privacy/yes", town.cy)
    assert menu["text"] == UK["privacy_done"]
    assert await find_chat(1003) is None


async def test_administrators_change_the_list_and_it_survives_a_restart(harness: BotHarness):
    harness.video()
    town = Town(harness)
    await harness.start(**LISTED)
    await harness.say("/access")
    assert harness.texts()[-1].splitlines() == [
        plain("access_mode_listed"),
        "",
        plain("access_list", count=2),
        "-1003",
        "1002",
    ]
    await harness.say("/allow @CY_C")
    assert harness.texts()[-1] == plain("allow_added", who="@cy_c")
    await harness.stop()
    await harness.start(**LISTED)
    await harness.say(VIDEO, town.cy)
    assert len(harness.videos(town.home(harness, town.cy))) == 1
    await harness.say("/disallow @cy_c")
    await harness.say(VIDEO, town.cy)
    assert len(harness.videos(town.home(harness, town.cy))) == 1
    asked = await harness.say("hello", town.cy, town.crew)
    await harness.say("/allow", chat=town.crew, reply_to_message=asked)
    assert harness.texts(town.crew)[-1] == plain("allow_added", who="1003")
    await harness.say(VIDEO, town.cy)
    assert len(harness.videos(town.home(harness, town.cy))) == 2


async def test_the_commands_of_others_change_nothing(harness: BotHarness):
    town = Town(harness)
    await harness.start(**LISTED)
    await harness.say("/start", town.bo)
    for command in ("/allow 1003", "/disallow 1002", "/access"):
        await harness.say(command, town.bo)
    assert harness.texts(town.home(harness, town.bo))[1:] == [EN["unknown_command"]] * 3
    assert harness.application
    assert harness.application.container.access.entries == {"1002", "-1003"}


async def test_a_listed_group_stays_listed_as_a_supergroup(harness: BotHarness):
    harness.video()
    town = Town(harness)
    await harness.start(BOT_ADMINS="1001", ACCESS_MODE="listed")
    await harness.say("/allow -1003")
    new = harness.world.migrate(town.cy, town.club, -100_1003)
    await harness.settled()
    assert harness.application
    await harness.application.container.access.refresh()
    await harness.say(VIDEO, town.cy, new)
    assert len(harness.videos(new)) == 1


# --- members --------------------------------------------------------------------------------------


async def test_members_are_served_and_others_get_a_button_to_join(harness: BotHarness):
    harness.video()
    town = Town(harness)
    await harness.start(**MEMBERS)
    town.news.members[1002] = "restricted"  # and a member all the same
    await harness.say(VIDEO, town.bo)
    await harness.say(VIDEO, town.bo)
    assert len(harness.videos(town.home(harness, town.bo))) == 2
    assert len(harness.calls("getChatMember")) == 1
    home = town.home(harness, town.cy)
    await harness.say("/start access", town.cy)
    (refusal,) = harness.answers(home)
    assert refusal["text"] == UK["access_members"]
    (row,) = refusal["reply_markup"]["inline_keyboard"]
    assert row[0]["url"] == "https://t.me/ferry_news"
    await harness.say(VIDEO, harness.ada)
    assert len(harness.videos()) == 1
    await harness.say("/allow 1003")
    await harness.say(VIDEO, town.cy)
    assert len(harness.videos(home)) == 1


async def test_without_telegrams_answer_people_are_asked_to_try_again(harness: BotHarness):
    harness.video()
    town = Town(harness)
    await harness.start(**MEMBERS)
    town.news.members[1002] = "member"
    harness.fail("getChatMember", "500", times=9)
    await harness.say(VIDEO, town.bo)
    home = town.home(harness, town.bo)
    assert harness.texts(home) == [EN["access_unknown"]]
    assert "reply_markup" not in harness.answers(home)[0]
    harness.api.faults.clear()
    await harness.say(VIDEO, town.bo)
    assert len(harness.videos(home)) == 1


async def test_a_private_channel_has_the_button_of_the_settings(harness: BotHarness):
    town = Town(harness)
    join = {"ACCESS_CHANNELS": "-1005", "ACCESS_JOIN_URL": "https://t.me/+secret"}
    await harness.start(**{**MEMBERS, **join})
    await harness.say(VIDEO, town.cy)
    (refusal,) = harness.answers(town.home(harness, town.cy))
    (row,) = refusal["reply_markup"]["inline_keyboard"]
    assert (row[0]["text"], row[0]["url"]) == (UK["access_join_button"], "https://t.me/+secret")


async def test_in_business_chats_only_allowed_people_are_answered_and_nobody_refused(
    harness: BotHarness,
):
    harness.video()
    town = Town(harness)
    await harness.start(**MEMBERS)
    town.news.members[1002] = "member"
    for person in (town.bo, town.cy):
        harness.world.say_to_business(person, VIDEO)
        harness.world.say_to_business(person, "/help@clipferry_demo_bot")
    await harness.settled()
    assert len(harness.answers(town.home(harness, town.bo))) == 2
    assert harness.answers(town.home(harness, town.cy)) == []


async def test_everyone_is_the_default_and_costs_nothing(harness: BotHarness):
    harness.video()
    await harness.start()
    await harness.say(VIDEO, harness.world.person(1003, "Cy"))
    assert harness.calls("getChatMember") == []
    assert len(harness.videos(harness.world.chats[1003])) == 1


# --- inline and guest mode ------------------------------------------------------------------------


def button_above(inline: InlineHarness) -> Json:
    button: Json = inline.mode.answers[inline.query]["button"]
    return button


async def test_inline_results_are_for_allowed_people(inline: InlineHarness):
    harness = inline.harness
    harness.video()
    town = Town(harness)
    await harness.start(**{**MEMBERS, **ON})
    assert await inline.type(VIDEO, town.cy) == []
    assert button_above(inline) == {
        "text": UK["inline_access_members"],
        "start_parameter": "access",
    }
    town.news.members[1002] = "member"
    assert len(await inline.type(VIDEO, town.bo)) == 2
    assert "video" in await inline.send("fetch/post", town.bo)


async def test_whoever_loses_access_before_choosing_is_refused_in_place(inline: InlineHarness):
    harness = inline.harness
    harness.video()
    town = Town(harness)
    await harness.start(**{**LISTED, **ON})
    await harness.say("/allow 1003")
    await inline.type(VIDEO, town.cy)
    await harness.say("/disallow 1003")
    message = await inline.send("fetch/post", town.cy)
    assert message["text"] == UK["access_listed"]


@pytest.mark.parametrize("is_allowed", [True, False])
async def test_guest_calls_and_inline_buttons_are_for_allowed_people(
    inline: InlineHarness, is_allowed: bool
):
    harness = inline.harness
    album(harness)
    town = Town(harness)
    await harness.start(**{**LISTED, **ON})
    person = town.bo if is_allowed else town.cy
    number = inline.mode.call(town.bo, inline.friends, ALBUM)
    await harness.until(lambda: number in inline.mode.answers, "an answer")
    await harness.settled()
    message = inline.mode.answers[number]
    answer = await inline.press(message, "page/1", person)
    assert answer.get("text") == (None if is_allowed else UK["access_listed"])
    number = inline.mode.call(person, inline.friends, ALBUM)
    await harness.until(lambda: number in inline.mode.answers, "an answer")
    await harness.settled()
    answered = inline.mode.answers[number]
    assert ("photo" in answered) is is_allowed
    assert answered.get("text") == (None if is_allowed else UK["access_listed"])
