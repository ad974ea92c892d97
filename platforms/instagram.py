"""Instagram: pictures, videos, reels and mixed carousels; stories and highlights with an account.

Posts are read signed out. yt-dlp's extractor makes the requests, because it knows the site's
GraphQL API and page. Its result is not used, because it loses the reason of a refusal: the post's
own JSON object is read here. Further layers follow if the operator has configured them: the cookies
of an account, a cobalt instance, a provider on RapidAPI.
"""

import logging
import re
from base64 import urlsafe_b64decode
from dataclasses import replace
from functools import partial
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from yt_dlp.extractor.instagram import InstagramBaseIE, InstagramIE
from yt_dlp.utils import ExtractorError

from core.errors import (
    AgeRestrictedError,
    ClipferryError,
    LoginRequiredError,
    NotAvailableError,
    NotFoundError,
    PlatformError,
    PlatformRateLimitedError,
    PlatformRefusedError,
    PlatformUnreachableError,
    RegionBlockedError,
)
from core.media import (
    Access,
    Clip,
    Item,
    Link,
    Picture,
    Post,
    Rendition,
    Unreadable,
)
from platforms import _cobalt
from platforms._http import HostRule
from platforms._instagram_page import product_in_page
from platforms._instagram_product import DASH_FORMATS, read_product
from platforms._instagram_stories import (
    HIGHLIGHT,
    STORIES,
    find_reel,
    is_story,
    read_reel,
)
from platforms._json import Json
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

logger = logging.getLogger(__name__)

_PAGE_HOSTS = HostRule(("instagram.com", "instagr.am"))
_MEDIA_HOSTS = HostRule(("cdninstagram.com", "fbcdn.net"))
#: Without the prefixes that `plain_host` removes. Posts have no other host, such as api.
_HOSTS: Final = {"instagram.com", "instagr.am"}

_CODE: Final = r"(?P<code>[A-Za-z0-9_-]{5,64})"
_POST_PATH = re.compile(rf"(?:/[A-Za-z0-9_.]+)?/(?:p|reel|reels|tv)/{_CODE}(?:/.*)?")
_SHARE_PATH = re.compile(r"/share/(?:(?:p|reel|r)/)?[A-Za-z0-9_-]+/?")
_STORY_PATH = re.compile(
    r"/stories/(?!highlights(?:/|$))(?P<user>[A-Za-z0-9_.]+)(?:/(?P<id>[0-9]+))?/?"
)
_HIGHLIGHT_PATH = re.compile(r"/stories/highlights/(?P<id>[0-9]{1,25})/?")
_SHARED_HIGHLIGHT_PATH = re.compile(r"/s/(?P<code>[A-Za-z0-9_-]{1,80})=*/?")
#: Path of a page in a language: "/en-US/p/DemoPhoto01/". Names of users have no hyphen.
_LANGUAGE = re.compile(r"/[a-z]{2}-[A-Za-z]{2}(?=/)")
#: Start of the path of pages that are no posts; the first match wins.
_PAGES: Final = (
    (PageKind.HIGHLIGHTS, re.compile(r"/stories/highlights/|/s/")),
    (PageKind.STORIES, re.compile(r"/stories/")),
    (PageKind.AUDIO, re.compile(r"/reels?/audio/|/audio/|/music/")),
    (PageKind.TAG, re.compile(r"/(?:explore|tags|popular|topics)\b|/(?:reels?|p|tv)/?$")),
    (PageKind.LIVE, re.compile(r"/[A-Za-z0-9_.]+/live\b|/live/")),
    (
        PageKind.LIST,
        re.compile(r"/[A-Za-z0-9_.]+/(?:guide|saved)/|/(?:guides|channel|collection)/"),
    ),
    (
        PageKind.OTHER,
        re.compile(
            r"/(?:accounts|direct|about|challenge|consent|developer|legal|privacy|share|web|ar|j"
            r"|press|api|emails|session|nametag|lite|terms)(?:/|$)"
        ),
    ),
    (PageKind.PROFILE, re.compile(r"/_u/|/[A-Za-z0-9_.]+/?$")),
    (PageKind.PROFILE, re.compile(r"/[A-Za-z0-9_.]+/(?:reels|tagged|channel|feed|followers)\b")),
)
#: Minimum length of a private account's code: 11 characters, and a key of 28.
_PRIVATE_CODE_LENGTH: Final = 11 + 28


