"""Every delivered video plays, and a file that is too large is shrunk, split or refused.

The simulator checks every uploaded video. A video that phones cannot play, that cannot be streamed,
or whose declared size is wrong is a violation and fails the test.
"""

from math import ceil
from pathlib import Path
from typing import Any

import pytest

from core.facts import FileSize
from misc.ui.texts import load_texts
from simulator.samples import VideoSpec
from simulator.sites.tiktok import Encoding
from simulator.telegram.world import Json
from tests.e2e.bot_harness import ID, VIDEO, BotHarness
from tests.media.corpus import VIDEOS
from tests.media.test_video import turn

TEXTS = load_texts()
LIMIT = FileSize(50_000_000)
NOISE = VideoSpec(width=640, height=360, seconds=7, is_noise=True)


async def deliver_file(
    harness: BotHarness, path: Path, codec: str = "h264", **environment: str
) -> Json:
    """Serve the file as TikTok's video, send the link and return the bot's last message."""
    if "TELEGRAM_LOCAL" in environment:
        harness.api.upload_limit = 2_000_000_000
    harness.video(encodings=(Encoding(path, codec=codec),))
    await harness.start(**environment)
    await harness.say("hello")
    await harness.say(VIDEO)
    return harness.answers()[-1]


async def test_a_playable_video_is_sent_unchanged(harness: BotHarness):
    path = harness.samples.video(VideoSpec())
    message = await deliver_file(harness, path)
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
async def test_an_unplayable_video_is_converted(harness: BotHarness, spec: VideoSpec, codec: str):
    message = await deliver_file(harness, harness.samples.video(spec), codec)
    video = message["video"]
    assert (video["width"], video["height"], video["duration"]) == (576, 1024, 3)
    (stored,) = [f for f in harness.api.files.by_id.values() if f.kind == "video"]
    assert (stored.codec, stored.has_sound) == ("h264", True)
    assert max(video["thumbnail"]["width"], video["thumbnail"]["height"]) <= 320


@pytest.mark.parametrize("codec", ["h264", "h265"])
async def test_a_rotated_video_is_sent_with_its_displayed_size(
    harness: BotHarness, tmp_path: Path, codec: str
):
    encoder = {"h264": "libx264", "h265": "libx265"}[codec]
    spec = VideoSpec(width=854, height=480, encoder=encoder)
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(turn(harness.samples.video(spec).read_bytes()))
    message = await deliver_file(harness, turned, codec)
    assert (message["video"]["width"], message["video"]["height"]) == (480, 854)


async def test_a_silent_video_is_sent_as_an_animation(harness: BotHarness):
    message = await deliver_file(harness, harness.samples.video(VideoSpec(has_sound=False)))
    assert message["animation"]["duration"] == 3
    assert message["caption"].startswith("ferry.demo · ")


async def test_an_animated_gif_is_an_animation_alone_and_a_video_in_an_album(harness: BotHarness):
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


async def test_a_video_without_pictures_is_sent_as_audio(harness: BotHarness):
    message = await deliver_file(harness, harness.samples.sound(3, "aac", "mp4"))
    assert message["audio"]["duration"] == 3
    assert message["caption"].startswith("ferry.demo · ")
    assert harness.videos() == []


@pytest.mark.parametrize(
    ("name", "codec"), [("wide pixels", "h264"), ("on its side with wide pixels", "h265")]
)
async def test_a_video_of_wide_pixels_is_sent_with_its_displayed_size(
    harness: BotHarness, tmp_path: Path, name: str, codec: str
):
    video = next(video for video in VIDEOS if video.name == name)
    video.make(tmp_path / "wide.mp4")
    message = await deliver_file(harness, tmp_path / "wide.mp4", codec)
    size = (message["video"]["width"], message["video"]["height"])
    assert all(abs(a - b) <= 2 for a, b in zip(size, video.shown, strict=True))


async def test_a_file_with_audio_only_is_sent_as_audio(harness: BotHarness):
    message = await deliver_file(harness, harness.samples.sound())
    assert (message["audio"]["title"], message["audio"]["duration"]) == (ID, 3)
    assert message["caption"].startswith("ferry.demo · ")


async def test_half_a_file_without_a_length_is_never_sent(harness: BotHarness):
    harness.video(file_trouble="half")
    await harness.start()
    await harness.say("hello")
    await harness.say(VIDEO)
    assert harness.texts()[-1] == TEXTS["en"]["platform_trouble"]
    assert harness.calls("sendVideo") == []


# --- size limits ----------------------------------------------------------------------------------


async def test_a_video_over_the_limit_is_encoded_smaller_once(harness: BotHarness):
    path = harness.samples.video(NOISE)
    assert path.stat().st_size > 50_000_000
    message = await deliver_file(harness, path)
    assert message["video"]["file_size"] < 50_000_000
    assert (message["video"]["width"], message["video"]["duration"]) == (640, 7)
    assert len(harness.calls("sendVideo")) == 1


async def test_a_local_bot_api_server_gets_the_full_size(harness: BotHarness):
    path = harness.samples.video(VideoSpec(padded_bytes=60_000_000))
    message = await deliver_file(harness, path, TELEGRAM_LOCAL="true")
    assert message["video"]["file_size"] == 60_000_000


