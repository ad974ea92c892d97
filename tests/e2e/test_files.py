"""Whatever the site serves, what arrives plays; whatever its size, it arrives or is honestly refused.

The simulator looks into every video that it is sent: one that phones would not play, that does not
start before it has loaded, or that is declared wrong is a violation and fails the journey.
"""

from pathlib import Path
from typing import Any

import pytest

from misc.ui.texts import load_texts
from simulator.samples import VideoSpec
from simulator.sites.tiktok import Encoding
from simulator.telegram.world import Json
from tests.e2e.bot_harness import ID, VIDEO, BotHarness
from tests.media.test_video import _turn

TEXTS = load_texts()
NOISE = VideoSpec(width=640, height=360, seconds=7, is_noise=True)


async def bring(harness: BotHarness, path: Path, codec: str = "h264", **environment: str) -> Json:
    """Put a file behind the link, send the link, and give the bot's last message."""
    if "TELEGRAM_LOCAL" in environment:
        harness.api.upload_limit = 2_000_000_000
    harness.video(encodings=(Encoding(path, codec=codec),))
    await harness.start(**environment)
    await harness.say("hello")
    await harness.say(VIDEO)
    return harness.answers()[-1]


async def test_what_plays_passes_untouched(harness: BotHarness):
    path = harness.samples.video(VideoSpec())
    message = await bring(harness, path)
    assert message["video"]["file_size"] == path.stat().st_size
    (stored,) = [f for f in harness.api.files.by_id.values() if f.kind == "video"]
    assert stored.path.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("spec", "codec"),
    [
        (VideoSpec(encoder="libx265"), "h265"),
        (VideoSpec(encoder="libvpx-vp9", container="webm"), "vp9"),
        (VideoSpec(is_fast_start=False), "h264"),
        (VideoSpec(container="mkv"), "h264"),
        (VideoSpec(container="ts"), "h264"),
    ],
    ids=["h265", "vp9", "moov-at-end", "mkv", "ts"],
)
async def test_what_would_not_play_everywhere_is_made_to(
    harness: BotHarness, spec: VideoSpec, codec: str
):
    message = await bring(harness, harness.samples.video(spec), codec)
    video = message["video"]
    assert (video["width"], video["height"], video["duration"]) == (576, 1024, 3)
    (stored,) = [f for f in harness.api.files.by_id.values() if f.kind == "video"]
    assert (stored.codec, stored.has_sound) == ("h264", True)
    assert max(video["thumbnail"]["width"], video["thumbnail"]["height"]) <= 320


@pytest.mark.parametrize("codec", ["h264", "h265"])
async def test_a_turned_video_is_sent_as_it_is_shown(
    harness: BotHarness, tmp_path: Path, codec: str
):
    encoder = {"h264": "libx264", "h265": "libx265"}[codec]
    spec = VideoSpec(width=854, height=480, encoder=encoder)
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(_turn(harness.samples.video(spec).read_bytes()))
    message = await bring(harness, turned, codec)
    assert (message["video"]["width"], message["video"]["height"]) == (480, 854)


async def test_a_silent_loop_is_an_animation(harness: BotHarness):
    message = await bring(harness, harness.samples.video(VideoSpec(has_sound=False)))
    assert message["animation"]["duration"] == 3
    assert message["caption"].startswith("Source")


async def test_a_moving_gif_is_an_animation_and_in_an_album_a_video(harness: BotHarness):
    gif = harness.samples.gif(300, 200)
    harness.video(pictures=(gif,))
    await harness.start()
    await harness.say("hello")
    await harness.say(VIDEO)
    assert harness.answers()[-1]["animation"]["width"] == 300
    other = "7300000000000000002"
    harness.video(other, pictures=(gif, harness.samples.picture(200, 300, "s")))
    await harness.say(VIDEO.replace(ID, other))
    album = [m for m in harness.answers() if "media_group_id" in m]
    assert [("video" in m, "photo" in m) for m in album] == [(True, False), (False, True)]


# --- the size ladder ----------------------------------------------------------------------------


async def test_too_large_a_video_is_encoded_smaller_once(harness: BotHarness):
    path = harness.samples.video(NOISE)
    assert path.stat().st_size > 50_000_000
    message = await bring(harness, path)
    assert message["video"]["file_size"] < 50_000_000
    assert (message["video"]["width"], message["video"]["duration"]) == (640, 7)
    assert len(harness.calls("sendVideo")) == 1


async def test_ones_own_server_takes_it_as_large_as_it_is(harness: BotHarness):
    path = harness.samples.video(VideoSpec(padded_bytes=60_000_000))
    message = await bring(harness, path, TELEGRAM_LOCAL="true")
    assert message["video"]["file_size"] == 60_000_000


