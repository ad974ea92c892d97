"""TikTok through the real yt-dlp, against the simulated site."""

import pytest
from yt_dlp.extractor.tiktok import TikTokIE

from core.errors import (
    AgeRestrictedError,
    AudioPageError,
    BrokenLinkError,
    ClipferryError,
    ExpiredLinkError,
    ListError,
    ListFoundError,
    LiveError,
    LoginRequiredError,
    MediaDeletedError,
    MediaPrivateError,
    NotAvailableError,
    NotFoundError,
    PlatformChangedError,
    PlatformError,
    PlatformRateLimitedError,
    PlatformRefusedError,
    PlatformUnreachableError,
    RegionBlockedError,
    TagPageError,
    UnderReviewError,
)
from core.formats import rank_renditions
from core.media import Access, Clip, Link, Picture, Post
from platforms._proxies import Proxy
from platforms.tiktok import PLATFORM, read_post
from simulator.samples import VideoSpec
from simulator.sites.tiktok import Encoding
from tests.sites import Web

ID = "7300000000000000001"
VIDEO = f"https://www.tiktok.com/@ferry.demo/video/{ID}"


async def read(web: Web, url: str = VIDEO, **policy) -> Post:
    async with web.fetcher(**policy) as fetcher:
        link = fetcher.registry.find(url)
        assert link is not None
        return await fetcher.attempt(link, lambda attempt: attempt.read())


def the_clip(post: Post) -> Clip:
    (clip,) = post.items
    assert isinstance(clip, Clip)
    return clip


@pytest.mark.parametrize("url", PLATFORM.examples)
def test_every_example_is_recognised(url: str):
    link = PLATFORM.find(url)
    assert link is not None
    assert link.post_id in {ID, "7300000000000000002", None}
    is_short = "demo001" in url
    assert (link.post_id is None) == is_short


@pytest.mark.parametrize(
    "url",
    [
        "https://www.tiktok.com/@ferry.demo",
        "https://www.tiktok.com/@ferry.demo/live",
        "https://www.tiktok.com/music/x-7300000000000000001",
        "https://www.tiktok.com/discover/video",
        "https://www.tiktok.com/legal/page",
        "https://www.tiktok.com.evil.example/@a/video/1",
        "https://tiktok.com@127.0.0.1/@a/video/1",
        "https://user:pw@www.tiktok.com/@a/video/1",
        "https://evil.example/?u=https://www.tiktok.com/@a/video/1",
        "http://127.0.0.1/vm.tiktok.com/x",
        "https://nottiktok.com/@a/video/1",
        "https://www.tiktok.com:8443/@a/video/1",
        "https://xn--tktok-q4a.com/@a/video/1",
        "https://tıktok.com/@a/video/1",
        "ftp://www.tiktok.com/@a/video/1",
        "https://vm.tiktok.com/",
        "https://www.tiktok.com/?item_id=abc",
        "https://www.tiktok.com/@a/video/12x",
        "https://[::1]/@a/video/1",
        "https://www.tiktok.com/@a/video/1" + "0" * 2_048,
    ],
)
def test_what_is_no_post_of_tiktok_is_not_recognised(url: str):
    assert PLATFORM.find(url) is None


async def test_a_video_post_is_read(web: Web):
    web.video_post(text="Ферри 🚢", likes=999, views=0)
    post = await read(web)
    assert (post.platform, post.id, post.details.author, post.details.text) == (
        "tiktok",
        ID,
        "ferry.demo",
        "Ферри 🚢",
    )
    assert (post.details.likes, post.details.views) == (999, 0)
    assert post.url == VIDEO
    assert post.access.cookies["tt_chain_token"]
    assert post.access.headers["Referer"] == f"https://www.tiktok.com/@_/video/{ID}"
    assert post.audio is not None
    assert post.audio.title == "original sound"
    clip = the_clip(post)
    assert clip.duration_s == 3
    (rendition,) = clip.renditions
    assert rendition.size_bytes == web.samples.video(VideoSpec()).stat().st_size
    assert not any("/aweme/v1/play/" in url or "logo" in url for url in rendition.urls)


