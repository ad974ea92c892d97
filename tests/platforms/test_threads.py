"""Threads: what is read from a post's page, and what each refusal means."""

from typing import Any

import pytest

from core.errors import (
    BrokenLinkError,
    ClipferryError,
    ExpiredLinkError,
    NoMediaError,
    NotAvailableError,
    PlatformChangedError,
    PlatformRefusedError,
)
from core.media import Access, Clip, Picture, Post, Unreadable
from platforms.threads import PLATFORM, find_post, read_post
from simulator.samples import VideoSpec
from simulator.sites.instagram import Media
from simulator.sites.posts import ThreadsPost
from tests.sites import Web

CODE = "DemoThread1"
LINK = f"https://www.threads.com/@ferry.demo/post/{CODE}"
COOKIES = "# Netscape HTTP Cookie File\n.threads.com\tTRUE\t/\tTRUE\t2147483647\tsessionid\tx\n"


def photo(web: Web) -> Media:
    return Media(web.samples.picture(400, 500, "t"), width=400, height=500)


def video(web: Web, **changes: Any) -> Media:
    still = web.samples.picture(576, 1024, "t")
    return Media(web.samples.video(VideoSpec()), is_video=True, still=still, changes=changes)


def thread(web: Web, *media: Media, **options: Any) -> ThreadsPost:
    post = ThreadsPost(options.pop("code", CODE), media=media, **options)
    web.threads.posts[post.code] = post
    return post


async def read(web: Web, url: str = LINK, **policy) -> Post:
    link = PLATFORM.find(url)
    assert link is not None
    policy.setdefault("attempts", 1)
    async with web.fetcher(**policy) as fetcher:
        return await fetcher.attempt(link, lambda attempt: attempt.read())


async def test_a_carousel_is_read_in_order_and_without_the_answers(web: Web):
    thread(web, photo(web), video(web), photo(web), text="Dawn ⛴️")
    post = await read(web)
    assert [type(item) for item in post.items] == [Picture, Clip, Picture]
    assert all(f"/v/{CODE}/{n}/" in str(item) for n, item in enumerate(post.items))
    assert (post.platform, post.id, post.details.author) == ("threads", CODE, "ferry.demo")
    assert (post.details.text, post.details.likes, post.details.views) == ("Dawn ⛴️", 21, None)
    assert post.url == f"https://www.threads.com/t/{CODE}"
    assert web.asked_hosts() == {"www.threads.com"}


@pytest.mark.parametrize(("kind", "expected"), [(photo, Picture), (video, Clip)])
async def test_a_single_picture_or_video_is_read(web: Web, kind: Any, expected: type):
    thread(web, kind(web))
    (item,) = (await read(web)).items
    assert isinstance(item, expected)


@pytest.mark.parametrize("key", ["quoted_post", "reposted_post", "linked_inline_media"])
async def test_a_text_has_the_media_that_it_shows(web: Web, key: str):
    other = ThreadsPost("DemoOther01", (photo(web), video(web)), "other", author="another")
    thread(web, text="look", shared={key: other})
    post = await read(web)
    assert [type(item) for item in post.items] == [Picture, Clip]
    assert (post.details.author, post.details.text) == ("ferry.demo", "look")


async def test_a_post_with_media_does_not_have_those_of_the_one_that_it_quotes(web: Web):
    other = ThreadsPost("DemoOther01", (photo(web), photo(web)))
    thread(web, video(web), shared={"quoted_post": other})
    assert [type(item) for item in (await read(web)).items] == [Clip]


async def test_a_video_that_cannot_be_read_keeps_its_place(web: Web):
    thread(web, photo(web), video(web, video_versions=None))
    assert [type(item) for item in (await read(web)).items] == [Picture, Unreadable]


