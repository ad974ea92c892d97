"""Slideshows arrive complete and in order, within Telegram's limits."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from data.database import get_session
from data.db_service import get_user_stats
from data.models import Video
from misc.ui.texts import load_texts
from simulator.telegram.world import Json
from tests.e2e.bot_harness import ID, VIDEO, BotHarness

TEXTS = load_texts()
EN = TEXTS["en"]
PHOTO = VIDEO.replace("/video/", "/photo/")


def slides(harness: BotHarness, number: int) -> tuple[Path, ...]:
    """Create pictures with different widths."""
    return tuple(harness.samples.picture(200 + n, 300, "s") for n in range(number))


async def show(harness: BotHarness, number: int, **options: Any) -> Json:
    """Add a slideshow and send its link; return the message."""
    harness.video(pictures=options.pop("pictures", None) or slides(harness, number), **options)
    return await harness.say(PHOTO)


def albums(harness: BotHarness, messages: list[Json]) -> list[list[Json]]:
    """Group messages by their album."""
    groups: dict[str, list[Json]] = {}
    for message in messages:
        if "media_group_id" in message:
            groups.setdefault(message["media_group_id"], []).append(message)
    return list(groups.values())


@pytest.mark.parametrize(
    ("number", "sizes"), [(2, [2]), (10, [10]), (11, [6, 5]), (21, [7, 7, 7]), (35, [9, 9, 9, 8])]
)
async def test_all_pictures_arrive_in_order_with_caption_and_buttons_below(
    harness: BotHarness, number: int, sizes: list[int]
):
    await harness.start()
    await harness.say("hello")
    request = await show(harness, number)
    found = albums(harness, harness.answers())
    assert [len(album) for album in found] == sizes
    widths = [m["photo"][0]["width"] for album in found for m in album]
    assert widths == [200 + n for n in range(number)]
    replies = [m.get("reply_to_message", {}).get("message_id") for album in found for m in album]
    assert set(replies[: sizes[0]]) == {request["message_id"]}
    assert set(replies[sizes[0] :]) <= {None}
    below = harness.answers()[-1]
    assert below["text"] == "ferry.demo · TikTok"
    assert below["reply_to_message"]["message_id"] == found[-1][0]["message_id"]
    assert "❤️ 12.5K" in str(below["reply_markup"])
    assert all(c.params["disable_notification"] for c in harness.calls("sendMediaGroup"))
    assert harness.home.reactions == {}
    _, videos, images = await get_user_stats(1001)
    assert (videos, images) == (1, 1)


async def test_a_single_picture_is_a_photo_with_caption_and_buttons(harness: BotHarness):
    await harness.start()
    await harness.say("hello")
    await show(harness, 1)
    photo = harness.answers()[-1]
    assert photo["photo"][0]["width"] == 200
    assert photo["caption"].startswith("ferry.demo · ")
    assert "reply_markup" in photo
    assert harness.calls("sendMediaGroup") == []


async def test_a_group_gets_ten_pictures_and_a_note_if_more_exist(harness: BotHarness):
    await harness.start()
    crew = harness.world.group(-1002)
    harness.video(pictures=slides(harness, 21))
    harness.video("7300000000000000010", pictures=slides(harness, 10))
    await harness.say(PHOTO, chat=crew)
    await harness.say("https://www.tiktok.com/@a/photo/7300000000000000010", chat=crew)
    assert [len(album) for album in albums(harness, harness.answers(crew))] == [10, 10]
    cut, whole = (
        m["text"] for m in harness.answers(crew) if m.get("text", "").startswith("ferry.demo · ")
    )
    assert TEXTS("en", "album_cut", count=10, total=21) in cut
    assert "First" not in whole
    fetched = [e for e in harness.simulator.log if e.path.startswith(f"/picture/{ID}")]
    assert len(fetched) == 10  # cut before the download


async def test_a_group_limited_to_one_picture_gets_a_photo(harness: BotHarness):
    await harness.start(LIMITS_GROUP_ITEMS="1")
    crew = harness.world.group(-1002)
    harness.video(pictures=slides(harness, 5))
    await harness.say(PHOTO, chat=crew)
    assert TEXTS("en", "album_cut", count=1, total=5) in harness.answers(crew)[-1]["caption"]


@pytest.mark.parametrize("number", [1, 2, 10, 11, 21, 35])
@pytest.mark.parametrize("place", ["private", "group"])
async def test_in_file_mode_pictures_are_complete_in_private_and_limited_in_groups(
    harness: BotHarness, number: int, place: str
):
    await harness.start()
    chat = harness.home if place == "private" else harness.world.group(-1002)
    chat.members[1001] = "creator"
    await harness.say("/mode", chat=chat)
    harness.video(pictures=slides(harness, number))
    await harness.say(PHOTO, chat=chat)
    expected = number if place == "private" else min(number, 10)
    names = [m["document"]["file_name"] for m in harness.answers(chat) if "document" in m]
    stems = [f"{ID}_{n}" for n in range(1, expected + 1)] if number > 1 else [ID]
    assert names == [f"{stem}.jpg" for stem in stems]


@pytest.mark.parametrize("number", [1, 2, 10, 11, 35])
async def test_in_a_group_pictures_keep_their_order(harness: BotHarness, number: int):
    await harness.start()
    crew = harness.world.group(-1002)
    harness.video(pictures=slides(harness, number))
    await harness.say(PHOTO, chat=crew)
    widths = [m["photo"][0]["width"] for m in harness.answers(crew) if "photo" in m]
    assert widths == [200 + n for n in range(min(number, 10))]
    cut = TEXTS("en", "album_cut", count=10, total=number)
    assert (cut in harness.texts(crew)[-1]) == (number > 10)


async def test_a_small_spool_is_enough_for_a_large_slideshow_of_small_pictures(harness: BotHarness):
    await harness.start(FILES_SPOOL_MB="2")
    await harness.say("hello")
    await show(harness, 35)
    assert sum(len(album) for album in albums(harness, harness.answers())) == 35


async def test_in_file_mode_files_are_unchanged_with_correct_names(harness: BotHarness):
    await harness.start()
    await harness.say("/mode")
    heic = harness.samples.heic(300, 400, "x")
    jpeg = harness.samples.picture(200, 300, "x")
    await show(harness, 2, pictures=(heic, jpeg))
    (album,) = albums(harness, harness.answers())
    assert [m["document"]["file_name"] for m in album] == [f"{ID}_1.heic", f"{ID}_2.jpg"]
    assert [m["document"]["file_size"] for m in album] == [
        heic.stat().st_size,
        jpeg.stat().st_size,
    ]
    other = "7300000000000000002"
    harness.video(other, pictures=(heic,))
    await harness.say(PHOTO.replace(ID, other))
    assert harness.answers()[-1]["document"]["file_name"] == f"{other}.heic"


async def test_unsupported_picture_formats_are_converted_and_recorded(harness: BotHarness):
    avif = harness.folder / "x.avif"
    Image.new("RGB", (300, 200), "green").save(avif, "AVIF")
    long = harness.folder / "long.png"
    Image.new("RGB", (4_000, 60), "green").save(long)
    await harness.start()
    await harness.say("hello")
    await show(harness, 3, pictures=(harness.samples.heic(300, 400, "x"), avif, long))
    (album,) = albums(harness, harness.answers())
    sizes = [(m["photo"][0]["width"], m["photo"][0]["height"]) for m in album]
    assert sizes == [(300, 400), (300, 200), (4_000, 200)]
    async with await get_session() as db:
        row = await db.get_one(Video, 1)
    assert (row.is_images, row.is_processed) == (True, True)


async def test_pictures_with_an_unusable_colour_profile_arrive_untouched(harness: BotHarness):
    kinds = [("JPEG", "RGB"), ("PNG", "L"), ("JPEG", "L")]
    paths = []
    for number, (kind, mode) in enumerate(kinds):
        paths.append(harness.folder / f"profile-{number}")
        image = Image.new(mode, (200 + number, 300))
        image.save(paths[-1], kind, icc_profile=b"no profile" * 20)
    await harness.start()
    await harness.say("hello")
    await show(harness, 3, pictures=tuple(paths))
    (album,) = albums(harness, harness.answers())
    assert [m["photo"][0]["width"] for m in album] == [200, 201, 202]
    harness.video("7300000000000000002", pictures=(paths[0],))
    await harness.say(PHOTO.replace(ID, "7300000000000000002"))
    assert harness.answers()[-1]["photo"][0]["width"] == 200
    stored = [f.path.read_bytes() for f in harness.api.files.by_id.values() if f.kind == "photo"]
    assert stored == [path.read_bytes() for path in (*paths, paths[0])]


async def test_a_picture_of_several_views_is_a_photo(harness: BotHarness):
    """Phones add depth, or brightness for HDR screens, as a second picture."""
    views = harness.folder / "views.jpg"
    Image.new("RGB", (300, 200)).save(
        views, "MPO", save_all=True, append_images=[Image.new("RGB", (150, 100))]
    )
    await harness.start()
    await harness.say("hello")
    await show(harness, 1, pictures=(views,))
    assert harness.answers()[-1]["photo"][0]["width"] == 300


async def test_a_broken_picture_is_left_out_and_counted(harness: BotHarness):
    broken = harness.folder / "broken.heic"
    broken.write_bytes(b"\x00\x00\x00\x18ftypheic" + b"x" * 100)
    await harness.start()
    await harness.say("hello")
    await show(harness, 3, pictures=(*slides(harness, 2), broken))
    (album,) = albums(harness, harness.answers())
    assert len(album) == 2
    missing = TEXTS("en", "album_missing", count=1)
    assert harness.texts()[-1].startswith(f"ferry.demo · TikTok\n{missing}")
    await show(harness, 1, pictures=(broken,))
    assert harness.texts()[-1] == EN["media_broken"]


@pytest.mark.parametrize("trouble", ["truncated", "empty"])
async def test_an_incomplete_picture_download_is_a_platform_error(
    harness: BotHarness, trouble: str
):
    await harness.start(LIMITS_ATTEMPTS="2")
    await harness.say("hello")
    await show(harness, 3, file_trouble=trouble)
    assert harness.texts()[-1] == EN["platform_trouble"]
    assert harness.calls("sendMediaGroup") == []


@pytest.mark.parametrize("kind", ["cut", "lost"])
async def test_a_later_album_without_a_response_is_explained_and_not_repeated(
    harness: BotHarness, kind: str
):
    await harness.start()
    await harness.say("hello")
    methods = harness.api.methods
    send = type(methods).do_sendMediaGroup
    seen: list[object] = []

    class FailingMethods(type(methods)):  # type: ignore[misc]
        async def do_sendMediaGroup(self, params, uploads):
            seen.append(params)
            if len(seen) == 1:
                harness.fail("sendMediaGroup", kind)
            return await send(self, params, uploads)

    harness.api.methods = FailingMethods(methods.world, methods.files)
    request = await show(harness, 21)
    assert harness.texts()[-1] == EN["delivery_unknown"]
    assert len(harness.calls("sendMediaGroup")) == 3
    assert harness.home.reactions[request["message_id"]] == "😢"
    _, videos, _ = await get_user_stats(1001)
    assert videos == 0


async def test_a_failing_caption_after_the_albums_does_not_fail_the_request(harness: BotHarness):
    await harness.start()
    await harness.say("hello")
    harness.fail("sendMessage", "400")
    request = await show(harness, 4)
    assert len(albums(harness, harness.answers())[0]) == 4
    assert request["message_id"] not in harness.home.reactions
    _, videos, _ = await get_user_stats(1001)
    assert videos == 1
