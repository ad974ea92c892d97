"""Whatever the site serves, what arrives plays; whatever its size, it arrives or is honestly refused.

The simulator looks into every video that it is sent: one that phones would not play, that does not
start before it has loaded, or that is declared wrong is a violation and fails the journey.
"""

from pathlib import Path
from typing import Any

import pytest

from misc.texts import load_texts
from simulator.samples import VideoSpec
from simulator.sites.tiktok import Encoding
from simulator.telegram.world import Json
from tests.delivery.test_video import _turn
from tests.journeys.ferry import ID, VIDEO, Ferry

TEXTS = load_texts()
NOISE = VideoSpec(width=640, height=360, seconds=7, is_noise=True)


async def bring(ferry: Ferry, path: Path, codec: str = "h264", **environment: str) -> Json:
    """Put a file behind the link, send the link, and give the bot's last message."""
    if "TELEGRAM_LOCAL" in environment:
        ferry.api.upload_limit = 2_000_000_000
    ferry.video(encodings=(Encoding(path, codec=codec),))
    await ferry.start(**environment)
    await ferry.say("hello")
    await ferry.say(VIDEO)
    return ferry.answers()[-1]


async def test_what_plays_passes_untouched(ferry: Ferry):
    path = ferry.samples.video(VideoSpec())
    message = await bring(ferry, path)
    assert message["video"]["file_size"] == path.stat().st_size
    (stored,) = [f for f in ferry.api.files.by_id.values() if f.kind == "video"]
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
async def test_what_would_not_play_everywhere_is_made_to(ferry: Ferry, spec: VideoSpec, codec: str):
    message = await bring(ferry, ferry.samples.video(spec), codec)
    video = message["video"]
    assert (video["width"], video["height"], video["duration"]) == (576, 1024, 3)
    (stored,) = [f for f in ferry.api.files.by_id.values() if f.kind == "video"]
    assert (stored.codec, stored.has_sound) == ("h264", True)
    assert max(video["thumbnail"]["width"], video["thumbnail"]["height"]) <= 320


@pytest.mark.parametrize("codec", ["h264", "h265"])
async def test_a_turned_video_is_sent_as_it_is_shown(ferry: Ferry, tmp_path: Path, codec: str):
    encoder = {"h264": "libx264", "h265": "libx265"}[codec]
    spec = VideoSpec(width=854, height=480, encoder=encoder)
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(_turn(ferry.samples.video(spec).read_bytes()))
    message = await bring(ferry, turned, codec)
    assert (message["video"]["width"], message["video"]["height"]) == (480, 854)


async def test_a_silent_loop_is_an_animation(ferry: Ferry):
    message = await bring(ferry, ferry.samples.video(VideoSpec(has_sound=False)))
    assert message["animation"]["duration"] == 3
    assert message["caption"].startswith("Source")


async def test_a_moving_gif_is_an_animation_and_in_an_album_a_video(ferry: Ferry):
    gif = ferry.samples.gif(300, 200)
    ferry.video(pictures=(gif,))
    await ferry.start()
    await ferry.say("hello")
    await ferry.say(VIDEO)
    assert ferry.answers()[-1]["animation"]["width"] == 300
    other = "7300000000000000002"
    ferry.video(other, pictures=(gif, ferry.samples.picture(200, 300, "s")))
    await ferry.say(VIDEO.replace(ID, other))
    album = [m for m in ferry.answers() if "media_group_id" in m]
    assert [("video" in m, "photo" in m) for m in album] == [(True, False), (False, True)]


# --- the size ladder ----------------------------------------------------------------------------


async def test_too_large_a_video_is_encoded_smaller_once(ferry: Ferry):
    path = ferry.samples.video(NOISE)
    assert path.stat().st_size > 50_000_000
    message = await bring(ferry, path)
    assert message["video"]["file_size"] < 50_000_000
    assert (message["video"]["width"], message["video"]["duration"]) == (640, 7)
    assert len(ferry.calls("sendVideo")) == 1


async def test_ones_own_server_takes_it_as_large_as_it_is(ferry: Ferry):
    path = ferry.samples.video(VideoSpec(padded_bytes=60_000_000))
    message = await bring(ferry, path, TELEGRAM_LOCAL="true")
    assert message["video"]["file_size"] == 60_000_000


async def test_what_cannot_be_encoded_in_time_comes_in_numbered_parts_if_that_is_wanted(
    ferry: Ferry,
):
    await bring(ferry, ferry.samples.video(NOISE), LIMITS_ENCODE_S="1", LIMITS_SPLIT="true")
    videos = ferry.videos()
    assert [m["caption"] for m in videos] == ["1/2", "2/2"]
    assert all(m["video"]["file_size"] < 50_000_000 for m in videos)
    assert sum(m["video"]["duration"] for m in videos) in {7, 8}
    assert ferry.texts()[-1].startswith("Source")


