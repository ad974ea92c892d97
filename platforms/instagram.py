"""Instagram: pictures, videos, reels, mixed carousels; stories with an account.

Reads posts signed out through yt-dlp, which knows the site's GraphQL and its page, and then the post's
own object by itself: yt-dlp's result loses what a refusal was about. Further layers follow when the
operator has configured them: an account's cookies, a cobalt, a provider on RapidAPI.
"""

import logging
import re
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from yt_dlp.extractor.instagram import InstagramIE, InstagramStoryIE
from yt_dlp.utils import ExtractorError

from core.errors import (
    AgeRestrictedError,
    ClipferryError,
    LoginRequiredError,
    NotAvailableError,
    NotFoundError,
    PlatformChangedError,
    PlatformError,
    PlatformRateLimitedError,
    PlatformRefusedError,
    PlatformUnreachableError,
)
from core.media import Access, Clip, Item, Link, Picture, Post, Rendition
from platforms import _cobalt
from platforms._http import HostRule
from platforms._json import Json
from platforms._platform import FetchContext, Layer, Match, Need, Platform, known_post
from platforms._ytdlp import BROWSER, LeanYoutubeDL

logger = logging.getLogger(__name__)

_PAGE_HOSTS = HostRule(("instagram.com", "instagr.am"))
_MEDIA_HOSTS = HostRule(("cdninstagram.com", "fbcdn.net"))
_HOSTS: Final = {
    "instagram.com",
    "www.instagram.com",
    "m.instagram.com",
    "instagr.am",
    "www.instagr.am",
}

_CODE: Final = r"(?P<code>[A-Za-z0-9_-]{5,64})"
_POST_PATH = re.compile(rf"(?:/[A-Za-z0-9_.]+)?/(?:p|reel|reels|tv)/{_CODE}(?:/.*)?")
_SHARE_PATH = re.compile(r"/share/(?:(?:p|reel|r)/)?[A-Za-z0-9_-]+/?")
_STORY_PATH = re.compile(r"/stories/(?P<user>[A-Za-z0-9_.]+)/(?P<id>\d+)/?")
#: Longer codes belong to posts of private accounts: the code, and a key of 28 characters.
_PRIVATE_CODE: Final = 11 + 28


def recognise(parts: SplitResult) -> Match | None:
    """Tell whether an address is a post's or a story's, and which."""
    if parts.hostname not in _HOSTS:
        return None
    if _SHARE_PATH.fullmatch(parts.path):
        return Match(None)
    if found := _STORY_PATH.fullmatch(parts.path):
        return Match(f"stories.{found['user']}.{found['id']}")
    found = _POST_PATH.fullmatch(parts.path)
    return Match(found["code"]) if found and found["code"] not in {"audio"} else None


def link_to(post_id: str) -> str:
    """Give the address of a post or story of which only the id is known."""
    if post_id.startswith("stories."):
        user, _, number = post_id.removeprefix("stories.").rpartition(".")
        return f"https://www.instagram.com/stories/{user}/{number}/"
    return f"https://www.instagram.com/p/{post_id}/"


async def fetch(link: Link, context: FetchContext) -> Post:
    """Read a post signed out, or with the visit's cookies.

    Raises:
        MediaError: Instagram says why it does not show the post.
        PlatformError: Instagram could not be read.
    """
    post_id = known_post(link)
    is_member = bool(context.pages.cookies)
    is_story = post_id.startswith("stories.")
    if is_story and not is_member:
        raise LoginRequiredError("a story")
    extractor = _StoryIE if is_story else _PostIE
    url = link_to(post_id)

    def work(extractor: Any, _ydl: LeanYoutubeDL) -> list[Any]:
        try:
            extractor.extract(url)
        except ExtractorError as error:
            if not extractor.products:
                raise _refusal(extractor, post_id, is_member=is_member) from error
        products: list[Any] = extractor.products
        return products

    products: list[Any] = await context.pages.read(extractor, _PAGE_HOSTS, work)
    if is_story:
        number = post_id.rpartition(".")[2]
        products = [p for p in products if str(p.get("pk", "")).partition("_")[0] == number]
        if not products:
            raise NotFoundError("the story is over")
    headers = {"Referer": "https://www.instagram.com/", "User-Agent": BROWSER}
    return read_product(products[0], post_id, Access(context.pages.proxy.name, headers))


async def fetch_from_provider(link: Link, context: FetchContext) -> Post:
    """Ask the operator's provider on RapidAPI for a post's files. It gives neither author nor likes.

    Raises:
        NotFoundError: it knows no such post, or none that everybody may see.
        PlatformError: it could not be asked.
    """
    external_apis = context.external_apis
    headers = {
        "X-Rapidapi-Key": external_apis.rapidapi_key,
        "X-Rapidapi-Host": urlsplit(external_apis.rapidapi_url).hostname or "",
    }
    status, answer = await external_apis.ask(
        "GET", external_apis.rapidapi_url, headers, params={"url": link.url}
    )
    if status == 404:
        raise NotFoundError("by the provider")
    if status == 429:
        raise PlatformRateLimitedError("the provider")
    if status != 200:
        raise PlatformUnreachableError(f"the provider answers {status}")
    items = tuple(
        _provided(entry) for entry in Json(answer, "provider")["media"] if entry["url"].text()
    )
    if not items:
        raise NotFoundError("the provider has nothing")
    post_id = link.post_id or urlsplit(link.url).path.strip("/").rpartition("/")[2]
    access = Access("rapidapi", {"Referer": "https://www.instagram.com/", "User-Agent": BROWSER})
    return Post("instagram", post_id, link.url, access, items=items)


