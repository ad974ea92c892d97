"""The sites that are values: what is a post of theirs, what is read, what is refused."""

import pytest

from core.errors import (
    AgeRestrictedError,
    BrokenLinkError,
    ClipferryError,
    ListError,
    LiveError,
    LoginRequiredError,
    MediaPrivateError,
    NoMediaError,
    NotAvailableError,
    NotFoundError,
    PlatformChangedError,
    PlatformRateLimitedError,
    PlatformRefusedError,
    PlatformUnreachableError,
    UnderReviewError,
)
from core.media import Access, Clip, Item, Picture, Post, Rendition, Unreadable
from platforms import reddit
from platforms._files import FileRequest, FileVersion
from platforms._registry import load_registry
from platforms._ytdlp_site import YtdlpSite, read_info
from simulator.samples import VideoSpec
from simulator.sites.pinterest import Pin
from simulator.sites.reddit import RedditPost
from simulator.sites.x import XPost
from tests.sites import Web

X_ID = "1790000000000000001"
X_LINK = f"https://x.com/ferry_demo/status/{X_ID}"
REDDIT_LINK = "https://www.reddit.com/r/ferries/comments/1demo01/a_crossing/"


async def read(web: Web, url: str, **policy) -> Post:
    policy.setdefault("attempts", 1)
    async with web.fetcher(**policy) as fetcher:
        link = fetcher.registry.find(url)
        assert link is not None
        return await fetcher.attempt(link, lambda attempt: attempt.read())


def x_post(web: Web, **options) -> XPost:
    small = web.samples.video(VideoSpec(width=288, height=512))
    options.setdefault("videos", ((small, web.samples.video(VideoSpec())),))
    return web.x.posts.setdefault(X_ID, XPost(X_ID, **options))


def clips(post: Post) -> list[Clip]:
    assert all(isinstance(item, Clip) for item in post.items)
    return [item for item in post.items if isinstance(item, Clip)]


PLATFORMS = [
    platform
    for platform in load_registry().by_name.values()
    if platform.name not in {"tiktok", "instagram"}
]


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda p: p.name)
def test_every_site_knows_its_examples_and_its_own_addresses(platform):
    for example in platform.examples:
        link = platform.find(example)
        assert link is not None, example
        if link.post_id:
            assert platform.find(platform.link_to(link.post_id)).post_id == link.post_id


@pytest.mark.parametrize(
    "url",
    [
        "https://x.com/ferry_demo",
        "https://x.com/i/lists/1",
        "https://x.com.evil.example/a/status/1",
        "https://www.reddit.com/r/ferries/",
        "https://www.reddit.com/user/ferry",
        "https://www.pinterest.com/ferry/board/",
        "https://www.facebook.com/ferry",
        "https://www.facebook.com/groups/1/",
        "https://bsky.app/profile/ferry.example",
        "https://www.snapchat.com/add/ferry",
        "https://www.twitch.tv/ferryman",
        "https://www.reddit.com/settings",
        "https://www.facebook.com/share/",
        "https://streamable.com/login",
        "https://notx.com/a/status/1",
        "https://pinterest.com.evil.example/pin/1",
        "https://www.youtube.com/trending_hi",
        "https://www.youtube.com/@ferry",
        "https://www.youtube.com/playlist?list=PLdemo",
    ],
)
def test_profiles_lists_and_look_alikes_are_no_posts(url: str):
    assert load_registry().find(url) is None


def test_every_extractor_is_there():
    """yt-dlp renames and moves them now and then."""
    for platform in PLATFORMS:
        reader = getattr(platform.recognise, "__self__", None)
        if not isinstance(reader, YtdlpSite):
            continue  # it has a reader of its own
        extractor = reader.load_extractor()
        link = platform.find(platform.examples[0])
        assert link is not None
        assert extractor.suitable(platform.link_to(link.post_id or "")) is True, platform.name


