"""Platforms that use one of yt-dlp's extractors as it is; each is defined by one `YtdlpSite`.

Links are recognised here, by host and path, and only the site's own extractor runs. yt-dlp's own
selection is not used, because it falls back to an extractor that requests any URL.
"""

import importlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult

from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.networking.exceptions import HTTPError
from yt_dlp.utils import ExtractorError, GeoRestrictedError

from core.errors import (
    AgeRestrictedError,
    ClipferryError,
    DrmError,
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
    RegionBlockedError,
    UnderReviewError,
)
from core.media import Access, Clip, Details, Item, Link, Post, Unreadable
from platforms import _cobalt
from platforms._http import HostRule, raise_for_status
from platforms._json import Json
from platforms._platform import (
    FetchContext,
    Layer,
    ListSupport,
    Match,
    Need,
    PageKind,
    Platform,
    known_post,
    plain_host,
)
from platforms._ytdlp import BROWSER, LeanYoutubeDL
from platforms._ytdlp_formats import is_protected, loses_audio, read_formats
from platforms._ytdlp_subtitles import read_subtitles

#: A post with more videos than this counts as a list.
_MAX_VIDEOS: Final = 20


@dataclass(frozen=True, slots=True)
class YtdlpSite:
    """The links, hosts and extractor of one site."""

    name: str
    #: Module and class in yt_dlp.extractor. Imported at first use.
    extractor: tuple[str, str]
    #: Matches host, path, "?" and query of a post's URL, with a group `id`. Prefixes such as "www."
    #: and "m." are removed from the host first, see `plain_host`.
    post: re.Pattern[str]
    #: URL of a post, with `{}` for its id.
    address: str
    #: Hosts of pages and short links.
    page_hosts: HostRule
    #: Hosts of media files.
    media_hosts: HostRule
    #: Match pages that are no posts, in the same form as `post`; the first match wins.
    pages: tuple[tuple[PageKind, re.Pattern[str]], ...]
    #: Matches a short link, in the same form as `post`; None if the site has none.
    short: re.Pattern[str] | None = None
    #: Keys of the info dict that name the author; the first that has a value counts.
    author: tuple[str, ...] = ("uploader_id", "uploader")

    def recognise(self, parts: SplitResult) -> Match | PageKind | None:
        """Return what a URL of this site is, or None if it belongs to another site."""
        address = f"{plain_host(parts)}{parts.path}?{parts.query}"
        if found := self.post.match(address):
            return Match(self.post_id(found))
        if self.short and self.short.match(address):
            return Match(None)
        return next((kind for kind, page in self.pages if page.match(address)), None)

    def post_id(self, found: re.Match[str]) -> str:
        """Return the id of a post from the match of its URL."""
        return found["id"]

    def link_to(self, post_id: str) -> str:
        """Return the URL of a post by its id."""
        return self.address.format(post_id)

    async def fetch(self, link: Link, context: FetchContext) -> Post:
        """Read a post with yt-dlp's extractor.

        Raises:
            LinkError, MediaError: the site does not provide the post.
            PlatformError: the site could not be read.
        """
        post_id = known_post(link)
        url = self.link_to(post_id)

        def work(extractor: InfoExtractor, _ydl: LeanYoutubeDL) -> Any:
            try:
                return self.extract(extractor, url)
            except ExtractorError as error:
                raise error_for(error) from error

        # Format lists (manifests) are stored on the hosts of the media files.
        hosts = HostRule(self.page_hosts.domains + self.media_hosts.domains)
        info = await context.pages.read(self.load_extractor(), hosts, work, is_lenient=True)
        access = Access(context.pages.proxy.name, {"Referer": url, "User-Agent": BROWSER})
        return self.read(info, Post(self.name, post_id, url, access))

    def extract(self, extractor: Any, url: str) -> Any:
        """Return what `read` needs; runs in the reader's thread.

        Raises:
            ExtractorError: the site does not provide the post.
        """
        return extractor.extract(url)

    def read(self, result: Any, about: Post) -> Post:
        """Convert the result of `extract` to a post; see `read_info`."""
        return read_info(result, about, self.author)

    def load_extractor(self) -> Any:
        """Import yt-dlp's extractor class."""
        module, name = self.extractor
        return getattr(importlib.import_module(f"yt_dlp.extractor.{module}"), name)


def site(
    reader: YtdlpSite,
    title: str,
    *examples: str,
    has_cobalt: bool = True,
    lists: ListSupport | None = None,
) -> Platform:
    """Return the platform for a `YtdlpSite`; `title` is the site's name as users know it.

    `has_cobalt` says that cobalt supports the site.
    """
    layers = (
        Layer("page", reader.fetch),
        Layer("account", reader.fetch, Need.COOKIES),
        _cobalt.LAYER,
    )
    return Platform(
        name=reader.name,
        title=title,
        examples=examples,
        recognise=reader.recognise,
        layers=layers if has_cobalt else layers[:2],
        page_hosts=reader.page_hosts,
        media_hosts=reader.media_hosts,
        link_to=reader.link_to,
        lists=lists,
    )


