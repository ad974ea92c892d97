"""Tumblr: pictures, GIFs, videos and reblogs, and what each refusal means."""

from typing import Any

import pytest

from core.errors import (
    BrokenLinkError,
    ClipferryError,
    LoginRequiredError,
    NoMediaError,
    NotAvailableError,
    NotFoundError,
    PlatformChangedError,
    PlatformRefusedError,
)
from core.media import Access, Audio, Clip, Picture, Post, Unreadable
from platforms.tumblr import PLATFORM, find_post, read_post
from simulator.samples import VideoSpec
from simulator.sites.posts import TumblrPost
from tests.sites import Web

ID = "ferry-demo/730000000000000001"
LINK = f"https://www.tumblr.com/{ID}"
COOKIES = "# Netscape HTTP Cookie File\n.tumblr.com\tTRUE\t/\tTRUE\t2147483647\tsid\tx\n"
TEXT = {"type": "text", "text": "Dawn ⛴️"}


def show(web: Web, *blocks: dict[str, Any], **options: Any) -> TumblrPost:
    number = ID.partition("/")[2]
    return web.tumblr.posts.setdefault(number, TumblrPost(number, blocks, **options))


async def read(web: Web, url: str = LINK, **policy) -> Post:
    link = PLATFORM.find(url)
    assert link is not None
    policy.setdefault("attempts", 1)
    async with web.fetcher(**policy) as fetcher:
        return await fetcher.attempt(link, lambda attempt: attempt.read())


async def test_a_post_is_its_media_in_order(web: Web):
    photos = [web.tumblr.picture(web.samples.picture(400 + n, 500, "t")) for n in range(2)]
    video = web.tumblr.video(web.samples.video(VideoSpec()))
    gif = web.tumblr.picture(web.samples.gif(300, 200))
    show(web, TEXT, photos[0], video, gif, photos[1])
    post = await read(web)
    assert [type(item) for item in post.items] == [Picture, Clip, Clip, Picture]
    first, clip, moving, _ = post.items
    assert isinstance(first, Picture)
    # In full size first, the crop only if that is gone.
    assert [url.rpartition("?")[2] for url in first.urls] == [first.urls[0], "small"]
    assert isinstance(clip, Clip)
    assert (clip.renditions[0].width, clip.is_silent) == (576, False)
    assert isinstance(moving, Clip)
    assert moving.is_silent
    assert (post.id, post.url, post.details.author) == (ID, LINK, "ferry-demo")
    assert (post.details.text, post.details.likes, post.is_sensitive) == ("Dawn ⛴️", 12, False)
    assert web.asked_hosts() == {"www.tumblr.com"}


async def test_a_reblog_has_the_media_of_what_it_reblogs_first(web: Web):
    photos = [web.tumblr.picture(web.samples.picture(400 + n, 500, "t")) for n in range(2)]
    trail = [{"content": [TEXT, photos[1]]}]
    show(web, photos[0], changes={"trail": trail, "isNsfw": True})
    post = await read(web)
    assert [item.urls[0][-13:] for item in post.items if isinstance(item, Picture)] == [
        "401x500-t.jpg",
        "400x500-t.jpg",
    ]
    assert (post.details.text, post.is_sensitive) == ("Dawn ⛴️", True)


@pytest.mark.parametrize(
    ("trouble", "error"),
    [("members", LoginRequiredError), ("hidden", NotAvailableError)],
)
async def test_refusals_have_their_own_errors(web: Web, trouble: str, error: type[ClipferryError]):
    show(web, trouble=trouble)
    with pytest.raises(error) as caught:
        await read(web)
    assert type(caught.value) is error


async def test_cookies_that_do_not_help_are_no_reason_to_ask_for_some(web: Web):
    show(web, trouble="members")
    with pytest.raises(LoginRequiredError):  # the site's reason remains
        await read(web, cookies=COOKIES)
    with pytest.raises(PlatformRefusedError):
        await read(web, cookies=COOKIES, attempts=0)


async def test_an_unknown_post_is_not_found(web: Web):
    with pytest.raises(NotFoundError):
        await read(web)


