"""The sound button under a post."""

from pathlib import Path
from typing import Any

import pytest

from data.database import get_session
from data.models import Music
from misc.ui.texts import load_texts
from simulator.samples import VideoSpec
from simulator.sites.tiktok import Encoding
from simulator.telegram.world import Json
from tests.e2e.bot_harness import BOTH_SOURCES, ID, VIDEO, BotHarness

EN = load_texts()["en"]
BUTTON = f"id/{ID}"


async def deliver_video(harness: BotHarness, **options: Any) -> Json:
    """Deliver a video post and return the bot's message."""
    harness.video(**options)
    await harness.start()
    await harness.say(VIDEO)
    return harness.videos()[-1]


def sounds(harness: BotHarness) -> list[Json]:
    """Return the audio messages in Ada's chat."""
    return [m for m in harness.answers() if "audio" in m]


async def recorded() -> list[tuple[int, int]]:
    """Return the chat id and post id of every recorded sound."""
    from sqlalchemy import select

    async with await get_session() as db:
        return [(m.user_id, m.video_id) for m in await db.scalars(select(Music))]


@BOTH_SOURCES
async def test_the_audio_has_title_performer_cover_and_signature(harness: BotHarness):
    message = await deliver_video(harness, sound_title="Harbour <bell>", likes=5)
    keyboard = message["reply_markup"]
    answer = await harness.press(message, BUTTON)
    assert "text" not in answer
    (sound,) = sounds(harness)
    audio = sound["audio"]
    assert (audio["title"], audio["performer"]) == ("Harbour <bell>", "ferry.demo")
    assert (audio["duration"], audio["file_name"]) == (3, f"{ID}.mp3")
    assert max(audio["thumbnail"]["width"], audio["thumbnail"]["height"]) == 320
    assert sound["caption"] == "ferry.demo · TikTok"
    assert sound["reply_to_message"]["message_id"] == message["message_id"]
    assert message["reply_markup"] == keyboard
    assert harness.home.reactions == {}
    assert await recorded() == [(1001, int(ID))]
    (call,) = harness.calls("sendAudio")
    assert call.params["disable_notification"] is False


async def test_the_button_disappears_while_the_request_runs(harness: BotHarness):
    message = await deliver_video(harness)
    harness.site.serves_files.clear()
    stats, _ = message["reply_markup"]["inline_keyboard"]
    first = harness.world.press(harness.ada, message, BUTTON)
    await harness.until(lambda: harness.home.reactions)
    assert message["reply_markup"]["inline_keyboard"] == [stats]
    second = harness.world.press(harness.ada, message, BUTTON)
    await harness.until(lambda: second in harness.world.query_answers)
    harness.site.serves_files.set()
    await harness.settled()
    assert harness.world.query_answers[second]["text"] == EN["already_running"]
    assert "text" not in harness.world.query_answers[first]
    assert len(sounds(harness)) == 1
    await harness.press(message, BUTTON)  # a finished request can be repeated
    assert len(sounds(harness)) == 2


async def test_a_second_button_that_is_pressed_meanwhile_brings_all_of_them_back(
    harness: BotHarness,
):
    """Telegram gives its press the keyboard that the message has then: without the row."""
    pictures = tuple(harness.samples.picture(200 + n, 300, "s") for n in range(2))
    harness.video(pictures=pictures)
    await harness.start()
    await harness.say("hello")
    await harness.say(VIDEO)
    message = harness.answers()[-1]
    stats, buttons = message["reply_markup"]["inline_keyboard"]
    harness.site.serves_files.clear()
    harness.world.press(harness.ada, message, BUTTON)
    await harness.until(lambda: message["reply_markup"]["inline_keyboard"] == [stats])
    second = harness.world.press(harness.ada, message, f"slides/tiktok/{ID}")
    await harness.until(lambda: second in harness.world.query_answers)
    harness.site.serves_files.set()
    await harness.settled()
    assert (len(sounds(harness)), len(harness.videos())) == (1, 1)
    assert message["reply_markup"]["inline_keyboard"] == [stats, buttons]


@pytest.mark.parametrize("kind", ["mp4", "none", "text"])
async def test_the_audio_file_is_checked_before_it_is_sent(
    harness: BotHarness, tmp_path: Path, kind: str
):
    text = tmp_path / "text.mp3"
    text.write_text("no sound")
    files = {"mp4": harness.samples.sound(2, "aac", "mp4"), "none": None, "text": text}
    harness.video()
    await harness.start()
    await harness.say(VIDEO)
    message = harness.videos()[-1]
    post = harness.site.posts[ID]
    post.sound = files[kind]
    if kind == "none":
        post.encodings = (Encoding(harness.samples.video(VideoSpec(has_sound=False))),)
    keyboard = message["reply_markup"]
    await harness.press(message, BUTTON)
    if kind == "mp4":
        assert sounds(harness)[0]["audio"]["file_name"] == f"{ID}.m4a"
        return
    assert sounds(harness) == []
    assert harness.texts()[-1] == EN["media_no_sound" if kind == "none" else "platform_trouble"]
    assert message["reply_markup"] == keyboard
    assert harness.home.reactions == {message["message_id"]: "😢"}
    assert await recorded() == []