async def test_h264_is_preferred_and_a_larger_h265_is_left(web: Web):
    small = Encoding(web.samples.video(VideoSpec(width=288, height=512)), width=288, height=512)
    large = Encoding(
        web.samples.video(VideoSpec(encoder="libx265", seconds=1)),
        codec="h265",
        width=1080,
        height=1920,
    )
    vvc = Encoding(small.path, codec="bytevc2", width=1080, height=1920)
    web.video_post(encodings=(vvc, large, small))
    post = await read(web)
    chosen = rank_renditions(the_clip(post).renditions, 50_000_000)[0].rendition
    assert (chosen.codec, chosen.width) == ("h264", 288)


async def test_a_short_link_leads_to_its_post(web: Web):
    web.video_post()
    web.site.short_links["ZMdemo001"] = f"{VIDEO}?_t=8x&_r=1"
    web.site.short_links["hop"] = "https://vt.tiktok.com/ZMdemo001"
    assert (await read(web, "https://vm.tiktok.com/ZMdemo001/")).id == ID
    assert (await read(web, "https://www.tiktok.com/t/hop")).id == ID
    assert (await read(web, "https://tt.site/t/ZMdemo001")).id == ID
    short = [entry for entry in web.log if entry.host in {"vm.tiktok.com", "tt.site"}]
    assert all(entry.user_agent == "facebookexternalhit/1.1" for entry in short)


@pytest.mark.parametrize(
    "target",
    [
        None,
        "http://127.0.0.1:8081/@a/video/1",
        "http://localhost/@a/video/1",
        "http://169.254.169.254/latest/meta-data",
        "https://www.tiktok.com.evil.example/@a/video/1",
        "https://u:p@www.tiktok.com/@a/video/1",
        "file:///etc/passwd",
        "https://vm.tiktok.com/loop",
        "https://[bad",
    ],
)
async def test_a_short_link_that_leads_nowhere_or_away_is_refused_and_never_followed(
    web: Web, target: str | None
):
    if target:
        web.site.short_links["loop"] = target
    with pytest.raises(BrokenLinkError):
        await read(web, "https://vm.tiktok.com/loop")
    assert web.asked_hosts() <= {"vm.tiktok.com", "www.tiktok.com"}


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("https://www.tiktok.com/@ferry.demo?_r=1", ListFoundError),
        ("https://www.tiktok.com/@ferry.demo/live?enter_from=share", LiveError),
        ("https://www.tiktok.com/tag/ferry", TagPageError),
        ("https://www.tiktok.com/music/a-dawn-73", AudioPageError),
        ("https://www.tiktok.com/@ferry.demo/playlist/dawn-73", ListFoundError),
        ("https://www.tiktok.com/@ferry.demo/playlist/dawn", ListError),
        ("https://www.tiktok.com/hk/notfound", RegionBlockedError),
        ("https://www.tiktok.com/in/about", RegionBlockedError),
        ("https://www.tiktok.com/?_r=1", ExpiredLinkError),
        ("https://www.tiktok.com/notfound", ExpiredLinkError),
        ("https://www.tiktok.com/login", PlatformRefusedError),
        ("https://www.tiktok.com/legal/page", BrokenLinkError),
    ],
)
async def test_a_short_link_to_another_page_says_what_it_leads_to(
    web: Web, target: str, error: type[ClipferryError]
):
    web.site.short_links["other"] = target
    with pytest.raises(error) as caught:
        await read(web, "https://vm.tiktok.com/other", attempts=1)
    assert type(caught.value) is error


async def test_another_proxy_may_be_in_a_country_where_tiktok_is_available(web: Web):
    await web.add_proxy(name="exit-2")
    web.site.short_links["other"] = "https://www.tiktok.com/hk/notfound"
    with pytest.raises(RegionBlockedError):
        await read(web, "https://vm.tiktok.com/other", attempts=2)
    assert {entry.exit for entry in web.log} == {"exit-1", "exit-2"}


