"""Groups and channels: language, mentions, own answers, edits, posts, and members' opt-outs."""

import asyncio
import time
from typing import Any

import pytest
from sqlalchemy import text

from core.broadcasts import Audience, Chats
from data import database
from data.broadcasts import count_audiences
from data.chats import find_chat, register_chat
from misc.ui.texts import load_texts
from simulator.telegram.markup import parse_html
from simulator.telegram.world import Chat, Json
from tests.e2e.bot_harness import BOTH_SOURCES, ID, PLATFORMS, VIDEO, BotHarness

TEXTS = load_texts()
EN = TEXTS["en"]
OTHER = VIDEO.replace(ID, "7300000000000000002")
THIRD = VIDEO.replace(ID, "7300000000000000003")
BOT = "@clipferry_demo_bot"
CHANNELS = {"CHATS_CHANNELS": "true"}


async def crew_of(harness: BotHarness, **environment: str) -> Chat:
    """Start the bot with a known group whose creator is Ada."""
    harness.video()
    harness.video("7300000000000000002")
    await harness.start(**environment)
    await register_chat(-1002, "en")
    crew = harness.world.group(-1002)
    crew.members[1001] = "creator"
    return crew


def served(harness: BotHarness, chat: Chat) -> int:
    return len(harness.videos(chat))


# --- language -------------------------------------------------------------------------------------


@BOTH_SOURCES
async def test_a_group_speaks_the_language_of_whoever_added_the_bot(harness: BotHarness):
    harness.video()
    olha = harness.world.person(1002, "Olha", language_code="uk")
    log = harness.world.group(-500, "Log")
    await harness.start(BOT_JOIN_LOG_CHAT="-500")
    crew = harness.world.group(-1002)
    harness.world.invite(olha, crew)
    await harness.settled()
    (welcome,) = harness.answers(crew)
    assert TEXTS["uk"]["welcome_members"] in welcome["text"]
    assert "Olha" in harness.texts(log)[0]
    await harness.say(VIDEO, chat=crew)  # Ada writes in English
    record = await find_chat(-1002)
    assert record is not None
    assert record.lang == "uk"
    assert len(harness.answers(crew)) == 2


async def test_the_welcome_in_a_group_has_buttons_for_the_language(harness: BotHarness):
    await harness.start()
    crew = harness.world.group(-1002)
    crew.members[1001] = "creator"
    bo = harness.world.person(1002, "Bo")
    harness.world.invite(harness.ada, crew)
    await harness.settled()
    (welcome,) = harness.answers(crew)
    assert (await harness.press(welcome, "welcome/vi", bo))["text"] == EN["not_admin"]
    assert "text" not in await harness.press(welcome, "welcome/vi")
    first = TEXTS("vi", "welcome", platforms=PLATFORMS).splitlines()[0]
    assert welcome["text"].splitlines()[0] in first
    assert {b["callback_data"] for row in _rows(welcome) for b in row} == {
        f"welcome/{code}" for code in TEXTS.languages
    }
    assert (await harness.press(welcome, "welcome/xx"))["text"] == TEXTS["vi"]["lang_unknown"]
    record = await find_chat(-1002)
    assert record is not None
    assert record.lang == "vi"


async def test_whoever_speaks_first_does_not_choose_the_language(harness: BotHarness):
    harness.video()
    olha = harness.world.person(1002, "Olha", language_code="uk")
    await harness.start()
    crew = harness.world.group(-1002)
    added_at = int(time.time())
    await harness.say(VIDEO, olha, crew)
    record = await find_chat(-1002)
    assert record is not None
    assert record.lang == "en"
    # A message may arrive before the update about the bot's joining.
    harness.world.invite(olha, crew, at=added_at)
    await harness.settled()
    record = await find_chat(-1002)
    assert record is not None
    assert record.lang == "uk"


