"""Tumblr: posts with pictures, GIFs and videos, read signed out from the post's page.

The page carries the post in Tumblr's format of blocks, which its documentation calls NPF:
https://www.tumblr.com/docs/npf. Source of the rest: public readers of these pages; none of this was
tried against the real site. A post that only has audio is not read, nor are blogs under a domain of
their own.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import SplitResult

from yt_dlp.extractor.common import InfoExtractor

from core.errors import (
    LoginRequiredError,
    NoMediaError,
    NotAvailableError,
    PlatformChangedError,
    PlatformRefusedError,
)
from core.media import (
    Access,
    Audio,
    Clip,
    Details,
    Item,
    Link,
    Picture,
    Post,
    Rendition,
    Unreadable,
)
from platforms._http import HostRule
from platforms._json import Json
from platforms._page_json import objects_in
from platforms._platform import (
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

_PAGE_HOSTS = HostRule(("tumblr.com", "tmblr.co"))
_MEDIA_HOSTS = HostRule(("tumblr.com",))

_BLOG: Final = r"(?P<blog>[A-Za-z0-9][A-Za-z0-9-]{0,62})"
_NUMBER: Final = r"(?P<id>[0-9]{5,20})(?:/[^/]*)?/?"
#: The path of a post on www.tumblr.com, and its host and path on the blog's own host.
_POST_PATH = re.compile(rf"/(?:(?:dashboard/)?blog/(?:view/)?)?{_BLOG}/{_NUMBER}")
_BLOG_PATH = re.compile(rf"{_BLOG}\.tumblr\.com/(?:post|image)/{_NUMBER}")
_SHORT = re.compile(r"at\.tumblr\.com/[^/]+/.+|tmblr\.co/[A-Za-z0-9_-]+/?")
#: First parts of paths on www.tumblr.com that are no names of blogs.
_RESERVED: Final = frozenset(
    {
        *("about", "blog", "communities", "dashboard", "docs", "domains", "explore", "help"),
        *("inbox", "likes", "live", "login", "new", "policy", "privacy", "register", "search"),
        *("settings", "shop", "support", "tagged", "tips", "tv"),
    }
)
#: Pages that are no posts, by host and path; the first match wins.
_PAGES: Final = (
    # A post as other sites embed it, without the name of its blog.
    (PageKind.UNNAMED, re.compile(r"embed\.tumblr\.com/embed/post/[^/]")),
    (PageKind.LIVE, re.compile(r"tumblr\.com/live\b")),
    (PageKind.TAG, re.compile(r"(?:[\w-]+\.)?tumblr\.com/(?:tagged|search|explore)\b")),
    (PageKind.LIST, re.compile(r"tumblr\.com/communities\b")),
    (PageKind.PROFILE, re.compile(r"tumblr\.com/(?:blog/(?:view/)?)?(?P<blog>[\w-]+)(?:/|$)")),
    (PageKind.PROFILE, re.compile(r"(?!at\.|api\.)[\w-]+\.tumblr\.com/(?:archive\b|$)")),
)


def recognise(parts: SplitResult) -> Match | PageKind | None:
    """Return what a URL of Tumblr is, or None if it belongs to another site."""
    host = plain_host(parts)
    address = f"{host}{parts.path or '/'}"
    found = _POST_PATH.fullmatch(parts.path) if host == "tumblr.com" else None
    found = found or _BLOG_PATH.fullmatch(address)
    if found and found["blog"].lower() not in _RESERVED:
        return Match(f"{found['blog'].lower()}/{found['id']}")
    if _SHORT.fullmatch(address):
        return Match(None)
    for kind, page in _PAGES:
        other = page.match(address)
        if other and other.groupdict().get("blog") not in _RESERVED:
            return kind
    return PageKind.OTHER if _PAGE_HOSTS.allows(parts.geturl()) else None


def link_to(post_id: str) -> str:
    """Return the URL of a post by its id, such as "ferry-demo/730000000000000001"."""
    return f"https://www.tumblr.com/{post_id}"


async def fetch(link: Link, context: FetchContext) -> Post:
    """Read a post, with the context's cookies if there are any.

    Raises:
        LoginRequiredError: the blog is for signed-in users only.
        MediaError: Tumblr does not provide the post, or it has no media.
        PlatformError: Tumblr could not be read.
    """
    post_id = known_post(link)
    is_signed_in = bool(context.pages.cookies)

    def work(extractor: Any, _ydl: LeanYoutubeDL) -> Any:
        try:
            page = extractor._download_webpage(link_to(post_id), post_id, impersonate=True)
        except PlatformRefusedError as error:
            if "login page" in error.detail and not is_signed_in:
                raise LoginRequiredError("the blog is hidden from visitors") from error
            raise
        return find_post(page, post_id)

    post = await context.pages.read(InfoExtractor, _PAGE_HOSTS, work)
    headers = {"Referer": "https://www.tumblr.com/", "User-Agent": BROWSER}
    return read_post(post, post_id, Access(context.pages.proxy.name, headers))


def find_post(page: str, post_id: str) -> dict[str, Any]:
    """Return the object of a post in its page.

    Raises:
        NotAvailableError: the page is that of the site, but does not contain the post.
        PlatformRefusedError: it is another page.
    """
    number = post_id.rpartition("/")[2]
    for value in objects_in(page, number):
        is_post = value.get("objectType") == "post" and isinstance(value.get("content"), list)
        if is_post and str(value.get("id")) == number:
            return value
    if "___INITIAL_STATE___" in page:
        raise NotAvailableError("the page does not contain the post")
    raise PlatformRefusedError("the page has no data")


def read_post(document: Any, post_id: str, access: Access) -> Post:
    """Convert the object of a post, with everything that it reblogs.

    Raises:
        NoMediaError: the post has no media, or they are on other sites.
        PlatformChangedError: no item is readable.
    """
    page = Json(document, "tumblr").needed()
    # From the oldest reblog to the newest one, as the site shows them.
    blocks = [block for part in (*page["trail"], page) for block in _blocks(part)]
    items = tuple(item for block in blocks for item in _items(block))
    if not items or (not any(map(_is_own, blocks))):
        raise NoMediaError("no media of the site itself")
    if all(isinstance(item, Unreadable) for item in items):
        raise PlatformChangedError(f"tumblr: none of {len(items)} items is readable")
    texts = (block["text"].text() for block in blocks if block["type"].text() == "text")
    post = Post(
        platform="tumblr",
        id=post_id,
        url=link_to(post_id),
        access=access,
        details=Details(
            author=page["blogName"].text(),
            text="\n".join(filter(None, texts)),
            likes=page["likeCount"].count(),
        ),
        items=items,
        is_sensitive=bool(page["isNsfw"] or page["communityLabels"]["hasCommunityLabel"]),
    )
    has_clip = any(isinstance(item, Clip) for item in items)
    return post if has_clip else replace(post, audio=_audio(blocks))


def _blocks(part: Json) -> Sequence[Json]:
    """Return the blocks of a post, or of a part of it, in the order in which the site shows them.

    A layout of rows may change the order. Blocks that it does not name come last.
    """
    blocks = list(part["content"])
    rows = (layout for layout in part["layout"] if layout["type"].text() == "rows")
    listed = (
        index.value for layout in rows for row in layout["display"] for index in row["blocks"]
    )
    known = [index for index in listed if type(index) is int and 0 <= index < len(blocks)]
    return [blocks[index] for index in dict.fromkeys((*known, *range(len(blocks))))]


def _is_own(block: Json) -> bool:
    """Return True if the file of a block is Tumblr's own; videos may be embedded from elsewhere."""
    kind, provider = block["type"].text(), block["provider"].text()
    return kind == "image" or (kind == "video" and provider in {"", "tumblr"})


