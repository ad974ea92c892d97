"""YouTube, which an operator allows: shorts with their audio, in a quality, and pieces of them."""

import pytest

from simulator.samples import VideoSpec
from simulator.sites.youtube import Stream, YouTubeVideo
from simulator.telegram.world import Json
from tests.e2e.bot_harness import BotHarness

LINK = "https://youtube.com/shorts/DemoShort01?si=x"


async def test_a_short_comes_in_the_version_that_was_asked_for(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", "/nowhere")  # no JavaScript runtime
    small, large = VideoSpec(width=288, height=512, has_sound=False), VideoSpec(has_sound=False)
    audio = harness.samples.sound(encoder="aac", kind="mp4")
    harness.simulator.youtube.videos["DemoShort01"] = YouTubeVideo(
        (
            Stream(harness.samples.video(small), 134, size=(288, 512)),
            Stream(harness.samples.video(large), 136, size=(576, 1024)),
            Stream(audio, 140, 'audio/mp4; codecs="mp4a.40.2"'),
        )
    )
    await harness.start(SITES_ALLOWED="youtube")

    async def video(text: str) -> Json:
        await harness.say(text)
        answer: Json = harness.answers()[-1]["video"]
        return answer

    best = await video(LINK)
    assert (best["width"], best["height"], best["duration"]) == (576, 1024, 3)
    stored = harness.api.files.by_id[best["file_id"]]
    assert stored.has_sound
    assert (await video(f"{LINK} 480p"))["width"] == 288
    assert (await video(f"{LINK} 0:01-0:02"))["duration"] == 1
