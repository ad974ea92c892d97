"""Instagram: its links, what is read from a post, and what each refusal means, by layer."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web as aioweb

from core.errors import (
    AgeRestrictedError,
    BrokenLinkError,
    ClipferryError,
    ExpiredLinkError,
    HighlightsError,
    LoginRequiredError,
    MediaPrivateError,
    NotAvailableError,
    NotFoundError,
    PlatformChangedError,
    PlatformRateLimitedError,
    PlatformRefusedError,
    ProfileError,
    RegionBlockedError,
    StoriesError,
    StoryExpiredError,
)
from core.media import Clip, Picture, Post, Unreadable
from platforms._instagram_product import read_product
from platforms.instagram import PLATFORM, error_for_ruling
from simulator.samples import VideoSpec
from simulator.sites.instagram import InstagramPost, Media, file_address
from tests.sites import Web

CODE = "DemoPhoto01"
COOKIES = (
    "# Netscape HTTP Cookie File\n"
    ".instagram.com\tTRUE\t/\tTRUE\t2147483647\tsessionid\tferry-session\n"
)


def reel(web: Web, code: str = CODE, **options) -> InstagramPost:
    """Put a reel on the site."""
    video = Media(
        web.samples.video(VideoSpec()), is_video=True, still=web.samples.picture(576, 1024, "r")
    )
    options.setdefault("media", (video,))
    return web.instagram.add(InstagramPost(code, **options))


def carousel(web: Web, **options) -> InstagramPost:
    """Put a carousel of photo, video, photo on the site."""
    photos = [
        Media(web.samples.picture(400 + n, 500, "c"), width=400 + n, height=500) for n in (0, 1)
    ]
    video = reel(web, "DemoOther01").media[0]
    return web.instagram.add(InstagramPost(CODE, media=(photos[0], video, photos[1]), **options))


async def read(web: Web, url: str = f"https://www.instagram.com/p/{CODE}/", **policy) -> Post:
    link = PLATFORM.find(url)
    assert link is not None
    policy.setdefault("attempts", 1)
    async with web.fetcher(**policy) as fetcher:
        return await fetcher.attempt(link, lambda attempt: attempt.read())


@pytest.mark.parametrize("url", PLATFORM.examples)
def test_every_example_is_recognised(url: str):
    link = PLATFORM.find(url)
    assert link is not None
    if "/share/" not in url:
        assert link.post_id in {
            "DemoPhoto01",
            "DemoReel001",
            "stories.ferry.demo.3700000000000000001",
            "stories:ferry.demo",
            "highlights:17900000000000001",
        }
        assert PLATFORM.find(PLATFORM.link_to(link.post_id)).post_id == link.post_id  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "url",
    [
        "https://www.instagram.com/ferry.demo/",
        "https://www.instagram.com/explore/tags/ferry/",
        "https://www.instagram.com/reels/audio/123456/",
        "https://www.instagram.com/stories/",
        "https://www.instagram.com.evil.example/p/DemoPhoto01/",
        "https://evil.example/www.instagram.com/p/DemoPhoto01/",
        "https://user@www.instagram.com/p/DemoPhoto01/",
        "https://www.instagram.com:8443/p/DemoPhoto01/",
        "https://api.instagram.com/p/DemoPhoto01/",
        "https://www.instagram.com/p/",
    ],
)
def test_what_is_no_post_of_instagram_is_not_recognised(url: str):
    assert PLATFORM.find(url) is None


async def test_a_reel_is_read_signed_out(web: Web):
    reel(web, text="Dawn ⛴️", likes=77)
    post = await read(web)
    assert (post.platform, post.id, post.details.author, post.details.text, post.details.likes) == (
        "instagram",
        CODE,
        "ferry.demo",
        "Dawn ⛴️",
        77,
    )
    (clip,) = post.items
    assert isinstance(clip, Clip)
    (rendition,) = clip.renditions
    assert (rendition.width, rendition.height) == (576, 1024)
    assert clip.duration_s == 0  # signed out the site does not say
    assert clip.cover_urls[0].startswith("https://scontent")
    assert {e.path.partition("?")[0] for e in web.log} == {
        "/",
        "/api/v1/web/get_ruling_for_content/",
        "/api/graphql",
    }


async def test_a_mixed_carousel_keeps_its_order_and_kinds(web: Web):
    carousel(web)
    post = await read(web)
    assert [type(item) for item in post.items] == [Picture, Clip, Picture]
    assert post.has_pictures


async def test_when_graphql_answers_with_a_page_the_posts_own_page_is_read(web: Web):
    carousel(web, trouble="html")
    post = await read(web)
    assert len(post.items) == 3
    assert web.log[-1].path == f"/p/{CODE}"


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        ("missing", NotFoundError),
        ("throttled", PlatformRateLimitedError),
        ("gated", LoginRequiredError),
        ("age", AgeRestrictedError),
        ("ruled-out", NotAvailableError),
        ("login", PlatformRefusedError),
    ],
)
async def test_refusals_have_their_own_errors(web: Web, trouble: str, error: type[ClipferryError]):
    reel(web, trouble=trouble)
    with pytest.raises(error):
        await read(web)


async def test_an_unknown_code_is_not_found_and_asked_for_once(web: Web):
    await web.add_proxy(name="exit-2")
    with pytest.raises(NotFoundError):
        await read(web, attempts=3)
    assert len({e.exit for e in web.log}) == 1


async def test_a_throttled_exit_is_left_for_another(web: Web):
    await web.add_proxy(name="exit-2")
    reel(web, trouble="throttled", trouble_for=frozenset({"exit-1"}))
    assert (await read(web, attempts=2)).id == CODE


async def test_a_private_post_needs_an_account(web: Web):
    code = CODE + "k" * 28
    reel(web, code, is_private=True)
    url = f"https://www.instagram.com/p/{code}/"
    with pytest.raises(LoginRequiredError):
        await read(web, url, attempts=3)
    post = await read(web, url, cookies=COOKIES)
    (clip,) = post.items
    assert isinstance(clip, Clip)
    assert clip.duration_s == 3


async def test_the_account_is_never_asked_first(web: Web):
    reel(web)
    await read(web, cookies=COOKIES)
    assert not any("/info/" in e.path for e in web.log)


async def test_cookies_that_are_not_accepted_are_said_to_the_operator(
    web: Web, caplog: pytest.LogCaptureFixture
):
    web.instagram.session = "another"
    reel(web, is_private=True)
    with pytest.raises(LoginRequiredError):  # what the site has said of the post
        await read(web, cookies=COOKIES)
    assert "is paused for 60 minutes" in caplog.text
    assert "the cookies were rejected" in caplog.text


async def test_a_story_needs_an_account(web: Web):
    url = "https://www.instagram.com/stories/ferry.demo/3700000000000000001/"
    photo = Media(web.samples.picture(400, 500, "c"))
    web.instagram.stories["3700000000000000001"] = InstagramPost("story", media=(photo,))
    web.instagram.stories["3700000000000000002"] = reel(web, "DemoOther02")
    with pytest.raises(LoginRequiredError):
        await read(web, url)
    assert web.log == []
    post = await read(web, url, cookies=COOKIES)
    assert [type(item) for item in post.items] == [Picture]


def story(web: Web, number: int, **options) -> tuple[str, InstagramPost]:
    """Return the id of a story, and the story."""
    code = f"DemoStory{number:02}"
    options.setdefault("media", (Media(web.samples.picture(400, 500, "c")),))
    return f"37000000000000000{number:02}", InstagramPost(code, **options)


STORIES = "https://www.instagram.com/stories/ferry.demo/"
HIGHLIGHT = "https://www.instagram.com/stories/highlights/179/"


async def test_all_stories_of_a_person_are_one_post_in_order(web: Web):
    video = reel(web, "DemoOther02").media
    numbers = (story(web, 3), story(web, 1, media=video), story(web, 2))
    web.instagram.stories = dict(numbers)
    post = await read(web, STORIES, cookies=COOKIES)
    assert [type(item) for item in post.items] == [Picture, Clip, Picture]
    assert all(f"DemoStory0{n}" in str(i) for n, i in zip("312", post.items, strict=True))
    assert (post.id, post.details.author, post.url) == ("stories:ferry.demo", "ferry.demo", STORIES)
    assert web.asked_hosts() == {"www.instagram.com"}


async def test_a_highlight_is_one_post_with_its_title(web: Web):
    web.instagram.highlights["highlight:179"] = dict(story(web, n) for n in range(40))
    for url in (HIGHLIGHT, "https://www.instagram.com/s/aGlnaGxpZ2h0OjE3OQ==?story_media_id=3_7"):
        post = await read(web, url, cookies=COOKIES)
        assert len(post.items) == 40
        assert (post.id, post.details.text) == ("highlights:179", "Crossings")


async def test_the_edition_of_stories_names_what_they_are_now(web: Web):
    web.instagram.stories = dict(story(web, n) for n in range(3))
    before = (await read(web, STORIES, cookies=COOKIES)).edition
    assert (await read(web, STORIES, cookies=COOKIES)).edition == before
    # One has expired, and a new one is there.
    web.instagram.stories = dict(story(web, n) for n in (1, 2, 3))
    after = (await read(web, STORIES, cookies=COOKIES)).edition
    assert len({before, after, ""}) == 3


async def test_a_story_that_cannot_be_read_keeps_its_place(web: Web):
    broken = reel(web, "DemoOther02").media[0]
    broken = replace(broken, changes={"video_versions": None, "media_type": 2})
    web.instagram.stories = dict((story(web, 1), story(web, 2, media=(broken,))))
    post = await read(web, STORIES, cookies=COOKIES)
    assert [type(item) for item in post.items] == [Picture, Unreadable]
    web.instagram.stories = dict((story(web, 2, media=(broken,)),))
    with pytest.raises(PlatformChangedError):
        await read(web, STORIES, cookies=COOKIES, attempts=0)  # with the account only


@pytest.mark.parametrize(
    ("url", "error"),
    [
        (STORIES, StoryExpiredError),
        (f"{STORIES}3700000000000000001/", StoryExpiredError),
        (HIGHLIGHT, NotFoundError),
        ("https://www.instagram.com/stories/nobody/", NotFoundError),
    ],
)
async def test_stories_that_are_gone_say_so(web: Web, url: str, error: type[ClipferryError]):
    with pytest.raises(error) as caught:
        await read(web, url, cookies=COOKIES)
    assert type(caught.value) is error


async def test_a_story_that_is_gone_is_not_another_one(web: Web):
    web.instagram.stories = dict([story(web, 2)])
    with pytest.raises(StoryExpiredError):
        await read(web, f"{STORIES}3700000000000000001/", cookies=COOKIES)


@pytest.mark.parametrize("url", [STORIES, HIGHLIGHT])
async def test_stories_need_an_account_that_is_accepted(
    web: Web, url: str, caplog: pytest.LogCaptureFixture
):
    web.instagram.stories = dict([story(web, 1)])
    web.instagram.highlights["highlight:179"] = dict([story(web, 2)])
    with pytest.raises(LoginRequiredError):
        await read(web, url)
    assert web.log == []
    web.instagram.session = "another"
    with pytest.raises(LoginRequiredError):
        await read(web, url, cookies=COOKIES)
    assert "is paused for" in caplog.text


@pytest.mark.parametrize("url", [STORIES, HIGHLIGHT])
async def test_no_service_is_asked_for_stories_that_it_might_not_have_all_of(
    web: Web, helper: "Helper", url: str
):
    services = {"cobalt_url": helper.url, "rapidapi_url": helper.url, "rapidapi_key": "k"}
    with pytest.raises(LoginRequiredError):
        await read(web, url, **services)
    assert helper.asked == []


async def test_a_shared_link_leads_to_its_post(web: Web):
    reel(web)
    web.instagram.shared["/share/reel/DemoShare1"] = (
        f"https://www.instagram.com/reel/{CODE}/?igsh=x"
    )
    web.instagram.shared["/share/BAleave"] = "https://evil.example/p/x"
    assert (await read(web, "https://www.instagram.com/share/reel/DemoShare1")).id == CODE
    for dead in ("BAdead", "BAleave"):
        with pytest.raises(BrokenLinkError):
            await read(web, f"https://www.instagram.com/share/{dead}/")
    assert "evil.example" not in web.asked_hosts()


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("https://www.instagram.com/ferry.demo/", ProfileError),
        ("https://www.instagram.com/stories/", StoriesError),
        ("https://www.instagram.com/stories/highlights/", HighlightsError),
        ("https://www.instagram.com/accounts/login/?next=%2F", PlatformRefusedError),
        ("https://www.facebook.com/unsupportedbrowser", PlatformRefusedError),
        ("https://www.instagram.com/", ExpiredLinkError),
    ],
)
async def test_a_shared_link_to_another_page_says_what_it_leads_to(
    web: Web, target: str, error: type[ClipferryError]
):
    web.instagram.shared["/share/BAother"] = target
    with pytest.raises(error) as caught:
        await read(web, "https://www.instagram.com/share/BAother")
    assert type(caught.value) is error
    assert web.asked_hosts() == {"www.instagram.com"}


async def test_a_login_page_that_names_the_post_is_not_in_the_way(web: Web):
    reel(web)
    web.instagram.shared["/share/BAwall"] = (
        f"https://www.instagram.com/accounts/login/?next=%2Freel%2F{CODE}%2F%3Figsh%3Dx"
    )
    assert (await read(web, "https://www.instagram.com/share/BAwall")).id == CODE


def test_counts_that_the_author_hides_are_not_shown():
    product = {
        "like_count": 3,
        "like_and_view_counts_disabled": True,
        "image_versions2": {"candidates": [{"url": "https://scontent.cdninstagram.com/x"}]},
    }
    from core.media import Access

    assert read_product(product, CODE, "", Access("x")).details.likes is None


@pytest.fixture
async def helper() -> AsyncIterator["Helper"]:
    helper = Helper()
    await helper.start()
    yield helper
    await helper.stop()


class Helper:
    """A cobalt and a provider on loopback, which answer what they are told to."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.files: dict[str, Path] = {}

    async def start(self) -> None:
        app = aioweb.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = aioweb.AppRunner(app, access_log=None)
        await self._runner.setup()
        await aioweb.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: aioweb.Request) -> aioweb.StreamResponse:
        if request.path in self.files:
            return aioweb.FileResponse(self.files[request.path])
        body = await request.json() if request.can_read_body else dict(request.query)
        self.asked.append((request.path, dict(request.headers), body))
        status, answer = self.answers.pop(0)
        return aioweb.json_response(answer, status=status)