def _items(block: Json) -> Iterator[Item]:
    match block["type"].text():
        case "image":
            yield _picture(block)
        case "video":
            yield _video(block) if _is_own(block) else Unreadable()


def _picture(block: Json) -> Item:
    """Return a picture, or a GIF as a clip, in the largest size that is not a crop."""
    files = [file for file in block["media"] if _url(file)]
    files.sort(key=lambda file: (bool(file["cropped"]), -_area(file)))
    if not files:
        return Unreadable()
    best = files[0]
    urls = tuple(dict.fromkeys(map(_url, files)))
    if best["type"].text() != "image/gif" and not urls[0].endswith(".gif"):
        return Picture(urls)
    stills = tuple(filter(None, (_url(best["poster"]), *map(_url, block["poster"]))))
    size = best["width"].number(), best["height"].number()
    # The file is probed after the download, so the codec may be a guess.
    gif = Rendition(urls[:1], "h264", *size)
    return Clip((gif,), cover_urls=stills[:1], is_silent=True)


def _video(block: Json) -> Item:
    file = block["media"]
    if not (url := _url(file)):
        return Unreadable()
    rendition = Rendition((url,), "h264", file["width"].number(), file["height"].number())
    return Clip((rendition,), cover_urls=tuple(filter(None, map(_url, block["poster"])))[:1])


def _audio(blocks: Sequence[Json]) -> Audio | None:
    """Return the audio of a picture post."""
    for block in blocks:
        if block["type"].text() == "audio" and (url := _url(block["media"])):
            covers = tuple(filter(None, map(_url, block["poster"])))
            return Audio((url,), block["title"].text(), block["artist"].text(), cover_urls=covers)
    return None


def _url(file: Json) -> str:
    """Return the URL of a file; empty if it has none that may be requested."""
    url = file["url"].text()
    if not url.startswith("https://"):
        return ""
    # Some addresses of GIFs end with "gifv", for which browsers get a page.
    return url.removesuffix("v") if url.endswith(".gifv") else url


def _area(file: Json) -> int:
    return file["width"].number() * file["height"].number()


PLATFORM = Platform(
    name="tumblr",
    title="Tumblr",
    examples=(
        "https://www.tumblr.com/ferry-demo/730000000000000001",
        "https://www.tumblr.com/ferry-demo/730000000000000001/a-crossing?source=share",
        "https://ferry-demo.tumblr.com/post/730000000000000001/a-crossing",
        "https://ferry-demo.tumblr.com/image/730000000000000001",
        "https://www.tumblr.com/blog/view/ferry-demo/730000000000000001",
        "https://at.tumblr.com/ferry-demo/a-crossing/demo0001",
        "https://tmblr.co/ZDemo01",
    ),
    recognise=recognise,
    layers=(Layer("page", fetch), Layer("account", fetch, Need.COOKIES)),
    page_hosts=_PAGE_HOSTS,
    media_hosts=_MEDIA_HOSTS,
    link_to=link_to,
)
