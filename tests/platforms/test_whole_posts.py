"""Posts of X, Reddit and Pinterest with all that they show: what is an item, and in which order."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from core.errors import (
    AgeRestrictedError,
    ClipferryError,
    ListError,
    LoginRequiredError,
    MediaDeletedError,
    MediaPrivateError,
    NoMediaError,
    NotAvailableError,
    NotFoundError,
    PlatformChangedError,
    PlatformError,
    PlatformRateLimitedError,
    PlatformRefusedError,
    PlatformUnreachableError,
    RegionBlockedError,
)
from core.media import Access, Clip, Item, Picture, Post, Rendition, Unreadable
from platforms import reddit
from platforms._files import FileRequest, FileVersion
from platforms._json import Json
from platforms._linked_media import (
    LINKED_HOSTS,
    fetch_linked,
    is_whole,
    read_imgur,
    read_redgifs,
)
from platforms._pinterest_pin import read_pin
from platforms._registry import load_registry
from platforms._x_extractor import embed_token
from platforms._x_post import needs_card, read_answer, read_embed
from simulator.samples import VideoSpec
from simulator.sites.pinterest import Pin
from simulator.sites.reddit import RedditPost
from simulator.sites.x import XPost
from tests.sites import Web

ABOUT = Post("x", "1", "https://x.com/i/status/1", Access("exit-1"))
X_ID = "1790000000000000001"
QUOTED_ID = "1790000000000000002"
X_LINK = f"https://x.com/ferry_demo/status/{X_ID}"
PIN_LINK = "https://www.pinterest.com/pin/7300000001/"
REDDIT_LINK = "https://www.reddit.com/r/ferries/comments/1demo01/a_crossing/"


async def read(web: Web, url: str, **policy) -> Post:
    policy.setdefault("attempts", 1)
    async with web.fetcher(**policy) as fetcher:
        link = fetcher.registry.find(url)
        assert link is not None
        return await fetcher.attempt(link, lambda attempt: attempt.read())


def kinds(post: Post) -> list[str]:
    """Return the kind of each item; a clip without audio is a "gif"."""
    return [
        "gif" if isinstance(item, Clip) and item.is_silent else type(item).__name__.lower()
        for item in post.items
    ]


def first_url(item: Item) -> str:
    match item:
        case Clip():
            return item.renditions[0].urls[0]
        case Picture():
            return item.urls[0]
    return ""


# --- X: the object of a post ----------------------------------------------------------------------

PBS = "https://pbs.twimg.com/media/a.jpg"
PHOTO: dict[str, Any] = {"type": "photo", "media_url_https": PBS}
MP4 = {
    "bitrate": 832_000,
    "content_type": "video/mp4",
    "url": "https://video.twimg.com/ext_tw_video/1/pu/vid/avc1/576x1024/a.mp4?tag=12",
}
VIDEO: dict[str, Any] = {
    "type": "video",
    "media_url_https": PBS,
    "video_info": {"duration_millis": 3_999, "variants": [{"url": "https://x/a.m3u8"}, MP4]},
}
GIF: dict[str, Any] = {
    "type": "animated_gif",
    "original_info": {"width": 120, "height": 90},
    "video_info": {"variants": [MP4 | {"url": "https://video.twimg.com/tweet_video/b.mp4"}]},
}
LOST = VIDEO | {"video_info": {"variants": []}}


def tweet(*media: Any, **values: Any) -> dict[str, Any]:
    legacy = {"extended_entities": {"media": list(media)}, **values.pop("legacy", {})}
    return {"__typename": "Tweet", "legacy": legacy, **values}


def answer(result: Any) -> dict[str, Any]:
    return {"tweetResult": {"result": result}}


QUOTING = {"quoted_status_result": {"result": tweet(GIF)}}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (tweet(PHOTO, VIDEO, GIF, PHOTO), ["picture", "clip", "gif", "picture"]),
        (tweet(PHOTO, LOST, {"type": "model3d"}), ["picture", "unreadable", "unreadable"]),
        (tweet(PHOTO | {"media_url_https": "http://x/a"}, GIF), ["unreadable", "gif"]),
        # The quoted post's media are shown only where the post has none.
        (tweet(**QUOTING), ["gif"]),
        (tweet(PHOTO, **QUOTING), ["picture"]),
        ({"__typename": "TweetWithVisibilityResults", "tweet": tweet(VIDEO)}, ["clip"]),
        (tweet(legacy={"retweeted_status_result": {"result": tweet(GIF, GIF)}}), ["gif", "gif"]),
        (
            tweet(quoted_status_result={"result": {"tweet": tweet(PHOTO)}}),
            ["picture"],
        ),
    ],
)
def test_the_media_of_a_post_on_x_keep_their_order(result: Any, expected: list[str]):
    assert kinds(read_answer(answer(result), ABOUT)) == expected


def test_photos_and_videos_on_x_are_read_in_full():
    post = read_answer(answer(tweet(PHOTO, VIDEO, GIF)), ABOUT)
    photo, video, gif = post.items
    assert photo == Picture((f"{PBS}?name=orig", f"{PBS}?name=4096x4096", f"{PBS}?name=large"))
    assert video == Clip(
        (Rendition((MP4["url"],), "h264", 576, 1024, bitrate=832_000),),  # type: ignore[arg-type]
        3,
        (f"{PBS}?name=orig",),
    )
    assert isinstance(gif, Clip)
    assert (gif.renditions[0].width, gif.renditions[0].height, gif.cover_urls) == (120, 90, ())


@pytest.mark.parametrize(
    ("values", "facts"),
    [
        (
            {
                "legacy": {
                    "full_text": "Dawn &amp; dusk https://t.co/a https://t.co/b",
                    "entities": {
                        "urls": [
                            {"url": "https://t.co/a", "expanded_url": "https://ferry.example"}
                        ],
                        "media": [{"url": "https://t.co/b"}],
                    },
                    "favorite_count": 5,
                    "possibly_sensitive": True,
                },
                "views": {"count": "7"},
                "core": {"user_results": {"result": {"core": {"screen_name": "ada"}}}},
            },
            ("ada", "Dawn & dusk https://ferry.example", 5, 7, True),
        ),
        (
            {
                "legacy": {"full_text": "The beginning"},
                "note_tweet": {"note_tweet_results": {"result": {"text": "All of it"}}},
                "core": {"user_results": {"result": {"legacy": {"screen_name": "bo"}}}},
            },
            ("bo", "All of it", None, None, False),
        ),
        # Only the site's own short links are replaced.
        (
            {
                "legacy": {
                    "full_text": "a",
                    "entities": {"urls": [{"url": "a", "expanded_url": "b"}]},
                }
            },
            ("", "a", None, None, False),
        ),
    ],
)
def test_what_a_post_on_x_says_about_itself(values: dict[str, Any], facts: tuple[Any, ...]):
    post = read_answer(answer(tweet(PHOTO, **values)), ABOUT)
    assert (
        post.details.author,
        post.details.text,
        post.details.likes,
        post.details.views,
        post.is_sensitive,
    ) == facts


def tombstone(text: str) -> dict[str, Any]:
    return {"__typename": "TweetTombstone", "tombstone": {"text": {"text": text}}}


REFUSALS: list[tuple[Any, type[ClipferryError]]] = [
    ({"__typename": "TweetUnavailable", "reason": "Protected"}, MediaPrivateError),
    ({"__typename": "TweetUnavailable", "reason": "NsfwLoggedOut"}, AgeRestrictedError),
    ({"__typename": "TweetUnavailable", "reason": "Something"}, NotAvailableError),
    ({"__typename": "TweetUnavailable"}, NotAvailableError),
    (
        tombstone("Age-restricted adult content. [...] you'll need to log in to X."),
        AgeRestrictedError,
    ),
    (tombstone("[...] this account owner limits who can view their Posts."), MediaPrivateError),
    (tombstone("This Post has been withheld in Freedonia."), RegionBlockedError),
    (tombstone("This Post was deleted by the Post author."), NotFoundError),
    (tombstone("This Post is from a suspended account."), NotFoundError),
    (tombstone("This Post violated the X Rules."), NotFoundError),
    (tombstone("Log in to see it."), LoginRequiredError),
    (tombstone("This Post is unavailable."), NotAvailableError),
    (tweet(), NoMediaError),
    (tweet(LOST), PlatformChangedError),
]


@pytest.mark.parametrize(("result", "error"), [*REFUSALS, (None, MediaDeletedError)])
def test_a_post_that_x_does_not_show_says_why(result: Any, error: type[ClipferryError]):
    with pytest.raises(ClipferryError) as caught:
        read_answer(answer(result), ABOUT)
    assert type(caught.value) is error
    assert not needs_card(answer(result))


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (tweet(card={"legacy": {"name": "amplify"}}), True),
        (tweet(PHOTO, card={"legacy": {}}), False),
        (tweet(card={"legacy": {"name": "amplify"}}, **QUOTING), False),
        (tweet(card={"legacy": {"name": "summary_large_image"}}), False),
        (tweet(card={"legacy": {"name": "poll2choice_text_only"}}), False),
        (tweet(), False),
        (tombstone("This Post is unavailable."), False),
    ],
)
def test_only_a_post_without_other_media_needs_its_card(result: Any, expected: bool):
    assert needs_card(answer(result)) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"mediaDetails": [VIDEO, PHOTO]}, ["clip", "picture"]),
        ({"quoted_tweet": {"mediaDetails": [GIF]}}, ["gif"]),
        ({"mediaDetails": [PHOTO], "quoted_tweet": {"mediaDetails": [GIF]}}, ["picture"]),
    ],
)
def test_an_embedded_post_has_the_same_media(status: dict[str, Any], expected: list[str]):
    post = read_embed({"user": {"screen_name": "ada"}, "text": "Dawn", **status}, ABOUT)
    assert (kinds(post), post.details.author, post.details.text) == (expected, "ada", "Dawn")


def test_an_embedded_post_without_media_or_reason_is_none():
    with pytest.raises(AgeRestrictedError):
        read_embed(tombstone("Age-restricted adult content."), ABOUT)
    with pytest.raises(NoMediaError):
        read_embed({"__typename": "Tweet"}, ABOUT)
    with pytest.raises(PlatformChangedError):
        read_embed({}, ABOUT)
    with pytest.raises(NoMediaError):
        read_embed({"card": {"name": "summary"}}, ABOUT)
    with pytest.raises(PlatformRefusedError):
        read_embed({"card": {"name": "3337203208:amplify"}}, ABOUT)


def test_the_token_of_an_embedded_post_is_the_widgets():
    """The first pair was seen in a browser's request of the widget."""
    assert embed_token("1697322795510759929").startswith("444aooo9l2")
    assert re.fullmatch("[1-9a-z]+", embed_token("20"))