async def test_a_known_group_keeps_its_language_and_is_not_welcomed_again(harness: BotHarness):
    crew = await crew_of(harness)
    await database.write(
        lambda db: db.execute(text("UPDATE users SET registered_at = 1 WHERE user_id = -1002"))
    )
    olha = harness.world.person(1002, "Olha", language_code="uk")
    harness.world.remove(harness.ada, crew)
    harness.world.invite(olha, crew)
    await harness.settled()
    record = await find_chat(-1002)
    assert record is not None
    assert (record.lang, record.is_blocked) == ("en", False)
    assert harness.answers(crew) == []


def _rows(message: Json) -> list[list[Json]]:
    rows: list[list[Json]] = message["reply_markup"]["inline_keyboard"]
    return rows


async def test_a_group_that_a_deep_link_adds_the_bot_to_is_welcomed_once(harness: BotHarness):
    await harness.start()
    crew = harness.world.group(-1002)
    harness.world.invite(harness.ada, crew)
    await harness.settled()
    await harness.say(f"/start{BOT} true", chat=crew)
    assert len(harness.answers(crew)) == 1


# --- mentions -------------------------------------------------------------------------------------


async def test_a_mention_in_reply_to_a_link_is_answered(harness: BotHarness):
    crew = await crew_of(harness)
    above = harness.world.post_unseen(
        harness.world.person(1002, "Bo").as_json(), crew, {"text": f"look: {VIDEO}"}
    )
    await harness.say("nice", chat=crew, reply_to_message=above)
    await harness.say("@another_bot", chat=crew, reply_to_message=above)
    assert served(harness, crew) == 0
    call = await harness.say(f"{BOT.upper()} please", chat=crew, reply_to_message=above)
    (video,) = harness.videos(crew)
    assert video["reply_to_message"]["message_id"] == call["message_id"]


async def test_a_mention_in_reply_to_an_answer_of_the_bot_asks_for_nothing(harness: BotHarness):
    crew = await crew_of(harness)
    await harness.say(VIDEO, chat=crew)
    (video,) = harness.videos(crew)
    await harness.say(f"{BOT} thanks", chat=crew, reply_to_message=video)
    assert served(harness, crew) == 1


async def test_a_mention_from_a_downtime_is_answered_once(harness: BotHarness):
    crew = await crew_of(harness)
    await harness.stop()
    above = harness.world.post_unseen(harness.ada.as_json(), crew, {"text": VIDEO})
    for number in range(60):  # a batch that is large enough to be set aside
        message = harness.world.say(harness.ada, f"hello {number}", crew)
        message["date"] -= 300
    call = harness.world.say(harness.ada, BOT, crew, reply_to_message=above)
    call["date"] -= 300
    await harness.start()
    await harness.settled()
    assert served(harness, crew) == 1


async def test_who_names_the_bot_with_a_link_that_it_cannot_answer_is_told_why(
    harness: BotHarness,
):
    crew = await crew_of(harness)
    for words in ("https://example.org/x", f"{BOT} what a bot", "https://www.tiktok.com/@ferry"):
        await harness.say(words, chat=crew)
    assert harness.answers(crew) == []
    await harness.say(f"{BOT} https://example.org/x", chat=crew)
    (hint,) = harness.texts(crew)
    assert hint == TEXTS("en", "foreign_link", platforms=PLATFORMS)


# --- the bot's own answers ------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["group", "private"])
async def test_the_bots_own_answers_are_never_downloaded_again(harness: BotHarness, place: str):
    crew = await crew_of(harness)
    await harness.say("/start")
    chat = crew if place == "group" else harness.home
    await harness.say(VIDEO, chat=crew)
    (ours,) = harness.videos(crew)
    before = len(harness.answers(chat))
    harness.world.forward(harness.ada, ours, chat)
    content = {key: ours[key] for key in ("video", "caption", "caption_entities")}
    harness.world.post(harness.ada, chat, {**content, "via_bot": harness.world.bot})
    await harness.settled()
    said = [message.get("text") for message in harness.answers(chat)[before:]]
    hint, _ = parse_html(EN["own_answer"])
    assert said == ([hint] if place == "private" else [])
    assert chat.reactions == {}