async def test_a_post_on_x_is_read_with_its_best_encoding(web: Web):
    x_post(web, text="Dawn")
    post = await read(web, X_LINK)
    (clip,) = clips(post)
    assert [(r.width, r.height) for r in clip.renditions] == [(288, 512), (576, 1024)]
    assert (post.details.author, post.details.text, post.details.likes, post.details.views) == (
        "ferry_demo",
        "Dawn",
        12,
        345,
    )
    assert clip.duration_s == 3


async def test_several_videos_of_one_post_are_its_items(web: Web):
    path = web.samples.video(VideoSpec())
    x_post(web, videos=((path,), (path,), (path,)))
    assert len(clips(await read(web, X_LINK))) == 3


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        ("Protected", MediaPrivateError),
        ("NsfwLoggedOut", AgeRestrictedError),
        ("This Post was deleted by the Post author.", NotFoundError),
        ("This Post is from a suspended account.", NotFoundError),
        ("This Post is unavailable.", NotAvailableError),
    ],
)
async def test_refusals_of_x_have_their_own_errors(
    web: Web, refusal: str, error: type[ClipferryError]
):
    x_post(web, refusal=refusal)
    with pytest.raises(error):
        await read(web, X_LINK)


async def test_a_post_of_words_only_has_no_media(web: Web):
    x_post(web, videos=())
    with pytest.raises(NoMediaError):
        await read(web, X_LINK)


@pytest.mark.parametrize(
    ("status", "error"), [(503, PlatformUnreachableError), (429, PlatformRateLimitedError)]
)
async def test_a_site_in_trouble_is_no_missing_post(
    web: Web, status: int, error: type[ClipferryError]
):
    web.x.status = status
    with pytest.raises(error):
        await read(web, X_LINK)


async def test_a_sound_of_its_own_goes_with_its_video(web: Web):
    path = web.samples.video(VideoSpec())
    web.reddit.posts["1demo01"] = RedditPost("1demo01", path, path)
    (clip,) = clips(await read(web, REDDIT_LINK))
    (rendition,) = clip.renditions
    assert rendition.urls[0].startswith("https://v.redd.it/1demo01/DASH_720.mp4")
    assert rendition.audio_urls == ("https://v.redd.it/1demo01/DASH_AUDIO_128.mp4",)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"refusal": "private"}, MediaPrivateError),
        ({"refusal": "html"}, LoginRequiredError),
        ({"refusal": "blocked"}, PlatformRefusedError),
        ({"link": "https://youtu.be/DemoShort01"}, NoMediaError),
    ],
)
async def test_refusals_of_reddit_have_their_own_errors(
    web: Web, options: dict[str, str], error: type[ClipferryError]
):
    web.reddit.posts["1demo01"] = RedditPost("1demo01", **options)  # type: ignore[arg-type]
    with pytest.raises(error):
        await read(web, REDDIT_LINK)
    assert web.asked_hosts() <= {"old.reddit.com", "www.reddit.com"}


@pytest.mark.parametrize(
    "url", ["https://de.pinterest.com/pin/7300000001/", "https://pin.it/demo001"]
)
async def test_a_pin_is_read_although_its_list_of_pieces_stands_among_the_files(web: Web, url: str):
    web.pinterest.pins["7300000001"] = Pin((web.samples.video(VideoSpec()),))
    web.pinterest.short_links["demo001"] = "7300000001"
    (clip,) = clips(await read(web, url))
    url = "https://v1.pinimg.com/videos/720p/7300000001-0.mp4"
    assert [r.urls for r in clip.renditions] == [(url,)]


async def test_a_picture_in_the_text_of_a_post_on_x_leads_to_that_post(web: Web):
    x_post(web)
    web.x.short_links["pic.x.com/Demo01"] = "https://t.co/Demo01"
    web.x.short_links["t.co/Demo01"] = f"{X_LINK}/photo/1"
    assert (await read(web, "https://pic.x.com/Demo01")).id == X_LINK.rpartition("/")[2]
    web.x.short_links["t.co/Demo01"] = "https://evil.example/"
    with pytest.raises(BrokenLinkError):
        await read(web, "https://pic.x.com/Demo01")
    assert "evil.example" not in web.asked_hosts()


