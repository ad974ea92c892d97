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
from tests.e2e.bot_harness import ID, VIDEO, BotHarness

EN = load_texts()["en"]
BUTTON = f"id/{ID}"


async def delivered(harness: BotHarness, **options: Any) -> Json:
    """Let the bot deliver a video; gives its message."""
    harness.video(**options)
    await harness.start()
    await harness.say(VIDEO)
    return harness.videos()[-1]


def sounds(harness: BotHarness) -> list[Json]:
    """List the sounds in Ada's chat."""
    return [m for m in harness.answers() if "audio" in m]


async def recorded() -> list[tuple[int, int]]:
    """List the sounds in the history."""
    from sqlalchemy import select

    async with await get_session() as db:
        return [(m.user_id, m.video_id) for m in await db.scalars(select(Music))]


async def test_the_sound_comes_with_title_performer_cover_and_signature(harness: BotHarness):
    message = await delivered(harness, sound_title="Harbour <bell>", likes=5)
    keyboard = message["reply_markup"]
    answer = await harness.press(message, BUTTON)
    assert "text" not in answer
    (sound,) = sounds(harness)
    audio = sound["audio"]
    assert (audio["title"], audio["performer"]) == ("Harbour <bell>", "ferry.demo")
    assert (audio["duration"], audio["file_name"]) == (3, f"{ID}.mp3")
    assert max(audio["thumbnail"]["width"], audio["thumbnail"]["height"]) == 320
    assert sound["caption"] == "@clipferry_demo_bot"
    assert sound["reply_to_message"]["message_id"] == message["message_id"]
    assert message["reply_markup"] == keyboard
    assert harness.home.reactions == {}
    assert await recorded() == [(1001, int(ID))]
    (call,) = harness.calls("sendAudio")
    assert call.params["disable_notification"] is False


async def test_while_it_runs_the_button_is_away_and_the_stats_stay(harness: BotHarness):
    message = await delivered(harness)
    harness.site.latency_s = 0.3
    stats, _ = message["reply_markup"]["inline_keyboard"]
    first = harness.world.press(harness.ada, message, BUTTON)
    await harness.until(lambda: harness.home.reactions)
    assert message["reply_markup"]["inline_keyboard"] == [stats]
    second = await harness.press(message, BUTTON)
    assert second["text"] == EN["already_running"]
    assert "text" not in harness.world.query_answers[first]
    assert len(sounds(harness)) == 1
    await harness.press(message, BUTTON)  # and once it is done, one may ask again
    assert len(sounds(harness)) == 2


@pytest.mark.parametrize("kind", ["mp4", "none", "text"])
async def test_what_is_behind_the_button_is_looked_at(
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


async def test_a_sound_that_the_site_does_not_give_is_taken_from_the_video(harness: BotHarness):
    message = await delivered(harness, sound=None, text="Dawn\nand dusk")
    await harness.press(message, BUTTON)
    audio = sounds(harness)[0]["audio"]
    assert (audio["title"], audio["performer"], audio["duration"]) == ("Dawn", "ferry.demo", 3)
    assert audio["file_name"] == f"{ID}.m4a"


async def test_a_silent_slideshow_has_no_button_and_another_has_one(harness: BotHarness):
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


async def test_in_a_group_it_is_silent_and_a_failure_is_a_reaction(harness: BotHarness):
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
async def test_a_forged_button_is_answered_and_fetches_nothing(harness: BotHarness, data: str):
    message = await delivered(harness)
    asked = len(harness.simulator.log)
    assert (await harness.press(message, data))["text"] == EN["button_expired"]
    assert len(harness.simulator.log) == asked


async def test_a_message_too_old_to_be_seen_gets_a_notice(harness: BotHarness):
    message = await delivered(harness)
    old = {"message_id": message["message_id"], "date": 0, "chat": message["chat"]}
    assert (await harness.press(old, BUTTON))["text"] == EN["button_expired"]


@pytest.mark.parametrize(
    "method", ["setMessageReaction", "editMessageReplyMarkup", "sendChatAction"]
)
async def test_decoration_that_fails_does_not_cost_the_sound(harness: BotHarness, method: str):
    message = await delivered(harness)
    harness.fail(method, "400", times=20)
    await harness.press(message, BUTTON)
    assert len(sounds(harness)) == 1
    harness.api.faults.clear()
    assert await recorded() == [(1001, int(ID))]


async def test_a_full_queue_says_so_and_the_button_stays(harness: BotHarness):
    harness.video()
    await harness.start(LIMITS_ACTIVE_REQUESTS="1", LIMITS_WAITING_REQUESTS="0")
    await harness.say(VIDEO)
    message = harness.videos()[-1]
    keyboard = message["reply_markup"]
    harness.site.latency_s = 0.4
    other = "7300000000000000002"
    harness.video(other)
    harness.world.say(harness.ada, VIDEO.replace(ID, other))
    await harness.until(lambda: harness.home.reactions)
    await harness.press(message, BUTTON)
    assert EN["busy"] in harness.texts()
    assert message["reply_markup"] == keyboard
    harness.site.latency_s = 0
    await harness.press(message, BUTTON)  # it may be pressed again
    assert len(sounds(harness)) == 1


async def test_who_blocks_the_bot_meanwhile_is_left_alone_and_the_press_ends(harness: BotHarness):
    message = await delivered(harness)
    harness.site.latency_s = 0.2
    harness.world.press(harness.ada, message, BUTTON)
    await harness.until(lambda: harness.home.reactions)
    harness.world.block(harness.ada)
    await harness.settled()
    harness.world.unblock(harness.ada)
    await harness.press(message, BUTTON)
    assert len(sounds(harness)) == 1