# --- X: through the reader ------------------------------------------------------------------------


def x_posts(web: Web) -> tuple[Path, Path]:
    video = web.samples.video(VideoSpec())
    photo = web.samples.picture(400, 500, "x")
    web.x.posts[X_ID] = XPost(X_ID, ((video,),), others=(photo, video, None), text="Dawn")
    web.x.posts[QUOTED_ID] = XPost(QUOTED_ID, quotes=X_ID)
    return photo, video


async def test_a_mixed_post_on_x_is_all_of_its_media(web: Web):
    x_posts(web)
    post = await read(web, f"{X_LINK}/photo/2")
    assert kinds(post) == ["clip", "picture", "gif", "unreadable"]
    assert (post.details.author, post.details.text, post.details.likes, post.details.views) == (
        "ferry_demo",
        "Dawn",
        12,
        345,
    )
    assert web.asked_hosts() == {"api.x.com", "x.com"}


async def test_a_quoting_post_on_x_shows_what_it_quotes(web: Web):
    x_posts(web)
    assert len((await read(web, X_LINK.replace(X_ID, QUOTED_ID))).items) == 4


@pytest.mark.parametrize("status", [429, 404, 410])
@pytest.mark.parametrize("post_id", [X_ID, QUOTED_ID])
async def test_a_post_on_x_is_read_as_an_embed_if_guests_are_refused(
    web: Web, post_id: str, status: int
):
    x_posts(web)
    web.x.api_status = status
    post = await read(web, X_LINK.replace(X_ID, post_id))
    assert kinds(post) == ["clip", "picture", "gif", "unreadable"]
    assert post.details.views is None
    assert web.log[-1].host == "cdn.syndication.twimg.com"