def recognise(parts: SplitResult) -> Match | PageKind | None:
    """Return what a URL of Instagram is, or None if it belongs to another site."""
    if plain_host(parts) not in _HOSTS:
        if _MEDIA_HOSTS.allows(parts.geturl()):
            return PageKind.UNNAMED
        return PageKind.OTHER if _PAGE_HOSTS.allows(parts.geturl()) else None
    path = _LANGUAGE.sub("", parts.path, count=1)
    if _SHARE_PATH.fullmatch(path):
        return Match(None)
    if story := _story_in(path):
        return Match(story)
    found = _POST_PATH.fullmatch(path)
    if found and found["code"] != "audio":
        return Match(found["code"])
    return next((kind for kind, start in _PAGES if start.match(path)), PageKind.OTHER)


def _story_in(path: str) -> str | None:
    """Return the id of a story, of all stories of a person, or of a highlight, if it is one's path.

    A shared highlight is named by its number in base 64, whichever of its stories was open.
    """
    if found := _STORY_PATH.fullmatch(path):
        user, number = found["user"], found["id"]
        return f"stories.{user}.{number}" if number else f"{STORIES}{user}"
    if found := _HIGHLIGHT_PATH.fullmatch(path):
        return f"{HIGHLIGHT}{found['id']}"
    if found := _SHARED_HIGHLIGHT_PATH.fullmatch(path):
        code = found["code"]
        shared = urlsafe_b64decode(code + "=" * (-len(code) % 4)) if len(code) % 4 != 1 else b""
        if named := re.fullmatch(rb"highlight:([0-9]{1,25})", shared):
            return f"{HIGHLIGHT}{named[1].decode()}"
    return None


def link_to(post_id: str) -> str:
    """Return the URL of a post, story or highlight by its id."""
    if post_id.startswith(STORIES):
        return f"https://www.instagram.com/stories/{post_id.removeprefix(STORIES)}/"
    if post_id.startswith(HIGHLIGHT):
        return f"https://www.instagram.com/stories/highlights/{post_id.removeprefix(HIGHLIGHT)}/"
    if post_id.startswith("stories."):
        user, _, number = post_id.removeprefix("stories.").rpartition(".")
        return f"https://www.instagram.com/stories/{user}/{number}/"
    return f"https://www.instagram.com/p/{post_id}/"


async def fetch(link: Link, context: FetchContext) -> Post:
    """Read a post, stories or a highlight, with the context's cookies if there are any.

    Raises:
        MediaError: Instagram does not provide the post.
        PlatformError: Instagram could not be read.
    """
    post_id = known_post(link)
    is_signed_in = bool(context.pages.cookies)
    url = link_to(post_id)
    headers = {"Referer": "https://www.instagram.com/", "User-Agent": BROWSER}
    access = Access(context.pages.proxy.name, headers)
    if is_story(post_id):
        if not is_signed_in:
            raise LoginRequiredError("stories need an account")
        reel = await context.pages.read(_StoryIE, _PAGE_HOSTS, partial(find_reel, post_id=post_id))
        return read_reel(reel, post_id, url, access)

    def work(extractor: Any, _ydl: LeanYoutubeDL) -> list[Any]:
        try:
            extractor.extract(url)
        except ExtractorError as error:
            old = None if extractor.products else product_in_page(extractor.page)
            if old:
                return [old]
            if not extractor.products:
                raise _refusal(extractor, post_id, is_signed_in=is_signed_in) from error
        products: list[Any] = extractor.products
        return products

    products: list[Any] = await context.pages.read(_PostIE, _PAGE_HOSTS, work)
    return read_product(products[0], post_id, url, access)


