"""The sound button under a post."""

from pathlib import Path
from typing import Any

import pytest

from data.database import get_session
from data.models import Music
from misc.texts import load_texts
from simulator.samples import VideoSpec
from simulator.sites.tiktok import Encoding
from simulator.telegram.world import Json
from tests.journeys.ferry import ID, VIDEO, Ferry

EN = load_texts()["en"]
BUTTON = f"id/{ID}"


async def delivered(ferry: Ferry, **options: Any) -> Json:
    """Let the bot deliver a video; gives its message."""
    ferry.video(**options)
    await ferry.start()
    await ferry.say(VIDEO)
    return ferry.videos()[-1]


def sounds(ferry: Ferry) -> list[Json]:
    """List the sounds in Ada's chat."""
    return [m for m in ferry.answers() if "audio" in m]


async def recorded() -> list[tuple[int, int]]:
    """List the sounds in the history."""
    from sqlalchemy import select

    async with await get_session() as db:
        return [(m.user_id, m.video_id) for m in await db.scalars(select(Music))]


async def test_the_sound_comes_with_title_performer_cover_and_signature(ferry: Ferry):
    message = await delivered(ferry, sound_title="Harbour <bell>", likes=5)
    keyboard = message["reply_markup"]
    answer = await ferry.press(message, BUTTON)
    assert "text" not in answer
    (sound,) = sounds(ferry)
    audio = sound["audio"]
    assert (audio["title"], audio["performer"]) == ("Harbour <bell>", "ferry.demo")
    assert (audio["duration"], audio["file_name"]) == (3, f"{ID}.mp3")
    assert max(audio["thumbnail"]["width"], audio["thumbnail"]["height"]) == 320
    assert sound["caption"] == "@clipferry_demo_bot"
    assert sound["reply_to_message"]["message_id"] == message["message_id"]
    assert message["reply_markup"] == keyboard
    assert ferry.home.reactions == {}
    assert await recorded() == [(1001, int(ID))]
    (call,) = ferry.calls("sendAudio")
    assert call.params["disable_notification"] is False


async def test_while_it_runs_the_button_is_away_and_the_stats_stay(ferry: Ferry):
    message = await delivered(ferry)
    ferry.site.latency_s = 0.3
    stats, _ = message["reply_markup"]["inline_keyboard"]
    first = ferry.world.press(ferry.ada, message, BUTTON)
    await ferry.until(lambda: ferry.home.reactions)
    assert message["reply_markup"]["inline_keyboard"] == [stats]
    second = await ferry.press(message, BUTTON)
    assert second["text"] == EN["already_running"]
    assert "text" not in ferry.world.query_answers[first]
    assert len(sounds(ferry)) == 1
    await ferry.press(message, BUTTON)  # and once it is done, one may ask again
    assert len(sounds(ferry)) == 2


@pytest.mark.parametrize("kind", ["mp4", "none", "text"])
async def test_what_is_behind_the_button_is_looked_at(ferry: Ferry, tmp_path: Path, kind: str):
    text = tmp_path / "text.mp3"
    text.write_text("no sound")
    files = {"mp4": ferry.samples.sound(2, "aac", "mp4"), "none": None, "text": text}
    ferry.video()
    await ferry.start()
    await ferry.say(VIDEO)
    message = ferry.videos()[-1]
    post = ferry.site.posts[ID]
    post.sound = files[kind]
    if kind == "none":
        post.encodings = (Encoding(ferry.samples.video(VideoSpec(has_sound=False))),)
    keyboard = message["reply_markup"]
    await ferry.press(message, BUTTON)
    if kind == "mp4":
        assert sounds(ferry)[0]["audio"]["file_name"] == f"{ID}.m4a"
        return
    assert sounds(ferry) == []
    assert ferry.texts()[-1] == EN["media_no_sound" if kind == "none" else "platform_trouble"]
    assert message["reply_markup"] == keyboard
    assert ferry.home.reactions == {message["message_id"]: "😢"}
    assert await recorded() == []