async def test_where_browsers_get_an_empty_page_the_post_is_read_without_scripts(web: Web):
    web.threads.needs_scripts = True
    thread(web, photo(web))
    assert len((await read(web)).items) == 1
    # An account is never used by anything but a browser.
    web.log.clear()
    with pytest.raises(PlatformRefusedError):
        await read(web, cookies=COOKIES, attempts=0)
    assert len(web.log) == 2  # a redirect, and the page


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        ("invalid", NotAvailableError),
        ("login", PlatformRefusedError),
        ("missing", PlatformRefusedError),
    ],
)
async def test_refusals_have_their_own_errors(web: Web, trouble: str, error: type[ClipferryError]):
    thread(web, photo(web), trouble=trouble)
    with pytest.raises(error) as caught:
        await read(web)
    assert type(caught.value) is error


async def test_what_has_no_media_says_so(web: Web):
    thread(web, text="only a text")
    with pytest.raises(NoMediaError):
        await read(web)
    thread(web, video(web, video_versions=None))
    with pytest.raises(PlatformChangedError):
        await read(web)


@pytest.mark.parametrize("key", ["giphy_media_info", "audio"])
def test_a_post_whose_media_are_not_read_does_not_have_those_of_another(key: str):
    candidates = [{"url": "https://scontent.cdninstagram.com/1"}]
    other = {"media_type": 1, "image_versions2": {"candidates": candidates}}
    about = {"share_info": {"quoted_post": other}}
    document: dict[str, Any] = {"media_type": 19, "text_post_app_info": about}
    assert read_post(document, CODE, Access("exit-1")).items
    with pytest.raises(NoMediaError):
        read_post({**document, key: {"images": {}}}, CODE, Access("exit-1"))


async def test_a_post_for_members_is_read_with_an_account(web: Web):
    thread(web, photo(web), is_private=True)
    with pytest.raises(PlatformRefusedError):
        await read(web)
    assert len((await read(web, cookies=COOKIES)).items) == 1


async def test_a_shared_link_leads_to_its_post_and_nowhere_else(web: Web):
    thread(web, photo(web))
    web.threads.shared = {"DemoShare1": LINK, "DemoShare2": "https://evil.example/t/DemoThread1"}
    assert (await read(web, "https://www.threads.com/share/DemoShare1")).id == CODE
    for code, error in (("DemoShare2", BrokenLinkError), ("DemoShare3", ExpiredLinkError)):
        with pytest.raises(error):
            await read(web, f"https://www.threads.com/share/{code}")
    assert web.asked_hosts() == {"www.threads.com"}


SCRIPT = '<script type="application/json" data-sjs>'
POST = f'{{"code":"{CODE}","user":{{}},"media_type":1}}'
WHOLE = POST.replace('"media_type":1', '"media_type":2')


@pytest.mark.parametrize(
    ("page", "media_type"),
    [
        ("", None),
        (f"{SCRIPT}{POST}</script>", 1),
        (f"{SCRIPT}{POST}", None),
        (f"<script>{POST}</script>", None),
        (f"{SCRIPT}{POST[:-1]}</script>{SCRIPT}[[{POST}]]</script>", 1),
        (f"{SCRIPT}{'[' * 100_000}{POST}</script>{SCRIPT}{POST}</script>", 1),
        (f"<script {'x' * 3_000}>{SCRIPT}{POST}</script>", 1),
        # Of two objects for the post, the one with its media.
        (f"{SCRIPT}[{POST},{WHOLE}]</script>", 2),
        (f"{SCRIPT}{POST.replace(CODE, 'DemoOther01')}</script>", None),
        (f'{SCRIPT}{{"code":"{CODE}"}}</script>', None),
    ],
)
def test_the_post_is_found_in_its_page(page: str, media_type: int | None):
    found = find_post(page, CODE)
    assert (found and found["media_type"]) == media_type


def test_an_object_of_another_form_is_an_error_of_ours():
    documents: tuple[Any, ...] = (None, [], {"media_type": 8, "carousel_media": "x"})
    for document in (*documents, {"media_type": 2}):
        with pytest.raises(ClipferryError):
            read_post(document, CODE, Access("exit-1"))
