"""Instagram links: every kind of post arrives complete and in order."""

import re
from pathlib import Path

import pytest
from PIL import Image

from data.db_service import get_user_stats
from misc.ui.texts import load_texts
from simulator.samples import VideoSpec
from simulator.sites.instagram import InstagramPost, Media
from simulator.telegram.world import Json
from tests.e2e.bot_harness import BotHarness

TEXTS = load_texts()
EN = TEXTS["en"]
CODE = "DemoPhoto01"
LINK = f"https://www.instagram.com/p/{CODE}/"


def photo(harness: BotHarness, width: int = 400) -> Media:
    return Media(harness.samples.picture(width, 500, "i"), width=width, height=500)


def video(harness: BotHarness) -> Media:
    still = harness.samples.picture(576, 1024, "still")
    return Media(harness.samples.video(VideoSpec()), is_video=True, still=still)


async def show(harness: BotHarness, *media: Media, link: str = LINK, **options) -> list[Json]:
    """Add a post, send its link and return the bot's new messages."""
    harness.instagram.add(InstagramPost(CODE, media=media, **options))
    await harness.say("hello")
    before = len(harness.answers())
    await harness.say(link)
    return harness.answers()[before:]


async def test_a_photo_post_is_sent_as_a_photo(harness: BotHarness):
    await harness.start()
    (message,) = await show(harness, photo(harness))
    assert message["photo"][0]["width"] == 400
    assert message["caption"] == "ferry.demo · Instagram"
    assert "❤️ 4.3K" in str(message["reply_markup"])
    assert await get_user_stats(1001) is not None


async def test_a_reel_has_its_measured_duration_and_a_sound_button(harness: BotHarness):
    await harness.start()
    (message,) = await show(
        harness, video(harness), link=f"https://www.instagram.com/reel/{CODE}/?igsh=x"
    )
    assert (message["video"]["width"], message["video"]["duration"]) == (576, 3)
    assert message["video"]["thumbnail"]["height"] == 320
    await harness.press(message, f"sound/instagram/{CODE}")
    assert harness.answers()[-1]["audio"]["file_name"] == f"{CODE}.m4a"


async def test_a_mixed_carousel_of_twelve_keeps_order_and_kinds(harness: BotHarness):
    await harness.start()
    media = [photo(harness, 400 + n) for n in range(12)]
    media[3] = media[10] = video(harness)
    *items, below = await show(harness, *media)
    kinds = ["video" if "video" in m else m["photo"][0]["width"] for m in items]
    assert kinds == [400, 401, 402, "video", 404, 405, 406, 407, 408, 409, "video", 411]
    assert len({m["media_group_id"] for m in items}) == 2
    assert all(
        m["video"]["duration"] == 3 and "thumbnail" in m["video"] for m in items if "video" in m
    )
    assert below["text"].startswith("ferry.demo · ")


async def test_in_file_mode_a_carousel_is_sent_as_documents(harness: BotHarness):
    await harness.start()
    await harness.say("/mode")
    harness.instagram.add(InstagramPost(CODE, media=(photo(harness), video(harness))))
    await harness.say(LINK)
    names = [m["document"]["file_name"] for m in harness.answers() if "document" in m]
    assert names == [f"{CODE}_1.jpg", f"{CODE}_2.mp4"]


async def test_a_group_gets_its_configured_number_of_items(harness: BotHarness):
    await harness.start()
    crew = harness.world.group(-1002)
    crew.members[1001] = "creator"
    harness.instagram.add(
        InstagramPost(CODE, media=tuple(photo(harness, 400 + n) for n in range(7)))
    )
    await harness.say("/settings", chat=crew)
    await harness.press(harness.answers(crew)[-1], "set/album_cap/5")
    await harness.say(LINK, chat=crew)
    assert len([m for m in harness.answers(crew) if "photo" in m]) == 5
    assert TEXTS("en", "album_cut", count=5, total=7) in harness.texts(crew)[-1]
    fetched = [e for e in harness.simulator.log if "cdninstagram" in e.host]
    assert len(fetched) == 5


async def test_heic_and_avif_pictures_are_converted(harness: BotHarness, tmp_path: Path):
    avif = tmp_path / "x.avif"
    Image.new("RGB", (300, 200), "green").save(avif, "AVIF")
    await harness.start()
    *items, _ = await show(harness, Media(harness.samples.heic(300, 400, "x")), Media(avif))
    assert [m["photo"][0]["width"] for m in items] == [300, 300]


async def test_a_story_without_an_account_is_answered_with_login_required(harness: BotHarness):
    await harness.start()
    await harness.say("hello")
    await harness.say("https://www.instagram.com/stories/ferry.demo/3700000000000000001/")
    assert harness.texts()[-1] == EN["media_login"]
    assert harness.simulator.log == []