async def test_cobalt_is_asked_when_the_site_refuses(web: Web, helper: Helper):
    reel(web, trouble="login")
    helper.answers.append(
        (
            200,
            {
                "status": "picker",
                "picker": [
                    {"type": "photo", "url": f"{helper.url}/tunnel?id=1"},
                    {"type": "photo"},
                    {"type": "video", "url": "https://scontent-fra3-1.cdninstagram.com/v/x"},
                ],
            },
        )
    )
    post = await read(web, cobalt_url=helper.url, cobalt_key="k-1")
    assert [type(item) for item in post.items] == [Picture, Unreadable, Clip]
    _, headers, body = helper.asked[0]
    assert headers["Authorization"] == "Api-Key k-1"
    assert body["url"] == f"https://www.instagram.com/p/{CODE}/"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("error.api.content.post.private", MediaPrivateError),
        ("error.api.content.post.age", AgeRestrictedError),
        ("error.api.fetch.empty", PlatformRefusedError),
        ("error.api.rate_exceeded", PlatformRateLimitedError),
    ],
)
async def test_cobalts_refusals_are_understood(
    web: Web, helper: Helper, code: str, error: type[ClipferryError]
):
    reel(web, trouble="login")
    helper.answers.append((400, {"status": "error", "error": {"code": code}}))
    with pytest.raises(error):
        await read(web, cobalt_url=helper.url)