def read_product(product: Any, post_id: str, access: Access) -> Post:
    """Read the object that Instagram's API and pages have for a post.

    Raises:
        PlatformChangedError: it has no pictures and no videos.
    """
    page = Json(product, "instagram").needed()
    children = list(page["carousel_media"]) or [page]
    items = tuple(item for child in children if (item := _item(child)))
    if len(items) != len(children):
        raise PlatformChangedError(f"instagram: {len(items)} of {len(children)} items")
    hides_counts = bool(page["like_and_view_counts_disabled"])
    likes = page["like_count"].count()
    views = page["view_count"].count()
    return Post(
        platform="instagram",
        id=post_id,
        url=link_to(post_id),
        access=access,
        author=page["user"]["username"].text(),
        text=page["caption"]["text"].text(),
        likes=None if hides_counts else likes,
        views=None if hides_counts else views,
        items=items,
    )


class _Keeper:
    """Keeps what yt-dlp has seen: a post's object, and what was said when there was none."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.products: list[Any] = []
        #: What the site rules about showing the post.
        self.ruling: dict[str, Any] = {}
        #: The last page that was read.
        self.page = ""

    def _extract_product(self, product_info: Any, *_: Any, **__: Any) -> dict[str, Any]:
        self.products += product_info if isinstance(product_info, list) else [product_info]
        return {"id": "", "formats": [{}]}  # what the caller looks for

    def _download_json(self, url: str, *args: Any, fatal: bool = True, **options: Any) -> Any:
        try:
            answer = super()._download_json(url, *args, fatal=fatal, **options)  # type: ignore[misc] # yt-dlp's
        except PlatformError:
            if fatal:
                raise
            return None  # yt-dlp has another way to try
        if "/get_ruling_for_content/" in url and isinstance(answer, dict):
            self.ruling = answer
        return answer

    def _download_webpage_handle(self, *args: Any, **options: Any) -> Any:
        result = super()._download_webpage_handle(*args, **options)  # type: ignore[misc] # yt-dlp's
        if result:
            self.page = result[0]
        return result


class _PostIE(_Keeper, InstagramIE):  # type: ignore[misc] # yt-dlp ships no types
    """yt-dlp's extractor for posts."""


class _StoryIE(_Keeper, InstagramStoryIE):  # type: ignore[misc] # yt-dlp ships no types
    """yt-dlp's extractor for stories."""


def _refusal(seen: _Keeper, post_id: str, *, is_member: bool) -> ClipferryError:
    """Name why there is no post; yt-dlp calls most of these an empty media response."""
    ruling = " ".join(str(seen.ruling.get(key, "")) for key in ("title", "description")).strip()
    if ruling:
        return _ruled(ruling)
    if is_member:
        logger.warning("Instagram does not accept the cookies: renew [network] cookies_file")
        return PlatformRefusedError("the cookies are not accepted")
    if "PolarisErrorRoute" in seen.page:
        return NotFoundError("PolarisErrorRoute")
    if len(post_id) >= _PRIVATE_CODE:
        return LoginRequiredError("a post of a private account")
    if '"if_not_gated_logged_out":null' in seen.page:
        return LoginRequiredError("gated")
    if "LoggedOutDesktopWWWPostRoute" in seen.page:
        return PlatformRateLimitedError("a page without the post")
    return PlatformRefusedError("the login page" if "LoginHomepage" in seen.page else "no data")


def _ruled(ruling: str) -> ClipferryError:
    """Name what Instagram itself says about showing a post."""
    if re.search(r"\b(restricted|age|18)\b", ruling, re.IGNORECASE):
        return AgeRestrictedError(ruling[:100])
    if re.search(r"\b(isn.t available|not available|removed)\b", ruling, re.IGNORECASE):
        return NotAvailableError(ruling[:100])
    return LoginRequiredError(ruling[:100])


def _item(media: Json) -> Item | None:
    stills = tuple(url for c in media["image_versions2"]["candidates"] if (url := c["url"].text()))
    versions = {v["url"].text(): v for v in media["video_versions"] if v["url"].text()}
    if versions:
        width, height = media["original_width"].number(), media["original_height"].number()
        renditions = tuple(
            Rendition(
                (url,),
                codec="h264",
                width=version["width"].number(width),
                height=version["height"].number(height),
            )
            for url, version in versions.items()
        )
        return Clip(renditions, media["video_duration"].number(), stills[:1])
    return Picture(stills[:1]) if stills else None


def _provided(entry: Json) -> Item:
    url = entry["url"].text()
    if entry["type"].text().lower() in {"video", "mp4"}:
        stills = (entry["thumbnail"].text(),) if entry["thumbnail"] else ()
        return Clip((Rendition((url,), codec="h264"),), cover_urls=stills)
    return Picture((url,))


PLATFORM = Platform(
    name="instagram",
    title="Instagram",
    examples=(
        "https://www.instagram.com/p/DemoPhoto01/",
        "https://www.instagram.com/reel/DemoReel001/?igsh=abc",
        "https://instagram.com/reels/DemoReel001",
        "https://www.instagram.com/tv/DemoReel001/",
        "https://www.instagram.com/ferry.demo/p/DemoPhoto01/",
        "https://m.instagram.com/p/DemoPhoto01/",
        "https://instagr.am/p/DemoPhoto01",
        "https://www.instagram.com/share/reel/DemoShare1",
        "https://www.instagram.com/stories/ferry.demo/3700000000000000001/",
    ),
    recognise=recognise,
    layers=(
        Layer("page", fetch),
        Layer("account", fetch, Need.COOKIES),
        _cobalt.LAYER,
        Layer("rapidapi", fetch_from_provider, Need.RAPIDAPI, takes_short_links=True),
    ),
    page_hosts=_PAGE_HOSTS,
    media_hosts=_MEDIA_HOSTS,
    link_to=link_to,
)