@pytest.mark.parametrize(
    ("status", "options", "error"),
    [
        (403, {"refusal": "Protected"}, NotAvailableError),
        (403, {"refusal": "Age-restricted adult content."}, AgeRestrictedError),
        (403, {}, NoMediaError),
    ],
)
async def test_an_embed_that_is_refused_says_what_is_known(
    web: Web, status: int, options: dict[str, str], error: type[ClipferryError]
):
    web.x.api_status = status
    web.x.posts[X_ID] = XPost(X_ID, **options)  # type: ignore[arg-type]
    with pytest.raises(error):
        await read(web, X_LINK)


def card(name: str, key: str, value: str) -> dict[str, Any]:
    values = [{"key": key, "value": {"type": "STRING", "string_value": value}}]
    return {"name": name, "binding_values": values}


async def test_the_video_of_a_card_on_x_is_read_by_ytdlp(web: Web):
    video = VIDEO | {"id_str": "1", "video_info": {"variants": [MP4]}}
    entities = {"media_entities": {"1": video}}
    web.x.posts[X_ID] = XPost(X_ID, card=card("unified_card", "unified_card", json.dumps(entities)))
    post = await read(web, X_LINK)
    assert kinds(post) == ["clip"]
    assert first_url(post.items[0]) == MP4["url"]


async def test_the_page_that_a_card_on_x_leads_to_is_not_requested(web: Web):
    link = card("summary", "card_url", "https://ferry.example/news")
    web.x.posts[X_ID] = XPost(X_ID, card=link)
    with pytest.raises(NoMediaError):
        await read(web, X_LINK)
    assert web.asked_hosts() == {"api.x.com", "x.com"}


async def test_a_post_that_x_does_not_know_was_deleted(web: Web):
    with pytest.raises(MediaDeletedError):
        await read(web, X_LINK)
    assert "cdn.syndication.twimg.com" in web.asked_hosts()


async def save(web: Web, url: str) -> list[bytes | None]:
    """Read a post and save its pictures; one that cannot be saved is None."""
    async with web.fetcher(attempts=1) as fetcher, web.spool().workspace() as space:
        link = fetcher.registry.find(url)
        assert link

        async def work(attempt):
            post = await attempt.read()
            pictures = [item for item in post.items if isinstance(item, Picture)]
            wanted = [
                FileRequest((FileVersion(picture.urls, 1_000_000),), str(n), may_miss=True)
                for n, picture in enumerate(pictures)
            ]
            return await attempt.save(post, wanted, space)

        saved = await fetcher.attempt(link, work)
        return [file and file.path.read_bytes() for file in saved]


async def test_the_next_size_of_a_photo_on_x_follows_one_that_is_missing(web: Web):
    photo = web.samples.picture(400, 500, "x")
    web.x.posts[X_ID] = XPost(X_ID, others=(photo,), missing_sizes=frozenset({"orig"}))
    assert await save(web, X_LINK) == [photo.read_bytes()]
    names = [entry.path for entry in web.log if entry.host == "pbs.twimg.com"]
    assert [name.partition("=")[2] for name in names] == ["orig", "4096x4096"]


# --- Reddit ---------------------------------------------------------------------------------------


