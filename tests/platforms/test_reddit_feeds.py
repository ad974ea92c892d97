"""Users and communities on Reddit, whose posts are listed."""

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
    PlatformUnreachableError,
)
from core.lists import Listing
from platforms.reddit import PLATFORM
from simulator.sites.reddit import RedditFeed, RedditPost
from tests.sites import Web

USER = "https://www.reddit.com/user/ferry_demo/"
COMMUNITY = "https://www.reddit.com/r/ferries/"


async def read_list(web: Web, url: str = USER, most: int = 50) -> Listing:
    link = PLATFORM.find_list(url)
    assert link is not None
    async with web.fetcher(attempts=1) as fetcher:
        return await fetcher.read_list(link, most)


def ids(listing: Listing) -> list[str]:
    return [entry.post_id for entry in listing.entries]


def feed(web: Web, name: str, number: int, **values: Any) -> list[str]:
    """Add a feed of posts; return their ids, the newest first."""
    picture = web.samples.picture(400, 500, "r")
    posts = [f"1post{place:02}" for place in range(number)]
    for place, post in enumerate(posts):
        values = {"pictures": (picture,), "title": f"Crossing {place}"} | values
        web.reddit.posts[post] = RedditPost(post, **values)
    web.reddit.feeds[name] = RedditFeed(posts)
    return posts


@pytest.mark.parametrize(
    ("url", "name", "title"),
    [(USER, "user/ferry_demo", "u/ferry_demo"), (COMMUNITY, "r/ferries", "r/ferries")],
)
async def test_a_feed_lists_its_posts_over_several_pages(web: Web, url: str, name: str, title: str):
    posts = feed(web, name, 45)
    listing = await read_list(web, url)
    assert (ids(listing), listing.total, listing.has_more) == (posts, 45, False)
    assert (listing.title, listing.is_by_date) == (title, True)
    first = listing.entries[0]
    assert (first.title, first.posted_at) == ("Crossing 0", 1_760_000_000)
    assert len([one for one in web.log if ".json" in one.path]) == 3
    assert web.asked_hosts() == {"old.reddit.com", "www.reddit.com"}


async def test_no_more_of_a_feed_is_read_than_is_offered(web: Web):
    posts = feed(web, "user/ferry_demo", 90)
    listing = await read_list(web, most=25)
    assert (ids(listing), listing.total, listing.has_more) == (posts[:25], None, True)
    assert len([one for one in web.log if ".json" in one.path]) == 2


@pytest.mark.parametrize(
    "refusal", [(403, ""), (403, "private"), (404, "banned"), (503, ""), (403, "html")]
)
async def test_a_refusal_after_the_first_page_leaves_what_was_listed(
    web: Web, refusal: tuple[int, str]
):
    posts = feed(web, "user/ferry_demo", 45)
    web.reddit.feeds["user/ferry_demo"] = RedditFeed(posts, *refusal, is_cut=True)
    listing = await read_list(web)
    assert (ids(listing), listing.has_more) == (posts[:20], True)


async def test_only_posts_with_media_that_can_be_read_are_listed(web: Web):
    picture = web.samples.picture(400, 500, "r")
    text = {"selftext": "x", "media_metadata": {"n0": {"status": "valid", "e": "Image"}}}
    shown = (
        RedditPost("1picture", pictures=(picture,)),
        RedditPost("1gallery", pictures=(picture, picture)),
        RedditPost("1video", video=picture),
        RedditPost("1redgifs", link="https://www.redgifs.com/watch/demogif"),
        RedditPost("1imgur", link="https://imgur.com/gallery/demo1"),
        RedditPost("1copied", link="https://pictures.example/1.jpg", copy=picture),
        RedditPost("1repeats", repeats="1gallery"),
        RedditPost("1text", link="https://www.reddit.com/r/ferries/comments/1text/", changes=text),
    )
    hidden = (
        RedditPost("1words", link="https://www.reddit.com/r/ferries/comments/1words/a/"),
        RedditPost("1news", link="https://news.example/ferry"),
        RedditPost("1removed", removed_by="moderator", changes={"is_gallery": True}),
        RedditPost("1again", repeats="1words"),
    )
    web.reddit.posts = {post.id: post for post in (*hidden, *shown)}
    web.reddit.feeds["user/ferry_demo"] = RedditFeed([*web.reddit.posts])
    assert ids(await read_list(web)) == [post.id for post in shown]


async def test_of_a_feed_of_texts_only_the_first_pages_are_read(web: Web):
    feed(web, "user/ferry_demo", 120, link="https://news.example/ferry", pictures=())
    with pytest.raises(EmptyListError):
        await read_list(web)
    assert len([one for one in web.log if ".json" in one.path]) == 5


@pytest.mark.parametrize(
    ("url", "found", "error"),
    [
        (USER, None, NotFoundError),
        (USER, RedditFeed(status=403), NotAvailableError),  # suspended
        (USER, RedditFeed(), EmptyListError),
        (USER, RedditFeed(refusal="html"), PlatformRefusedError),
        (USER, RedditFeed(status=503), PlatformUnreachableError),
        (USER, RedditFeed(status=200), PlatformChangedError),
        (COMMUNITY, None, NotFoundError),
        (COMMUNITY, RedditFeed(status=404, refusal="banned"), NotFoundError),
        (COMMUNITY, RedditFeed(status=403, refusal="private"), LoginRequiredError),
        (COMMUNITY, RedditFeed(status=403, refusal="quarantined"), LoginRequiredError),
    ],
)
async def test_a_feed_that_cannot_be_listed_says_why(
    web: Web, url: str, found: RedditFeed | None, error: type[ClipferryError]
):
    if found:
        web.reddit.feeds["user/ferry_demo" if url == USER else "r/ferries"] = found
    with pytest.raises(error) as caught:
        await read_list(web, url)
    assert type(caught.value) is error