async def test_what_people_forward_is_answered(harness: BotHarness):
    crew = await crew_of(harness)
    bo = harness.world.person(1002, "Bo")
    said = harness.world.post_unseen(bo.as_json(), harness.home, {"text": VIDEO})
    harness.world.forward(harness.ada, said, crew)
    await harness.settled()
    assert served(harness, crew) == 1


# --- edits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["group", "private"])
async def test_a_link_added_by_an_edit_is_served_once(harness: BotHarness, place: str):
    crew = await crew_of(harness)
    await harness.say("/start")
    chat = crew if place == "group" else harness.home
    message = await harness.say("look at this", chat=chat)
    for after_s in (30, 60):
        harness.world.edit(message, f"look at this {VIDEO}", after_s=after_s)
        await harness.settled()
    assert served(harness, chat) == 1
    assert harness.videos(chat)[0]["reply_to_message"]["message_id"] == message["message_id"]


async def test_an_edit_brings_only_its_new_links(harness: BotHarness):
    crew = await crew_of(harness)
    message = await harness.say(VIDEO, chat=crew)
    harness.world.edit(message, f"{VIDEO} !")
    await harness.settled()
    assert served(harness, crew) == 1
    harness.world.edit(message, f"{OTHER} {VIDEO}")
    await harness.settled()
    assert served(harness, crew) == 2
    assert len({video["video"]["file_unique_id"] for video in harness.videos(crew)}) == 2


async def test_an_edit_knows_what_another_process_has_served(harness: BotHarness):
    crew = await crew_of(harness)
    message = await harness.say(VIDEO, chat=crew)
    await harness.stop()
    await harness.start()
    harness.world.edit(message, f"{VIDEO} {OTHER}")
    await harness.settled()
    assert served(harness, crew) == 2
    harness.world.edit(message, f"{OTHER} {VIDEO} really")
    await harness.settled()
    assert served(harness, crew) == 2


@BOTH_SOURCES
async def test_a_message_and_its_edit_that_arrive_together_are_served_once(harness: BotHarness):
    crew = await crew_of(harness)
    for number in range(5):
        first, second = (f"73000000000000009{number}{n}" for n in range(2))
        for post_id in (first, second):
            harness.video(post_id)
        message = harness.world.say(harness.ada, VIDEO.replace(ID, first), crew)
        harness.world.edit(message, f"{VIDEO.replace(ID, first)} {VIDEO.replace(ID, second)}")
    await harness.settled()
    assert served(harness, crew) == 10


async def test_a_message_has_no_more_links_with_its_edits_than_without(harness: BotHarness):
    crew = await crew_of(harness, LIMITS_LINKS_PER_MESSAGE="1")
    message = await harness.say(f"{VIDEO} {OTHER}", chat=crew)
    harness.world.edit(message, f"{VIDEO} {OTHER} !")
    await harness.settled()
    assert served(harness, crew) == 1


async def test_an_edit_may_add_the_mention_that_a_group_requires(harness: BotHarness):
    crew = await crew_of(harness)
    await harness.say("/settings", chat=crew)
    await harness.press(harness.answers(crew)[-1], "set/only_mentioned")
    message = await harness.say(VIDEO, chat=crew)
    assert served(harness, crew) == 0
    harness.world.edit(message, f"{BOT} {VIDEO}")
    await harness.settled()
    assert served(harness, crew) == 1


async def test_a_late_edit_is_ignored(harness: BotHarness):
    crew = await crew_of(harness)
    message = await harness.say("look", chat=crew)
    harness.world.edit(message, VIDEO, after_s=121)
    await harness.settled()
    assert served(harness, crew) == 0
    harness.world.edit(message, VIDEO, after_s=120)
    await harness.settled()
    assert served(harness, crew) == 1


