"""Error messages: a retry button where a retry can help, and details for administrators only."""

import pytest

from misc.ui.texts import load_texts
from tests.e2e.bot_harness import VIDEO, BotHarness

EN = load_texts()["en"]


async def failed_request(harness: BotHarness, trouble: str = "503", **environment: str):
    """Send a link that fails; return the request and the bot's error message."""
    harness.video(page_trouble=trouble)
    await harness.start(LIMITS_ATTEMPTS="1", **environment)
    await harness.say("hello")
    request = await harness.say(VIDEO)
    return request, harness.answers()[-1]


async def test_the_retry_button_serves_the_request(harness: BotHarness):
    request, message = await failed_request(harness)
    ((button,),) = message["reply_markup"]["inline_keyboard"]
    assert button["text"] == EN["retry_button"]
    harness.site.posts["7300000000000000001"].page_trouble = ""
    await harness.press(message, button["callback_data"])
    (video,) = harness.videos()
    assert video["reply_to_message"]["message_id"] == request["message_id"]
    assert message["message_id"] not in harness.home.messages
    assert request["message_id"] not in harness.home.reactions


async def test_two_presses_of_the_retry_button_start_one_request(harness: BotHarness):
    _, message = await failed_request(harness)
    harness.site.posts["7300000000000000001"].page_trouble = ""
    harness.world.press(harness.ada, message, "retry_video")
    await harness.press(message, "retry_video")
    assert len(harness.videos()) == 1


async def test_the_retry_button_works_again_if_its_message_cannot_be_deleted(
    harness: BotHarness,
):
    _, message = await failed_request(harness)
    harness.fail("deleteMessage", "400", times=2)
    await harness.press(message, "retry_video")
    harness.site.posts["7300000000000000001"].page_trouble = ""
    await harness.press(message, "retry_video")
    assert len(harness.videos()) == 1


async def test_only_the_requesting_user_can_retry(harness: BotHarness):
    _, message = await failed_request(harness)
    bo = harness.world.person(1002, "Bo")
    answer = await harness.press(message, "retry_video", bo)
    assert answer["text"] == EN["not_yours"]
    assert harness.videos() == []


async def test_the_retry_button_expires_without_the_original_message(harness: BotHarness):
    _, message = await failed_request(harness)
    message.pop("reply_to_message")
    answer = await harness.press(message, "retry_video")
    assert answer["text"] == EN["button_expired"]


@pytest.mark.parametrize("trouble", ["age", "login"])
async def test_permanent_errors_have_no_retry_button(harness: BotHarness, trouble: str):
    _, message = await failed_request(harness, trouble)
    assert ("reply_markup" in message) == (trouble == "login")


async def test_a_failure_in_a_group_is_a_reaction_only(harness: BotHarness):
    await failed_request(harness)
    crew = harness.world.group(-1002)
    await harness.say("/help", chat=crew)
    before = len(harness.answers(crew))
    request = await harness.say(VIDEO, chat=crew)
    assert crew.reactions[request["message_id"]] == "😢"
    assert len(harness.answers(crew)) == before


async def test_an_administrator_sees_the_error_details(harness: BotHarness):
    _, message = await failed_request(harness, BOT_ADMINS="1001, 7")
    assert message["text"].startswith(EN["platform_trouble"])
    assert "PlatformUnreachableError" in message["text"]
    assert "HTTP 503" in message["text"]
    bo = harness.world.person(1002, "Bo")
    await harness.say(VIDEO, bo)
    assert "Unreachable" not in harness.texts(harness.world.chats[1002])[-1]


async def test_a_bug_report_to_an_administrator_shows_the_code_location_but_no_values(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_args: object, **_kwargs: object) -> None:
        raise ZeroDivisionError("token <secret>")

    monkeypatch.setattr("services.requests.posts.video_request", broken)
    harness.video()
    await harness.start(BOT_ADMINS="1001")
    await harness.say("hello")
    await harness.say(VIDEO)
    text = harness.texts()[-1]
    assert "ZeroDivisionError" in text
    assert "posts.py" in text
    assert "secret" not in text
