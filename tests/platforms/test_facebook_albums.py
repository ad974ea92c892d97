"""Albums on Facebook: which photos and videos they list, and what each refusal means."""

import json
from typing import Any

import pytest

from core.errors import (
    ClipferryError,
    EmptyListError,
    LoginRequiredError,
    NotAvailableError,
    NotFoundError,
    PlatformChangedError,
    PlatformRefusedError,
)
from core.lists import Listing
from core.media import Picture
from platforms._facebook_album import find_album
from platforms.facebook import PLATFORM
from simulator.samples import VideoSpec
from simulator.sites.facebook import FacebookPost
from tests.sites import Web

LINK = "https://www.facebook.com/media/set/?set=a.7300000030"
ID = "set/a.7300000030"
COOKIES = "# Netscape HTTP Cookie File\n.facebook.com\tTRUE\t/\tTRUE\t2147483647\txs\tx\n"


def show(web: Web, *files: Any, post_id: str = ID, **options: Any) -> None:
    web.facebook.posts[post_id] = FacebookPost(files, **options)


def picture(web: Web, n: int = 0) -> Any:
    return web.samples.picture(400 + n, 500, "f")


async def read(web: Web, url: str = LINK, most: int = 50, **policy) -> Listing:
    link = PLATFORM.find_list(url)
    assert link is not None
    policy.setdefault("attempts", 1)
    async with web.fetcher(**policy) as fetcher:
        return await fetcher.read_list(link, most)


@pytest.mark.parametrize("key", ["grid_media", "media"])
async def test_an_album_lists_its_photos_and_videos(web: Web, key: str):
    show(web, picture(web), web.samples.video(VideoSpec()), text="Dawn", key=key)
    listing = await read(web)
    ids = [entry.post_id for entry in listing.entries]
    assert ids == ["photo/73000000020", "73000000021"]
    assert listing.entries[1].title == "May be an image of item 2"
    assert (listing.title, listing.total, listing.has_more) == ("Dawn", 2, False)
    assert not listing.is_by_date
    assert len(web.log) == 1


@pytest.mark.parametrize(
    ("path", "album_id"),
    [
        ("media/set/?vanity=ferry&set=a.73&type=3", "73"),
        ("media/set?set=a.73.12.34", "73.12.34"),
        ("media_set?set=a.73", "73"),
        ("ferry/media_set?set=a.73.12.34&type=3", "73.12.34"),
        ("ferry/photos/?tab=album&album_id=73", "73"),
        ("pg/ferry/photos/?album_id=73&tab=album&__tn__=x", "73"),
        ("ferry/photos/a.73/", "73"),
        ("ferry/photos/a.73.12.34/?type=3", "73.12.34"),
        ("album.php?fbid=73&id=12&aid=34", "73"),
    ],
)
def test_every_form_of_an_albums_link_is_the_same_list(path: str, album_id: str):
    for host in ("www.facebook.com", "m.facebook.com", "fb.com"):
        link = PLATFORM.find_list(f"https://{host}/{path}")
        assert link is not None
        assert link.url == f"https://www.facebook.com/media/set/?set=a.{album_id}"
        assert PLATFORM.find(f"https://{host}/{path}") is None
    assert PLATFORM.find_list(f"https://www.facebook.com.evil.example/{path}") is None


@pytest.mark.parametrize(
    "path",
    [
        "media/set/?set=pcb.73",
        "ferry/photos/?tab=albums&album_id=73",
        "ferry/photos/?album_id=73",
        "ferry/photos/pcb.73/",
        "ferry/photos/a.73x/",
        "album.php?aid=34&id=12",
    ],
)
def test_what_only_looks_like_an_album_is_none(path: str):
    assert PLATFORM.find_list(f"https://www.facebook.com/{path}") is None


async def test_an_entry_of_an_album_is_read_in_full_size(web: Web):
    show(web, picture(web), key="grid_media")
    show(web, picture(web), post_id="photo/73000000020")
    (entry,) = (await read(web)).entries
    async with web.fetcher(attempts=1) as fetcher:
        link = PLATFORM.find(PLATFORM.link_to(entry.post_id))
        assert link
        (item,) = (await fetcher.read(link)).items
    assert isinstance(item, Picture)
    assert "?stp=small" not in item.urls[0]


async def test_what_the_page_does_not_list_is_said(web: Web):
    show(web, picture(web), picture(web, 1), key="grid_media", unlisted=40)
    listing = await read(web)
    assert (len(listing.entries), listing.total, listing.has_more) == (2, None, True)


