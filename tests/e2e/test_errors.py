"""What people are told when something fails: another try where it helps, more for administrators."""

import pytest

from misc.ui.texts import load_texts
from tests.e2e.bot_harness import VIDEO, BotHarness

EN = load_texts()["en"]


async def refused(harness: BotHarness, trouble: str = "503", **environment: str):
    """Let a request fail; gives the request and the explanation."""
    harness.video(page_trouble=trouble)
    await harness.start(LIMITS_ATTEMPTS="1", **environment)
    await harness.say("hello")
    request = await harness.say(VIDEO)
    return request, harness.answers()[-1]


async def test_try_again_serves_the_request_once_more(harness: BotHarness):
    request, message = await refused(harness)
    ((button,),) = message["reply_markup"]["inline_keyboard"]
    assert button["text"] == EN["retry_button"]
    harness.site.posts["7300000000000000001"].page_trouble = ""
    await harness.press(message, button["callback_data"])
    (video,) = harness.videos()
    assert video["reply_to_message"]["message_id"] == request["message_id"]
    assert message["message_id"] not in harness.home.messages
    assert request["message_id"] not in harness.home.reactions


async def test_a_double_press_is_one_try(harness: BotHarness):
    _, message = await refused(harness)
    harness.site.posts["7300000000000000001"].page_trouble = ""
    harness.world.press(harness.ada, message, "retry_video")
    await harness.press(message, "retry_video")
    assert len(harness.videos()) == 1


async def test_when_the_explanation_cannot_be_taken_away_one_may_press_again_later(
    harness: BotHarness,
):
    _, message = await refused(harness)
    harness.fail("deleteMessage", "400", times=2)
    await harness.press(message, "retry_video")
    harness.site.posts["7300000000000000001"].page_trouble = ""
    await harness.press(message, "retry_video")
    assert len(harness.videos()) == 1


async def test_only_who_has_asked_may_try_again(harness: BotHarness):
    _, message = await refused(harness)
    bo = harness.world.person(1002, "Bo")
    answer = await harness.press(message, "retry_video", bo)
    assert answer["text"] == EN["not_yours"]
    assert harness.videos() == []


async def test_without_the_request_the_button_is_too_old(harness: BotHarness):
    _, message = await refused(harness)
    message.pop("reply_to_message")
    answer = await harness.press(message, "retry_video")
    assert answer["text"] == EN["button_expired"]


@pytest.mark.parametrize("trouble", ["age", "login"])
async def test_where_a_retry_cannot_help_there_is_no_button(harness: BotHarness, trouble: str):
    _, message = await refused(harness, trouble)
    assert ("reply_markup" in message) == (trouble == "login")


async def test_a_group_sees_a_reaction_and_nothing_else(harness: BotHarness):
    await refused(harness)
    crew = harness.world.group(-1002)
    request = await harness.say(VIDEO, chat=crew)
    assert crew.reactions[request["message_id"]] == "😢"
    assert [m for m in harness.answers(crew) if "reply_markup" in m] == []


async def test_an_administrator_is_told_what_happened_inside(harness: BotHarness):
    _, message = await refused(harness, BOT_ADMINS="1001, 7")
    assert message["text"].startswith(EN["platform_trouble"])
    assert "PlatformUnreachableError" in message["text"]
    assert "HTTP 503" in message["text"]
    bo = harness.world.person(1002, "Bo")
    await harness.say(VIDEO, bo)
    assert "Unreachable" not in harness.texts(harness.world.chats[1002])[-1]


async def test_of_a_bug_an_administrator_sees_the_place_and_no_values(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    async def broken(*_args: object) -> None:
        raise ZeroDivisionError("token <secret>")

    monkeypatch.setattr("services.requests.posts.PostService._fetch", broken)
    harness.video()
    await harness.start(BOT_ADMINS="1001")
    await harness.say("hello")
    await harness.say(VIDEO)
    text = harness.texts()[-1]
    assert "ZeroDivisionError" in text
    assert "posts.py" in text
    assert "secret" not in text