@pytest.mark.parametrize(("edits", "channels"), [(True, False), (False, True), (True, True)])
async def test_updates_that_no_setting_needs_are_not_requested(
    harness: BotHarness, edits: bool, channels: bool
):
    await harness.start(CHATS_EDITS=str(edits), CHATS_CHANNELS=str(channels))
    asked = harness.api.webhook.allowed_updates
    assert ("edited_message" in asked) == edits
    assert ("channel_post" in asked) == channels
    assert ("edited_channel_post" in asked) == (edits and channels)


# --- channels -------------------------------------------------------------------------------------


def channel_of(harness: BotHarness) -> Chat:
    channel = harness.world.chats[-1007] = Chat(-1007, "channel", title="News")
    return channel


@BOTH_SOURCES
async def test_a_post_in_a_channel_is_answered_there(harness: BotHarness):
    await crew_of(harness, **CHANNELS)
    channel = channel_of(harness)
    olha = harness.world.person(1002, "Olha", language_code="uk")
    harness.world.invite(olha, channel, "administrator")
    await harness.settled()
    assert harness.answers(channel) == []  # a welcome would be read by the subscribers
    post = harness.world.publish(channel, VIDEO)
    await harness.settled()
    (video,) = harness.answers(channel)
    assert video["caption"] == "ferry.demo · TikTok"
    assert video["reply_to_message"]["message_id"] == post["message_id"]
    harness.world.edit(post, f"{VIDEO} {OTHER}")
    await harness.settled()
    assert served(harness, channel) == 2


async def test_channels_are_ignored_unless_the_operator_allows_them(harness: BotHarness):
    await crew_of(harness)
    channel = channel_of(harness)
    harness.world.invite(harness.ada, channel, "administrator")
    harness.world.publish(channel, VIDEO)
    await harness.settled()
    assert harness.answers(channel) == []
    assert await find_chat(-1007) is None


async def test_an_answer_that_comes_as_a_post_is_not_answered(harness: BotHarness):
    """Another bot in the channel answers the same post, or Telegram reports our own answer."""
    await crew_of(harness, **CHANNELS)
    channel = channel_of(harness)
    post = harness.world.publish(channel, VIDEO)
    await harness.settled()
    harness.world.publish(channel, f"Source: {VIDEO}", reply_to_message=post)
    await harness.settled()
    assert served(harness, channel) == 1
    harness.world.publish(channel, OTHER, reply_to_message=post)
    await harness.settled()
    assert served(harness, channel) == 2


async def test_a_post_is_not_answered_again_in_the_linked_group(harness: BotHarness):
    crew = await crew_of(harness, **CHANNELS)
    channel = channel_of(harness)
    harness.world.invite(harness.ada, channel, "administrator")
    await harness.settled()
    crew.linked_to = channel.id
    harness.world.publish(channel, VIDEO)
    await harness.settled()
    (answer,) = harness.videos(channel)
    harness.world.copy_to_groups(channel, answer)
    await harness.settled()
    assert (served(harness, channel), served(harness, crew)) == (1, 0)


async def test_copies_of_a_channel_without_the_bot_are_answered(harness: BotHarness):
    crew = await crew_of(harness, **CHANNELS)
    channel = channel_of(harness)
    crew.linked_to = channel.id
    harness.world.copy_to_groups(channel, {"text": VIDEO, "date": 1, "message_id": 5})
    await harness.settled()
    assert served(harness, crew) == 1


@pytest.mark.parametrize("is_signed", [True, False])
async def test_an_answer_in_a_channel_is_not_answered_where_it_is_forwarded(
    harness: BotHarness, is_signed: bool
):
    crew = await crew_of(harness, **CHANNELS)
    channel = channel_of(harness)
    post = harness.world.publish(channel, VIDEO)
    await harness.settled()
    (answer,) = harness.videos(channel)
    if not is_signed:
        signature = "t.me/clipferry_demo_bot"
        entities = [e for e in answer["caption_entities"] if signature not in e.get("url", "")]
        answer = {**answer, "caption_entities": entities}
    harness.world.forward(harness.ada, answer, crew)
    await harness.settled()
    assert served(harness, crew) == 0
    harness.world.forward(harness.ada, post, crew)
    await harness.settled()
    assert served(harness, crew) == 1