async def test_a_gallery_on_reddit_may_contain_videos(web: Web):
    picture, video = web.samples.picture(400, 500, "r"), web.samples.video(VideoSpec())
    web.reddit.posts["1demo01"] = RedditPost("1demo01", pictures=(picture, video, None, video))
    post = await read(web, REDDIT_LINK)
    assert kinds(post) == ["picture", "gif", "unreadable", "gif"]  # their manifests have no audio
    assert first_url(post.items[3]) == "https://v.redd.it/1demo01/n3/DASH_720.mp4"
    assert (post.details.author, post.details.text) == ("ferry_demo", "A crossing")


async def test_a_crosspost_on_reddit_has_the_media_of_its_original(web: Web):
    picture = web.samples.picture(400, 500, "r")
    web.reddit.posts["1demo02"] = RedditPost("1demo02", pictures=(picture, picture))
    web.reddit.posts["1demo01"] = RedditPost("1demo01", repeats="1demo02")
    assert kinds(await read(web, REDDIT_LINK)) == ["picture", "picture"]


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://www.redgifs.com/watch/demogif", ["clip"]),
        ("https://v3.redgifs.com/watch/DemoGif#rel=user", ["clip"]),
        ("https://i.redgifs.com/i/demopicture.jpg", ["picture"]),
        ("https://imgur.com/a/album1", ["picture", "clip"]),
        ("https://imgur.com/gallery/a-crossing-album1", ["picture", "clip"]),
        ("https://imgur.com/gallery/demo1", ["picture"]),
        ("https://m.imgur.com/demo1", ["picture"]),
        ("https://i.imgur.com/demo1.jpg?1", ["picture"]),
        ("https://i.imgur.com/demo2.gifv", ["gif"]),
    ],
)
async def test_the_media_behind_a_link_on_reddit_are_its_own(
    web: Web, link: str, expected: list[str]
):
    picture, video = web.samples.picture(400, 500, "r"), web.samples.video(VideoSpec())
    web.reddit.gifs |= {"demogif": video, "demopicture": picture}
    web.reddit.albums["album1"] = ("demo1.jpg", "demo2.mp4")
    web.reddit.imgur_files |= {"demo1.jpg": picture, "demo2.mp4": video}
    web.reddit.posts["1demo01"] = RedditPost("1demo01", link=link)
    post = await read(web, REDDIT_LINK)
    assert kinds(post) == expected
    assert (post.url, post.details.text) == (
        "https://www.reddit.com/comments/1demo01",
        "A crossing",
    )
    assert post.access.headers["User-Agent"].startswith("Mozilla/")
    assert post.access.headers.get("Referer") == (
        "https://www.redgifs.com/" if "redgifs" in link else None
    )


@pytest.mark.parametrize(
    ("link", "status", "error"),
    [
        ("https://www.redgifs.com/watch/gone", 0, NotFoundError),
        ("https://www.redgifs.com/watch/demogif", 429, PlatformRateLimitedError),
        ("https://www.redgifs.com/watch/demogif", 403, PlatformRefusedError),
        ("https://imgur.com/a/gone1", 0, NotFoundError),
        ("https://imgur.com/a/gone1", 503, PlatformUnreachableError),
        ("https://imgur.com/gone1", 429, PlatformRateLimitedError),
        ("https://redgifs.com.evil.example/watch/demogif", 0, NoMediaError),
        ("https://example.org/?https://imgur.com/a/album1", 0, NoMediaError),
        ("https://127.0.0.1/imgur.com/demo1", 0, NoMediaError),
        ("https://imgur.com/user/ferry", 0, NoMediaError),
    ],
)
async def test_what_is_not_behind_a_link_on_reddit_says_why(
    web: Web, link: str, status: int, error: type[ClipferryError]
):
    web.reddit.linked_status = status
    web.reddit.posts["1demo01"] = RedditPost("1demo01", link=link)
    with pytest.raises(error):
        await read(web, REDDIT_LINK)
    allowed = {"old.reddit.com", "www.reddit.com", "api.redgifs.com", "api.imgur.com"}
    assert web.asked_hosts() <= allowed


#: JSON that is nested more deeply than Python reads.
DEEP = "[" * 50_000


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        ("https://imgur.com/gone1", {}),
        ("https://imgur.com/gone1", {"linked_status": 302}),
        ("https://imgur.com/gone1", {"linked_status": 503}),
        ("https://imgur.com/gone1", {"linked_text": "null"}),
        ("https://i.redgifs.com/i/gone.jpg", {}),
        ("https://i.redgifs.com/i/gone.jpg", {"linked_text": DEEP}),
    ],
)
async def test_reddits_copy_of_a_picture_is_read_whatever_fails_on_the_other_site(
    web: Web, link: str, fault: dict[str, Any]
):
    copy = web.samples.picture(400, 500, "copy")
    web.reddit.posts["1demo01"] = RedditPost("1demo01", link=link, copy=copy)
    for name, value in fault.items():
        setattr(web.reddit, name, value)
    assert await save(web, REDDIT_LINK) == [copy.read_bytes()]