async def test_a_cobalts_file_comes_from_cobalt_and_from_nowhere_else(web: Web, helper: Helper):
    from platforms import Attempt, FileRequest, FileVersion

    reel(web, trouble="login")
    picture = web.samples.picture(400, 500, "c")
    helper.files["/tunnel"] = picture
    helper.answers.append(
        (200, {"status": "tunnel", "url": f"{helper.url}/tunnel?id=1", "filename": "x.jpg"})
    )

    async def work(attempt: Attempt) -> int:
        post = await attempt.read()
        (item,) = post.items
        assert isinstance(item, Picture)
        wanted = FileRequest((FileVersion(item.urls, 10_000_000),), "x")
        async with web.spool().workspace() as space:
            (file,) = await attempt.save(post, [wanted], space)
            assert file is not None
            return file.path.stat().st_size

    async with web.fetcher(attempts=1, cobalt_url=helper.url) as fetcher:
        link = PLATFORM.find(f"https://www.instagram.com/p/{CODE}/")
        assert link is not None
        assert await fetcher.attempt(link, work) == picture.stat().st_size


async def test_the_provider_is_the_last_to_be_asked(web: Web, helper: Helper):
    reel(web, trouble="login")
    helper.answers += [
        (500, {"status": "error", "error": {"code": "error.api.fetch.fail"}}),
        (
            200,
            {
                "media": [
                    {
                        "type": "video",
                        "url": "https://scontent.cdninstagram.com/v?a=%2F",
                        "thumbnail": "https://scontent.cdninstagram.com/t",
                    },
                    {"type": "image", "url": "https://scontent.cdninstagram.com/i"},
                    {"type": "image", "url": None},
                ]
            },
        ),
    ]
    post = await read(
        web, cobalt_url=helper.url, rapidapi_url=f"{helper.url}/convert", rapidapi_key="secret"
    )
    assert [type(item) for item in post.items] == [Clip, Picture, Unreadable]
    assert [path for path, _, _ in helper.asked] == ["/", "/convert"]
    _, headers, query = helper.asked[1]
    assert headers["X-Rapidapi-Key"] == "secret"
    assert query == {"url": f"https://www.instagram.com/p/{CODE}/"}


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (404, {}, NotFoundError),
        (200, {"media": []}, NotFoundError),
        (429, {}, PlatformRateLimitedError),
    ],
)
async def test_the_providers_refusals_are_understood(
    web: Web, helper: Helper, status: int, answer: Any, error: type[ClipferryError]
):
    reel(web, trouble="login")
    helper.answers.append((status, answer))
    with pytest.raises(error):
        await read(web, rapidapi_url=f"{helper.url}/convert", rapidapi_key="secret")