async def fetch_from_cobalt(link: Link, context: FetchContext) -> Post:
    """Fetch a post from cobalt, which does not read stories as a whole.

    Raises:
        LoginRequiredError: it is more than one story.
        ClipferryError: see `_cobalt.fetch`.
    """
    _require_one_post(link)
    return await _cobalt.fetch(link, context)


def _require_one_post(link: Link) -> None:
    """Raise LoginRequiredError for more than one story: no service says whether it has all."""
    if (link.post_id or "").startswith((STORIES, HIGHLIGHT)):
        raise LoginRequiredError("stories need an account")


async def fetch_from_provider(link: Link, context: FetchContext) -> Post:
    """Fetch a post from the operator's provider on RapidAPI; it returns only the files.

    Raises:
        LoginRequiredError: it is more than one story.
        NotFoundError: the provider does not find the post, or the post is not public.
        PlatformError: the provider gave no usable response.
    """
    _require_one_post(link)
    services = context.external_apis.services
    headers = {
        "X-Rapidapi-Key": services.rapidapi_key,
        "X-Rapidapi-Host": urlsplit(services.rapidapi_url).hostname or "",
    }
    status, answer = await context.external_apis.ask(
        "GET", services.rapidapi_url, headers, params={"url": link.url}
    )
    return read_provider_answer(status, answer, link)


def read_provider_answer(status: int, answer: Any, link: Link) -> Post:
    """Convert a response of the provider, by its HTTP status and decoded JSON, to a post.

    Raises:
        NotFoundError, PlatformError: see `fetch_from_provider`.
    """
    if status == 404:
        raise NotFoundError("reported by the provider")
    if status == 429:
        raise PlatformRateLimitedError("reported by the provider")
    if status != 200:
        raise PlatformUnreachableError(f"the provider responded with HTTP {status}")
    items = tuple(map(_item_from_provider, Json(answer, "provider")["media"]))
    if all(isinstance(item, Unreadable) for item in items):
        raise NotFoundError("the provider returned no media")
    post_id = link.post_id or urlsplit(link.url).path.strip("/").rpartition("/")[2]
    access = Access("rapidapi", {"Referer": "https://www.instagram.com/", "User-Agent": BROWSER})
    return Post("instagram", post_id, link.url, access, items=items)


class _RecordingIE:
    """Mixin for yt-dlp's extractors that records the responses they would discard."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        #: The JSON objects of the posts that were found.
        self.products: list[Any] = []
        #: The site's decision about showing the post (`get_ruling_for_content`); empty if none.
        self.ruling: dict[str, Any] = {}
        #: HTML of the last page that was read.
        self.page = ""

    def _extract_product(self, product_info: Any, *_: Any, **__: Any) -> dict[str, Any]:
        products = product_info if isinstance(product_info, list) else [product_info]
        for product in products:
            self._read_manifests(product)
        self.products += products
        return {"id": "", "formats": [{}]}  # The least that the caller accepts.

    def _read_manifests(self, product: Any) -> None:
        """Read the DASH manifest of each video that has no other files."""
        page = Json(product, "instagram")
        for media in (page, *page["carousel_media"]):
            manifest = media["video_dash_manifest"].text()
            if manifest and not media["video_versions"]:
                media.value[DASH_FORMATS] = self._read_manifest(manifest)

    def _read_manifest(self, manifest: str) -> Any:
        try:
            document = self._parse_xml(manifest, None)  # type: ignore[attr-defined] # yt-dlp's
            return self._parse_mpd_formats(document, mpd_id="dash")  # type: ignore[attr-defined] # yt-dlp's
        except Exception:  # yt-dlp takes it apart without checking; it costs this item only
            logger.debug("Unreadable manifest", exc_info=True, extra={"event": "reader_failed"})
            return []

    def _download_json(self, url: str, *args: Any, fatal: bool = True, **options: Any) -> Any:
        try:
            answer = super()._download_json(url, *args, fatal=fatal, **options)  # type: ignore[misc] # yt-dlp's
        except (PlatformError, NotFoundError):
            if fatal:
                raise
            return None  # yt-dlp then tries another request.
        if "/get_ruling_for_content/" in url and isinstance(answer, dict):
            self.ruling = answer
        return answer

    def _download_webpage_handle(self, *args: Any, **options: Any) -> Any:
        result = super()._download_webpage_handle(*args, **options)  # type: ignore[misc] # yt-dlp's
        if result:
            self.page = result[0]
        return result


class _PostIE(_RecordingIE, InstagramIE):  # type: ignore[misc] # yt-dlp ships no types
    """yt-dlp's extractor for posts."""