@pytest.mark.parametrize(
    "target",
    [
        f"https://www.tiktok.com/login?redirect_url=https%3A%2F%2Fwww.tiktok.com%2F%40a%2Fvideo%2F{ID}",
        f"https://www.tiktok.com/login?lang=en&redirect_url=%2F%40a%2Fvideo%2F{ID}",
        f"https://www.tiktok.com/login?next=%2Flogin%3Fredirect_url%3D%252F%2540a%252Fvideo%252F{ID}",
    ],
)
async def test_a_login_page_that_names_the_post_is_not_in_the_way(web: Web, target: str):
    web.video_post()
    web.site.short_links["wall"] = target
    assert (await read(web, "https://vm.tiktok.com/wall")).id == ID
    assert not any("/login" in entry.path for entry in web.log)


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (10204, "item doesn't exist", NotAvailableError),
        (10204, "status_deleted", MediaDeletedError),
        (10204, "status_self_see", MediaPrivateError),
        (10204, "person_geo_fencing", RegionBlockedError),
        (10204, "copyright_geo_filter", RegionBlockedError),
        (10204, "status_reviewing", UnderReviewError),
        (10204, "status_audit_not_pass", UnderReviewError),
        (10204, "content_classification", AgeRestrictedError),
        (10204, "", NotAvailableError),
        (10102, "", LoginRequiredError),
        (10202, "", NotFoundError),
        (10213, "", AgeRestrictedError),
        (10214, "", AgeRestrictedError),
        (10216, "", MediaPrivateError),
        (10217, "", UnderReviewError),
        (10222, "", MediaPrivateError),
        (10227, "", UnderReviewError),
        (10231, "cross_border_violation", RegionBlockedError),
        (10221, "user banned", MediaDeletedError),
        (10999, "something new", NotAvailableError),
    ],
)
async def test_every_refusal_has_its_reason(
    web: Web, status: int, message: str, error: type[ClipferryError]
):
    web.video_post(status=status, status_message=message)
    with pytest.raises(error) as caught:
        await read(web)
    assert type(caught.value) is error
    assert str(status) in str(caught.value)
    assert web.site.posts[ID].page_requests == 1  # one exit gives one answer


@pytest.mark.parametrize("status", [10000, 10101, 10113, 10114])
async def test_a_client_that_is_blocked_is_no_matter_of_the_post(web: Web, status: int):
    await web.add_proxy(name="exit-2")
    web.video_post(status=status, status_for=frozenset({"exit-1"}))
    assert (await read(web)).access.proxy == "exit-2"
    web.site.posts[ID].status_for = frozenset()
    async with web.fetcher(attempts=2, failure_threshold=1) as fetcher:
        link = fetcher.registry.find(VIDEO)
        assert link
        with pytest.raises(PlatformRefusedError):
            await fetcher.attempt(link, lambda attempt: attempt.read())
        assert len(fetcher.open_routes()) == 2


async def test_a_post_that_is_not_there_is_deleted(web: Web):
    with pytest.raises(MediaDeletedError):
        await read(web)


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        ("login", PlatformRefusedError),
        ("empty", PlatformRefusedError),
        ("no-script", PlatformRefusedError),
        ("garbled", PlatformChangedError),
        ("age", AgeRestrictedError),
        ("leave", PlatformRefusedError),
        ("region", RegionBlockedError),
        ("403", PlatformRefusedError),
        ("404", NotFoundError),
        ("410", NotFoundError),
        ("429", PlatformRateLimitedError),
        ("503", PlatformUnreachableError),
        ("500", PlatformUnreachableError),
    ],
)
async def test_a_troubled_page_is_never_called_deleted(
    web: Web, trouble: str, error: type[ClipferryError]
):
    web.video_post(page_trouble=trouble)
    with pytest.raises(error) as caught:
        await read(web, attempts=2)
    assert type(caught.value) is error
    expected = 2 if issubclass(error, PlatformError) else 1
    assert web.site.posts[ID].page_requests == expected
    assert "127.0.0.1" not in web.asked_hosts()


async def test_the_firewalls_puzzle_is_solved(web: Web):
    web.video_post(page_trouble="puzzle")
    assert (await read(web)).id == ID


async def test_a_passing_outage_is_survived_within_the_budget(web: Web):
    web.video_post(page_trouble="503", trouble_times=2)
    assert (await read(web, attempts=3)).id == ID


async def test_a_refusal_at_one_exit_is_asked_again_at_the_next(web: Web):
    await web.add_proxy(name="exit-2")
    web.video_post(status=10204, status_for=frozenset({"exit-1"}))
    post = await read(web)
    assert post.id == ID
    assert post.access.proxy == "exit-2"


async def test_the_operators_cookies_are_shown_to_the_site_and_never_written_back(web: Web):
    web.video_post(page_trouble="members")
    cookies = (
        "# Netscape HTTP Cookie File\n.tiktok.com\tTRUE\t/\tTRUE\t1999999999\tsid_tt\thunter2\n"
    )
    with pytest.raises(PlatformRefusedError):
        await read(web, attempts=1)
    assert (await read(web, cookies=cookies)).id == ID