# --- where the files stand elsewhere --------------------------------------------------------------


def manifest(video: str, audio: str) -> str:
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
        '<AdaptationSet contentType="video"><Representation id="v" codecs="avc1.64001F"'
        ' width="720" height="1280" bandwidth="900000" mimeType="video/mp4">'
        f"<BaseURL>{escape(video)}</BaseURL></Representation></AdaptationSet>"
        '<AdaptationSet contentType="audio"><Representation id="a" codecs="mp4a.40.2"'
        ' bandwidth="64000" mimeType="audio/mp4">'
        f"<BaseURL>{escape(audio)}</BaseURL></Representation></AdaptationSet></Period></MPD>"
    )


async def test_a_manifest_is_read_where_it_is_all_there_is(web: Web):
    post = reel(web)
    video, audio = file_address(post, 0, "video"), file_address(post, 0, "audio")
    changes = {"video_versions": None, "video_dash_manifest": manifest(video, audio)}
    post.media = (replace(post.media[0], changes=changes),)
    (clip,) = (await read(web)).items
    assert isinstance(clip, Clip)
    (rendition,) = clip.renditions
    assert (rendition.urls, rendition.audio_urls) == ((video,), (audio,))
    assert (rendition.width, rendition.height, rendition.codec) == (720, 1280, "h264")