async def test_a_story_is_sent_with_an_account(harness: BotHarness, tmp_path: Path):
    cookies = tmp_path / "cookies.txt"
    cookies.write_text(
        "# Netscape HTTP Cookie File\n"
        ".instagram.com\tTRUE\t/\tTRUE\t2147483647\tsessionid\tferry-session\n"
    )
    number = "3700000000000000001"
    harness.instagram.stories[number] = InstagramPost(number, media=(video(harness),))
    await harness.start(NETWORK_COOKIES_FILE=str(cookies))
    await harness.say("hello")
    await harness.say(f"https://www.instagram.com/stories/ferry.demo/{number}/")
    assert harness.answers()[-1]["video"]["duration"] == 3


async def test_stories_are_cut_for_a_group_and_a_button_fetches_the_remaining_ones(
    harness: BotHarness, tmp_path: Path
):
    cookies = tmp_path / "cookies.txt"
    cookies.write_text(
        "# Netscape HTTP Cookie File\n"
        ".instagram.com\tTRUE\t/\tTRUE\t2147483647\tsessionid\tferry-session\n"
    )
    numbers = [f"37000000000000000{n:02}" for n in range(5)]
    stories = {
        number: InstagramPost(f"DemoStory{n:02}", media=(photo(harness, 400 + n),))
        for n, number in enumerate(numbers)
    }
    harness.instagram.stories = dict(stories)
    await harness.start(NETWORK_COOKIES_FILE=str(cookies), LIMITS_GROUP_ITEMS="2")
    crew = harness.world.group(-1002)

    def widths() -> list[int]:
        return [m["photo"][0]["width"] for m in harness.answers(crew) if "photo" in m]

    await harness.say("https://www.instagram.com/stories/ferry.demo/", chat=crew)
    below = harness.answers(crew)[-1]
    assert TEXTS("en", "album_cut", count=2, total=5) in below["text"]
    button = below["reply_markup"]["inline_keyboard"][-1][0]
    assert button["text"] == TEXTS("en", "remaining_button", count=3)
    await harness.press(below, button["callback_data"])
    assert widths() == [400, 401, 402, 403]
    below = harness.answers(crew)[-1]
    assert TEXTS("en", "album_part", range="3–4", total=5) in below["text"]
    # Once a story has expired, the number of the last one is another.
    last = below["reply_markup"]["inline_keyboard"][-1][0]["callback_data"]
    del harness.instagram.stories[numbers[0]]
    await harness.press(below, last)
    assert widths() == [400, 401, 402, 403]
    harness.instagram.stories = dict(stories)
    await harness.press(below, last)
    assert widths() == [400, 401, 402, 403, 404]
    assert "reply_markup" not in harness.answers(crew)[-1]
    # What is there today is no longer there tomorrow, so it is read again.
    harness.instagram.stories = {numbers[4]: stories[numbers[4]]}
    await harness.say("https://www.instagram.com/stories/ferry.demo/", chat=crew)
    assert widths()[5:] == [404]


@pytest.mark.parametrize(
    ("trouble", "key", "can_retry"),
    [
        ("missing", "media_not_found", False),
        ("gated", "media_login", False),
        ("age", "media_age", False),
        ("throttled", "platform_slow_down", True),
        ("login", "platform_trouble", True),
    ],
)
async def test_each_refusal_has_its_own_text(
    harness: BotHarness, trouble: str, key: str, can_retry: bool
):
    await harness.start(LIMITS_ATTEMPTS="1")
    (message,) = await show(harness, photo(harness), trouble=trouble)
    assert message["text"] == EN[key]
    assert (EN["retry_button"] in str(message.get("reply_markup"))) == can_retry


async def test_an_unavailable_item_is_left_out_and_counted(harness: BotHarness):
    await harness.start(LIMITS_ATTEMPTS="2")
    still = video(harness)
    gone = Media(still.path, is_video=False)  # a video file declared as a picture
    *items, below = await show(harness, photo(harness), gone, photo(harness, 401))
    assert [m["photo"][0]["width"] for m in items] == [400, 401]
    assert TEXTS("en", "album_missing", count=1) in below["text"]


async def test_a_post_without_any_available_item_is_a_platform_error(harness: BotHarness):
    await harness.start(LIMITS_ATTEMPTS="2")
    (message,) = await show(harness, photo(harness), photo(harness, 401), file_trouble="truncated")
    assert message["text"] == EN["platform_trouble"]


async def test_only_instagram_hosts_are_requested(harness: BotHarness):
    await harness.start()
    await show(harness, photo(harness), video(harness))
    allowed = re.compile(r"(www\.instagram\.com|[\w-]+\.cdninstagram\.com)")
    assert all(allowed.fullmatch(entry.host) for entry in harness.simulator.log)
