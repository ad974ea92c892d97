"""What would be sent for a page of a site."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from core.formats import Quality, rank_renditions
from core.media import Access, Clip, Details, Item, LivePhoto, Picture, Post
from platforms._instagram_product import read_product
from platforms._ytdlp_site import read_info
from platforms.tiktok import read_post
from simulator.sites.instagram import InstagramPost
from simulator.sites.tiktok import SamplePost
from tests.platforms.pages import Page, instagram, tiktok, ytdlp
from tests.sites import Web

ACCESS: Final = Access("direct")

ABOUT: Final = Post("x", "1", "https://x.com/i/status/1", ACCESS)


def read_instagram(document: Any) -> Post:
    return read_product(document, "DemoPhoto01", ABOUT.url, ACCESS)


def read_tiktok(document: Any) -> Post:
    return read_post(document, "7300000000000000001", ACCESS)


def read_ytdlp(document: Any) -> Post:
    return read_info(document, ABOUT)


SITES: Final[list[tuple[Callable[[Any], Post], list[Page]]]] = [
    (read_instagram, instagram.PAGES),
    (read_tiktok, tiktok.PAGES),
    (read_ytdlp, ytdlp.PAGES),
]


def sent(item: Item, ceiling: int) -> str | tuple[str, str] | None:
    """Return the URL of the file that is tried first; both URLs of a live photo."""
    match item:
        case Clip():
            return rank_renditions(item.renditions, ceiling, duration_s=item.duration_s)[
                0
            ].rendition.urls[0]
        case Picture():
            return item.urls[0]
        case LivePhoto():
            return item.picture.urls[0], item.clip.renditions[0].urls[0]
    return None


def check(page: Page, post: Post) -> None:
    assert tuple(sent(item, page.ceiling) for item in post.items) == page.sent
    assert {name: getattr(_owner(post, name), name) for name in page.facts} == page.facts
    if page.order:
        (clip,) = post.items
        assert isinstance(clip, Clip)
        ranked = rank_renditions(clip.renditions, page.ceiling, duration_s=clip.duration_s)
        assert tuple(one.rendition.urls[0] for one in ranked) == page.order


def _owner(post: Post, name: str) -> Post | Details:
    return post.details if hasattr(post.details, name) else post


@pytest.mark.parametrize(
    ("read", "page"),
    [pytest.param(read, page, id=str(page)) for read, pages in SITES for page in pages],
)
def test_a_page_is_its_post_and_nothing_else(read: Callable[[Any], Post], page: Page):
    if page.error:
        with pytest.raises(page.error) as caught:
            read(page.document)
        assert type(caught.value) is page.error
    else:
        check(page, read(page.document))


@pytest.mark.parametrize("page", instagram.PAGES, ids=str)
async def test_a_page_of_instagram_through_ytdlp(web: Web, page: Page):
    web.instagram.add(InstagramPost("DemoPhoto01", product=page.document))
    await check_link(web, "https://www.instagram.com/p/DemoPhoto01/", page)


@pytest.mark.parametrize("page", tiktok.PAGES, ids=str)
async def test_a_page_of_tiktok_through_ytdlp(web: Web, page: Page):
    web.site.add(SamplePost("7300000000000000001", detail=page.document))
    await check_link(web, "https://www.tiktok.com/@ferry.demo/video/7300000000000000001", page)


async def check_link(web: Web, url: str, page: Page) -> None:
    """Read a link as a request does, and compare the post with the page's."""
    async with web.fetcher(attempts=1) as fetcher:
        link = fetcher.registry.find(url)
        assert link
        reading = fetcher.attempt(link, lambda attempt: attempt.read())
        if page.error:
            with pytest.raises(page.error):
                await reading
        else:
            check(page, await reading)


@pytest.mark.parametrize(
    ("quality", "first"),
    [(Quality.BEST, "1080"), (Quality.HD, "720"), (Quality.SMALL, "480")],
)
def test_the_height_alone_is_enough_for_a_quality(quality: Quality, first: str):
    page = next(page for page in ytdlp.PAGES if page.name == "heights only")
    (clip,) = read_ytdlp(page.document).items
    assert isinstance(clip, Clip)
    ranked = rank_renditions(clip.renditions, 50_000_000, quality=quality)
    assert ranked[0].rendition.urls[0].endswith(first)


@pytest.mark.parametrize(
    ("quality", "first"), [(Quality.BEST, "hd"), (Quality.HD, "hd"), (Quality.SMALL, "sd")]
)
def test_a_quality_without_pixels_is_the_sites_ranking(quality: Quality, first: str):
    page = next(page for page in ytdlp.PAGES if page.name == "the better quality is listed first")
    (clip,) = read_ytdlp(page.document).items
    assert isinstance(clip, Clip)
    ranked = rank_renditions(clip.renditions, 50_000_000, quality=quality)
    assert ranked[0].rendition.urls[0].endswith(first)
