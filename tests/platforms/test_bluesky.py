"""Bluesky: pictures, videos, GIFs and quoted posts, and what each refusal means."""

from typing import Any

import pytest

from core.errors import (
    ClipferryError,
    EmptyListError,
    NoMediaError,
    NotAvailableError,
    NotFoundError,
    PlatformChangedError,
    PlatformUnreachableError,
)
from core.lists import Listing
from core.media import Access, Clip, Picture, Post, Unreadable
from platforms.bluesky import PLATFORM, read_post
from simulator.samples import VideoSpec
from simulator.sites.posts import BlueskyFeed, BlueskyPost
from tests.sites import Web

LINK = "https://bsky.app/profile/ferry.example/post/3demo01"
PROFILE = "https://bsky.app/profile/ferry.example"
GIF = "https://media.tenor.com/demo/boat.gif?hh=200&ww=300"


async def read(web: Web, url: str = LINK) -> Post:
    link = PLATFORM.find(url)
    assert link is not None
    async with web.fetcher(attempts=1) as fetcher:
        return await fetcher.attempt(link, lambda attempt: attempt.read())


def pictures(web: Web, number: int) -> BlueskyPost:
    path = web.samples.picture(400, 500, "b")
    return BlueskyPost((path,) * number, number="3demo02")


def video(web: Web) -> BlueskyPost:
    return BlueskyPost(video=web.samples.video(VideoSpec()), number="3demo02")


@pytest.mark.parametrize("number", [1, 4, 10])
async def test_pictures_are_read_in_order(web: Web, number: int):
    path = web.samples.picture(400, 500, "b")
    web.bluesky.add(BlueskyPost((path,) * number, text="Dawn", labels=("nudity",)))
    post = await read(web)
    base = "https://cdn.bsky.app/img/feed_fullsize/plain/did:plc:demo01/3demo01"
    assert post.items == tuple(Picture((f"{base}/{n}@jpeg",)) for n in range(number))
    assert (post.id, post.details.author) == ("ferry.example/post/3demo01", "ferry.example")
    assert (post.details.text, post.details.likes, post.is_sensitive) == ("Dawn", 12, True)
    assert web.asked_hosts() == {"public.api.bsky.app"}


async def test_a_video_is_the_file_at_its_authors_server(web: Web):
    web.bluesky.add(BlueskyPost(video=web.samples.video(VideoSpec())))
    (clip,) = (await read(web)).items
    assert isinstance(clip, Clip)
    (rendition,) = clip.renditions
    assert rendition.urls[0].startswith("https://pds.host.bsky.network/xrpc/")


@pytest.mark.parametrize(("make", "kind"), [(video, Clip), (lambda w: pictures(w, 2), Picture)])
async def test_a_text_has_the_media_of_the_post_that_it_quotes(web: Web, make: Any, kind: type):
    quoted = make(web)
    web.bluesky.add(BlueskyPost(text="look", quoted=quoted))
    post = await read(web)
    assert {type(item) for item in post.items} == {kind}
    assert (post.id, post.details.text) == ("ferry.example/post/3demo01", "look")


@pytest.mark.parametrize(("make", "kind"), [(video, Clip), (lambda w: pictures(w, 2), Picture)])
async def test_a_quoted_post_that_itself_quotes_has_its_own_media(web: Web, make: Any, kind: type):
    quoted = make(web)
    quoted.quoted = BlueskyPost(pictures(web, 1).pictures, number="3demo03")
    web.bluesky.add(BlueskyPost(quoted=quoted))
    assert {type(item) for item in (await read(web)).items} == {kind}


async def test_a_post_with_media_does_not_have_those_of_the_one_that_it_quotes(web: Web):
    path = web.samples.picture(400, 500, "b")
    web.bluesky.add(BlueskyPost((path, path), quoted=video(web)))
    assert [type(item) for item in (await read(web)).items] == [Picture, Picture]
    web.bluesky.add(BlueskyPost(video=web.samples.video(VideoSpec()), quoted=pictures(web, 2)))
    assert [type(item) for item in (await read(web)).items] == [Clip]


async def test_a_gif_is_a_silent_clip(web: Web):
    web.bluesky.add(BlueskyPost(link=GIF))
    (clip,) = (await read(web)).items
    assert isinstance(clip, Clip)
    assert clip.is_silent
    assert clip.renditions[0].urls == (GIF,)
    assert PLATFORM.media_hosts.allows(GIF)


@pytest.mark.parametrize(
    "post",
    [
        BlueskyPost(),
        BlueskyPost(quoted=BlueskyPost(number="3demo02")),
        BlueskyPost(link="https://www.youtube.com/watch?v=DemoShort01"),
        BlueskyPost(link="https://media.tenor.com.evil.example/x.gif"),
        BlueskyPost(link="http://127.0.0.1/x.gif"),
    ],
)
async def test_what_has_no_media_of_its_own_says_so(web: Web, post: BlueskyPost):
    web.bluesky.add(post)
    with pytest.raises(NoMediaError):
        await read(web)
    assert web.asked_hosts() == {"public.api.bsky.app"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((400, {"error": "NotFound"}), NotFoundError),
        ((400, {"error": "InvalidRequest"}), NotFoundError),
        ((400, {"error": "Strange"}), PlatformChangedError),
        ((200, {"thread": {"$type": "app.bsky.feed.defs#notFoundPost"}}), NotFoundError),
        ((200, {"thread": {"$type": "app.bsky.feed.defs#blockedPost"}}), NotAvailableError),
        ((200, {"thread": {}}), PlatformChangedError),
        ((200, []), PlatformChangedError),
        ((502, {}), PlatformUnreachableError),
    ],
)
async def test_refusals_have_their_own_errors(web: Web, answer: Any, error: type[ClipferryError]):
    web.bluesky.answers["3demo01"] = answer
    with pytest.raises(error) as caught:
        await read(web)
    assert type(caught.value) is error