async def test_what_cannot_be_made_to_fit_is_refused_with_its_size_and_its_source(ferry: Ferry):
    path = ferry.samples.video(NOISE)
    message = await bring(ferry, path, LIMITS_ENCODE_S="1")
    megabytes = -(-path.stat().st_size // 1_000_000)
    assert message["text"] == TEXTS("en", "too_large", size=megabytes, limit=50)
    ((button,),) = message["reply_markup"]["inline_keyboard"]
    assert button["url"] == VIDEO
    assert ferry.calls("sendVideo") == []


async def test_what_is_too_large_to_be_shrunk_is_not_even_fetched(ferry: Ferry):
    path = ferry.samples.video(VideoSpec(padded_bytes=60_000_000))
    message = await bring(ferry, path, LIMITS_SHRINK_MB="55")
    assert message["text"] == TEXTS("en", "too_large", size=60, limit=50)
    assert not [e for e in ferry.simulator.log if e.host.startswith("v16")]


async def test_a_file_mode_chat_gets_nothing_that_was_changed(ferry: Ferry):
    ferry.video(encodings=(Encoding(ferry.samples.video(VideoSpec(padded_bytes=60_000_000))),))
    await ferry.start()
    await ferry.say("/mode")
    await ferry.say(VIDEO)
    assert ferry.texts()[-1] == TEXTS("en", "too_large", size=60, limit=50)


@pytest.mark.parametrize(("quality", "width"), [("best", 1080), ("720p", 720), ("small", 288)])
async def test_a_chat_gets_the_quality_that_it_has_chosen(ferry: Ferry, quality: str, width: int):
    sizes = [(288, 512), (720, 1280), (1080, 1920)]
    encodings = tuple(
        Encoding(ferry.samples.video(VideoSpec(width=w, height=h, seconds=1)), width=w, height=h)
        for w, h in sizes
    )
    ferry.video(encodings=encodings, duration_s=1)
    await ferry.start()
    await ferry.say("/settings")
    await ferry.press(ferry.answers()[-1], f"set/quality/{quality}")
    await ferry.say(VIDEO)
    assert ferry.videos()[-1]["video"]["width"] == width


async def test_a_chat_that_wants_sound_gets_the_sound(ferry: Ferry):
    ferry.video()
    await ferry.start()
    await ferry.say("/settings")
    await ferry.press(ferry.answers()[-1], "set/quality/sound")
    await ferry.say(VIDEO)
    assert ferry.answers()[-1]["audio"]["title"] == "original sound"
    assert ferry.videos() == []


async def test_a_video_that_turns_out_too_long_is_refused(ferry: Ferry):
    """The page says nothing of its length, so it is found in the file."""
    ferry.video(duration_s=0)
    await ferry.start(LIMITS_MAX_DURATION_S="2")
    await ferry.say(VIDEO)
    assert ferry.texts()[-1] == TEXTS("en", "too_long", length="0:03", limit="0:02")


# --- slides as a video --------------------------------------------------------------------------


async def slideshow(ferry: Ferry, **options: Any) -> Json:
    pictures = tuple(ferry.samples.picture(1080, 1440, f"slide {n}") for n in range(3))
    ferry.video(pictures=pictures, **options)
    await ferry.start()
    await ferry.say("hello")
    await ferry.say(VIDEO)
    return ferry.answers()[-1]


async def test_slides_become_a_video_with_sound_on_demand(ferry: Ferry):
    below = await slideshow(ferry)
    await ferry.press(below, f"slides/tiktok/{ID}")
    video = ferry.videos()[-1]["video"]
    assert (video["width"], video["height"], video["duration"]) == (960, 1280, 8)
    (stored,) = [f for f in ferry.api.files.by_id.values() if f.kind == "video"]
    assert stored.has_sound
    assert "As a video" in str(below["reply_markup"])


async def test_slides_without_sound_offer_no_video(ferry: Ferry):
    below = await slideshow(ferry, sound=None)
    assert "slides/" not in str(below["reply_markup"])
    await ferry.press(below, f"slides/tiktok/{ID}")
    assert ferry.texts()[-1] == TEXTS["en"]["media_no_sound"]


@pytest.mark.parametrize(
    "data", ["slides/tiktok/", "slides/nowhere/1", "sound/tiktok/../x", "id/x"]
)
async def test_a_forged_button_is_too_old(ferry: Ferry, data: str):
    below = await slideshow(ferry)
    answer = await ferry.press(below, data)
    assert answer["text"] == TEXTS["en"]["button_expired"]