async def test_a_broadcast_to_groups_does_not_reach_channels(harness: BotHarness):
    await crew_of(harness, **CHANNELS)
    harness.world.publish(channel_of(harness), VIDEO)
    await harness.settled()
    assert await find_chat(-1007) is not None
    assert await count_audiences([Audience(chats=Chats.GROUPS)]) == [1]


def directs_of(harness: BotHarness) -> Chat:
    """Return the direct messages of a channel, in which Telegram takes only answers to a topic."""
    directs = Chat(-1008, "supergroup", title="News", is_direct=True)
    return harness.world.chats.setdefault(directs.id, directs)


def topic_of(harness: BotHarness) -> dict[str, Any]:
    """Return what a message of Ada has there."""
    return {"direct_messages_topic": {"topic_id": 5, "user": harness.ada.as_json()}}


async def test_a_link_in_the_direct_messages_of_a_channel_is_answered_in_its_topic(
    harness: BotHarness,
):
    await crew_of(harness, **CHANNELS)
    pictures = tuple(harness.samples.picture(200 + n, 300, "s") for n in range(2))
    harness.video("7300000000000000009", pictures=pictures)
    directs = directs_of(harness)
    for link in (VIDEO, VIDEO, VIDEO.replace(ID, "7300000000000000009")):
        await harness.say(link, chat=directs, **topic_of(harness))
    assert [name for m in harness.answers(directs) for name in ("video", "photo") if name in m] == [
        *("video", "video", "photo", "photo")
    ]
    sent = harness.calls("sendVideo", "sendMediaGroup", "sendMessage")
    assert {call.params["direct_messages_topic_id"] for call in sent} == {5}
    assert harness.calls("sendChatAction") == []  # Telegram has none there
    assert await find_chat(directs.id) is None  # a broadcast has no topic


async def test_the_direct_messages_of_a_channel_are_ignored_as_its_posts_are(harness: BotHarness):
    await crew_of(harness)
    directs = directs_of(harness)
    await harness.say(VIDEO, chat=directs, **topic_of(harness))
    assert (harness.answers(directs), directs.reactions) == ([], {})
    assert harness.simulator.log == []
    assert await find_chat(directs.id) is None


@pytest.mark.parametrize("command", ["/settings", "/mode", "/lang"])
async def test_the_direct_messages_of_a_channel_have_no_settings(harness: BotHarness, command: str):
    await crew_of(harness, **CHANNELS)
    directs = directs_of(harness)
    directs.members[1001] = "creator"
    await harness.say(command, chat=directs, **topic_of(harness))
    assert [m["text"] for m in harness.answers(directs)] == [EN["not_admin"]]
    await harness.press(harness.answers(directs)[-1], "lang/uk")
    assert await find_chat(directs.id) is None


async def test_the_settings_of_a_channel_are_changed_in_it(harness: BotHarness):
    await crew_of(harness, **CHANNELS)
    channel = channel_of(harness)
    channel.members[1001] = "administrator"
    bo = harness.world.person(1002, "Bo")
    harness.world.publish(channel, "/settings")
    await harness.settled()
    (menu,) = harness.answers(channel)
    assert (await harness.press(menu, "set/silent", bo))["text"] == EN["not_admin"]
    await harness.press(menu, "set/silent")
    record = await find_chat(-1007)
    assert record is not None
    assert record.preferences.silent


# --- who may change the settings ------------------------------------------------------------------


@pytest.mark.parametrize("is_linked", [True, False])
async def test_the_linked_channel_may_change_the_settings_and_other_channels_may_not(
    harness: BotHarness, is_linked: bool
):
    crew = await crew_of(harness)
    channel = channel_of(harness)
    if is_linked:
        crew.linked_to = channel.id
    harness.world.say_as(channel, "/settings", crew)
    await harness.settled()
    (answer,) = harness.answers(crew)
    assert ("reply_markup" in answer) == is_linked
    assert (answer["text"] == EN["not_admin"]) != is_linked