async def test_a_video_on_reddit_leads_to_its_post(web: Web):
    path = web.samples.video(VideoSpec())
    web.reddit.posts["1demo01"] = RedditPost("1demo01", path, path)
    web.reddit.videos["demo01"] = "1demo01"
    assert (await read(web, "https://v.redd.it/demo01")).id == "1demo01"
    assert web.asked_hosts() <= {"v.redd.it", "www.reddit.com", "old.reddit.com"}
    with pytest.raises(BrokenLinkError):
        await read(web, "https://v.redd.it/gone01")


async def test_a_picture_on_reddit_is_read_without_its_page(web: Web):
    post = await read(web, "https://preview.redd.it/dawn-v0-demo01.jpg?width=640&s=00")
    assert post.items == (Picture(("https://i.redd.it/demo01.jpg",)),)
    assert post.url == "https://i.redd.it/demo01.jpg"
    (item,) = (await read(web, "https://i.redd.it/demo01.GIF")).items
    assert isinstance(item, Clip)
    assert item.renditions[0].urls == ("https://i.redd.it/demo01.GIF",)
    assert web.log == []


async def test_a_picture_on_reddit_that_is_gone_is_not_found_at_the_first_attempt(web: Web):
    url = "https://i.redd.it/gone01.jpg"
    spool = web.spool()
    async with web.fetcher() as fetcher:
        link = fetcher.registry.find(url)
        assert link is not None
        wanted = [FileRequest((FileVersion((url,), 1_000_000),), "0")]

        async def fetch(attempt):
            async with spool.workspace() as space:
                return await attempt.save(await attempt.read(), wanted, space)

        with pytest.raises(NotFoundError):
            await fetcher.attempt(link, fetch)
    assert len(web.log) == 1


def gallery_picture(number: int) -> Picture:
    preview = f"https://preview.redd.it/1demo01n{number}.jpg?width=640&auto=webp&s=00"
    original = f"https://i.redd.it/1demo01n{number}.jpg"
    return Picture((original, preview, f"{preview}2", f"{preview}1"))


@pytest.mark.parametrize(
    "url", ["https://www.reddit.com/gallery/1demo01", "https://redd.it/1DEMO01", REDDIT_LINK]
)
async def test_a_gallery_on_reddit_is_its_pictures_in_order(web: Web, url: str):
    path = web.samples.picture(400, 500, "r")
    web.reddit.posts["1demo01"] = RedditPost("1demo01", pictures=(path, None, path))
    post = await read(web, url)
    assert post.items == (gallery_picture(0), Unreadable(), gallery_picture(2))
    assert (post.id, post.details.likes) == ("1demo01", 7)
    assert (post.details.author, post.details.text) == ("ferry_demo", "A crossing")
    assert web.asked_hosts() <= {"old.reddit.com", "www.reddit.com"}


async def test_a_picture_post_on_reddit_is_its_picture(web: Web):
    path = web.samples.picture(400, 500, "r")
    web.reddit.posts["1demo01"] = RedditPost("1demo01", pictures=(path,))
    post = await read(web, REDDIT_LINK)
    assert post.items == (Picture(("https://i.redd.it/1demo01n0.jpg",)),)


async def test_an_animated_picture_of_a_gallery_is_a_silent_clip(web: Web):
    path = web.folder / "a.gif"
    web.reddit.posts["1demo01"] = RedditPost("1demo01", pictures=(path, path))
    first, _ = clips(await read(web, REDDIT_LINK))
    assert first.renditions[0].urls == ("https://i.redd.it/1demo01n0.gif",)
    assert first.is_silent
    # The file behind the still is the GIF itself.
    assert first.cover_urls == ("https://preview.redd.it/1demo01n0.gif?width=640&auto=webp&s=002",)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"pictures": (None, None)}, UnderReviewError),
        ({"removed_by": "deleted"}, NotFoundError),
        ({"link": "https://example.org/a.jpg"}, NoMediaError),
        ({"link": "https://i.redd.it.evil.example/a.jpg"}, NoMediaError),
    ],
)
async def test_posts_of_reddit_without_pictures_say_why(web: Web, options, error):
    web.reddit.posts["1demo01"] = RedditPost("1demo01", **options)
    with pytest.raises(error):
        await read(web, REDDIT_LINK)