@pytest.mark.parametrize(
    ("link", "fault", "error"),
    [
        ("https://imgur.com/a/gone1", {}, NotFoundError),
        ("https://imgur.com/a/gone1", {"linked_status": 302}, NotFoundError),
        ("https://imgur.com/a/gone1", {"linked_text": "null"}, PlatformChangedError),
        ("https://imgur.com/a/album1", {"linked_status": 429}, PlatformRateLimitedError),
        ("https://imgur.com/gallery/album1", {"linked_status": 503}, PlatformUnreachableError),
        ("https://www.redgifs.com/watch/gone", {}, NotFoundError),
        ("https://www.redgifs.com/watch/demogif", {"linked_status": 403}, PlatformRefusedError),
        ("https://www.redgifs.com/watch/demogif", {"linked_text": DEEP}, PlatformChangedError),
    ],
)
async def test_reddits_picture_never_replaces_an_album_or_a_video(
    web: Web, link: str, fault: dict[str, Any], error: type[ClipferryError]
):
    copy = web.samples.picture(400, 500, "copy")
    web.reddit.posts["1demo01"] = RedditPost("1demo01", link=link, copy=copy)
    for name, value in fault.items():
        setattr(web.reddit, name, value)
    with pytest.raises(error):
        await read(web, REDDIT_LINK)


@pytest.mark.parametrize("status", [429, 503])
async def test_an_album_that_imgur_fails_to_list_is_not_missing(web: Web, status: int):
    web.reddit.posts["1demo01"] = RedditPost("1demo01", link="https://imgur.com/a/album1")
    web.reddit.album_status = status
    with pytest.raises(PlatformError):
        await read(web, REDDIT_LINK)


@pytest.mark.parametrize(
    ("link", "is_picture_enough", "is_clip_enough"),
    [
        ("https://imgur.com/a/album1", False, False),
        ("https://imgur.com/gallery/a-crossing-album1", False, False),
        ("https://imgur.com/demo1", True, True),
        ("https://www.redgifs.com/watch/demogif", False, True),
        ("https://i.redgifs.com/i/demogif.jpg", True, True),
    ],
)
def test_a_copy_replaces_one_file_of_its_kind(
    link: str, is_picture_enough: bool, is_clip_enough: bool
):
    assert (is_whole(STILL, link), is_whole(GIFV, link)) == (is_picture_enough, is_clip_enough)


async def test_an_album_behind_a_post_on_reddit_is_asked_for_again(web: Web):
    copy = web.samples.picture(400, 500, "copy")
    link = "https://imgur.com/a/album1"
    web.reddit.posts["1demo01"] = RedditPost("1demo01", link=link, copy=copy)
    web.reddit.linked_status = 503
    with pytest.raises(PlatformUnreachableError):
        await read(web, REDDIT_LINK, attempts=2)
    posts = [entry for entry in web.log if entry.path.endswith("/.json")]
    assert len(posts) == 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [({"linked_status": 302}, NotFoundError), ({"linked_text": DEEP}, PlatformChangedError)],
)
async def test_without_a_copy_the_failure_of_the_other_site_is_said(
    web: Web, fault: dict[str, Any], error: type[ClipferryError]
):
    web.reddit.posts["1demo01"] = RedditPost("1demo01", link="https://imgur.com/a/gone1")
    for name, value in fault.items():
        setattr(web.reddit, name, value)
    with pytest.raises(error):
        await read(web, REDDIT_LINK)


async def test_a_gallery_on_reddit_is_read_whatever_fails_in_ytdlp(web: Web):
    """yt-dlp takes the target of every post apart."""
    picture = web.samples.picture(400, 500, "r")
    gallery = RedditPost("1demo01", pictures=(picture, None, picture), changes={"url": "https://["})
    web.reddit.posts["1demo01"] = gallery
    assert kinds(await read(web, REDDIT_LINK)) == ["picture", "unreadable", "picture"]


@pytest.mark.parametrize(
    ("manifest", "error"),
    [
        ("https://elsewhere.example/1.m3u8", None),
        # Which another exit may get.
        ("https://www.reddit.com/login/1.m3u8", PlatformRefusedError),
    ],
)
async def test_the_pictures_of_a_text_are_read_if_its_video_never_is(
    web: Web, manifest: str, error: type[ClipferryError] | None
):
    source = {"u": "https://preview.redd.it/a.jpg", "x": 4, "y": 5}
    media = {
        "a": {"id": "a", "status": "valid", "e": "Image", "s": source},
        "v": {"id": "v", "status": "valid", "e": "RedditVideo", "hlsUrl": manifest},
    }
    changes = {"url": REDDIT_LINK, "selftext": "a v", "media_metadata": media}
    web.reddit.posts["1demo01"] = RedditPost("1demo01", changes=changes)
    if error is None:
        assert kinds(await read(web, REDDIT_LINK)) == ["picture", "unreadable"]
        return
    with pytest.raises(error):
        await read(web, REDDIT_LINK)


async def test_a_failure_of_ytdlp_does_not_say_that_a_post_has_no_media(web: Web):
    videos = (web.samples.video(VideoSpec()),) * 2
    changes = {"url": "https://["}
    web.reddit.posts["1demo01"] = RedditPost("1demo01", pictures=videos, changes=changes)
    with pytest.raises(PlatformChangedError):
        await read(web, REDDIT_LINK)