@pytest.mark.parametrize(
    "broken",
    [
        "<MPD",
        "x",
        "<a/>",
        '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period/></MPD>',
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><MPD>&a;</MPD>',
        '<MPD><Period><SegmentTemplate><S d="1" r="1000000000"/></SegmentTemplate></Period></MPD>',
    ],
)
async def test_a_broken_manifest_costs_its_own_item_only(web: Web, broken: str):
    post = carousel(web)
    changes = {"video_versions": [], "video_dash_manifest": broken}
    photo, video, other = post.media
    post.media = (photo, replace(video, changes=changes), other)
    items = (await read(web)).items
    assert [type(item) for item in items] == [Picture, Unreadable, Picture]


LEGACY_VIDEO = {
    "__typename": "GraphVideo",
    "is_video": True,
    "video_url": "https://scontent-fra3-1.cdninstagram.com/v",
    "display_url": "https://scontent-fra3-1.cdninstagram.com/still",
    "dimensions": {"width": 640, "height": 800},
    "video_duration": 7.2,
}
LEGACY = {
    "__typename": "GraphSidecar",
    "owner": {"username": "ferry.demo"},
    "edge_media_to_caption": {"edges": [{"node": {"text": "Dawn"}}]},
    "edge_media_preview_like": {"count": 12},
    "edge_sidecar_to_children": {
        "edges": [
            {
                "node": {
                    "__typename": "GraphImage",
                    "display_url": "https://scontent-fra3-1.cdninstagram.com/p",
                    "dimensions": {"width": 1080, "height": 1350},
                    "display_resources": [
                        {
                            "src": "https://scontent-fra3-1.cdninstagram.com/small",
                            "config_width": 640,
                            "config_height": 800,
                        }
                    ],
                }
            },
            {"node": LEGACY_VIDEO},
            {"node": {"__typename": "GraphVideo", "display_url": "https://x"}},
        ]
    },
}