async def test_a_sound_missing_from_the_page_is_extracted_from_the_video(harness: BotHarness):
    message = await deliver_video(harness, sound=None, text="Dawn\nand dusk")
    await harness.press(message, BUTTON)
    audio = sounds(harness)[0]["audio"]
    assert (audio["title"], audio["performer"], audio["duration"]) == ("Dawn", "ferry.demo", 3)
    assert audio["file_name"] == f"{ID}.m4a"


async def test_a_slideshow_has_a_sound_button_only_with_sound(harness: BotHarness):
    harness.video(pictures=(harness.samples.picture(200, 300, "s"),), sound=None)
    await harness.start()
    await harness.say("hello")
    await harness.say(VIDEO)
    assert len(harness.answers()[-1]["reply_markup"]["inline_keyboard"]) == 1
    harness.video(pictures=tuple(harness.samples.picture(200 + n, 300, "s") for n in range(2)))
    await harness.say(VIDEO)
    below = harness.answers()[-1]
    await harness.press(below, BUTTON)
    assert len(sounds(harness)) == 1


async def test_in_a_group_the_audio_is_silent_and_a_failure_is_a_reaction(harness: BotHarness):
    harness.video()
    await harness.start()
    crew = harness.world.group(-1002)
    await harness.say(VIDEO, chat=crew)
    message = harness.videos(crew)[0]
    stranger = harness.world.person(1002, "Bo")
    await harness.press(message, BUTTON, stranger)
    (call,) = harness.calls("sendAudio")
    assert call.params["disable_notification"] is True
    harness.fail("sendAudio", "400")
    before = len(harness.answers(crew))
    await harness.press(message, BUTTON, stranger)
    assert len(harness.answers(crew)) == before
    assert crew.reactions == {message["message_id"]: "😢"}


@pytest.mark.parametrize("data", ["id/", "id/12x", "id/../1", "id/-1"])
async def test_a_forged_button_is_answered_and_downloads_nothing(harness: BotHarness, data: str):
    message = await deliver_video(harness)
    asked = len(harness.simulator.log)
    assert (await harness.press(message, data))["text"] == EN["button_expired"]
    assert len(harness.simulator.log) == asked


async def test_a_button_of_an_inaccessible_message_is_expired(harness: BotHarness):
    message = await deliver_video(harness)
    old = {"message_id": message["message_id"], "date": 0, "chat": message["chat"]}
    assert (await harness.press(old, BUTTON))["text"] == EN["button_expired"]


@pytest.mark.parametrize(
    "method", ["setMessageReaction", "editMessageReplyMarkup", "sendChatAction"]
)
async def test_a_failing_reaction_or_chat_action_does_not_stop_the_delivery(
    harness: BotHarness, method: str
):
    message = await deliver_video(harness)
    harness.fail(method, "400", times=20)
    await harness.press(message, BUTTON)
    assert len(sounds(harness)) == 1
    harness.api.faults.clear()
    assert await recorded() == [(1001, int(ID))]


async def test_a_full_queue_is_reported_and_the_button_stays(harness: BotHarness):
    harness.video()
    await harness.start(LIMITS_ACTIVE_REQUESTS="1", LIMITS_WAITING_REQUESTS="0")
    await harness.say(VIDEO)
    message = harness.videos()[-1]
    keyboard = message["reply_markup"]
    harness.site.serves_files.clear()
    other = "7300000000000000002"
    harness.video(other)
    harness.world.say(harness.ada, VIDEO.replace(ID, other))
    await harness.until(lambda: harness.home.reactions)
    harness.world.press(harness.ada, message, BUTTON)
    await harness.until(lambda: EN["busy"] in harness.texts())
    await harness.until(lambda: message["reply_markup"] == keyboard)
    harness.site.serves_files.set()
    await harness.settled()
    await harness.press(message, BUTTON)  # the button works again
    assert len(sounds(harness)) == 1


async def test_a_user_who_blocks_the_bot_during_the_request_can_press_again_later(
    harness: BotHarness,
):
    message = await deliver_video(harness)
    harness.site.serves_files.clear()
    harness.world.press(harness.ada, message, BUTTON)
    await harness.until(lambda: harness.home.reactions)
    harness.world.block(harness.ada)
    harness.site.serves_files.set()
    await harness.settled()
    harness.world.unblock(harness.ada)
    await harness.press(message, BUTTON)
    assert len(sounds(harness)) == 1