async def test_a_removed_picture_on_imgur_is_reddits_copy_and_never_the_placeholder(web: Web):
    copy = web.samples.picture(400, 500, "copy")
    link = "https://i.imgur.com/gone1.jpg"
    web.reddit.posts["1demo01"] = RedditPost("1demo01", link=link, copy=copy)
    web.reddit.imgur_files["removed.png"] = web.samples.picture(161, 81, "removed")
    assert await save(web, REDDIT_LINK) == [copy.read_bytes()]
    assert not any(entry.path == "/removed.png" for entry in web.log)


async def test_a_removed_picture_without_a_copy_is_missing(web: Web):
    web.reddit.posts["1demo01"] = RedditPost("1demo01", link="https://i.imgur.com/gone1.jpg")
    web.reddit.imgur_files["removed.png"] = web.samples.picture(161, 81, "removed")
    assert await save(web, REDDIT_LINK) == [None]


SOURCE = {"url": "https://external-preview.redd.it/a.jpg?s=1&amp;t=2", "width": 3, "height": 2}
COPY = "https://external-preview.redd.it/a.jpg?s=1&t=2"
SMALL = "https://external-preview.redd.it/a.jpg?width=108"
MOVING = "https://external-preview.redd.it/a.gif?format=mp4"
PREVIEW = "https://v.redd.it/a/DASH_480.mp4"
LINKED: dict[str, Any] = {
    "url": "https://example.org/a.jpg",
    "post_hint": "image",
    "preview": {"images": [{"source": SOURCE, "resolutions": [{"url": SMALL}]}]},
}
ANIMATED = {"images": [{"source": SOURCE, "variants": {"mp4": {"source": {"url": MOVING}}}}]}
VIDEO_COPY = {"reddit_video_preview": {"fallback_url": PREVIEW, "is_gif": True}}
REDGIFS = {"url": "https://www.redgifs.com/watch/a"}
STILL = Picture(("https://i.imgur.com/a.jpg",))
GIFV = Clip((Rendition(("https://i.imgur.com/a.mp4",), "h264", quality=1),), is_silent=True)


def copied(url: str) -> Rendition:
    return Rendition((url,), "h264", quality=-1, is_doubtful=True)


@pytest.mark.parametrize(
    ("data", "linked", "items"),
    [
        # The copy of a picture on another site is what the post shows.
        (LINKED, (), (Picture((COPY, SMALL)),)),
        (
            LINKED | {"preview": ANIMATED},
            (),
            (Clip((copied(MOVING),), cover_urls=(COPY,), is_silent=True),),
        ),
        # The preview of a page is not its media.
        (LINKED | {"post_hint": "link"}, (), ()),
        (LINKED | {"post_hint": "rich:video"}, (), ()),
        (LINKED | {"preview": None}, (), ()),
        # Beside the file itself, the copy is the alternative.
        (LINKED, (STILL,), (Picture((*STILL.urls, COPY, SMALL)),)),
        (
            {"preview": VIDEO_COPY},
            (GIFV,),
            (Clip((*GIFV.renditions, copied(PREVIEW)), is_silent=True),),
        ),
        # Reddit's copy of what has audio has none.
        (REDGIFS | {"preview": VIDEO_COPY}, (GIFV,), (GIFV,)),
        # The preview of an album is only one of its pictures.
        (LINKED, (STILL, STILL), (STILL, STILL)),
        (LINKED, (Unreadable(),), (Unreadable(),)),
    ],
)
def test_reddits_copy_of_what_a_post_links_to(data, linked, items: tuple[Item, ...]):
    assert reddit.read_copy(data, linked) == items


GIF_ANSWER: dict[str, Any] = {
    "type": 1,
    "hasAudio": False,
    "urls": {"hd": "https://media.redgifs.com/a.mp4", "sd": "http://x", "poster": "x"},
}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"gif": GIF_ANSWER}, ["gif"]),
        ({"gif": GIF_ANSWER | {"hasAudio": None}}, ["clip"]),
        ({"gif": GIF_ANSWER | {"type": 2}}, ["picture"]),
        ({"gifs": [GIF_ANSWER, {}, GIF_ANSWER]}, ["gif", "unreadable", "gif"]),
    ],
)
def test_an_answer_of_redgifs(document: Any, expected: list[str]):
    items = read_redgifs(Json(document, "redgifs"))
    assert kinds(Post("reddit", "1", "", ABOUT.access, items=items)) == expected


def test_a_gallery_on_redgifs_is_all_of_its_gifs():
    answers = {
        "auth/temporary": {"token": "a"},
        "gifs/demogif": {"gif": GIF_ANSWER | {"gallery": "g1"}},
        "gallery/g1": {"gifs": [GIF_ANSWER, GIF_ANSWER]},
    }

    class Extractor:
        def _download_json(self, url: str, *_: Any, **__: Any) -> Any:
            return answers[url.removeprefix("https://api.redgifs.com/v2/")]

    assert len(fetch_linked(Extractor(), "https://www.redgifs.com/ifr/DemoGif")) == 2


JPEG = {"type": "image", "url": "https://i.imgur.com/a.jpg"}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"media": [JPEG]}, ["picture"]),
        ({"media": [JPEG], "image_count": 3}, ["picture", "unreadable", "unreadable"]),
        ({"media": [JPEG | {"url": "https://evil.example/a.jpg"}]}, ["unreadable"]),
        (
            {"media": [JPEG | {"metadata": {"is_animated": True, "has_sound": False}}]},
            ["gif"],
        ),
        ({"media": [JPEG | {"type": "video", "metadata": {"has_sound": True}}]}, ["clip"]),
    ],
)
def test_an_answer_of_imgur(document: Any, expected: list[str]):
    items = read_imgur(Json(document, "imgur"))
    assert kinds(Post("reddit", "1", "", ABOUT.access, items=items)) == expected