async def test_a_video_that_encodes_too_slowly_is_split_if_enabled(
    harness: BotHarness,
):
    await deliver_file(
        harness, harness.samples.video(NOISE), LIMITS_ENCODE_S="1", LIMITS_SPLIT="true"
    )
    videos = harness.videos()
    assert [m["caption"] for m in videos] == ["1/2", "2/2"]
    assert all(m["video"]["file_size"] < 50_000_000 for m in videos)
    assert sum(m["video"]["duration"] for m in videos) in {7, 8}
    assert harness.texts()[-1].startswith("ferry.demo · ")


async def test_a_video_that_cannot_be_shrunk_is_refused_with_size_and_source(
    harness: BotHarness,
):
    path = harness.samples.video(NOISE)
    message = await deliver_file(harness, path, LIMITS_ENCODE_S="1")
    size = FileSize(path.stat().st_size, ceil)
    assert message["text"] == TEXTS("en", "too_large", size=size, limit=LIMIT)
    ((button,),) = message["reply_markup"]["inline_keyboard"]
    assert button["url"] == VIDEO
    assert harness.calls("sendVideo") == []


async def test_a_video_above_the_shrink_limit_is_not_downloaded(harness: BotHarness):
    path = harness.samples.video(VideoSpec(padded_bytes=60_000_000))
    message = await deliver_file(harness, path, LIMITS_SHRINK_MB="55")
    assert message["text"] == TEXTS("en", "too_large", size=FileSize(60_000_000), limit=LIMIT)
    assert not [e for e in harness.simulator.log if e.host.startswith("v16")]


async def test_a_video_of_unknown_size_is_said_to_be_over_the_limit(harness: BotHarness):
    path = harness.samples.video(VideoSpec(padded_bytes=60_000_000))
    harness.video(encodings=(Encoding(path, stated_bytes=None),), file_trouble="chunked")
    await harness.start(LIMITS_SHRINK_MB="50")
    await harness.say(VIDEO)
    assert harness.texts()[-1] == TEXTS("en", "too_large_unknown", limit=LIMIT)


async def test_file_mode_refuses_a_file_over_the_limit(harness: BotHarness):
    harness.video(encodings=(Encoding(harness.samples.video(VideoSpec(padded_bytes=60_000_000))),))
    await harness.start()
    await harness.say("/mode")
    await harness.say(VIDEO)
    assert harness.texts()[-1] == TEXTS("en", "too_large", size=FileSize(60_000_000), limit=LIMIT)


@pytest.mark.parametrize(("quality", "width"), [("best", 1080), ("720p", 720), ("small", 288)])
async def test_a_chat_gets_its_chosen_quality(harness: BotHarness, quality: str, width: int):
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


async def test_a_chat_that_chose_sound_gets_audio(harness: BotHarness):
    harness.video()
    await harness.start()
    await harness.say("/settings")
    await harness.press(harness.answers()[-1], "set/quality/sound")
    await harness.say(VIDEO)
    assert harness.answers()[-1]["audio"]["title"] == "original sound"
    assert harness.videos() == []


async def test_a_video_longer_than_declared_is_refused(harness: BotHarness):
    """The page has no duration, so it is measured in the file."""
    harness.video(duration_s=0)
    await harness.start(LIMITS_MAX_DURATION_S="2")
    await harness.say(VIDEO)
    assert harness.texts()[-1] == TEXTS("en", "too_long", length="0:03", limit="0:02")


# --- slideshows as a video ------------------------------------------------------------------------


async def slideshow(harness: BotHarness, **options: Any) -> Json:
    pictures = tuple(harness.samples.picture(1080, 1440, f"slide {n}") for n in range(3))
    harness.video(pictures=pictures, **options)
    await harness.start()
    await harness.say("hello")
    await harness.say(VIDEO)
    return harness.answers()[-1]


async def test_a_slideshow_is_sent_as_a_video_with_sound_on_request(harness: BotHarness):
    below = await slideshow(harness)
    await harness.press(below, f"slides/tiktok/{ID}")
    video = harness.videos()[-1]["video"]
    assert (video["width"], video["height"], video["duration"]) == (960, 1280, 8)
    (stored,) = [f for f in harness.api.files.by_id.values() if f.kind == "video"]
    assert stored.has_sound
    assert "As a video" in str(below["reply_markup"])


async def test_a_slideshow_without_sound_has_no_video_button(harness: BotHarness):
    below = await slideshow(harness, sound=None)
    assert "slides/" not in str(below["reply_markup"])
    await harness.press(below, f"slides/tiktok/{ID}")
    assert harness.texts()[-1] == TEXTS["en"]["media_no_sound"]


@pytest.mark.parametrize(
    "data", ["slides/tiktok/", "slides/nowhere/1", "sound/tiktok/../x", "id/x"]
)
async def test_a_forged_button_is_expired(harness: BotHarness, data: str):
    below = await slideshow(harness)
    answer = await harness.press(below, data)
    assert answer["text"] == TEXTS["en"]["button_expired"]
