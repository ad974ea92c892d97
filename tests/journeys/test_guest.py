"""Guest mode: the bot is called into a chat that it is no member of, and answers there."""

import pytest

from data.db_service import get_user_stats
from misc.texts import load_texts
from simulator.telegram.world import Json, Person
from tests.journeys.ferry import VIDEO
from tests.journeys.inline_ferry import ALBUM, ON, InlineFerry, album, arrows
from tests.journeys.test_crash import open_requests

TEXTS = load_texts()
EN = TEXTS["en"]


async def call(
    inline: InlineFerry, text: str, above: Json | None = None, person: Person | None = None
) -> Json:
    """Call the bot among Ada's friends; gives its answer when it is done with it."""
    number = inline.mode.call(person or inline.ferry.ada, inline.friends, text, above)
    await inline.ferry.until(lambda: number in inline.mode.answers, "an answer")
    await inline.ferry.settled()
    return inline.mode.answers[number]


async def test_an_unknown_post_is_filled_in_and_a_known_one_is_there_at_once(inline: InlineFerry):
    ferry = inline.ferry
    ferry.video()
    await ferry.start(**ON)
    await ferry.say("/start")
    answer = await call(inline, f"@clipferry_demo_bot {VIDEO}")
    assert answer["video"]["duration"] == 3
    assert (await get_user_stats(1001))[1] == 1
    ferry.simulator.log.clear()
    calls = len(ferry.api.calls)
    again = await call(inline, f"@clipferry_demo_bot {VIDEO}")
    assert again["video"] == answer["video"]
    assert ferry.simulator.log == []
    assert [call.method for call in ferry.api.calls[calls:]] == ["answerGuestQuery"]
    assert (await get_user_stats(1001))[1] == 2
    assert await open_requests() == 0


async def test_the_link_may_stand_in_the_message_above(inline: InlineFerry):
    ferry = inline.ferry
    ferry.video()
    await ferry.start(**ON)
    above = ferry.world.post_unseen(
        ferry.world.person(1002, "Bo").as_json(), inline.friends, {"text": f"look: {VIDEO}"}
    )
    assert "video" in await call(inline, "@clipferry_demo_bot", above)


async def test_an_album_can_be_turned_whether_it_was_known_or_not(inline: InlineFerry):
    ferry = inline.ferry
    album(ferry)
    await ferry.start(**ON)
    for _ in range(2):
        answer = await call(inline, ALBUM)
        assert "photo" in answer
        assert arrows(answer) == ["stats_noop", "page/1"]
        await inline.press(answer, "page/1", ferry.world.person(1002, "Bo"))
        assert "video" in answer


async def test_a_call_without_a_link_is_told_what_to_do(inline: InlineFerry):
    bo = inline.ferry.world.person(1002, "Bo", language_code="uk")
    await inline.ferry.start(**ON)
    answer = await call(inline, "@clipferry_demo_bot hello", person=bo)
    assert answer["text"] == TEXTS["uk"]["inline_usage"]
    (row,) = answer["reply_markup"]["inline_keyboard"]
    assert row[0]["url"] == "https://t.me/clipferry_demo_bot?start=inline"


async def test_who_never_pressed_start_can_be_asked_to(inline: InlineFerry):
    inline.ferry.video()
    await inline.ferry.start(INLINE_EVERYBODY="false", **ON)
    answer = await call(inline, VIDEO)
    assert answer["text"] == EN["inline_usage"]
    assert await open_requests() == 0


async def test_a_failure_is_said_and_only_the_caller_may_try_again(inline: InlineFerry):
    ferry = inline.ferry
    post = ferry.video(page_trouble="503")
    await ferry.start(LIMITS_ATTEMPTS="1", **ON)
    answer = await call(inline, VIDEO)
    assert answer["text"] == EN["platform_trouble"]
    bo = ferry.world.person(1002, "Bo")
    assert (await inline.press(answer, "again", bo))["text"] == EN["not_yours"]
    post.page_trouble = ""
    await inline.press(answer, "again")
    assert "video" in answer


async def test_a_message_that_comes_both_ways_is_answered_once(inline: InlineFerry):
    """Telegram may bring a call also as the ordinary message that it is in the bot's own groups."""
    ferry = inline.ferry
    ferry.video()
    await ferry.start(**ON)
    message = ferry.world.say(ferry.ada, VIDEO, inline.friends)
    await ferry.settled()
    ferry.world.push("guest_message", {**message, "guest_query_id": "guest-of-a-member"})
    await ferry.settled()
    assert len(ferry.videos(inline.friends)) == 1
    assert ferry.calls("answerGuestQuery") == []


async def test_an_answer_that_comes_too_late_costs_nothing_else(inline: InlineFerry):
    ferry = inline.ferry
    ferry.video()
    await ferry.start(**ON)
    ferry.fail("answerGuestQuery", "400", description="Bad Request: query is too old", times=1)
    inline.mode.call(ferry.ada, inline.friends, VIDEO)
    await ferry.until(lambda: ferry.calls("answerGuestQuery"))
    await ferry.settled()
    assert ferry.simulator.log == []
    assert await open_requests() == 0


@pytest.mark.parametrize("mode", ["guest", "inline", "neither"])
async def test_what_botfather_has_switched_off_is_not_asked_for(inline: InlineFerry, mode: str):
    ferry = inline.ferry
    ferry.world.bot_user["supports_guest_queries"] = mode == "guest"
    ferry.world.bot_user["supports_inline_queries"] = mode == "inline"
    await ferry.start(**ON)
    asked = ferry.api.wanted
    assert ("guest_message" in asked) == (mode == "guest")
    assert ("inline_query" in asked) == (mode == "inline")
    assert "message" in asked