def test_an_empty_answer_of_a_linked_site_is_a_change():
    for read_items in (read_redgifs, read_imgur):
        with pytest.raises(PlatformChangedError):
            read_items(Json({}, "linked"))


FOREIGN = ("https://127.0.0.1/a", "https://evil.example/a", "http://user@twimg.com/a", "file:///a")


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("x", ("https://pbs.twimg.com/a", "https://video.twimg.com/a")),
        ("reddit", ("https://media.redgifs.com/a", "https://i.imgur.com/a", "https://i.redd.it/a")),
        ("pinterest", ("https://i.pinimg.com/a", "https://v1.pinimg.com/a")),
        ("facebook", ("https://scontent.xx.fbcdn.net/a", "https://video.fra5-1.fbcdn.net/a")),
    ],
)
def test_files_come_from_the_hosts_of_the_site(name: str, allowed: tuple[str, ...]):
    hosts = load_registry()[name].media_hosts
    assert all(map(hosts.allows, allowed))
    look_alikes = (f"{url.removesuffix('/a')}.evil.example/a" for url in allowed)
    assert not any(map(hosts.allows, (*FOREIGN, *look_alikes)))


class NoRequests:
    """An extractor that must not be asked anything."""

    def _download_json(self, url: str, *_: Any, **__: Any) -> Any:
        raise AssertionError(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://redgifs.com.evil.example/watch/a",
        "https://evil.example/https://www.redgifs.com/watch/a",
        "https://imgur.com@evil.example/a.jpg",
        "https://i.imgur.com.evil.example/a.jpg",
        "ftp://i.imgur.com/a.jpg",
        "https://youtu.be/DemoShort01",
        "",
    ],
)
def test_no_other_site_behind_a_link_is_asked(url: str):
    assert fetch_linked(NoRequests(), url) == ()
    assert not LINKED_HOSTS.allows(url)


# --- Pinterest ------------------------------------------------------------------------------------

IMAGES = {
    "600x315": {"url": "https://i.pinimg.com/600x315/aa/crop.jpg", "width": 600},
    "236x": {"url": "https://i.pinimg.com/236x/aa/a.jpg", "width": 236},
    "orig": {"url": "https://i.pinimg.com/originals/aa/a.png", "width": 100},
    "736x": {"url": "https://i.pinimg.com/736x/aa/a.jpg", "width": 736},
}
FILES = {"V_720P": {"url": "https://v1.pinimg.com/videos/mc/720p/aa/a.mp4", "duration": 3_900}}
PLAYLIST = {"V_HLSV4": {"url": "https://v1.pinimg.com/videos/mc/hls/aa/a.m3u8"}}
HASH = "0123456789abcdef0123456789abcdef"
IMAGE_BLOCK: dict[str, Any] = {"type": "story_pin_image_block", "image": {"images": IMAGES}}
SIGNED_BLOCK: dict[str, Any] = {"type": "story_pin_image_block", "image_signature": HASH}
VIDEO_BLOCK: dict[str, Any] = {"type": "story_pin_video_block", "video": {"video_list": FILES}}
WORDS: dict[str, Any] = {"type": "story_pin_paragraph_block", "text": "a"}
SIGNED = f"https://i.pinimg.com/originals/01/23/45/{HASH}"


def pages(*blocks: list[Any], **values: Any) -> dict[str, Any]:
    return {"story_pin_data": {"pages": [{"blocks": each} for each in blocks], **values}}


def carousel(*slots: Any) -> dict[str, Any]:
    return {"carousel_data": {"carousel_slots": list(slots)}}


@pytest.mark.parametrize(
    ("pin", "expected"),
    [
        ({"images": IMAGES}, ["picture"]),
        ({"images": {"orig": {"url": "https://i.pinimg.com/originals/a.gif"}}}, ["gif"]),
        ({"images": IMAGES, "videos": {"video_list": FILES}}, ["clip"]),
        (
            carousel({"images": IMAGES}, {"videos": {"video_list": FILES}}, {}),
            ["picture", "clip", "unreadable"],
        ),
        (
            pages([IMAGE_BLOCK, WORDS], [WORDS], [VIDEO_BLOCK, SIGNED_BLOCK]),
            ["picture", "clip", "picture"],
        ),
        (pages([IMAGE_BLOCK], page_count=3), ["picture", "unreadable", "unreadable"]),
        (
            pages(
                [IMAGE_BLOCK],
                [{"type": "story_pin_video_block"}],
                [{**SIGNED_BLOCK, "image_signature": "../"}],
            ),
            ["picture", "unreadable", "unreadable"],
        ),
    ],
)
def test_the_media_of_a_pin_keep_their_order(pin: dict[str, Any], expected: list[str]):
    post = read_pin({"data": {"id": "1", **pin}}, ABOUT)
    assert kinds(post) == expected


