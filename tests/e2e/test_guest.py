"""Guest mode: the bot answers in chats that it is not a member of."""

import pytest

from data.db_service import get_user_stats
from misc.ui.texts import load_texts
from simulator.telegram.world import Json, Person
from tests.e2e.bot_harness import BOTH_SOURCES, VIDEO
from tests.e2e.inline_harness import ALBUM, ON, InlineHarness, album, arrows
from tests.e2e.test_crash import open_requests

TEXTS = load_texts()
EN = TEXTS["en"]


async def call(
    inline: InlineHarness, text: str, above: Json | None = None, person: Person | None = None
) -> Json:
    """Call the bot in the group; return its message when the bot has finished it."""
    number = inline.mode.call(person or inline.harness.ada, inline.friends, text, above)
    await inline.harness.until(lambda: number in inline.mode.answers, "an answer")
    await inline.harness.settled()
    return inline.mode.answers[number]


@BOTH_SOURCES
async def test_a_new_post_fills_the_answer_and_a_cached_post_is_sent_at_once(inline: InlineHarness):
    harness = inline.harness
    harness.video()
    await harness.start(**ON)
    await harness.say("/start")
    answer = await call(inline, f"@clipferry_demo_bot {VIDEO}")
    assert answer["video"]["duration"] == 3
    assert (await get_user_stats(1001))[1] == 1
    harness.simulator.log.clear()
    calls = len(harness.api.calls)
    again = await call(inline, f"@clipferry_demo_bot {VIDEO}")
    assert again["video"] == answer["video"]
    assert harness.simulator.log == []
    assert [call.method for call in harness.api.calls[calls:]] == ["answerGuestQuery"]
    assert (await get_user_stats(1001))[1] == 2
    assert await open_requests() == 0


async def test_the_link_may_be_in_the_quoted_message(inline: InlineHarness):
    harness = inline.harness
    harness.video()
    await harness.start(**ON)
    above = harness.world.post_unseen(
        harness.world.person(1002, "Bo").as_json(), inline.friends, {"text": f"look: {VIDEO}"}
    )
    assert "video" in await call(inline, "@clipferry_demo_bot", above)


async def test_an_album_has_page_buttons_whether_cached_or_not(inline: InlineHarness):
    harness = inline.harness
    album(harness)
    await harness.start(**ON)
    for _ in range(2):
        answer = await call(inline, ALBUM)
        assert "photo" in answer
        assert arrows(answer) == ["stats_noop", "page/1"]
        await inline.press(answer, "page/1", harness.world.person(1002, "Bo"))
        assert "video" in answer


async def test_a_call_without_a_link_gets_the_usage(inline: InlineHarness):
    bo = inline.harness.world.person(1002, "Bo", language_code="uk")
    await inline.harness.start(**ON)
    answer = await call(inline, "@clipferry_demo_bot hello", person=bo)
    assert answer["text"] == TEXTS["uk"]["inline_usage"]
    (row,) = answer["reply_markup"]["inline_keyboard"]
    assert row[0]["url"] == "https://t.me/clipferry_demo_bot?start=inline"


async def test_users_without_start_are_asked_to_start_if_required(inline: InlineHarness):
    inline.harness.video()
    await inline.harness.start(INLINE_EVERYBODY="false", **ON)
    answer = await call(inline, VIDEO)
    assert answer["text"] == EN["inline_usage"]
    assert await open_requests() == 0


async def test_a_failed_call_can_be_retried_by_the_caller_only(inline: InlineHarness):
    harness = inline.harness
    post = harness.video(page_trouble="503")
    await harness.start(LIMITS_ATTEMPTS="1", **ON)
    answer = await call(inline, VIDEO)
    assert answer["text"] == EN["platform_trouble"]
    bo = harness.world.person(1002, "Bo")
    assert (await inline.press(answer, "again", bo))["text"] == EN["not_yours"]
    post.page_trouble = ""
    await inline.press(answer, "again")
    assert "video" in answer


async def test_a_call_that_also_arrives_as_a_message_is_answered_once(inline: InlineHarness):
    """In the bot's own groups Telegram may deliver a call as an ordinary message as well."""
    harness = inline.harness
    harness.video()
    await harness.start(**ON)
    message = harness.world.say(harness.ada, VIDEO, inline.friends)
    await harness.settled()
    harness.world.push("guest_message", {**message, "guest_query_id": "guest-of-a-member"})
    await harness.settled()
    assert len(harness.videos(inline.friends)) == 1
    assert harness.calls("answerGuestQuery") == []


async def test_a_late_answer_downloads_nothing(inline: InlineHarness):
    harness = inline.harness
    harness.video()
    await harness.start(**ON)
    harness.fail("answerGuestQuery", "400", description="Bad Request: query is too old", times=1)
    inline.mode.call(harness.ada, inline.friends, VIDEO)
    await harness.until(lambda: harness.calls("answerGuestQuery"))
    await harness.settled()
    assert harness.simulator.log == []
    assert await open_requests() == 0


@pytest.mark.parametrize("mode", ["guest", "inline", "neither"])
async def test_updates_of_disabled_modes_are_not_requested(inline: InlineHarness, mode: str):
    harness = inline.harness
    harness.world.bot_user["supports_guest_queries"] = mode == "guest"
    harness.world.bot_user["supports_inline_queries"] = mode == "inline"
    await harness.start(**ON)
    asked = harness.api.webhook.allowed_updates
    assert ("guest_message" in asked) == (mode == "guest")
    assert ("inline_query" in asked) == (mode == "inline")
    assert "message" in asked
