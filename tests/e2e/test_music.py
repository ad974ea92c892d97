"""Music: tracks as audio, services that allow no downloads, and videos that come in segments."""

import pytest

from core.choices import Piece
from core.facts import FileSize
from misc.ui.texts import load_texts
from simulator.samples import VideoSpec
from simulator.sites.music import Track
from simulator.sites.videos import Clip
from simulator.telegram.world import Json
from tests.e2e.bot_harness import BOTH_SOURCES, BotHarness
from tests.e2e.inline_harness import ON, InlineHarness

TEXTS = load_texts()
LINK = "https://soundcloud.com/ferry-demo/harbour-bell"
SPOTIFY = "https://open.spotify.com/track/4cOdK2wGLETKBW3PvgPWqT?si=x"


def add_track(harness: BotHarness, **options) -> Track:
    cover = harness.samples.picture(500, 500, "cover")
    track = Track(**{"path": harness.samples.sound(), "cover": cover, **options})
    harness.simulator.music.tracks["soundcloud/ferry-demo/harbour-bell"] = track
    return track


async def answer(harness: BotHarness, text: str) -> Json:
    """Return the last answer to a message."""
    await harness.say(text)
    return harness.answers()[-1]


@BOTH_SOURCES
async def test_a_track_comes_as_audio_with_title_performer_and_cover(harness: BotHarness):
    add_track(harness)
    await harness.start()
    message = await answer(harness, LINK)
    audio = message["audio"]
    assert (audio["title"], audio["performer"]) == ("Harbour bell", "Ferry Demo")
    assert (audio["duration"], audio["file_name"]) == (3, "ferry-demo_harbour-bell.mp3")
    assert audio["thumbnail"]["width"] == 320
    assert message["caption"] == "Ferry Demo · SoundCloud"
    buttons = str(message["reply_markup"])
    assert "👁 730" in buttons
    assert TEXTS["en"]["sound_button"] not in buttons
    # The second time it is sent by its id.
    asked = len(harness.simulator.log)
    again = await answer(harness, f"{LINK}?utm_source=x")
    assert again["audio"]["file_id"] == audio["file_id"]
    assert len(harness.simulator.log) == asked


async def test_a_track_in_segments_a_piece_of_it_and_a_file(harness: BotHarness):
    path = harness.samples.sound(encoder="aac", kind="mp4")
    add_track(harness, path=path, is_list=True)
    await harness.start()
    audio = (await answer(harness, LINK))["audio"]
    assert (audio["duration"], audio["file_name"]) == (3, "ferry-demo_harbour-bell.m4a")
    piece = (await answer(harness, f"{LINK} {Piece(1, 2)}"))["audio"]
    assert piece["duration"] == 1
    mp3 = (await answer(harness, f"{LINK} mp3"))["audio"]
    assert (mp3["file_name"], mp3["title"]) == ("ferry-demo_harbour-bell.mp3", "Harbour bell")
    await harness.say("/mode")
    document = (await answer(harness, LINK))["document"]
    assert document["file_name"] == "ferry-demo_harbour-bell.m4a"


async def test_a_track_that_is_too_large_is_called_a_track(harness: BotHarness):
    add_track(harness, path=harness.samples.video(VideoSpec(padded_bytes=60_000_000)))
    await harness.start()
    text = TEXTS("en", "track_too_large", limit=FileSize(50_000_000))
    assert (await answer(harness, LINK))["text"] == text


async def test_a_track_is_sent_in_inline_mode_first_new_then_by_its_id(inline: InlineHarness):
    add_track(inline.harness)
    await inline.harness.start(**ON)
    await inline.type(LINK)
    await inline.send("fetch/sound")
    await inline.type(LINK)
    message = await inline.send("fetch/post")
    assert message["audio"]["title"] == "Harbour bell"
    (card,) = await inline.type(LINK)
    assert card["type"] == "audio"
    assert (await inline.send(card["id"]))["audio"] == message["audio"]


async def test_a_preview_is_refused_with_its_reason(harness: BotHarness):
    add_track(harness, refusal="preview")
    await harness.start()
    assert (await answer(harness, LINK))["text"] == TEXTS["en"]["media_preview"]


@pytest.mark.parametrize("language", ["en", "ru", "ar"])
async def test_a_link_to_a_streaming_service_is_told_why(harness: BotHarness, language: str):
    await harness.start()
    await harness.say("/start", harness.world.person(1077, "Bo", language_code=language))
    chat = harness.world.chats[1077]
    await harness.say(SPOTIFY, harness.world.people[1077])
    assert harness.texts(chat)[-1] == TEXTS[language]["link_streaming"]
    assert harness.simulator.log == []


async def test_a_video_in_segments_plays_in_the_chat(harness: BotHarness):
    path = harness.samples.video(VideoSpec(container="ts"))
    harness.simulator.videos.clips["dailymotion/x9demo1"] = Clip(path)
    await harness.start()
    message = await answer(harness, "https://dai.ly/x9demo1")
    video = message["video"]
    assert (video["width"], video["height"], video["duration"]) == (576, 1024, 3)
    assert video["mime_type"] == "video/mp4"
    assert "Ferry Demo · Dailymotion" in message["caption"]
