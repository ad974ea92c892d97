"""Threads: posts with pictures, videos and carousels, read signed out from the post's page.

The page carries the post in the JSON object that Instagram's API has for one, so the reader of
Instagram's posts is used for it. Source of the keys: public readers of these pages; none of this
was tried against the real site. Voice messages and GIFs of Giphy are not read.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import SplitResult, parse_qs, urlsplit

from yt_dlp.extractor.common import InfoExtractor

from core.errors import NoMediaError, NotAvailableError, PlatformRefusedError
from core.media import Access, Details, Link, Post
from platforms._http import HostRule
from platforms._instagram_product import has_media, read_product
from platforms._json import Json
from platforms._page_json import objects_in
from platforms._platform import (
    PLAIN_CLIENT,
    FetchContext,
    Layer,
    Match,
    Need,
    PageKind,
    Platform,
    known_post,
    plain_host,
)
from platforms._ytdlp import BROWSER, LeanYoutubeDL

_HOSTS: Final = ("threads.com", "threads.net")
_PAGE_HOSTS = HostRule(_HOSTS)
_MEDIA_HOSTS = HostRule(("cdninstagram.com", "fbcdn.net"))

_NAME: Final = r"[A-Za-z0-9_.]+"
_USER: Final = rf"/(?:@|%40){_NAME}"
#: The site itself adds a missing "@".
_POST_PATH = re.compile(
    rf"(?:(?:{_USER}|/{_NAME})/post|/t)/(?P<code>[A-Za-z0-9_-]{{5,64}})(?:/.*)?"
)
_SHARE_PATH = re.compile(r"/share/[A-Za-z0-9_-]+/?")
#: Start of the path of pages that are no posts; the first match wins.
_PAGES: Final = (
    (PageKind.TAG, re.compile(r"/(?:search|tag|topic|for_you|following)\b")),
    (PageKind.LIST, re.compile(r"/(?:custom_feed|feed|saved|liked|communities)\b")),
    (PageKind.PROFILE, re.compile(rf"{_USER}(?:/(?:replies|media|reposts)?)?/?$")),
)
#: How a post's page is requested. Whether a browser gets the post, or a page that its scripts fill
#: later, depends on its address; a client without scripts gets the post.
_CLIENTS: Final[tuple[Mapping[str, Any], ...]] = (
    {"impersonate": True},
    {"headers": {"User-Agent": PLAIN_CLIENT}},
)
#: In the query of the home page, to which the site redirects from posts that it does not show.
_INVALID: Final = "invalid_post"


def recognise(parts: SplitResult) -> Match | PageKind | None:
    """Return what a URL of Threads is, or None if it belongs to another site."""
    if plain_host(parts) not in _HOSTS:
        return PageKind.OTHER if _PAGE_HOSTS.allows(parts.geturl()) else None
    if found := _POST_PATH.fullmatch(parts.path):
        return Match(found["code"])
    if _SHARE_PATH.fullmatch(parts.path):
        return Match(None)
    return next((kind for kind, start in _PAGES if start.match(parts.path)), PageKind.OTHER)


def link_to(post_id: str) -> str:
    """Return the URL of a post by its id."""
    return f"https://www.threads.com/t/{post_id}"


async def fetch(link: Link, context: FetchContext) -> Post:
    """Read a post, with the context's cookies if there are any.

    Raises:
        MediaError: Threads does not provide the post, or it has no media.
        PlatformError: Threads could not be read.
    """
    code = known_post(link)

    # An account belongs to a browser.
    clients = _CLIENTS[:1] if context.pages.cookies else _CLIENTS

    def work(extractor: InfoExtractor, _ydl: LeanYoutubeDL) -> Any:
        return _read_page(extractor, code, clients)

    post = await context.pages.read(InfoExtractor, _PAGE_HOSTS, work)
    headers = {"Referer": "https://www.threads.com/", "User-Agent": BROWSER}
    return read_post(post, code, Access(context.pages.proxy.name, headers))


def _read_page(extractor: Any, code: str, clients: Sequence[Mapping[str, Any]]) -> Any:
    """Return the object of a post, as the first of the clients that gets its page.

    Raises:
        NotAvailableError: the site redirects to its home page instead.
        PlatformRefusedError: no client gets the post.
    """
    refusal = PlatformRefusedError("the page does not contain the post")
    for options in clients:
        try:
            page, response = extractor._download_webpage_handle(link_to(code), code, **options)
        except PlatformRefusedError as error:
            refusal = error
            continue
        if _INVALID in parse_qs(urlsplit(response.url).query).get("error", ()):
            raise NotAvailableError(_INVALID)
        if post := find_post(page, code):
            return post
    raise refusal


def find_post(page: str, code: str) -> dict[str, Any] | None:
    """Return the object of the post with this code, or None if the page does not contain it.

    The page also has the posts that it answers, and its own answers. Where an object stands for the
    post without its media, another one has them.
    """
    found = [
        value
        for value in objects_in(page, code)
        if value.get("code") == code and "user" in value and "media_type" in value
    ]
    whole = (post for post in found if has_media(Json(post, "threads")))
    return next(whole, None) or next(iter(found), None)


def read_post(document: Any, code: str, access: Access) -> Post:
    """Convert the object of a post; one without media has those of what it links to or quotes.

    Raises:
        NoMediaError: neither of them has media.
        PlatformChangedError: no item is readable.
    """
    page = Json(document, "threads").needed()
    source = next((one for one in _sources(page) if has_media(one)), None)
    if source is None:
        raise NoMediaError("a text, or media of another site")
    post = read_product(source.value, code, link_to(code), access)
    return replace(
        post,
        platform="threads",
        details=Details(
            author=page["user"]["username"].text(),
            text=page["caption"]["text"].text(),
            likes=None if page["like_and_view_counts_disabled"] else page["like_count"].count(),
        ),
    )


def _sources(page: Json) -> Iterator[Json]:
    """Yield the objects that may have the media of a post, its own first."""
    yield page
    if page["giphy_media_info"] or page["audio"]:
        return  # it has media, which are not read
    about = page["text_post_app_info"]
    yield about["linked_inline_media"]
    for key in ("quoted_post", "quoted_attachment_post", "reposted_post"):
        yield about["share_info"][key]


PLATFORM = Platform(
    name="threads",
    title="Threads",
    examples=(
        "https://www.threads.com/@ferry.demo/post/DemoThread1",
        "https://www.threads.net/@ferry.demo/post/DemoThread1?xmt=abc",
        "https://www.threads.com/@ferry.demo/post/DemoThread1/media",
        "https://www.threads.com/t/DemoThread1",
        "https://www.threads.com/share/DemoShare1",
    ),
    recognise=recognise,
    layers=(Layer("page", fetch), Layer("account", fetch, Need.COOKIES)),
    page_hosts=_PAGE_HOSTS,
    media_hosts=_MEDIA_HOSTS,
    link_to=link_to,
)