REMOVED_VIDEO = {"url": "https://v.redd.it/gone"}


@pytest.mark.parametrize(
    "options",
    [
        {"removed_by": "moderator", "changes": REMOVED_VIDEO},
        {"removed_by": "deleted", "changes": {"url": REDDIT_LINK, "selftext": "[deleted]"}},
        {"pictures": (None, None), "changes": {"removed_by_category": "moderator"}},
        {"repeats": "1demo02"},
        {"repeats": "1demo02", "changes": REMOVED_VIDEO},
    ],
)
async def test_a_removed_post_on_reddit_is_not_found(web: Web, options):
    web.reddit.posts["1demo01"] = RedditPost("1demo01", **options)
    web.reddit.posts["1demo02"] = RedditPost("1demo02", removed_by="moderator")
    with pytest.raises(NotFoundError):
        await read(web, REDDIT_LINK)


async def test_a_video_on_reddit_that_is_not_processed_is_not_a_removed_one(web: Web):
    changes = {"url": "https://v.redd.it/new", "secure_media": None}
    web.reddit.posts["1demo01"] = RedditPost("1demo01", changes=changes)
    with pytest.raises(UnderReviewError):
        await read(web, REDDIT_LINK)


IMAGE = {
    "id": "a",
    "status": "valid",
    "e": "Image",
    "s": {"u": "https://preview.redd.it/a.png?s=1"},
}
PICTURE = Picture(("https://i.redd.it/a.png", "https://preview.redd.it/a.png?s=1"))
GALLERY = {"gallery_data": {"items": [{"media_id": "a"}]}, "media_metadata": {"a": IMAGE}}
STILL = "https://preview.redd.it/g.gif?format=png8&s=1"
ANIMATION = {
    "status": "valid",
    "e": "AnimatedImage",
    "p": [{"u": STILL}],
    "s": {"mp4": "https://preview.redd.it/g.gif?format=mp4&amp;s=1", "x": 3, "y": 2},
}
MP4 = Rendition(("https://preview.redd.it/g.gif?format=mp4&s=1",), "h264", 3, 2, quality=1)
GIF = Rendition(("https://i.redd.it/g.gif",), "h264", 3, 2)
SOURCE = {"url": "https://preview.redd.it/g.gif?format=png8&amp;s=1", "width": 3, "height": 2}
VIDEO = Clip(())


@pytest.mark.parametrize(
    ("data", "items"),
    [
        (GALLERY, (PICTURE,)),
        ({"crosspost_parent_list": [GALLERY]}, (PICTURE,)),
        # A text with a video that yt-dlp has found and a picture, in the order of the text.
        (
            {"selftext": "first v, then a", "media_metadata": {"a": IMAGE, "v": {"id": "v"}}},
            (VIDEO, PICTURE),
        ),
        (GALLERY | {"media_metadata": {}}, (Unreadable(),)),
        (GALLERY | {"media_metadata": {"a": {**IMAGE, "status": "failed"}}}, (Unreadable(),)),
        (GALLERY | {"media_metadata": {"a": {**IMAGE, "e": "Hologram"}}}, (Unreadable(),)),
        (GALLERY | {"media_metadata": {"a": {**IMAGE, "s": {"u": "http://x"}}}}, (Unreadable(),)),
        (
            GALLERY | {"media_metadata": {"a": ANIMATION}},
            (Clip((MP4,), cover_urls=(STILL,), is_silent=True),),
        ),
        (
            {
                "url": "https://i.redd.it/g.gif",
                "preview": {
                    "images": [
                        {
                            "source": SOURCE,
                            "variants": {"mp4": {"source": {"url": ANIMATION["s"]["mp4"]}}},  # type: ignore[index]
                        }
                    ]
                },
            },
            (Clip((MP4, GIF), cover_urls=(STILL,), is_silent=True),),
        ),
        (
            {"url": "https://preview.redd.it/dawn-v0-a.png?s=1"},
            (
                Picture(
                    ("https://i.redd.it/a.png", "https://preview.redd.it/dawn-v0-a.png?s=1"),
                ),
            ),
        ),
        # A gallery that was deleted.
        ({"is_gallery": True, "gallery_data": None, "media_metadata": {"a": IMAGE}}, ()),
        ({"url": "https://v.redd.it/a"}, ()),
        (None, ()),
    ],
)
def test_the_items_of_a_post_on_reddit(data, items: tuple[Item, ...]):
    assert reddit.read_items(data, {"v": VIDEO}) == items