async def test_an_album_may_have_another_number_than_its_link(web: Web):
    """Its media name the album then; those of other albums on the page do not."""
    show(web, picture(web), key="grid_media", path="UzpfSTE")
    assert len((await read(web)).entries) == 1


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        ("unavailable", NotAvailableError),
        ("form", LoginRequiredError),
        ("login", PlatformRefusedError),
        ("gone", NotFoundError),
        ("changed", PlatformChangedError),
    ],
)
async def test_an_album_that_cannot_be_listed_says_why(
    web: Web, trouble: str, error: type[ClipferryError]
):
    show(web, picture(web), trouble=trouble)
    with pytest.raises(ClipferryError) as caught:
        await read(web)
    assert type(caught.value) is error


async def test_an_empty_album_is_empty(web: Web):
    show(web, key="grid_media")
    with pytest.raises(EmptyListError):
        await read(web)


async def test_the_home_page_does_not_say_that_an_album_needs_a_login(web: Web):
    web.facebook.shared_links["media/set"] = "https://www.facebook.com/"
    show(web, post_id="", trouble="form")
    with pytest.raises(NotAvailableError):
        await read(web)
    with pytest.raises(PlatformRefusedError):
        await read(web, cookies=COOKIES, attempts=0)


async def test_a_deleted_album_is_not_replaced_by_another_page(web: Web):
    web.facebook.shared_links["media/set"] = "https://www.facebook.com/ferry.demo/"
    show(web, picture(web), post_id="ferry.demo", key="grid_media")
    with pytest.raises(NotAvailableError):
        await read(web)


async def test_a_deleted_album_is_not_replaced_by_another_one(web: Web):
    web.facebook.shared_links[ID] = "https://www.facebook.com/media/set/?set=a.7300000040"
    show(web, picture(web), post_id="set/a.7300000040", key="grid_media")
    with pytest.raises(NotAvailableError):
        await read(web)


async def test_a_private_album_is_listed_with_an_account(web: Web):
    show(web, picture(web), key="grid_media", is_private=True)
    with pytest.raises(NotAvailableError):
        await read(web)
    assert len((await read(web, cookies=COOKIES)).entries) == 1


def medium(number: str, address: str = "") -> dict[str, Any]:
    return {"node": {"__typename": "Photo", "id": number, "url": f"https://x/{address}"}}


OWN = medium("1", "photo/?fbid=1&set=a.73&type=3")
FORMER = medium("1", "ferry/photos/a.73.12.34/1/")
OTHER = medium("2", "photo.php?fbid=2&set=a.730")
FORMER_OTHER = medium("2", "ferry/photos/a.730.12.34/2/")
OF_A_POST = medium("3", "photo/?fbid=3&set=pcb.98")
UNNAMED = medium("4")


def ids_in(page: Any, number: str) -> list[str] | None:
    album = find_album(f'<script type="application/json">{json.dumps(page)}</script>', number)
    if album is None:
        return None
    return [entry["url"].rpartition("=")[2] for entry in album.entries]


@pytest.mark.parametrize(
    ("node", "ids"),
    [
        ({}, ["1"]),
        ({"id": "73", "grid_media": {"edges": []}}, ["1"]),
        ({"id": "73", "media": {"edges": []}}, []),
        ({"id": "74"}, ["1"]),
        ({"id": "74", "media": {"edges": [FORMER]}}, ["1"]),
        ({"id": "74", "media": {"edges": [OWN, UNNAMED, OF_A_POST]}}, ["1", "4", "3"]),
        ({"id": "74", "media": {"edges": [OTHER]}}, None),
        ({"id": "74", "media": {"edges": [OWN, OTHER]}}, None),
        ({"id": "74", "media": {"edges": [OWN, FORMER_OTHER]}}, None),
        ({"id": "74", "media": {"edges": [{"node": OWN["node"] | {"url": 7}}]}}, None),
        ({"id": "73", "media": {"edges": 7}}, None),
        ({"id": "73", "media": {"edges": None}}, None),
        ({"id": "73", "media": {"edges": [7, {"node": 7}, {"node": {"id": "2"}}]}}, []),
    ],
)
def test_only_the_album_of_the_link_is_found(node: dict[str, Any], ids: list[str] | None):
    assert ids_in({"node": {"id": "73", "media": {"edges": [OWN]}} | node}, "73") == ids


def test_the_object_with_the_number_of_the_album_comes_before_larger_lists():
    own = {"id": "73", "media": {"edges": [OWN]}}
    larger = {"id": "74", "media": {"edges": [OWN, UNNAMED, UNNAMED]}}
    assert ids_in([larger, own], "73") == ["1"]
    assert ids_in([larger, own | {"id": "75"}], "73") == ["1", "4", "4"]