async def test_a_slideshow_is_read_in_order_under_the_video_form(web: Web):
    pictures = tuple(web.samples.picture(200, 300, f"p{n}") for n in range(7))
    web.video_post(pictures=pictures)
    post = await read(web, f"https://www.tiktok.com/@ferry.demo/photo/{ID}")
    assert all(isinstance(item, Picture) for item in post.items)
    assert [p.urls[0].split("/")[-1][0] for p in post.items] == list("0123456")  # type: ignore[union-attr]
    assert post.url == f"https://www.tiktok.com/@ferry.demo/photo/{ID}"
    assert {entry.path for entry in web.log} == {f"/@_/video/{ID}"}


async def test_a_dead_exit_is_unreachable_and_keeps_its_credentials_to_itself(web: Web):
    dead = Proxy("http://127.0.0.1:9", "http://ferry:hunter2@127.0.0.1:9")
    async with web.fetcher([dead]) as fetcher:
        for url in (VIDEO, "https://vm.tiktok.com/x1"):
            link = fetcher.registry.find(url)
            assert link is not None
            with pytest.raises(PlatformUnreachableError) as caught:
                await fetcher.attempt(link, lambda attempt: attempt.read())
            assert "hunter2" not in str(caught.value)
            assert "127.0.0.1:9" in str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
async def test_proxies_with_credentials_of_every_scheme_carry_page_and_short_link(
    web: Web, scheme: str
):
    proxy = await web.add_proxy(name="locked", credentials=("ferry", "hunter2"))
    web.video_post()
    web.site.short_links["ok1"] = VIDEO
    async with web.fetcher([Proxy("locked", proxy.address(scheme))]) as fetcher:
        link = fetcher.registry.find("https://vm.tiktok.com/ok1")
        assert link is not None
        post = await fetcher.attempt(link, lambda attempt: attempt.read())
    assert post.id == ID
    assert {entry.exit for entry in web.log} == {"locked"}


def test_the_private_parts_of_ytdlp_that_we_use_are_still_there():
    """If this fails after an update of yt-dlp, `platforms/tiktok.py` needs a look."""
    used = [
        "_extract_web_data_and_status",
        "_get_universal_data",
        "_solve_challenge_and_set_cookies",
    ]
    assert [name for name in used if not callable(getattr(TikTokIE, name, None))] == []


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ({"playAddr": "https://v16.tiktok.com/a", "downloadAddr": "https://v16.tiktok.com/b"}, "a"),
        ({"playAddr": "", "downloadAddr": "https://v16.tiktok.com/b"}, "b"),
    ],
)
def test_the_logo_comes_only_with_what_has_no_other_version(
    addresses: dict[str, str], expected: str
):
    detail = {"itemInfo": {"itemStruct": {"video": {**addresses, "codecType": "h264"}}}}
    post = read_post(detail, ID, Access(proxy="direct"))
    assert [r.urls for r in the_clip(post).renditions] == [(f"https://v16.tiktok.com/{expected}",)]


@pytest.mark.parametrize("detail", [{"statusCode": 0}, {"itemInfo": []}, {}, [], "x"])
def test_an_unexpected_shape_is_a_change_not_a_crash(detail: object):
    with pytest.raises(PlatformChangedError):
        read_post(detail, ID, Access(proxy="direct"))


def test_a_link_without_platform_host_is_not_ours():
    assert PLATFORM.find("not a link") is None
    assert isinstance(PLATFORM.find(VIDEO), Link)


async def test_another_exit_is_tried_where_the_country_is_blocked(web: Web):
    await web.add_proxy(name="exit-2")
    web.video_post(page_trouble="region", trouble_times=1)
    assert (await read(web)).access.proxy == "exit-2"


async def test_a_page_of_2022_is_read(web: Web):
    web.video_post(page_trouble="2022", text="Dawn")
    post = await read(web)
    assert post.details.text == "Dawn"
    assert the_clip(post).renditions[0].codec == "h264"


async def test_the_page_for_phones_is_read_too(web: Web):
    pictures = tuple(web.samples.picture(200, 300, f"p{n}") for n in range(3))
    web.video_post(pictures=pictures, page_trouble="mobile")
    post = await read(web)
    assert len(post.items) == 3
    assert post.audio is not None
