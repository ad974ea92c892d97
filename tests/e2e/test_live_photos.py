"""Live photos arrive as such where the server takes them, else as a video beside the still."""

import pytest

from simulator.samples import VideoSpec
from simulator.sites.instagram import InstagramPost, Media
from tests.e2e.bot_harness import BotHarness
from tests.e2e.inline_harness import ON, InlineHarness
from tests.e2e.test_refusals import kinds

LINK = "https://www.instagram.com/p/DemoPhoto01/"


def add_post(harness: BotHarness, *live: bool, seconds: int = 3) -> None:
    """Put a post of pictures on Instagram, some of which are live photos."""
    video = harness.samples.video(VideoSpec(width=300, height=400, seconds=seconds))
    still = harness.samples.picture(300, 400, "live")
    media = [
        Media(video, is_video=True, still=still, width=300, height=400, changes={"media_type": 1})
        if is_live
        else Media(still, width=300, height=400)
        for is_live in live
    ]
    harness.instagram.add(InstagramPost("DemoPhoto01", tuple(media)))


async def ask(harness: BotHarness) -> list[str]:
    """Send the link and return what the bot's new messages contain."""
    before = len(harness.answers())
    await harness.say(LINK)
    return kinds(harness.answers()[before:])


async def begin(harness: BotHarness) -> None:
    await harness.start()
    await harness.say("/start")


async def test_a_live_photo_arrives_as_one(harness: BotHarness):
    add_post(harness, True)
    await begin(harness)
    assert await ask(harness) == ["live_photo"]
    message = harness.answers()[-1]
    assert message["caption"].startswith("ferry.demo · ")
    assert (message["live_photo"]["width"], message["live_photo"]["duration"]) == (300, 3)
    # The second time by its two file ids.
    uploads = sum(call.uploads != {} for call in harness.calls("sendLivePhoto"))
    assert await ask(harness) == ["live_photo"]
    assert uploads == sum(call.uploads != {} for call in harness.calls("sendLivePhoto")) == 1


async def test_live_photos_share_an_album_with_pictures(harness: BotHarness):
    add_post(harness, False, True, False, True)
    await begin(harness)
    expected = ["photo", "live_photo", "photo", "live_photo", "text"]
    assert [await ask(harness) for _ in range(2)] == [expected] * 2
    assert [call.uploads != {} for call in harness.calls("sendMediaGroup")] == [True, False]


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        ([True], ["photo", "video", "text"]),
        ([False, True, False], ["photo", "photo", "video", "photo", "text"]),
    ],
)
async def test_an_older_server_gets_the_video_beside_the_still(
    harness: BotHarness, live: list[bool], expected: list[str]
):
    add_post(harness, *live)
    harness.api.methods.takes_live_photos = False
    await begin(harness)
    assert [await ask(harness) for _ in range(2)] == [expected] * 2


async def test_a_long_video_is_sent_beside_its_still(harness: BotHarness):
    add_post(harness, True, seconds=11)
    await begin(harness)
    assert await ask(harness) == ["photo", "video", "text"]


async def test_without_its_video_a_live_photo_is_a_picture(harness: BotHarness):
    add_post(harness, True)
    harness.instagram.missing = frozenset({"video"})
    await begin(harness)
    assert await ask(harness) == ["photo"]


async def test_a_whole_file_is_the_still(harness: BotHarness):
    add_post(harness, True)
    await begin(harness)
    await harness.say("/mode")
    assert await ask(harness) == ["document"]


async def test_an_inline_message_shows_the_still(inline: InlineHarness):
    add_post(inline.harness, True)
    await inline.harness.start(**ON)
    await inline.harness.say("/start")
    await inline.type(LINK)
    message = await inline.send("fetch/post")
    assert kinds([message]) == ["photo"]
    (card, *_) = await inline.type(LINK)
    assert kinds([await inline.send(card["id"])]) == ["photo"]