ABOUT = Post("bluesky", "a/post/1", LINK, Access("exit-1"))
IMAGE = {"fullsize": "https://cdn.bsky.app/1", "thumb": "https://cdn.bsky.app/2"}


def images(*listed: Any) -> dict[str, Any]:
    return {"embed": {"$type": "app.bsky.embed.images#view", "images": list(listed)}}


def test_a_picture_that_cannot_be_read_keeps_its_place():
    post = read_post(images(IMAGE, {"alt": "x"}, {"fullsize": "http://x"}), [], ABOUT)
    whole = Picture(("https://cdn.bsky.app/1", "https://cdn.bsky.app/2"))
    assert post.items == (whole, Unreadable(), Unreadable())


@pytest.mark.parametrize(
    "document",
    [
        None,
        images(),
        images({}),
        {"embed": {"$type": "app.bsky.embed.hologram#view"}},
        {"embed": {"images": [IMAGE]}},
    ],
)
def test_an_object_of_another_form_is_a_change_of_the_site(document: Any):
    with pytest.raises(PlatformChangedError):
        read_post(document, [], ABOUT)


async def read_list(web: Web, url: str = PROFILE, most: int = 50) -> Listing:
    link = PLATFORM.find_list(url)
    assert link is not None
    async with web.fetcher(attempts=1) as fetcher:
        return await fetcher.read_list(link, most)


def feed(web: Web, number: int, account: str = "ferry.example") -> list[str]:
    """Add a profile with posts that have a picture each; return their ids, the newest first."""
    path = web.samples.picture(400, 500, "b")
    posts = [f"3post{n:03}" for n in range(number)]
    for post in posts:
        web.bluesky.add(BlueskyPost((path,), text=f"Crossing {post}", number=post))
    web.bluesky.feeds[account] = BlueskyFeed(posts)
    return [f"ferry.example/post/{post}" for post in posts]


def ids(listing: Listing) -> list[str]:
    return [entry.post_id for entry in listing.entries]


async def test_a_profile_lists_its_posts_with_media_over_several_pages(web: Web):
    posts = feed(web, 45)
    listing = await read_list(web)
    assert (ids(listing), listing.total, listing.has_more) == (posts, 45, False)
    assert (listing.title, listing.is_by_date) == ("ferry.example", True)
    first = listing.entries[0]
    assert (first.title, first.posted_at) == ("Crossing 3post000", 1_760_000_000)
    asked = [one for one in web.log if "getAuthorFeed" in one.path]
    assert len(asked) == 3
    assert web.asked_hosts() == {"public.api.bsky.app"}


async def test_no_more_of_a_profile_is_read_than_is_offered(web: Web):
    posts = feed(web, 90)
    listing = await read_list(web, most=25)
    assert (ids(listing), listing.total, listing.has_more) == (posts[:25], None, True)
    assert len(web.log) == 2


async def test_of_a_long_profile_with_few_pictures_only_the_first_pages_are_read(web: Web):
    posts = feed(web, 130)
    for number in range(1, 130):
        web.bluesky.add(BlueskyPost(number=f"3post{number:03}"))
    listing = await read_list(web)
    assert (ids(listing), listing.has_more) == (posts[:1], True)
    assert len(web.log) == 5


async def test_texts_links_quotes_and_shared_posts_are_left_out(web: Web):
    posts = feed(web, 5)
    picture = BlueskyPost((web.samples.picture(400, 500, "b"),), number="3other0")
    web.bluesky.add(BlueskyPost(number="3post001"))
    web.bluesky.add(BlueskyPost(link="https://ferry.example/news", number="3post002"))
    web.bluesky.add(BlueskyPost(video=web.samples.video(VideoSpec()), number="3post003"))
    web.bluesky.add(BlueskyPost(picture.pictures, quoted=picture, number="3post004"))
    web.bluesky.feeds["ferry.example"] = BlueskyFeed(
        [*(post.rpartition("/")[2] for post in posts), "3other0"], shared={"3other0"}
    )
    assert ids(await read_list(web)) == [posts[0], *posts[3:]]


async def test_an_account_whose_handle_is_not_valid_is_listed_by_its_id(web: Web):
    feed(web, 1, "did:plc:demo01")
    web.bluesky.handle = "handle.invalid"
    listing = await read_list(web, "https://bsky.app/profile/did:plc:demo01")
    assert (ids(listing), listing.title) == (["did:plc:demo01/post/3post000"], "did:plc:demo01")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (None, NotFoundError),
        ((200, {"feed": []}), EmptyListError),
        ((400, {"error": "AccountTakedown", "message": "x"}), NotFoundError),
        ((400, {"error": "AccountDeactivated", "message": "x"}), NotFoundError),
        ((400, {"error": "Unheard", "message": "x"}), PlatformChangedError),
        ((200, {"cursor": "x"}), PlatformChangedError),
        ((503, {}), PlatformUnreachableError),
    ],
)
async def test_a_profile_that_cannot_be_listed_says_why(
    web: Web, answer: tuple[int, Any] | None, error: type[ClipferryError]
):
    if answer:
        web.bluesky.answers["ferry.example"] = answer
    with pytest.raises(error) as caught:
        await read_list(web)
    assert type(caught.value) is error