async def test_a_sound_that_the_site_does_not_give_is_taken_from_the_video(ferry: Ferry):
    message = await delivered(ferry, sound=None, text="Dawn\nand dusk")
    await ferry.press(message, BUTTON)
    audio = sounds(ferry)[0]["audio"]
    assert (audio["title"], audio["performer"], audio["duration"]) == ("Dawn", "ferry.demo", 3)
    assert audio["file_name"] == f"{ID}.m4a"


async def test_a_silent_slideshow_has_no_button_and_another_has_one(ferry: Ferry):
    ferry.video(pictures=(ferry.samples.picture(200, 300, "s"),), sound=None)
    await ferry.start()
    await ferry.say("hello")
    await ferry.say(VIDEO)
    assert len(ferry.answers()[-1]["reply_markup"]["inline_keyboard"]) == 1
    ferry.video(pictures=tuple(ferry.samples.picture(200 + n, 300, "s") for n in range(2)))
    await ferry.say(VIDEO)
    below = ferry.answers()[-1]
    await ferry.press(below, BUTTON)
    assert len(sounds(ferry)) == 1


async def test_in_a_group_it_is_silent_and_a_failure_is_a_reaction(ferry: Ferry):
    ferry.video()
    await ferry.start()
    crew = ferry.world.group(-1002)
    await ferry.say(VIDEO, chat=crew)
    message = ferry.videos(crew)[0]
    stranger = ferry.world.person(1002, "Bo")
    await ferry.press(message, BUTTON, stranger)
    (call,) = ferry.calls("sendAudio")
    assert call.params["disable_notification"] is True
    ferry.fail("sendAudio", "400")
    before = len(ferry.answers(crew))
    await ferry.press(message, BUTTON, stranger)
    assert len(ferry.answers(crew)) == before
    assert crew.reactions == {message["message_id"]: "😢"}


@pytest.mark.parametrize("data", ["id/", "id/12x", "id/../1", "id/-1"])
async def test_a_forged_button_is_answered_and_fetches_nothing(ferry: Ferry, data: str):
    message = await delivered(ferry)
    asked = len(ferry.simulator.log)
    assert (await ferry.press(message, data))["text"] == EN["button_expired"]
    assert len(ferry.simulator.log) == asked


async def test_a_message_too_old_to_be_seen_gets_a_notice(ferry: Ferry):
    message = await delivered(ferry)
    old = {"message_id": message["message_id"], "date": 0, "chat": message["chat"]}
    assert (await ferry.press(old, BUTTON))["text"] == EN["button_expired"]


@pytest.mark.parametrize(
    "method", ["setMessageReaction", "editMessageReplyMarkup", "sendChatAction"]
)
async def test_decoration_that_fails_does_not_cost_the_sound(ferry: Ferry, method: str):
    message = await delivered(ferry)
    ferry.fail(method, "400", times=20)
    await ferry.press(message, BUTTON)
    assert len(sounds(ferry)) == 1
    ferry.api.faults.clear()
    assert await recorded() == [(1001, int(ID))]


async def test_a_full_queue_says_so_and_the_button_stays(ferry: Ferry):
    ferry.video()
    await ferry.start(LIMITS_ACTIVE_REQUESTS="1", LIMITS_WAITING_REQUESTS="0")
    await ferry.say(VIDEO)
    message = ferry.videos()[-1]
    keyboard = message["reply_markup"]
    ferry.site.latency_s = 0.4
    other = "7300000000000000002"
    ferry.video(other)
    ferry.world.say(ferry.ada, VIDEO.replace(ID, other))
    await ferry.until(lambda: ferry.home.reactions)
    await ferry.press(message, BUTTON)
    assert EN["busy"] in ferry.texts()
    assert message["reply_markup"] == keyboard
    ferry.site.latency_s = 0
    await ferry.press(message, BUTTON)  # it may be pressed again
    assert len(sounds(ferry)) == 1


async def test_who_blocks_the_bot_meanwhile_is_left_alone_and_the_press_ends(ferry: Ferry):
    message = await delivered(ferry)
    ferry.site.latency_s = 0.2
    ferry.world.press(ferry.ada, message, BUTTON)
    await ferry.until(lambda: ferry.home.reactions)
    ferry.world.block(ferry.ada)
    await ferry.settled()
    ferry.world.unblock(ferry.ada)
    await ferry.press(message, BUTTON)
    assert len(sounds(ferry)) == 1