def read_info(
    info: Any, about: Post, author: tuple[str, ...] = ("uploader_id", "uploader")
) -> Post:
    """Convert the info dict of a yt-dlp extractor, with all its formats, to a post.

    `about` has the post's platform, id, URL and access; its other fields are ignored. `author` are
    the keys of the author.

    Raises:
        LiveError, ListError, DrmError, NoMediaError: the result is not a single post with videos.
        PlatformChangedError: the result has an unknown type.
    """
    page = Json(info, about.platform).needed()
    match page["_type"].text():
        case "" | "video":
            entries = [page]
        case "playlist" | "multi_video":
            listed = page["entries"].value
            # `entries` may be a generator without an end, so only a limited number is read.
            entries = [
                Json(entry, f"{about.platform}.entries")
                for entry, _ in zip(
                    listed if isinstance(listed, Iterable) else (),
                    range(_MAX_VIDEOS + 1),
                    strict=False,
                )
            ]
            if len(entries) > _MAX_VIDEOS or any(entry["_type"] for entry in entries):
                raise ListError(f"{len(entries)} entries")
        case "url" | "url_transparent":
            raise NoMediaError("the video is on another site")
        case kind:
            raise PlatformChangedError(f"{about.platform}: unknown result type {kind[:40]!r}")
    if any(is_live(entry) for entry in entries):
        raise LiveError(about.url)
    items: tuple[Item, ...] = tuple(_clip(entry) or Unreadable() for entry in entries)
    if not any(isinstance(item, Clip) for item in items):
        if any(loses_audio(list(entry["formats"])) for entry in entries):
            raise PlatformChangedError(f"{about.platform}: the audio is only in segments")
        if all(is_protected(list(entry["formats"])) for entry in entries):
            raise DrmError(about.url)
        raise NoMediaError("no downloadable formats")
    return Post(
        platform=about.platform,
        id=about.id,
        url=about.url,
        access=about.access,
        details=Details(
            author=next(filter(None, (page[key].text() for key in author)), ""),
            text=page["description"].text() or page["title"].text(),
            likes=page["like_count"].count(),
            views=page["view_count"].count(),
        ),
        items=items,
        is_sensitive=page["age_limit"].number() >= 18,
    )


_LIVE: Final = frozenset({"is_live", "is_upcoming", "post_live"})


def is_live(entry: Json) -> bool:
    """Return True if an info dict is that of a stream that has not ended, or not been prepared."""
    return bool(entry["is_live"]) or entry["live_status"].text() in _LIVE


def _clip(entry: Json) -> Clip | None:
    formats = list(entry["formats"]) or ([entry] if entry["url"] else [])
    renditions = read_formats(formats)
    if not renditions or loses_audio(formats):
        return None
    is_silent = all(f["acodec"].text() == "none" for f in formats)
    duration_s = entry["duration"].number()
    return Clip(renditions, duration_s, _stills(entry), is_silent, read_subtitles(entry))


def _stills(entry: Json) -> tuple[str, ...]:
    listed = [still["url"].text() for still in entry["thumbnails"]]
    best = listed[-1] if listed else entry["thumbnail"].text()
    return (best,) if best.startswith("https://") else ()


#: Substrings of yt-dlp's error messages and our errors; the first match wins.
_REASONS: Final[tuple[tuple[str, type[ClipferryError]], ...]] = (
    ("your ip", PlatformRefusedError),
    ("not a bot", PlatformRefusedError),
    ("guest token", PlatformRefusedError),
    ("403 forbidden", PlatformRefusedError),
    ("rate limit", PlatformRateLimitedError),
    ("rate-limit", PlatformRateLimitedError),
    ("play limit", PlatformRateLimitedError),
    ("geo-restricted", NotAvailableError),
    ("in your country", RegionBlockedError),
    ("in your region", RegionBlockedError),
    ("in your location", RegionBlockedError),
    ("country", RegionBlockedError),
    ("nsfw", AgeRestrictedError),
    ("confirm your age", AgeRestrictedError),
    ("age-restricted", AgeRestrictedError),
    ("drm protect", DrmError),
    ("private", MediaPrivateError),
    ("protected", MediaPrivateError),
    ("access denied", MediaPrivateError),
    ("not authorized", MediaPrivateError),
    ("log in", LoginRequiredError),
    ("login", LoginRequiredError),
    ("registered users", LoginRequiredError),
    ("authentication", LoginRequiredError),
    ("--cookies", LoginRequiredError),
    ("supporter-only", LoginRequiredError),
    ("is paid", LoginRequiredError),
    ("live event", LiveError),
    ("live broadcast", LiveError),
    ("is live", LiveError),
    ("is processing", UnderReviewError),
    ("no video", NoMediaError),
    ("no media", NoMediaError),
    ("not found", NotFoundError),
    ("no status found", NotFoundError),
    ("not been found", NotFoundError),
    ("does not exist", NotFoundError),
    ("doesn't exist", NotFoundError),
    ("deleted", NotFoundError),
    ("removed", NotFoundError),
    ("no longer exists", NotFoundError),
    ("suspended", NotFoundError),
    ("been blocked", NotFoundError),
    ("is blocked", NotFoundError),
    ("unavailable", NotAvailableError),
    ("not available", NotAvailableError),
    ("isn't available", NotAvailableError),
    ("no longer available", NotAvailableError),
    ("is restricted", NotAvailableError),
)


def error_for(error: ExtractorError) -> ClipferryError:
    """Return the error that an extractor's error stands for."""
    if isinstance(error, GeoRestrictedError):
        return RegionBlockedError("reported by the extractor")
    if isinstance(error.cause, HTTPError):
        if error.cause.status in {404, 410}:
            return NotFoundError(f"HTTP {error.cause.status}")
        raise_for_status(error.cause.status)
    message = str(error.orig_msg or error.msg or "").lower()
    for words, kind in _REASONS:
        if words in message:
            return kind(words)
    return PlatformChangedError(type(error).__name__)