@pytest.mark.parametrize(
    ("images", "urls"),
    [
        (IMAGES, ("originals/aa/a.png", "736x/aa/a.jpg", "236x/aa/a.jpg")),
        # Where the original is not listed, it is tried first all the same.
        (
            {"736x": IMAGES["736x"], "236x": IMAGES["236x"]},
            ("originals/aa/a.jpg", "736x/aa/a.jpg", "236x/aa/a.jpg"),
        ),
    ],
)
def test_the_original_of_a_pin_comes_first(images: Any, urls: tuple[str, ...]):
    (picture,) = read_pin({"data": {"images": images}}, ABOUT).items
    assert picture == Picture(tuple(f"https://i.pinimg.com/{url}" for url in urls))


def test_a_page_of_a_pin_may_name_its_picture_by_its_hash():
    first, second = read_pin({"data": pages([SIGNED_BLOCK], [SIGNED_BLOCK])}, ABOUT).items
    assert first == second == Picture((f"{SIGNED}.jpg", f"{SIGNED}.png", f"{SIGNED}.webp"))
    (only,) = read_pin({"data": {"images": IMAGES, **pages([SIGNED_BLOCK])}}, ABOUT).items
    assert first_url(only) == IMAGES["orig"]["url"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (FILES | PLAYLIST, [("720p/aa/a.mp4", "h264", 0, False)]),
        (PLAYLIST, [("720p/aa/a.mp4", "h264", 0, True)]),
        (
            {
                "V_EXP3": {"url": "https://v1.pinimg.com/videos/mc/a.mp4"},
                "V_HEVC_MP4_T1_V2": FILES["V_720P"],
            },
            [("a.mp4", "h264", 3, False), ("720p/aa/a.mp4", "h265", 0, False)],
        ),
    ],
)
def test_the_files_of_a_video_pin(files: Any, expected: list[tuple[str, str, int, bool]]):
    (clip,) = read_pin({"data": {"videos": {"video_list": files}}}, ABOUT).items
    assert isinstance(clip, Clip)
    base = "https://v1.pinimg.com/videos/mc/"
    assert [
        (r.urls[0].removeprefix(base), r.codec, r.quality, r.is_doubtful) for r in clip.renditions
    ] == expected


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({}, NotAvailableError),
        ({"data": None, "status": "failure"}, NotAvailableError),
        ({"data": {"id": "1"}}, NoMediaError),
        (
            {
                "data": {
                    "images": IMAGES,
                    "embed": {"src": "https://vimeo.com/1"},
                    "domain": "vimeo.com",
                }
            },
            NoMediaError,
        ),
        # The still of a video that has no file is not the pin.
        ({"data": {"images": IMAGES, "is_video": True}}, PlatformChangedError),
        (
            {"data": {"videos": {"video_list": {"V": {"url": "http://x/a.mp4"}}}}},
            PlatformChangedError,
        ),
        ({"data": carousel(*[{"images": IMAGES}] * 51)}, ListError),
        ({"data": pages([WORDS])}, NoMediaError),
    ],
)
def test_a_pin_without_media_says_why(answer: Any, error: type[ClipferryError]):
    with pytest.raises(ClipferryError) as caught:
        read_pin(answer, ABOUT)
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("values", "facts"),
    [
        ({"pinner": {"username": "ada"}, "title": "A", "description": " "}, ("ada", "A")),
        (
            {
                "native_creator": {"username": "bo"},
                "pinner": {"username": "ada"},
                "description": "B",
            },
            ("bo", "B"),
        ),
        ({"closeup_attribution": {"id": "1"}, "grid_title": "C"}, ("", "C")),
    ],
)
def test_what_a_pin_says_about_itself(values: dict[str, Any], facts: tuple[str, str]):
    post = read_pin({"data": {"images": IMAGES, **values}}, ABOUT)
    assert (post.details.author, post.details.text) == facts


@pytest.mark.parametrize(
    ("form", "files", "expected"),
    [
        ("", "p", ["picture"]),
        ("", "g", ["gif"]),
        ("", "v", ["clip"]),
        ("carousel", "pvp", ["picture", "clip", "picture"]),
        ("pages", "vp-p", ["clip", "picture", "unreadable", "picture"]),
    ],
)
async def test_a_pin_is_all_of_its_media(web: Web, form: str, files: str, expected: list[str]):
    samples = {
        "p": web.samples.picture(400, 500, "pin"),
        "g": web.samples.gif(120, 90),
        "v": web.samples.video(VideoSpec()),
    }
    web.pinterest.pins["7300000001"] = Pin(tuple(map(samples.get, files)), form)
    post = await read(web, PIN_LINK)
    assert kinds(post) == expected
    assert (post.details.author, post.details.text) == ("ferry_demo", "A pin")


async def test_a_smaller_size_of_a_pin_follows_an_original_that_is_missing(web: Web):
    picture = web.samples.picture(400, 500, "pin")
    web.pinterest.pins["7300000001"] = Pin((picture,), lacks_originals=True)
    assert await save(web, PIN_LINK) == [picture.read_bytes()]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, PlatformRefusedError),
        (429, PlatformRateLimitedError),
        (503, PlatformUnreachableError),
    ],
)
async def test_pinterest_in_trouble_is_no_missing_pin(
    web: Web, status: int, error: type[ClipferryError]
):
    web.pinterest.status = status
    with pytest.raises(error):
        await read(web, PIN_LINK)