@pytest.mark.parametrize("key", ["shortcode_media", "xdt_shortcode_media"])
async def test_a_page_of_2022_is_read(web: Web, key: str):
    script = json.dumps({"entry_data": {"PostPage": [{"graphql": {key: LEGACY}}]}})
    reel(web, old_page=f"<script>window._sharedData = {script};</script>")
    post = await read(web)
    assert (post.details.author, post.details.text, post.details.likes) == (
        "ferry.demo",
        "Dawn",
        12,
    )
    picture, clip, unreadable = post.items
    assert isinstance(picture, Picture)
    assert picture.urls[0].endswith("/p")
    assert isinstance(clip, Clip)
    assert (clip.duration_s, clip.renditions[0].width) == (7, 640)
    assert isinstance(unreadable, Unreadable)


async def test_a_page_with_tags_for_link_previews_only_is_its_video(web: Web):
    video = "https://scontent-fra3-1.cdninstagram.com/v?a=1&amp;b=2"
    tags = {"og:title": "Ferry &quot;Demo&quot;", "og:video": video, "og:image": "https://x/still"}
    page = "".join(f'<meta property="{name}" content="{value}">' for name, value in tags.items())
    reel(web, old_page=f"<html><head>{page}</head></html>")
    post = await read(web)
    (clip,) = post.items
    assert isinstance(clip, Clip)
    assert clip.renditions[0].urls == ("https://scontent-fra3-1.cdninstagram.com/v?a=1&b=2",)
    assert post.details.text == 'Ferry "Demo"'


async def test_a_picture_for_link_previews_is_not_the_post(web: Web):
    reel(web, old_page='<meta property="og:image" content="https://x/still">')
    with pytest.raises(PlatformRefusedError):
        await read(web)


@pytest.mark.parametrize(
    ("ruling", "error"),
    [
        ("This content isn't available in your country", RegionBlockedError),
        ("Restricted Video: not available in your region", RegionBlockedError),
        ("Restricted Video You must be 18 years old or over", AgeRestrictedError),
        ("Sorry, this page isn't available.", NotAvailableError),
        ("You must follow this account", LoginRequiredError),
    ],
)
def test_instagrams_own_words_are_understood(ruling: str, error: type[ClipferryError]):
    assert type(error_for_ruling(ruling)) is error