async def test_a_short_link_leads_to_its_post_and_nowhere_else(web: Web):
    show(web, web.tumblr.picture(web.samples.picture(400, 500, "t")))
    web.tumblr.short_links["/ZDemo01"] = f"https://at.tumblr.com/ferry-demo/x/{'1' * 5}"
    web.tumblr.short_links["/ferry-demo/x/11111"] = f"{LINK}/a-crossing?source=share"
    web.tumblr.short_links["/ZDemo02"] = "https://evil.example/ferry-demo/730000001"
    assert (await read(web, "https://tmblr.co/ZDemo01")).id == ID
    with pytest.raises(BrokenLinkError):
        await read(web, "https://tmblr.co/ZDemo02")
    assert "evil.example" not in web.asked_hosts()


URL = "https://64.media.tumblr.com/"
PHOTO = {"type": "image", "media": [{"url": f"{URL}1.jpg", "type": "image/jpeg"}]}
OTHER = {"type": "image", "media": [{"url": f"{URL}2.png", "type": "image/png"}]}
FOREIGN = {"type": "video", "provider": "youtube", "url": "https://youtu.be/x"}
VIDEO = {"type": "video", "media": {"url": f"{URL}v.mp4"}, "poster": [{"url": f"{URL}p.jpg"}]}
SONG = {
    "type": "audio",
    "provider": "tumblr",
    "title": "Bell",
    "artist": "Ada",
    "media": {"url": "https://a.tumblr.com/1.mp3"},
}
P, V, X = Picture, Clip, Unreadable


def post_of(*content: Any, **values: Any) -> Post:
    return read_post({"content": list(content), **values}, ID, Access("exit-1"))


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        ((PHOTO, FOREIGN, VIDEO), [P, X, V]),
        ((PHOTO, {"type": "image", "media": [{"url": "http://x/1.jpg"}]}), [P, X]),
        ((PHOTO, {"type": "image"}, {"type": "poll"}, "text", None), [P, X]),
        ((VIDEO, {"type": "video", "provider": "tumblr"}), [V, X]),
    ],
)
def test_what_cannot_be_read_keeps_its_place(content: tuple[Any, ...], kinds: list[type]):
    assert [type(item) for item in post_of(*content).items] == kinds


@pytest.mark.parametrize(
    ("display", "expected"),
    [
        ([[1, 0]], "21"),
        ([[1], [0]], "21"),
        ([[1]], "21"),
        ([[0, 1]], "12"),
        # Layouts that make no sense lose and repeat nothing.
        ([[7, -1, True, "1", 1, 1]], "21"),
        ("x", "12"),
    ],
)
def test_rows_may_change_the_order(display: Any, expected: str):
    rows = [{"blocks": blocks} for blocks in display]
    post = post_of(PHOTO, OTHER, layout=[{"type": "rows", "display": rows}])
    found = [item.urls[0] for item in post.items if isinstance(item, Picture)]
    assert "".join(url[len(URL)] for url in found) == expected


@pytest.mark.parametrize("name", ["a.gif", "a.gifv"])
def test_a_gif_is_a_clip_whatever_it_is_called(name: str):
    (clip,) = post_of({"type": "image", "media": [{"url": URL + name}]}).items
    assert isinstance(clip, Clip)
    assert clip.renditions[0].urls == (f"{URL}a.gif",)


def test_pictures_may_have_music():
    audio = Audio(("https://a.tumblr.com/1.mp3",), "Bell", "Ada")
    assert post_of(PHOTO, SONG).audio == audio
    # A video has its own sound.
    assert post_of(VIDEO, SONG).audio is None


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ((TEXT,), NoMediaError),
        ((FOREIGN,), NoMediaError),
        ((SONG,), NoMediaError),
        ((), NoMediaError),
        (({"type": "image"},), PlatformChangedError),
        (({"type": "video", "provider": "tumblr"},), PlatformChangedError),
    ],
)
def test_what_has_no_media_says_so(content: Any, error: type[ClipferryError]):
    with pytest.raises(error) as caught:
        post_of(*content)
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("page", "error"),
    [
        ("<html></html>", PlatformRefusedError),
        ('<script id="___INITIAL_STATE___" type="application/json">{', NotAvailableError),
        (
            '<script id="___INITIAL_STATE___" type="application/json">'
            '{"objectType": "blog", "id": "730000000000000001", "content": []}</script>',
            NotAvailableError,
        ),
    ],
)
def test_a_page_without_the_post_is_not_another_post(page: str, error: type[ClipferryError]):
    with pytest.raises(error):
        find_post(page, ID)
