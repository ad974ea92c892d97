"""A slideshow arrives whole and in order, as Telegram allows it."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from data.database import get_session
from data.db_service import get_user_stats
from data.models import Video
from misc.texts import load_texts
from simulator.telegram.world import Json
from tests.journeys.ferry import ID, VIDEO, Ferry

EN = load_texts()["en"]
PHOTO = VIDEO.replace("/video/", "/photo/")


def slides(ferry: Ferry, number: int) -> tuple[Path, ...]:
    """Make pictures that can be told apart by their width."""
    return tuple(ferry.samples.picture(200 + n, 300, "s") for n in range(number))


async def show(ferry: Ferry, number: int, **options: Any) -> Json:
    """Put a slideshow on the site and send its link."""
    ferry.video(pictures=options.pop("pictures", None) or slides(ferry, number), **options)
    return await ferry.say(PHOTO)


def albums(ferry: Ferry, messages: list[Json]) -> list[list[Json]]:
    """Sort messages into their albums."""
    groups: dict[str, list[Json]] = {}
    for message in messages:
        if "media_group_id" in message:
            groups.setdefault(message["media_group_id"], []).append(message)
    return list(groups.values())


@pytest.mark.parametrize(
    ("number", "sizes"), [(2, [2]), (10, [10]), (11, [6, 5]), (21, [7, 7, 7]), (35, [9, 9, 9, 8])]
)
async def test_all_pictures_come_in_order_with_caption_and_buttons_below(
    ferry: Ferry, number: int, sizes: list[int]
):
    await ferry.start()
    await ferry.say("hello")
    request = await show(ferry, number)
    found = albums(ferry, ferry.answers())
    assert [len(album) for album in found] == sizes
    widths = [m["photo"][0]["width"] for album in found for m in album]
    assert widths == [200 + n for n in range(number)]
    replies = [m.get("reply_to_message", {}).get("message_id") for album in found for m in album]
    assert set(replies[: sizes[0]]) == {request["message_id"]}
    assert set(replies[sizes[0] :]) <= {None}
    below = ferry.answers()[-1]
    assert below["text"] == "Source\n\n@clipferry_demo_bot"
    assert below["reply_to_message"]["message_id"] == found[-1][0]["message_id"]
    assert "❤️ 12.5K" in str(below["reply_markup"])
    assert all(c.params["disable_notification"] for c in ferry.calls("sendMediaGroup"))
    assert ferry.home.reactions == {}
    _, videos, images = await get_user_stats(1001)
    assert (videos, images) == (1, 1)


async def test_a_single_picture_is_a_photo_with_caption_and_buttons(ferry: Ferry):
    await ferry.start()
    await ferry.say("hello")
    await show(ferry, 1)
    photo = ferry.answers()[-1]
    assert photo["photo"][0]["width"] == 200
    assert photo["caption"].startswith("Source")
    assert "reply_markup" in photo
    assert ferry.calls("sendMediaGroup") == []


async def test_a_group_gets_ten_and_is_told_only_if_something_was_cut(ferry: Ferry):
    await ferry.start()
    crew = ferry.world.group(-1002)
    ferry.video(pictures=slides(ferry, 21))
    ferry.video("7300000000000000010", pictures=slides(ferry, 10))
    await ferry.say(PHOTO, chat=crew)
    await ferry.say("https://www.tiktok.com/@a/photo/7300000000000000010", chat=crew)
    assert [len(album) for album in albums(ferry, ferry.answers(crew))] == [10, 10]
    cut, whole = (m["text"] for m in ferry.answers(crew) if m.get("text", "").startswith("Source"))
    assert "The first 10 of 21" in cut
    assert "first" not in whole
    fetched = [e for e in ferry.simulator.log if e.path.startswith(f"/picture/{ID}")]
    assert len(fetched) == 10  # cut before the download


async def test_a_group_of_one_picture_gets_a_photo(ferry: Ferry):
    await ferry.start(LIMITS_GROUP_ITEMS="1")
    crew = ferry.world.group(-1002)
    ferry.video(pictures=slides(ferry, 5))
    await ferry.say(PHOTO, chat=crew)
    assert "The first 1 of 5" in ferry.answers(crew)[-1]["caption"]


@pytest.mark.parametrize("number", [1, 2, 10, 11, 21, 35])
@pytest.mark.parametrize("place", ["private", "group"])
async def test_in_file_mode_every_number_comes_whole_in_private_and_cut_in_groups(
    ferry: Ferry, number: int, place: str
):
    await ferry.start()
    chat = ferry.home if place == "private" else ferry.world.group(-1002)
    chat.members[1001] = "creator"
    await ferry.say("/mode", chat=chat)
    ferry.video(pictures=slides(ferry, number))
    await ferry.say(PHOTO, chat=chat)
    expected = number if place == "private" else min(number, 10)
    names = [m["document"]["file_name"] for m in ferry.answers(chat) if "document" in m]
    stems = [f"{ID}_{n}" for n in range(1, expected + 1)] if number > 1 else [ID]
    assert names == [f"{stem}.jpg" for stem in stems]


@pytest.mark.parametrize("number", [1, 2, 10, 11, 35])
async def test_in_a_group_every_number_comes_in_order(ferry: Ferry, number: int):
    await ferry.start()
    crew = ferry.world.group(-1002)
    ferry.video(pictures=slides(ferry, number))
    await ferry.say(PHOTO, chat=crew)
    widths = [m["photo"][0]["width"] for m in ferry.answers(crew) if "photo" in m]
    assert widths == [200 + n for n in range(min(number, 10))]
    assert ("The first 10 of" in ferry.texts(crew)[-1]) == (number > 10)


async def test_a_small_spool_holds_a_large_slideshow_of_small_pictures(ferry: Ferry):
    await ferry.start(FILES_SPOOL_MB="2")
    await ferry.say("hello")
    await show(ferry, 35)
    assert sum(len(album) for album in albums(ferry, ferry.answers())) == 35


async def test_in_file_mode_the_files_come_untouched_under_their_true_names(ferry: Ferry):
    await ferry.start()
    await ferry.say("/mode")
    heic = ferry.samples.heic(300, 400, "x")
    jpeg = ferry.samples.picture(200, 300, "x")
    await show(ferry, 2, pictures=(heic, jpeg))
    (album,) = albums(ferry, ferry.answers())
    assert [m["document"]["file_name"] for m in album] == [f"{ID}_1.heic", f"{ID}_2.jpg"]
    assert [m["document"]["file_size"] for m in album] == [
        heic.stat().st_size,
        jpeg.stat().st_size,
    ]
    other = "7300000000000000002"
    ferry.video(other, pictures=(heic,))
    await ferry.say(PHOTO.replace(ID, other))
    assert ferry.answers()[-1]["document"]["file_name"] == f"{other}.heic"


async def test_what_telegram_does_not_take_is_converted_and_recorded(ferry: Ferry):
    avif = ferry.folder / "x.avif"
    Image.new("RGB", (300, 200), "green").save(avif, "AVIF")
    long = ferry.folder / "long.png"
    Image.new("RGB", (4_000, 60), "green").save(long)
    await ferry.start()
    await ferry.say("hello")
    await show(ferry, 3, pictures=(ferry.samples.heic(300, 400, "x"), avif, long))
    (album,) = albums(ferry, ferry.answers())
    sizes = [(m["photo"][0]["width"], m["photo"][0]["height"]) for m in album]
    assert sizes == [(300, 400), (300, 200), (4_000, 200)]
    async with await get_session() as db:
        row = await db.get_one(Video, 1)
    assert (row.is_images, row.is_processed) == (True, True)


async def test_a_broken_picture_is_left_out_and_that_is_said(ferry: Ferry):
    broken = ferry.folder / "broken.heic"
    broken.write_bytes(b"\x00\x00\x00\x18ftypheic" + b"x" * 100)
    await ferry.start()
    await ferry.say("hello")
    await show(ferry, 3, pictures=(*slides(ferry, 2), broken))
    (album,) = albums(ferry, ferry.answers())
    assert len(album) == 2
    assert ferry.texts()[-1].startswith("Source\n1 more could not be fetched")
    await show(ferry, 1, pictures=(broken,))
    assert ferry.texts()[-1] == EN["media_broken"]


@pytest.mark.parametrize("trouble", ["truncated", "empty"])
async def test_a_picture_that_does_not_come_whole_is_trouble_of_the_site(
    ferry: Ferry, trouble: str
):
    await ferry.start(LIMITS_ATTEMPTS="2")
    await ferry.say("hello")
    await show(ferry, 3, file_trouble=trouble)
    assert ferry.texts()[-1] == EN["platform_trouble"]
    assert ferry.calls("sendMediaGroup") == []


@pytest.mark.parametrize("kind", ["400", "lost"])
async def test_when_a_later_album_fails_it_is_a_part_and_is_not_repeated(ferry: Ferry, kind: str):
    await ferry.start()
    await ferry.say("hello")
    methods = ferry.api.methods
    send = type(methods).do_sendMediaGroup
    seen: list[object] = []

    class Second(type(methods)):  # type: ignore[misc]
        async def do_sendMediaGroup(self, params, uploads):
            seen.append(params)
            if len(seen) == 1:
                ferry.fail("sendMediaGroup", kind)
            return await send(self, params, uploads)

    ferry.api.methods = Second(methods.world, methods.files)
    request = await show(ferry, 21)
    assert ferry.texts()[-1] == load_texts()("en", "delivery_partial", sent=7, total=21)
    assert len(ferry.calls("sendMediaGroup")) == 2
    assert ferry.home.reactions[request["message_id"]] == "😢"
    _, videos, _ = await get_user_stats(1001)
    assert videos == 0


async def test_a_caption_that_fails_after_the_albums_changes_nothing(ferry: Ferry):
    await ferry.start()
    await ferry.say("hello")
    ferry.fail("sendMessage", "400")
    request = await show(ferry, 4)
    assert len(albums(ferry, ferry.answers())[0]) == 4
    assert request["message_id"] not in ferry.home.reactions
    _, videos, _ = await get_user_stats(1001)
    assert videos == 1