class _StoryIE(_RecordingIE, InstagramBaseIE):  # type: ignore[misc] # yt-dlp ships no types
    """What yt-dlp knows of the API, for `find_reel`."""


def _refusal(extractor: _RecordingIE, post_id: str, *, is_signed_in: bool) -> ClipferryError:
    """Return the reason of a refusal; yt-dlp reports most of them as an empty media response."""
    ruling = " ".join(
        str(extractor.ruling.get(key, "")) for key in ("title", "description")
    ).strip()
    if ruling:
        return error_for_ruling(ruling)
    if is_signed_in:
        return PlatformRefusedError("the cookies were rejected")
    if "PolarisErrorRoute" in extractor.page:
        return NotFoundError("PolarisErrorRoute")
    if len(post_id) >= _PRIVATE_CODE_LENGTH:
        return LoginRequiredError("the post belongs to a private account")
    if '"if_not_gated_logged_out":null' in extractor.page:
        return LoginRequiredError("gated")
    if "LoggedOutDesktopWWWPostRoute" in extractor.page:
        return PlatformRateLimitedError("the page does not contain the post")
    return PlatformRefusedError(
        "the login page" if "LoginHomepage" in extractor.page else "no data"
    )


def error_for_ruling(ruling: str) -> ClipferryError:
    """Return the error that Instagram's own explanation stands for."""
    if re.search(r"\b(country|countries|region|location|legal)\b", ruling, re.IGNORECASE):
        return RegionBlockedError(ruling[:100])
    if re.search(r"\b(restricted|age|18)\b", ruling, re.IGNORECASE):
        return AgeRestrictedError(ruling[:100])
    if re.search(r"\b(isn.t available|not available|removed)\b", ruling, re.IGNORECASE):
        return NotAvailableError(ruling[:100])
    return LoginRequiredError(ruling[:100])


def _item_from_provider(entry: Json) -> Item:
    url = entry["url"].text()
    if not url:
        return Unreadable()
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
        "https://www.instagram.com/ferry.demo/reel/DemoReel001/",
        "https://m.instagram.com/p/DemoPhoto01/",
        "https://instagr.am/p/DemoPhoto01",
        "https://www.instagram.com/share/reel/DemoShare1",
        "https://www.instagram.com/stories/ferry.demo/3700000000000000001/",
        "https://www.instagram.com/stories/ferry.demo/",
        "https://www.instagram.com/stories/highlights/17900000000000001/",
        "https://www.instagram.com/s/aGlnaGxpZ2h0OjE3OTAwMDAwMDAwMDAwMDAx?story_media_id=37_7",
    ),
    recognise=recognise,
    layers=(
        Layer("page", fetch),
        Layer("account", fetch, Need.COOKIES),
        replace(_cobalt.LAYER, fetch=fetch_from_cobalt),
        Layer("rapidapi", fetch_from_provider, Need.RAPIDAPI, takes_short_links=True),
    ),
    page_hosts=_PAGE_HOSTS,
    media_hosts=_MEDIA_HOSTS,
    link_to=link_to,
)