async def test_what_cannot_be_encoded_in_time_comes_in_numbered_parts_if_that_is_wanted(
    harness: BotHarness,
):
    await bring(harness, harness.samples.video(NOISE), LIMITS_ENCODE_S="1", LIMITS_SPLIT="true")
    videos = harness.videos()
    assert [m["caption"] for m in videos] == ["1/2", "2/2"]
    assert all(m["video"]["file_size"] < 50_000_000 for m in videos)
    assert sum(m["video"]["duration"] for m in videos) in {7, 8}
    assert harness.texts()[-1].startswith("Source")


async def test_what_cannot_be_made_to_fit_is_refused_with_its_size_and_its_source(
    harness: BotHarness,
):
    path = harness.samples.video(NOISE)
    message = await bring(harness, path, LIMITS_ENCODE_S="1")
    megabytes = -(-path.stat().st_size // 1_000_000)
    assert message["text"] == TEXTS("en", "too_large", size=megabytes, limit=50)
    ((button,),) = message["reply_markup"]["inline_keyboard"]
    assert button["url"] == VIDEO
    assert harness.calls("sendVideo") == []


async def test_what_is_too_large_to_be_shrunk_is_not_even_fetched(harness: BotHarness):
    path = harness.samples.video(VideoSpec(padded_bytes=60_000_000))
    message = await bring(harness, path, LIMITS_SHRINK_MB="55")
    assert message["text"] == TEXTS("en", "too_large", size=60, limit=50)
    assert not [e for e in harness.simulator.log if e.host.startswith("v16")]


async def test_a_file_mode_chat_gets_nothing_that_was_changed(harness: BotHarness):
    harness.video(encodings=(Encoding(harness.samples.video(VideoSpec(padded_bytes=60_000_000))),))
    await harness.start()
    await harness.say("/mode")
    await harness.say(VIDEO)
    assert harness.texts()[-1] == TEXTS("en", "too_large", size=60, limit=50)


@pytest.mark.parametrize(("quality", "width"), [("best", 1080), ("720p", 720), ("small", 288)])
async def test_a_chat_gets_the_quality_that_it_has_chosen(
    harness: BotHarness, quality: str, width: int
):
    sizes = [(288, 512), (720, 1280), (1080, 1920)]
    encodings = tuple(
        Encoding(harness.samples.video(VideoSpec(width=w, height=h, seconds=1)), width=w, height=h)
        for w, h in sizes
    )
    harness.video(encodings=encodings, duration_s=1)
    await harness.start()
    await harness.say("/settings")
    await harness.press(harness.answers()[-1], f"set/quality/{quality}")
    await harness.say(VIDEO)
    assert harness.videos()[-1]["video"]["width"] == width


async def test_a_chat_that_wants_sound_gets_the_sound(harness: BotHarness):
    harness.video()
    await harness.start()
    await harness.say("/settings")
    await harness.press(harness.answers()[-1], "set/quality/sound")
    await harness.say(VIDEO)
    assert harness.answers()[-1]["audio"]["title"] == "original sound"
    assert harness.videos() == []


async def test_a_video_that_turns_out_too_long_is_refused(harness: BotHarness):
    """The page says nothing of its length, so it is found in the file."""
    harness.video(duration_s=0)
    await harness.start(LIMITS_MAX_DURATION_S="2")
    await harness.say(VIDEO)
    assert harness.texts()[-1] == TEXTS("en", "too_long", length="0:03", limit="0:02")


# --- slides as a video --------------------------------------------------------------------------


async def slideshow(harness: BotHarness, **options: Any) -> Json:
    pictures = tuple(harness.samples.picture(1080, 1440, f"slide {n}") for n in range(3))
    harness.video(pictures=pictures, **options)
    await harness.start()
    await harness.say("hello")
    await harness.say(VIDEO)
    return harness.answers()[-1]


async def test_slides_become_a_video_with_sound_on_demand(harness: BotHarness):
    below = await slideshow(harness)
    await harness.press(below, f"slides/tiktok/{ID}")
    video = harness.videos()[-1]["video"]
    assert (video["width"], video["height"], video["duration"]) == (960, 1280, 8)
    (stored,) = [f for f in harness.api.files.by_id.values() if f.kind == "video"]
    assert stored.has_sound
    assert "As a video" in str(below["reply_markup"])


async def test_slides_without_sound_offer_no_video(harness: BotHarness):
    below = await slideshow(harness, sound=None)
    assert "slides/" not in str(below["reply_markup"])
    await harness.press(below, f"slides/tiktok/{ID}")
    assert harness.texts()[-1] == TEXTS["en"]["media_no_sound"]


@pytest.mark.parametrize(
    "data", ["slides/tiktok/", "slides/nowhere/1", "sound/tiktok/../x", "id/x"]
)
async def test_a_forged_button_is_too_old(harness: BotHarness, data: str):
    below = await slideshow(harness)
    answer = await harness.press(below, data)
    assert answer["text"] == TEXTS["en"]["button_expired"]