async def test_a_channel_has_no_say_if_telegram_does_not_answer(harness: BotHarness):
    crew = await crew_of(harness)
    channel = channel_of(harness)
    crew.linked_to = channel.id
    harness.fail("getChat", "500")
    harness.world.say_as(channel, "/mode", crew)
    await harness.settled()
    assert harness.texts(crew) == [EN["not_admin"]]


# --- not my links ---------------------------------------------------------------------------------


async def test_a_member_is_not_answered_any_more_after_a_restart_either(harness: BotHarness):
    crew = await crew_of(harness)
    other = harness.world.group(-1003)
    await register_chat(-1003, "en")
    bo = harness.world.person(1002, "Bo")
    await harness.say("/NotMyLinks", chat=crew)
    assert harness.texts(crew) == [EN["my_links_off"]]
    await harness.stop()
    await harness.start()
    opt_outs = harness.application.container.opt_outs  # type: ignore[union-attr]
    await harness.until(lambda: 1001 in opt_outs, "the list")
    for chat in (crew, other):
        await harness.say(VIDEO, chat=chat)
        assert served(harness, chat) == 0
    await harness.say(VIDEO, bo, crew)
    assert served(harness, crew) == 1
    await harness.say(VIDEO)
    assert served(harness, harness.home) == 1
    await harness.say(f"{BOT} {VIDEO}", chat=crew)
    assert served(harness, crew) == 2


@pytest.mark.parametrize("way", ["command", "button"])
async def test_a_member_can_be_answered_again(harness: BotHarness, way: str):
    crew = await crew_of(harness)
    await harness.say("/notmylinks", chat=crew)
    note = harness.answers(crew)[-1]
    bo = harness.world.person(1002, "Bo")
    await harness.press(note, "mylinks", bo)  # is about Bo's own links
    await harness.say(VIDEO, chat=crew)
    assert served(harness, crew) == 0
    if way == "command":
        await harness.say("/mylinks", chat=crew)
        assert harness.texts(crew)[-1] == EN["my_links_on"]
    else:
        assert (await harness.press(note, "mylinks"))["text"] == EN["my_links_on"]
    await harness.say(VIDEO, chat=crew)
    assert served(harness, crew) == 1


async def test_an_anonymous_administrator_takes_the_wish_back_by_the_command_alone(
    harness: BotHarness,
):
    """A press comes from a person: a button could only say that it was done, and do nothing."""
    crew = await crew_of(harness)
    await harness.say("/notmylinks", chat=crew, anonymous=True)
    (note,) = harness.answers(crew)
    assert "reply_markup" not in note
    await harness.say(VIDEO, chat=crew, anonymous=True)
    assert served(harness, crew) == 0
    await harness.say("/mylinks", chat=crew, anonymous=True)
    await harness.say(VIDEO, chat=crew, anonymous=True)
    assert served(harness, crew) == 1


async def test_the_commands_for_members_are_listed_in_groups(harness: BotHarness):
    harness.new_database = None
    await harness.start()
    commands = harness.api.methods.commands
    await harness.until(lambda: len(commands) == 3 * len(TEXTS.languages), "the lists")
    listed = [c["command"] for c in commands["all_group_chats/uk"]]
    assert [name for name in listed if "link" in name] == ["notmylinks", "mylinks"]


async def test_a_wish_is_exported_and_erased_with_all_other_data(harness: BotHarness):
    crew = await crew_of(harness)
    await harness.say("/notmylinks", chat=crew)
    await harness.say("/privacy")
    menu = harness.answers()[-1]
    await harness.press(menu, "privacy/delete")
    await harness.press(menu, "privacy/yes")
    question = text("SELECT count(*) FROM opt_outs")
    assert await database.read(lambda db: db.execute(question).scalar_one()) == 0
    await harness.say(VIDEO, chat=crew)
    await asyncio.sleep(0)
    assert served(harness, crew) == 1
