"""What people are told when something fails: another try where it helps, more for administrators."""

import pytest

from misc.texts import load_texts
from tests.journeys.ferry import VIDEO, Ferry

EN = load_texts()["en"]


async def refused(ferry: Ferry, trouble: str = "503", **environment: str):
    """Let a request fail; gives the request and the explanation."""
    ferry.video(page_trouble=trouble)
    await ferry.start(LIMITS_ATTEMPTS="1", **environment)
    await ferry.say("hello")
    request = await ferry.say(VIDEO)
    return request, ferry.answers()[-1]


async def test_try_again_serves_the_request_once_more(ferry: Ferry):
    request, message = await refused(ferry)
    ((button,),) = message["reply_markup"]["inline_keyboard"]
    assert button["text"] == EN["retry_button"]
    ferry.site.posts["7300000000000000001"].page_trouble = ""
    await ferry.press(message, button["callback_data"])
    (video,) = ferry.videos()
    assert video["reply_to_message"]["message_id"] == request["message_id"]
    assert message["message_id"] not in ferry.home.messages
    assert request["message_id"] not in ferry.home.reactions


async def test_a_double_press_is_one_try(ferry: Ferry):
    _, message = await refused(ferry)
    ferry.site.posts["7300000000000000001"].page_trouble = ""
    ferry.world.press(ferry.ada, message, "retry_video")
    await ferry.press(message, "retry_video")
    assert len(ferry.videos()) == 1


async def test_when_the_explanation_cannot_be_taken_away_one_may_press_again_later(ferry: Ferry):
    _, message = await refused(ferry)
    ferry.fail("deleteMessage", "400", times=2)
    await ferry.press(message, "retry_video")
    ferry.site.posts["7300000000000000001"].page_trouble = ""
    await ferry.press(message, "retry_video")
    assert len(ferry.videos()) == 1


async def test_only_who_has_asked_may_try_again(ferry: Ferry):
    _, message = await refused(ferry)
    bo = ferry.world.person(1002, "Bo")
    answer = await ferry.press(message, "retry_video", bo)
    assert answer["text"] == EN["not_yours"]
    assert ferry.videos() == []


async def test_without_the_request_the_button_is_too_old(ferry: Ferry):
    _, message = await refused(ferry)
    message.pop("reply_to_message")
    answer = await ferry.press(message, "retry_video")
    assert answer["text"] == EN["button_expired"]


@pytest.mark.parametrize("trouble", ["age", "login"])
async def test_where_a_retry_cannot_help_there_is_no_button(ferry: Ferry, trouble: str):
    _, message = await refused(ferry, trouble)
    assert ("reply_markup" in message) == (trouble == "login")


async def test_a_group_sees_a_reaction_and_nothing_else(ferry: Ferry):
    await refused(ferry)
    crew = ferry.world.group(-1002)
    request = await ferry.say(VIDEO, chat=crew)
    assert crew.reactions[request["message_id"]] == "😢"
    assert [m for m in ferry.answers(crew) if "reply_markup" in m] == []


async def test_an_administrator_is_told_what_happened_inside(ferry: Ferry):
    _, message = await refused(ferry, BOT_ADMINS="1001, 7")
    assert message["text"].startswith(EN["platform_trouble"])
    assert "PlatformUnreachableError" in message["text"]
    assert "HTTP 503" in message["text"]
    bo = ferry.world.person(1002, "Bo")
    await ferry.say(VIDEO, bo)
    assert "Unreachable" not in ferry.texts(ferry.world.chats[1002])[-1]


async def test_of_a_bug_an_administrator_sees_the_place_and_no_values(
    ferry: Ferry, monkeypatch: pytest.MonkeyPatch
):
    async def broken(*_args: object) -> None:
        raise ZeroDivisionError("token <secret>")

    monkeypatch.setattr("services.downloads.Downloads._fetch", broken)
    ferry.video()
    await ferry.start(BOT_ADMINS="1001")
    await ferry.say("hello")
    await ferry.say(VIDEO)
    text = ferry.texts()[-1]
    assert "ZeroDivisionError" in text
    assert "downloads.py" in text
    assert "secret" not in text