def test_a_text_on_reddit_keeps_its_pictures_beside_its_videos():
    data = {"selftext": "a, v", "media_metadata": {"v": {"id": "v"}, "a": IMAGE}}
    info = {"_type": "playlist", "entries": [{"id": "v", "formats": [FORMAT]}]}
    post = reddit.read_post(info, data, ABOUT)
    assert post.items[0] == PICTURE
    assert isinstance(post.items[1], Clip)


def test_a_gallery_without_end_is_a_list():
    data = GALLERY | {"gallery_data": {"items": [{"media_id": "a"}] * 51}}
    with pytest.raises(ListError):
        reddit.read_post({"_type": "url_transparent"}, data, ABOUT)


async def test_an_unknown_pin_is_not_found(web: Web):
    with pytest.raises(NotFoundError):
        await read(web, "https://www.pinterest.com/pin/1/")


async def test_an_unknown_post_of_reddit_is_not_found(web: Web):
    with pytest.raises(NotFoundError):
        await read(web, REDDIT_LINK)


ABOUT = Post("x", "1", "https://x.com/i/status/1", Access("x"))
FORMAT = {"url": "https://video.twimg.com/a.mp4", "vcodec": "avc1.64001f", "acodec": "mp4a.40.2"}


@pytest.mark.parametrize(
    ("info", "error"),
    [
        ({"formats": [FORMAT], "is_live": True}, LiveError),
        ({"formats": [FORMAT], "live_status": "is_upcoming"}, LiveError),
        ({"_type": "playlist", "entries": [{"formats": [FORMAT]}] * 21}, ListError),
        ({"_type": "playlist", "entries": ({"n": n} for n in iter(int, 1))}, ListError),
        ({"_type": "playlist", "entries": [{"_type": "url", "url": "https://x"}]}, ListError),
        ({"_type": "url", "url": "https://elsewhere.example"}, NoMediaError),
        ({"formats": [{**FORMAT, "protocol": "m3u8_native"}]}, NoMediaError),
        ({"formats": [{**FORMAT, "fragments": [{}]}]}, NoMediaError),
        ({"formats": [{**FORMAT, "url": "http://127.0.0.1/x"}]}, NoMediaError),
        ({"_type": "compat_list"}, PlatformChangedError),
        (None, PlatformChangedError),
    ],
)
def test_what_is_no_single_finished_post_is_refused(info, error: type[ClipferryError]):
    with pytest.raises(error):
        read_info(info, ABOUT)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("avc1.4d401e", "h264"),
        ("hev1.1.6", "h265"),
        ("vp09.00", "vp9"),
        ("av01.0", "av1"),
        ("", "h264"),
    ],
)
def test_codecs_get_our_names(name: str, ours: str):
    post = read_info({"formats": [{**FORMAT, "vcodec": name}]}, ABOUT)
    assert clips(post)[0].renditions[0].codec == ours


def test_only_allowed_sites_are_served_in_the_given_order():
    registry = load_registry(("x", "tiktok"))
    assert list(registry.by_name) == ["x", "tiktok"]
    assert registry.find(REDDIT_LINK) is None


def test_no_site_has_a_pattern_that_takes_for_ever():
    """Paths are matched for every link that anybody sends."""
    nasty = "https://www.facebook.com/" + "a/" * 900
    assert load_registry().find(nasty) is None
