"""Posts with photos, and single photos, on Facebook: what is read, and what each refusal means."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web as aioweb
from aiohttp.test_utils import TestServer

from core.errors import (
    BrokenLinkError,
    ClipferryError,
    ListError,
    LoginRequiredError,
    NoMediaError,
    NotAvailableError,
    NotFoundError,
    PlatformChangedError,
    PlatformRefusedError,
    PlatformUnreachableError,
)
from core.media import Access, Clip, Item, Link, Picture, Post, Unreadable
from platforms import FileRequest, FileVersion
from platforms._facebook_post import find_photo, find_post, read_found, refusal
from platforms.facebook import PLATFORM
from simulator.samples import VideoSpec
from simulator.sites.facebook import FacebookPost
from tests.sites import Web

ID = "ferry.demo/posts/7300000002"
LINK = f"https://www.facebook.com/{ID}"
PFBID = "ferry.demo/posts/pfbid02x"
PFBID_LINK = f"https://www.facebook.com/{PFBID}"
REEL_LINK = "https://www.facebook.com/reel/7300000001"
PHOTO_LINK = "https://www.facebook.com/photo/?fbid=7300000031&set=pcb.7300000002"
COOKIES = "# Netscape HTTP Cookie File\n.facebook.com\tTRUE\t/\tTRUE\t2147483647\txs\tx\n"
P, V, X = Picture, Clip, Unreadable


def picture(web: Web, n: int = 0) -> Any:
    return web.samples.picture(400 + n, 500, "f")


def show(web: Web, *files: Any, post_id: str = ID, **options: Any) -> FacebookPost:
    post = FacebookPost(files, **options)
    web.facebook.posts[post_id] = post
    return post


def _link(url: str) -> Link:
    link = PLATFORM.find(url)
    assert link is not None
    return link


async def read(web: Web, url: str = LINK, **policy) -> Post:
    link = _link(url)
    policy.setdefault("attempts", 1)
    async with web.fetcher(**policy) as fetcher:
        return await fetcher.attempt(link, lambda attempt: attempt.read())


def kinds(items: tuple[Item, ...]) -> list[type]:
    return [type(item) for item in items]


async def test_a_post_is_its_photos_and_videos_in_order(web: Web):
    show(web, picture(web), web.samples.video(VideoSpec()), picture(web, 1), text="Dawn ⛴️")
    post = await read(web)
    assert kinds(post.items) == [P, V, P]
    first, clip, last = post.items
    assert isinstance(first, Picture)
    # In full size; the crop only if that is gone.
    assert [url.rpartition("?")[2] for url in first.urls] == [first.urls[0], "stp=small"]
    assert isinstance(clip, Clip)
    assert (clip.duration_s, [r.quality for r in clip.renditions]) == (3, [0, 1])
    assert isinstance(last, Picture)
    assert "401x500" in last.urls[0]
    assert (post.platform, post.id, post.url) == ("facebook", ID, LINK)
    assert (post.details.author, post.details.text) == ("Ferry Demo", "Dawn ⛴️")
    assert web.asked_hosts() == {"www.facebook.com"}
    assert len(web.log) == 1


async def test_a_post_may_have_one_photo(web: Web):
    show(web, picture(web))
    assert kinds((await read(web)).items) == [P]


async def test_a_single_photo_is_that_photo_alone(web: Web):
    show(web, picture(web), post_id="photo/7300000031", text="One of them")
    post = await read(web, PHOTO_LINK)
    (photo,) = post.items
    assert isinstance(photo, Picture)
    assert "400x500" in photo.urls[0]
    assert (post.id, post.details.author) == ("photo/7300000031", "Ferry Demo")
    assert post.details.text == "One of them"
    assert post.url == "https://www.facebook.com/photo/?fbid=7300000031"


# yt-dlp knows one key of posts, and reads manifests.
@pytest.mark.parametrize(("key", "renditions"), [("node", 3), ("node_v2", 2)])
async def test_a_post_with_a_video_alone_is_that_video(web: Web, key: str, renditions: int):
    show(web, web.samples.video(VideoSpec()), key=key)
    post = await read(web)
    (clip,) = post.items
    assert isinstance(clip, Clip)
    assert len(clip.renditions) == renditions
    assert post.details.author == "Ferry Demo"
    assert len(web.log) == 1


async def test_a_video_of_another_post_does_not_replace_that_of_the_post(web: Web):
    other = FacebookPost((web.samples.video(VideoSpec(seconds=2)),), key="node", number="96")
    own = web.samples.video(VideoSpec())
    show(web, own, advert=other)
    (clip,) = (await read(web)).items
    assert isinstance(clip, Clip)
    assert own.name in clip.renditions[0].urls[0]


async def test_none_of_several_videos_of_a_post_is_left_out(web: Web):
    files = [web.samples.video(VideoSpec()), web.samples.video(VideoSpec(seconds=2))]
    show(web, *files, key="node")
    assert kinds((await read(web)).items) == [V, V]


@pytest.mark.parametrize(("is_grid", "renditions"), [(False, [3, 3]), (True, [2, 2])])
async def test_a_video_that_is_twice_in_its_page_counts_once(
    web: Web, is_grid: bool, renditions: list[int]
):
    files = [web.samples.video(VideoSpec()), web.samples.video(VideoSpec(seconds=2))]
    show(web, *files, key="node", has_first_twice=True, is_grid=is_grid)
    items = (await read(web)).items
    assert [len(item.renditions) for item in items if isinstance(item, Clip)] == renditions
    assert [one.name in str(item) for one, item in zip(files, items, strict=True)] == [True, True]


@pytest.mark.parametrize(
    "changes", [{"playable_url": 7}, {"playable_url_dash": "https://elsewhere.example/1.mpd"}]
)
async def test_a_post_is_read_here_whatever_fails_in_ytdlp(web: Web, changes: dict[str, Any]):
    show(web, web.samples.video(VideoSpec()), key="node", changes=changes)
    (clip,) = (await read(web)).items
    assert isinstance(clip, Clip)
    assert "?hd" in str(clip.renditions)


NO_FILES = {"playable_url": None, "playable_url_quality_hd": None, "dash_manifest": None}


@pytest.mark.parametrize(
    ("manifest", "error", "detail"),
    [
        ("https://www.facebook.com/login/1.mpd", PlatformRefusedError, "login page"),
        ("https://elsewhere.example/1.mpd", PlatformChangedError, "outside its hosts"),
        (7, PlatformChangedError, "in the extractor"),
    ],
)
async def test_what_fails_in_ytdlp_is_said_if_nothing_of_the_post_is_read_here(
    web: Web, manifest: object, error: type[ClipferryError], detail: str
):
    changes = {**NO_FILES, "playable_url_dash": manifest}
    show(web, web.samples.video(VideoSpec()), key="node", changes=changes)
    with pytest.raises(error, match=detail):
        await read(web)


async def test_the_videos_of_other_posts_are_not_read_if_the_post_is_not_found(web: Web):
    show(web, web.samples.video(VideoSpec()), key="node", number="98", path="somebody/posts/98")
    with pytest.raises(PlatformChangedError):
        await read(web)


async def test_a_page_whose_post_has_no_number_is_read_by_ytdlp(web: Web):
    show(web, web.samples.video(VideoSpec()), key="node", number="", has_others=False)
    assert kinds((await read(web)).items) == [V]


async def test_a_reel_is_read_as_before(web: Web):
    show(web, web.samples.video(VideoSpec()), post_id="7300000001")
    post = await read(web, "https://www.facebook.com/reel/7300000001")
    (clip,) = post.items
    assert isinstance(clip, Clip)
    assert len(clip.renditions) == 3
    assert post.details.author == "Ferry Demo"


async def test_a_post_without_media_has_those_of_the_one_that_it_shares(web: Web):
    other = FacebookPost((picture(web), picture(web, 1)), "other", number="97")
    show(web, text="look", shared=other)
    post = await read(web)
    assert kinds(post.items) == [P, P]
    assert post.details.text == "look"
    show(web, picture(web, 2), shared=other)
    (own,) = (await read(web)).items
    assert "402x500" in str(own)


async def test_a_page_may_have_another_name_for_its_post_than_the_link(web: Web):
    link = "ferry.demo/posts/pfbid02x"
    show(web, picture(web), post_id=link, path="ferry.demo/posts/pfbid03y", has_others=False)
    assert len((await read(web, f"https://www.facebook.com/{link}")).items) == 1


ACCOUNT = {"__typename": "User", "id": "7301", "url": "https://www.facebook.com/Ferry.Demo"}
BY_NUMBER = {"path": "7301/posts/pfbid03y", "author_id": "7301"}


@pytest.mark.parametrize(
    ("owner", "options"),
    [
        ("ferry.demo", {**BY_NUMBER, "others": (ACCOUNT,)}),
        ("Ferry.demo", {**BY_NUMBER, "others": ({"actor": ACCOUNT},)}),
        ("7301", {"path": "Ferry.Demo/posts/pfbid03y", "others": (ACCOUNT,)}),
        ("7301", {"path": "ferry.demo/posts/pfbid03y", "author_id": "7301"}),
    ],
)
async def test_a_user_has_a_number_and_a_name(web: Web, owner: str, options: dict[str, Any]):
    post_id = f"{owner}/posts/pfbid02x"
    show(web, picture(web), post_id=post_id, has_others=False, **options)
    assert len((await read(web, f"https://www.facebook.com/{post_id}")).items) == 1


@pytest.mark.parametrize(
    "account",
    [
        ACCOUNT | {"id": "7302"},
        ACCOUNT | {"url": "https://www.facebook.com/another"},
        ACCOUNT | {"url": "https://www.facebook.com/ferry.demo/photos/1"},
        ACCOUNT | {"url": "https://evil.example/ferry.demo"},
        ACCOUNT | {"__typename": "Photo"},
    ],
)
async def test_a_user_of_another_name_or_number_is_somebody_else(web: Web, account: Any):
    show(web, picture(web), post_id=PFBID, has_others=False, **BY_NUMBER, others=(account,))
    with pytest.raises(NotAvailableError):
        await read(web, PFBID_LINK)


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("ferry.demo/posts/pfbid02x", None),
        ("ferry.demo/posts/a-crossing/pfbid02x", None),
        # Whether that is the same post is not known.
        ("ferry.demo/posts/pfbid09z", NotAvailableError),
    ],
)
async def test_the_address_to_which_a_number_is_redirected_has_the_name(
    web: Web, target: str, error: type[ClipferryError] | None
):
    web.facebook.shared_links["7301/posts/pfbid02x"] = f"https://www.facebook.com/{target}"
    show(web, picture(web), post_id=target, path="ferry.demo/posts/pfbid03y", has_others=False)
    url = "https://www.facebook.com/permalink.php?story_fbid=pfbid02x&id=7301"
    if error is None:
        assert len((await read(web, url)).items) == 1
        return
    with pytest.raises(error):
        await read(web, url)


async def test_a_group_has_a_number_and_a_name(web: Web):
    group = {"__typename": "Group", "id": "7309", "url": "https://www.facebook.com/groups/ferries/"}
    post_id = "groups/ferries/posts/pfbid02x"
    named = {"path": "groups/7309/posts/pfbid03y", "has_others": False}
    show(web, picture(web), post_id=post_id, others=(group,), **named)
    assert len((await read(web, f"https://www.facebook.com/{post_id}")).items) == 1


@pytest.mark.parametrize("target", ["ferry.demo", "groups/ferries"])
@pytest.mark.parametrize("number", ["7300000002", "pfbid02x"])
async def test_a_deleted_post_is_not_replaced_by_the_latest_one(web: Web, target: str, number: str):
    post_id = f"ferry.demo/posts/{number}"
    web.facebook.shared_links[post_id] = f"https://www.facebook.com/{target}/"
    latest = {"number": "97", "path": "ferry.demo/posts/97", "has_others": False}
    show(web, picture(web), post_id=target, **latest)
    with pytest.raises(NotAvailableError):
        await read(web, f"https://www.facebook.com/{post_id}")


async def test_items_that_the_page_only_counts_are_missing_ones(web: Web):
    show(web, picture(web), picture(web, 1), unlisted=3)
    assert kinds((await read(web)).items) == [P, P, X, X, X]


async def test_a_photo_that_was_removed_is_missing_and_the_others_arrive(web: Web):
    show(web, picture(web), None, picture(web, 1))
    async with web.fetcher(attempts=1) as fetcher, web.spool().workspace() as space:
        link = fetcher.registry.find(LINK)
        assert link

        async def save(attempt: Any) -> Any:
            post = await attempt.read()
            wanted = [
                FileRequest((FileVersion(item.urls, 1_000_000),), str(n), may_miss=True)
                for n, item in enumerate(post.items)
            ]
            return await attempt.save(post, wanted, space)

        files = await fetcher.attempt(link, save)
        saved = [file and file.path.read_bytes() for file in files]
    assert saved == [picture(web).read_bytes(), None, picture(web, 1).read_bytes()]


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        ("unavailable", NotAvailableError),
        ("form", LoginRequiredError),
        ("login", PlatformRefusedError),
        ("gone", NotFoundError),
        ("crawlers", LoginRequiredError),
    ],
)
@pytest.mark.parametrize("url", [LINK, PHOTO_LINK])
async def test_refusals_have_their_own_errors(
    web: Web, url: str, trouble: str, error: type[ClipferryError]
):
    for post_id in (ID, "photo/7300000031"):
        show(web, picture(web), post_id=post_id, trouble=trouble)
    with pytest.raises(error) as caught:
        await read(web, url)
    assert type(caught.value) is error
    assert len(web.log) == 1


@pytest.mark.parametrize("url", [LINK, PFBID_LINK, PHOTO_LINK, REEL_LINK])
async def test_a_page_in_which_nothing_is_known_has_changed(web: Web, url: str):
    for post_id in (ID, PFBID, "photo/7300000031", "7300000001"):
        show(web, picture(web), post_id=post_id, trouble="changed")
    with pytest.raises(PlatformChangedError):
        await read(web, url)


@pytest.mark.parametrize(
    ("trouble", "error"), [("unavailable", NotAvailableError), ("form", LoginRequiredError)]
)
async def test_a_page_without_its_video_may_say_why(
    web: Web, trouble: str, error: type[ClipferryError]
):
    show(web, picture(web), post_id="7300000001", trouble=trouble)
    with pytest.raises(error):
        await read(web, REEL_LINK)


@pytest.mark.parametrize(
    "target", ["", "watch/", "reel/", "?sk=h_chr", "ferry.demo/", "groups/ferries/", "watch/?ref=x"]
)
async def test_a_deleted_reel_is_not_replaced_by_what_is_shown_instead(web: Web, target: str):
    """yt-dlp would take a video of the page that somebody else has posted."""
    address = f"https://www.facebook.com/{target}"
    web.facebook.shared_links["7300000001"] = address
    video = web.samples.video(VideoSpec())
    for post_id in ("", "reel", "ferry.demo", "groups/ferries"):
        show(web, video, post_id=post_id, key="node", number="96", has_others=False)
    with pytest.raises(NotAvailableError):
        await read(web, REEL_LINK)


@pytest.mark.parametrize(
    "target",
    [
        "watch/?v=7300000099",
        "reel/7300000099",
        "somebody/videos/7300000099/",
        "somebody/posts/99",
        "somebody/videos/pfbid09z",
        # Other parameters do not name what is shown.
        "watch/?share_url=https%3A%2F%2Fwww.facebook.com%2Freel%2F7300000001&id=7300000001",
        "?share_url=https%3A%2F%2Fwww.facebook.com%2Freel%2F7300000001",
        "reel/?from=7300000001",
        "somebody?ref=pfbid09z",
    ],
)
@pytest.mark.parametrize("path", ["7300000001", ID])
async def test_a_video_of_somebody_else_is_not_read_after_a_redirect(
    web: Web, path: str, target: str
):
    web.facebook.shared_links[path] = f"https://www.facebook.com/{target}"
    video = web.samples.video(VideoSpec())
    for post_id in ("", "reel", "somebody", target.rpartition("=")[2], target.strip("/")):
        show(web, video, post_id=post_id, key="node", number="96", has_others=False)
    with pytest.raises(NotAvailableError):
        await read(web, LINK if path == ID else REEL_LINK)


@pytest.mark.parametrize(
    ("url", "path", "error"),
    [
        (REEL_LINK, "7300000001", NotAvailableError),
        # Facebook redirects numbers of posts to names: a page without the number has changed.
        (LINK, ID, PlatformChangedError),
    ],
)
async def test_a_post_with_a_name_is_not_read_unless_it_has_the_number(
    web: Web, url: str, path: str, error: type[ClipferryError]
):
    target = "somebody/posts/pfbid09z"
    web.facebook.shared_links[path] = f"https://www.facebook.com/{target}"
    show(web, web.samples.video(VideoSpec()), post_id=target, key="node", number="96")
    with pytest.raises(error):
        await read(web, url)


@pytest.mark.parametrize("target", ["watch/?v=7300000099", "photo/?fbid=7300000099"])
async def test_a_post_with_a_name_is_no_video_or_photo_of_some_number(web: Web, target: str):
    web.facebook.shared_links[PFBID] = f"https://www.facebook.com/{target}"
    show(web, web.samples.video(VideoSpec()), post_id="7300000099")
    show(web, picture(web), post_id="photo/7300000099")
    with pytest.raises(NotAvailableError):
        await read(web, PFBID_LINK)


@pytest.mark.parametrize(
    "target",
    [
        "ferry.demo/videos/7300000001/",
        "ferry.demo/posts/pfbid02x",
        "ferry.demo/videos/pfbid02x",
        "groups/ferries/posts/7300000002",
        "v/new/7300000001",
    ],
)
async def test_a_reel_may_have_another_address_than_its_link(web: Web, target: str):
    web.facebook.shared_links["7300000001"] = f"https://www.facebook.com/{target}"
    own = {"key": "node", "changes": {"id": "7300000001"}}
    show(web, web.samples.video(VideoSpec()), post_id=target.strip("/"), **own)
    assert kinds((await read(web, REEL_LINK)).items) == [V]


async def test_the_number_of_a_reel_may_be_that_of_its_post(web: Web):
    web.facebook.shared_links["7300000001"] = "https://www.facebook.com/v/new/7300000001"
    files = [web.samples.video(VideoSpec()), web.samples.video(VideoSpec(seconds=2))]
    show(web, *files, post_id="v/new/7300000001", key="node")
    assert kinds((await read(web, REEL_LINK)).items) == [V, V]


async def test_of_several_videos_a_reel_is_the_one_with_its_number(web: Web):
    address = "v/new/7300000001"
    web.facebook.shared_links["7300000001"] = f"https://www.facebook.com/{address}"
    files = [web.samples.video(VideoSpec()), web.samples.video(VideoSpec(seconds=2))]
    show(web, *files, post_id=address, key="node", number="730000000")
    (clip,) = (await read(web, REEL_LINK)).items
    assert files[1].name in str(clip)


async def test_a_page_with_a_video_of_another_number_has_changed(web: Web):
    changes = {"id": "7300000099"}
    show(web, web.samples.video(VideoSpec()), post_id="7300000001", changes=changes)
    with pytest.raises(PlatformChangedError):
        await read(web, REEL_LINK)


@pytest.mark.parametrize(
    ("cookies", "error"), [("", NotAvailableError), (COOKIES, PlatformRefusedError)]
)
@pytest.mark.parametrize(
    ("path", "url"),
    [("7300000001", REEL_LINK), (ID, LINK), (PFBID, PFBID_LINK), ("photo/7300000031", PHOTO_LINK)],
)
async def test_the_home_page_asks_nobody_to_sign_in_for_what_was_deleted(
    web: Web, path: str, url: str, cookies: str, error: type[ClipferryError]
):
    """Visitors see the login form there. Only an account should not."""
    web.facebook.shared_links[path] = "https://www.facebook.com/"
    show(web, post_id="", trouble="form")
    with pytest.raises(error):
        await read(web, url, cookies=cookies, attempts=0 if cookies else 1)


@pytest.mark.parametrize("path", ["login", "privacy/consent"])
async def test_a_reel_that_leads_to_the_login_refuses_the_client(web: Web, path: str):
    target = f"https://www.facebook.com/{path}/?next={REEL_LINK}"
    web.facebook.shared_links["7300000001"] = target
    show(web, post_id=path, trouble="form")
    with pytest.raises(PlatformRefusedError):
        await read(web, REEL_LINK)


@pytest.mark.parametrize("text", ["only a text", ""])
async def test_a_post_without_media_says_so(web: Web, text: str):
    show(web, text=text)
    with pytest.raises(NoMediaError):
        await read(web)
    assert len(web.log) == 1


async def test_a_private_post_is_read_with_an_account(web: Web):
    show(web, picture(web), is_private=True)
    with pytest.raises(NotAvailableError):
        await read(web)
    assert len((await read(web, cookies=COOKIES)).items) == 1


async def test_cookies_that_do_not_help_are_no_reason_to_ask_for_some(web: Web):
    show(web, picture(web), trouble="form")
    with pytest.raises(LoginRequiredError):  # the site's reason remains
        await read(web, cookies=COOKIES)
    with pytest.raises(PlatformRefusedError):
        await read(web, cookies=COOKIES, attempts=0)


@pytest.mark.parametrize("url", [LINK, PHOTO_LINK])
async def test_cookies_do_not_help_where_only_crawlers_may_download(web: Web, url: str):
    for post_id in (ID, "photo/7300000031"):
        show(web, picture(web), post_id=post_id, trouble="crawlers")
    with pytest.raises(PlatformRefusedError):
        await read(web, url, cookies=COOKIES, attempts=0)


async def test_a_photo_whose_page_is_a_profile_is_not_available(web: Web):
    web.facebook.shared_links["photo"] = "https://www.facebook.com/ferry.demo"
    show(web, picture(web), post_id="ferry.demo", number="97")
    with pytest.raises(NotAvailableError):
        await read(web, PHOTO_LINK)


@pytest.mark.parametrize("target", ["watch/?v=7300000031", "ferry.demo/videos/7300000031"])
async def test_a_photo_whose_page_is_a_video_of_its_number_is_that_video(web: Web, target: str):
    web.facebook.shared_links["photo"] = f"https://www.facebook.com/{target}"
    video = web.samples.video(VideoSpec())
    for post_id in ("7300000031", target):
        show(web, video, post_id=post_id, key="node", changes={"id": "7300000031"})
    assert kinds((await read(web, PHOTO_LINK)).items) == [V]
    assert len(web.log) == 2


@pytest.mark.parametrize("target", ["watch/?v=7300000099", "reel/7300000099"])
async def test_a_photo_is_not_replaced_by_another_video(web: Web, target: str):
    web.facebook.shared_links["photo"] = f"https://www.facebook.com/{target}"
    for post_id in ("7300000099", target):
        show(web, web.samples.video(VideoSpec()), post_id=post_id, key="node", number="96")
    with pytest.raises(NotAvailableError):
        await read(web, PHOTO_LINK)


async def test_an_endless_album_is_a_list(web: Web):
    show(web, picture(web), unlisted=9**9)
    with pytest.raises(ListError):
        await read(web)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        (LINK, PlatformRefusedError),
        (PHOTO_LINK, PlatformRefusedError),
        ("https://www.facebook.com/share/p/Demo01/", PlatformRefusedError),
        ("https://www.facebook.com/reel/7300000001", PlatformUnreachableError),
    ],
)
async def test_cobalt_is_asked_for_videos_alone(web: Web, url: str, error: type[ClipferryError]):
    for post_id in (ID, "photo/7300000031", "7300000001"):
        show(web, picture(web), post_id=post_id, trouble="login")
    web.facebook.shared_links["share/p/Demo01"] = LINK
    with pytest.raises(error) as caught:
        await read(web, url, cobalt_url="http://127.0.0.1:9")  # nobody listens there
    assert type(caught.value) is error


@asynccontextmanager
async def cobalt() -> AsyncIterator[tuple[str, list[str]]]:
    """Yield the address of an instance, and the links that it has been asked for."""
    asked: list[str] = []

    async def answer(request: aioweb.Request) -> aioweb.StreamResponse:
        asked.append((await request.json())["url"])
        return aioweb.json_response({"status": "redirect", "url": f"{CDN}1.mp4"})

    app = aioweb.Application()
    app.router.add_post("/", answer)
    server = TestServer(app)
    await server.start_server()
    try:
        yield str(server.make_url("")).rstrip("/"), asked
    finally:
        await server.close()


async def test_posts_that_cobalt_is_not_asked_for_do_not_close_its_route(web: Web):
    links = [f"https://www.facebook.com/ferry.demo/posts/{n}" for n in range(70, 76)]
    reel = "https://www.facebook.com/reel/7300000001"
    for n in range(70, 76):
        show(web, picture(web), post_id=f"ferry.demo/posts/{n}", trouble="login")
    show(web, picture(web), post_id="7300000001", trouble="login")
    async with cobalt() as (url, asked), web.fetcher(attempts=1, cobalt_url=url) as fetcher:
        for address in links:
            with pytest.raises(PlatformRefusedError):
                await fetcher.read(_link(address))
        assert kinds((await fetcher.read(_link(reel))).items) == [V]
    assert asked == [reel]


@pytest.mark.parametrize("path", ["share/p/Demo01", "share/Demo01", "share/v/Demo01"])
async def test_cobalt_is_not_asked_for_what_a_short_link_may_lead_to(web: Web, path: str):
    web.facebook.shared_links[path] = "https://www.facebook.com/login/"
    async with cobalt() as (url, asked):
        with pytest.raises(PlatformRefusedError):
            await read(web, f"https://www.facebook.com/{path}/", cobalt_url=url)
    assert asked == []


async def test_cobalt_is_asked_for_the_video_of_a_shared_link(web: Web):
    show(web, picture(web), post_id="7300000001", trouble="login")
    web.facebook.shared_links["share/v/Demo01"] = "https://www.facebook.com/reel/7300000001"
    async with cobalt() as (url, asked):
        await read(web, "https://www.facebook.com/share/v/Demo01/", cobalt_url=url)
    assert len(asked) == 1


@pytest.mark.parametrize("path", ["share/v/Demo01", "share/r/Demo01", "share/Demo01"])
async def test_a_shared_video_reaches_cobalt_while_pages_are_paused(web: Web, path: str):
    for n in range(70, 72):
        show(web, picture(web), post_id=f"{n}", trouble="login")
    web.facebook.shared_links[path] = "https://www.facebook.com/reel/71"
    url = f"https://www.facebook.com/{path}/"
    async with (
        cobalt() as (address, asked),
        web.fetcher(attempts=1, cobalt_url=address, failure_threshold=1) as fetcher,
    ):
        await fetcher.read(_link("https://www.facebook.com/reel/70"))
        assert fetcher.open_routes() == ["facebook/page by exit-1"]
        link = await fetcher.resolve(_link(url))
        assert kinds((await fetcher.read(link)).items) == [V]
        # That the site redirects says nothing about its pages.
        assert fetcher.open_routes() == ["facebook/page by exit-1"]
    assert asked == ["https://www.facebook.com/reel/70", url]


async def test_a_shared_post_is_still_not_asked_of_cobalt_while_pages_are_paused(web: Web):
    show(web, picture(web), post_id="70", trouble="login")
    web.facebook.shared_links["share/p/Demo01"] = LINK
    async with (
        cobalt() as (address, asked),
        web.fetcher(attempts=1, cobalt_url=address, failure_threshold=1) as fetcher,
    ):
        await fetcher.read(_link("https://www.facebook.com/reel/70"))
        link = await fetcher.resolve(_link("https://www.facebook.com/share/p/Demo01/"))
        with pytest.raises(PlatformRefusedError):
            await fetcher.read(link)
    assert len(asked) == 1


async def test_a_short_link_leads_to_its_post_and_to_no_other_site(web: Web):
    show(web, picture(web))
    web.facebook.shared_links |= {"3demo01": f"{LINK}?fs=e", "3demo02": "https://evil.example/"}
    assert (await read(web, "https://fb.me/3demo01")).url == LINK
    with pytest.raises(BrokenLinkError):
        await read(web, "https://fb.me/3demo02")
    assert "evil.example" not in web.asked_hosts()


async def test_short_links_that_lead_nowhere_pause_neither_pages_nor_cobalt(web: Web):
    web.facebook.shared_links["share/v/Demo01"] = "https://www.facebook.com/login/"
    async with web.fetcher(
        attempts=1, cobalt_url="http://127.0.0.1:9", failure_threshold=1
    ) as fetcher:
        with pytest.raises(PlatformRefusedError):
            await fetcher.resolve(_link("https://www.facebook.com/share/v/Demo01/"))
        asked = len(web.log)
        with pytest.raises(PlatformRefusedError):
            await fetcher.read(_link("https://www.facebook.com/share/v/Demo01/"))
        assert fetcher.open_routes() == ["facebook/short links by exit-1"]
        assert len(web.log) == asked


async def test_another_exit_is_tried_after_a_redirect_to_the_login(web: Web):
    show(web, picture(web), trouble="login")
    with pytest.raises(PlatformRefusedError):
        await read(web, attempts=2)
    assert len(web.log) == 2


@pytest.mark.parametrize("target", [LINK, PHOTO_LINK])
async def test_a_shared_link_leads_to_its_post_and_nowhere_else(web: Web, target: str):
    for post_id in (ID, "photo/7300000031"):
        show(web, picture(web), post_id=post_id)
    web.facebook.shared_links = {
        "share/p/Demo01": target,
        "share/p/Demo02": "https://evil.example/photo/?fbid=73",
    }
    assert len((await read(web, "https://www.facebook.com/share/p/Demo01/")).items) == 1
    with pytest.raises(BrokenLinkError):
        await read(web, "https://www.facebook.com/share/p/Demo02/")
    assert web.asked_hosts() == {"www.facebook.com"}


# --- Documents ------------------------------------------------------------------------------------

TAG = '<script type="application/json" data-content-len="1" data-sjs>'
CDN = "https://scontent.xx.fbcdn.net/v/"
ABOUT = Post("facebook", ID, LINK, Access("exit-1"))


def page_of(*documents: Any) -> str:
    return "".join(f"{TAG}{json.dumps(document)}</script>" for document in documents)


def photo(*names: str, **values: Any) -> dict[str, Any]:
    images = {key: {"uri": CDN + key} for key in names}
    return {"__typename": "Photo", "id": "1", **images, **values}


def story(*attachments: Any, **values: Any) -> dict[str, Any]:
    entries = [{"styles": {"attachment": attachment}} for attachment in attachments]
    return {"post_id": "7300000002", "attachments": entries, **values}


def album(*media: Any, **values: Any) -> dict[str, Any]:
    return {"all_subattachments": {"nodes": [{"media": medium} for medium in media], **values}}


def post_of(*attachments: Any, **values: Any) -> Post:
    found = find_post(page_of(story(*attachments, **values)), "7300000002", frozenset())
    assert found
    return read_found(found, ABOUT)


LARGE, SMALL = photo("viewer_image"), photo("image")
CRAWLERS_ONLY = photo(image={"uri": "https://lookaside.fbsbx.com/lookaside/crawler/media/"})
FILES = {"playable_url": f"{CDN}sd.mp4", "browser_native_hd_url": f"{CDN}hd.mp4"}
VIDEO = {"__typename": "Video", "id": "2", **FILES}


@pytest.mark.parametrize(
    ("attachments", "expected"),
    [
        ((album(LARGE, SMALL),), [P, P]),
        ((album(LARGE, None, VIDEO),), [P, X, V]),
        ((album(LARGE, {"__typename": "Video"}),), [P, X]),
        ((album(LARGE, photo()),), [P, X]),
        ((album(LARGE, photo(image={"uri": "https://evil.example/1.jpg"})),), [P, X]),
        ((album(LARGE, photo(image={"uri": f"{CDN}1".replace("https", "http")})),), [P, X]),
        ((album(LARGE, count=1),), [P]),
        ((album(LARGE, count="x"),), [P]),
        ((album(LARGE, count=120),), [P, *[X] * 119]),
        ((album(LARGE, SMALL | {"__typename": "Sticker"}, VIDEO),), [P, X, V]),
        (({"media": LARGE}, {"media": {"__typename": "Sticker"}}), [P]),
        (({"media": {"__isMedia": "Photo", **SMALL, "__typename": ""}},), [P]),
        (({"media": VIDEO | {"video_grid_renderer": {"video": FILES}}},), [V]),
        (({"media": VIDEO | {"videoDeliveryLegacyFields": FILES}},), [V]),
    ],
)
def test_what_cannot_be_read_keeps_its_place(attachments: Any, expected: list[type]):
    assert kinds(post_of(*attachments).items) == expected


def test_no_answer_makes_more_items_than_a_list_has():
    assert len(post_of(*[album(LARGE, count=9**9)] * 1_000).items) == 301
    assert len(post_of(*[{"media": LARGE}] * 1_000).items) == 301


def test_no_answer_makes_endless_addresses():
    copies = [{"__typename": "Photo", "id": "73", **sized(f"{n}", n)} for n in range(1_000)]
    found = find_photo(page_of(*copies), "73")
    assert found
    (item,) = found.items
    assert isinstance(item, Picture)
    assert item.urls[0] == f"{CDN}999"
    assert len(item.urls) == 20
    files = [{"progressive_url": f"{CDN}{n}.mp4"} for n in range(1_000)]
    delivery = {"videoDeliveryResponseResult": {"progressive_urls": files}}
    video = {"__typename": "Video", "videoDeliveryResponseFragment": delivery}
    (clip,) = post_of({"media": video}).items
    assert isinstance(clip, Clip)
    assert len(clip.renditions) == 20


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        ((CRAWLERS_ONLY,), True),
        ((CRAWLERS_ONLY, CRAWLERS_ONLY), True),
        ((CRAWLERS_ONLY, VIDEO), False),
        ((CRAWLERS_ONLY, photo()), True),
        ((photo(),), False),
    ],
)
def test_what_only_crawlers_may_download_is_told_apart(media: Any, expected: bool):
    found = find_post(page_of(story(album(*media))), "7300000002", frozenset())
    assert found
    assert found.is_for_crawlers is expected


def test_the_full_size_of_a_photo_comes_first():
    renderer = {"comet_photo_attachment_resolution_renderer": {"image": {"uri": f"{CDN}c"}}}
    every = photo("image", "photo_image", "viewer_image", **renderer)
    (item,) = post_of({"media": every}).items
    assert isinstance(item, Picture)
    assert [url.removeprefix(CDN) for url in item.urls] == [
        *("viewer_image", "photo_image", "c", "image")
    ]


def test_former_pages_have_their_texts_and_styles_elsewhere():
    text = {"comet_sections": {"message": {"story": {"message": {"text": "Dawn"}}}}}
    entry = {"style_type_renderer": {"attachment": {"media": LARGE}}}
    document = {"post_id": "7300000002", "attachments": [entry], **text}
    found = find_post(page_of(document), "7300000002", frozenset())
    assert found
    assert (found.details.text, kinds(found.items)) == ("Dawn", [P])


@pytest.mark.parametrize(
    ("attachments", "error"),
    [
        ((), NoMediaError),
        (({"media": None},), NoMediaError),
        (
            ({"media": {"__typename": "GenericAttachmentMedia", "image": {"uri": CDN}}},),
            NoMediaError,
        ),
        ((album(None, None),), NoMediaError),
        (({"media": photo()},), PlatformChangedError),
        (({"media": {"__typename": "Video"}},), PlatformChangedError),
    ],
)
def test_what_has_no_media_says_why(attachments: Any, error: type[ClipferryError]):
    with pytest.raises(error) as caught:
        post_of(*attachments)
    assert type(caught.value) is error


OWN = story({"media": LARGE})
OTHER = story({"media": SMALL}, post_id="98", wwwURL="https://www.facebook.com/a/posts/pfbid98")
NAMED = OWN | {"wwwURL": "https://www.facebook.com/ferry.demo/posts/pfbid02x?x=1"}


@pytest.mark.parametrize(
    ("documents", "number", "expected"),
    [
        ((OWN,), "7300000002", "viewer_image"),
        ((OTHER, OWN), "7300000002", "viewer_image"),
        ((OTHER, NAMED), "pfbid02x", "viewer_image"),
        # The page's own name for the post may be another one.
        ((NAMED,), "pfbid03y", "viewer_image"),
        ((OWN | {"actors": [{"id": "73"}, {"id": "Ferry.Demo"}]},), "pfbid03y", "viewer_image"),
        ((NAMED | {"attached_story": OTHER},), "pfbid03y", "viewer_image"),
        ((NAMED | {"attached_story": NAMED | {"post_id": "97"}},), "pfbid03y", "viewer_image"),
        # Its number is always the same, and so is its owner.
        ((OTHER,), "7300000002", None),
        ((NAMED,), "7300000003", None),
        ((OTHER,), "pfbid03y", None),
        ((OWN,), "pfbid03y", None),
        # Which of two posts it is must not be guessed.
        ((OTHER, NAMED), "pfbid03y", None),
        ((NAMED | {"post_id": "97"}, NAMED), "pfbid03y", None),
        # Of several objects for a post, the one with its media.
        ((story(), NAMED, story()), "pfbid02x", "viewer_image"),
        (({"comment": {"attachments": [{"media": LARGE}]}},), "7300000002", None),
        (({"post_id": "7300000002"},), "7300000002", None),
        ((), "7300000002", None),
    ],
)
def test_the_post_is_found_in_its_page(documents: Any, number: str, expected: str | None):
    found = find_post(page_of(*documents), number, {"ferry.demo"})
    if expected is None:
        assert found is None
        return
    assert found
    (item,) = found.items
    assert isinstance(item, Picture)
    assert item.urls == (CDN + expected,)


def test_a_page_of_something_else_has_the_post_only_by_its_name():
    assert find_post(page_of(NAMED), "pfbid03y", frozenset()) is None
    assert find_post(page_of(NAMED), "pfbid02x", frozenset())


def sized(name: str, width: int) -> dict[str, Any]:
    return {"image": {"uri": CDN + name, "width": width, "height": width}}


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        (({"__typename": "Photo", "id": "73", **sized("a", 9)},), ("a",)),
        # The album beside it has a thumbnail of the photo.
        (
            (
                {"__typename": "Photo", "id": "73", **sized("thumbnail", 206)},
                {"__typename": "Photo", "id": "74", **sized("other", 2_048)},
                {"__isNode": "Photo", "id": "73", **sized("full", 2_048)},
            ),
            ("full", "thumbnail"),
        ),
        (({"__typename": "User", "id": "73", **sized("avatar", 9)},), None),
        (({"__typename": "Video", "id": "73", **sized("still", 9)},), None),
        (({"link": {"number": "73"}},), None),
        (({"__typename": "Photo", "id": 73, **sized("a", 9)},), None),
    ],
)
def test_the_photo_is_found_in_its_page(documents: Any, expected: tuple[str, ...] | None):
    found = find_photo(page_of(*documents), "73")
    if expected is None:
        assert found is None
        return
    assert found
    assert found.items == (Picture(tuple(CDN + name for name in expected)),)


@pytest.mark.parametrize("shown", [{"__typename": "Photo"}, {"created_time": 1}])
def test_a_photo_without_addresses_is_in_its_page_but_not_readable(shown: dict[str, Any]):
    found = find_photo(page_of({"id": "73", **shown}), "73")
    assert found
    with pytest.raises(PlatformChangedError):
        read_found(found, ABOUT)


SHOWN = {"__typename": "Photo", "id": "73", **sized("a", 9)}
OWN_TEXT = {"created_time": 1, "owner": {"name": "Ada"}, "message": {"text": "Dawn"}}
OTHER_TEXT = {"created_time": 1, "owner": {"name": "Bo"}, "message": {"text": "no"}}


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ((OTHER_TEXT | {"id": "74"}, OWN_TEXT), ("Ada", "Dawn")),
        ((OTHER_TEXT, OWN_TEXT | {"id": "73"}), ("Ada", "Dawn")),
        # Which of them it is must not be guessed.
        ((OTHER_TEXT, OWN_TEXT), ("", "")),
        ((OTHER_TEXT | {"id": "74"},), ("", "")),
    ],
)
def test_a_photo_has_the_words_of_its_own_page(documents: Any, expected: tuple[str, str]):
    found = find_photo(page_of(*documents, SHOWN), "73")
    assert found
    assert (found.details.author, found.details.text) == expected


FORM = '{"login_data":{"lsd":"x"}}'
ERROR_ROOT = '{"rootView":{"__dr":"CometErrorRoot.react"}}'


@pytest.mark.parametrize(
    ("page", "error"),
    [
        ("", None),
        ("<html>captcha</html>", None),
        (FORM, LoginRequiredError),
        ('<link rel="canonical" href="https://www.facebook.com/login/">', LoginRequiredError),
        ('<meta http-equiv="refresh" content="0; URL=/login/?next=x">', LoginRequiredError),
        ('<link rel="canonical" href="https://www.facebook.com/loginworks">', None),
        ('<form id="login_form" action="/login/">', LoginRequiredError),
        ('<button id="loginbutton">', LoginRequiredError),
        ('{"title":"This content isn\'t available right now"}', NotAvailableError),
        ("<title>Page Not Found</title>", NotAvailableError),
        (ERROR_ROOT, NotAvailableError),
        (f"{ERROR_ROOT}{FORM}", NotAvailableError),
        # A page that has some post has changed: its form says nothing.
        (f'{FORM}{{"comet_sections":{{}}}}', None),
        (f'{FORM}{{"playable_url_quality_hd":""}}', None),
        (f'{ERROR_ROOT}{{"created_time":1}}', None),
        (f'{FORM}{{"grid_media":{{}}}}', None),
    ],
)
def test_a_page_without_the_post_may_say_why(page: str, error: type[ClipferryError] | None):
    assert type(refusal(page)) is (error or type(None))


def test_an_object_of_another_form_is_an_error_of_ours():
    values: tuple[Any, ...] = ("x", 7, None, [], {"nodes": "x"}, {"nodes": [None, 7]})
    for value in values:
        with pytest.raises(ClipferryError):
            post_of({"all_subattachments": value})
        with pytest.raises(ClipferryError):
            post_of(value, actors=value, message=value, attached_story=value)
