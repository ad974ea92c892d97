"""TikTok: videos and slideshows.

yt-dlp's page fetcher requests the post's desktop page, because it can pass TikTok's firewall. The
JSON item in the page is read here, because yt-dlp's result has no pictures and no reason of a
refusal. Live streams, profiles, sounds and search pages are not posts.

The posts of profiles and collections are listed by yt-dlp's extractors; playlists have the same
interface as collections under another address. None of the three was tried against the real site.
Source of the playlists' address and parameters: public clients of TikTok's web API.
"""

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import SplitResult, parse_qs

from yt_dlp.extractor.tiktok import TikTokCollectionIE, TikTokIE, TikTokUserIE
from yt_dlp.utils import ISO639Utils

from core.errors import (
    AgeRestrictedError,
    ClipferryError,
    LoginRequiredError,
    MediaDeletedError,
    MediaPrivateError,
    NotAvailableError,
    NotFoundError,
    PlatformChangedError,
    PlatformRefusedError,
    RegionBlockedError,
    UnderReviewError,
)
from core.media import (
    Access,
    Audio,
    Clip,
    Details,
    Item,
    Link,
    LivePhoto,
    Picture,
    Post,
    Rendition,
    Subtitles,
    Unreadable,
)
from platforms import _cobalt
from platforms._http import HostRule
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
from platforms._tiktok_page import find_detail
from platforms._ytdlp import BROWSER, LeanYoutubeDL
from platforms._ytdlp_lists import ListForm, flat_lists

_PAGE_HOSTS = HostRule(("tiktok.com", "tiktokv.com", "tt.site"))
_MEDIA_HOSTS = HostRule(
    (
        "tiktok.com",
        "tiktokcdn.com",
        "tiktokcdn-us.com",
        "tiktokcdn-eu.com",
        "tiktokv.com",
        "tiktokv.us",
        "tiktokv.eu",
        "byteoversea.com",
        "ibytedtos.com",
        "muscdn.com",
    )
)

_POST_PATH = re.compile(
    r"(?:(?:/@[^/]*)?/(?:video|photo)/|/v/|/embed/(?:v2/)?|/player/v1/"
    r"|(?:/h5|/i18n)?/share/(?:video|item|photo)/)(?P<id>[0-9]+)(?:\.html)?/?"
)
#: The language that the site puts before some paths: "/en/@user/video/1".
_LANGUAGE = re.compile(r"/[a-z]{2}(?:-[A-Za-z]{2,4})?(?=/(?:@|video/|photo/|tag/|music/))")
#: Start of the path of pages that are no posts; the first match wins.
_PAGES: Final = (
    # Where TikTok sends clients from countries in which it is not available.
    (PageKind.REGION_BLOCKED, re.compile(r"/(?:hk/notfound|in/about)\b")),
    (PageKind.LIVE, re.compile(r"/live\b|/@[^/]+/live\b|(?:/h5|/i18n)?/share/live/")),
    (
        PageKind.LIST,
        re.compile(r"/@[^/]+/(?:playlist|collection)/|/(?:sticker|effect|playlist)s?/"),
    ),
    (PageKind.TAG, re.compile(r"/(?:tag|discover|search|explore|foryou|following|topics?)\b")),
    (PageKind.TAG, re.compile(r"/(?:place|channel|shop|friends)\b|(?:/h5|/i18n)?/share/tag/")),
    (PageKind.AUDIO, re.compile(r"(?:(?:/h5|/i18n)?/share)?/music/")),
    (PageKind.PROFILE, re.compile(r"/@[^/]+/?$|(?:/h5|/i18n)?/share/use?r/")),
)
#: Path of the feeds, whose query may name the post that is shown.
_FEED_PATH = re.compile(
    r"/?|(?:/[a-z]{2}(?:-[A-Za-z]{2,4})?)?/(?:foryou|following|friends|explore)/?"
)
_SHORT_PATH = re.compile(r"/t/[A-Za-z0-9_-]+/?")
_SHORT_HOST_PATH = re.compile(r"/(?:t/)?[A-Za-z0-9_-]+/?")

#: URLs of H.265 files that may have no sound, or be missing.
#: Source: https://github.com/yt-dlp/yt-dlp/issues/16622 and 17372
_DOUBTFUL = re.compile(r"^[^?#]*-hvc1(?:/|$|[?#])")
#: Cookie that signs file URLs: the CDN accepts those URLs only together with the cookie.
_CHAIN_COOKIE: Final = "tt_chain_token"


def recognise(parts: SplitResult) -> Match | PageKind | None:
    """Return what a URL of TikTok is, or None if it belongs to another site."""
    host = plain_host(parts)
    if not _PAGE_HOSTS.allows(parts.geturl()):
        return None
    path = _LANGUAGE.sub("", parts.path, count=1)
    is_short_host = host in {"vm.tiktok.com", "vt.tiktok.com"}
    if (_SHORT_HOST_PATH if is_short_host else _SHORT_PATH).fullmatch(path):
        return Match(None)
    found = _POST_PATH.fullmatch(path)
    if found and host != "tt.site":
        return Match(found["id"])
    page = next((kind for kind, start in _PAGES if start.match(path)), PageKind.OTHER)
    return _match_query(parts) or page


async def fetch(link: Link, context: FetchContext) -> Post:
    """Read a post from its desktop page.

    Raises:
        MediaError: TikTok does not provide the post.
        PlatformError: TikTok could not be read.
    """
    post_id = known_post(link)
    url = link_to(post_id)

    def work(extractor: _PageIE, ydl: LeanYoutubeDL) -> tuple[Any, dict[str, str]]:
        extractor._extract_web_data_and_status(url, post_id, fatal=False)
        cookies = ydl.cookiejar.get_cookies_for_url(url)
        return extractor.detail, {c.name: c.value for c in cookies if c.name == _CHAIN_COOKIE}

    detail, cookies = await context.pages.read(_PageIE, _PAGE_HOSTS, work)
    access = Access(
        proxy=context.pages.proxy.name,
        headers={"Referer": url, "User-Agent": BROWSER},
        cookies=cookies,
    )
    return read_post(detail, post_id, access)


def read_post(detail: Any, post_id: str, access: Access) -> Post:
    """Convert the page's `webapp.video-detail` object to a post.

    Raises:
        MediaError: the object's status says why TikTok does not provide the post.
        PlatformChangedError: the object does not have the expected shape.
        PlatformRefusedError: `detail` is None, because the page has no such object.
    """
    if detail is None:
        raise PlatformRefusedError("the page does not contain a post")
    page = Json(detail, "tiktok")
    status = page["statusCode"].number()
    if status:
        raise _refusal(status, page["statusMsg"].text())
    item = page["itemInfo"]["itemStruct"].needed()
    pictures = tuple(map(_picture, item["imagePost"]["images"]))
    video = item["video"]
    items: tuple[Item, ...] = pictures
    if not pictures and (renditions := _renditions(video)):
        subtitles = tuple(_subtitles(video["subtitleInfos"]))
        duration_s = video["duration"].number()
        items = (Clip(renditions, duration_s, _covers(video), subtitles=subtitles),)
    if all(isinstance(each, Unreadable) for each in items):
        if item["isContentClassified"]:
            raise AgeRestrictedError("isContentClassified")
        raise PlatformChangedError("tiktok: the item has no file URLs")
    # The pages of 2022 have only the name.
    author = item["author"]["uniqueId"].text() or item["author"].text()
    return Post(
        platform="tiktok",
        id=post_id,
        url=f"https://www.tiktok.com/@{author or '_'}/{'photo' if pictures else 'video'}/{post_id}",
        access=access,
        details=Details(
            author=author,
            text=item["desc"].text(),
            likes=_stat(item, "diggCount"),
            views=_stat(item, "playCount"),
        ),
        items=items,
        audio=_audio(item["music"]),
        is_sensitive=bool(item["isContentClassified"]),
    )


class _PageIE(TikTokIE):  # type: ignore[misc] # yt-dlp ships no types
    """yt-dlp's TikTok extractor, which also keeps the page's detail object."""

    #: The detail object, or None if the page has none.
    detail: Any = None

    def _get_universal_data(self, webpage: str, display_id: str) -> dict[str, Any]:
        self.detail = find_detail(webpage, display_id)
        # The caller reads only this key. An empty dict makes it solve the firewall's challenge.
        return {"webapp.video-detail": self.detail} if self.detail is not None else {}


class _ProfileIE(TikTokUserIE):  # type: ignore[misc] # yt-dlp ships no types
    """yt-dlp's extractor of profiles, with the page's reason of a refusal and number of posts."""

    stated_count: int | None = None

    def _get_universal_data(self, webpage: str, display_id: str) -> dict[str, Any]:
        data: dict[str, Any] = super()._get_universal_data(webpage, display_id)
        detail = Json(data, "tiktok")["webapp.user-detail"]
        status = detail["statusCode"].number()
        # Status 10222 marks private accounts, and some that are not: yt-dlp finds out.
        if status not in {0, 10222}:
            raise _refusal(status, detail["statusMsg"].text())
        for key in ("statsV2", "stats"):
            self.stated_count = self.stated_count or detail["userInfo"][key]["videoCount"].count()
        return data


class _PlaylistIE(TikTokCollectionIE):  # type: ignore[misc] # yt-dlp ships no types
    """Playlists of an account, which the site's interface calls mixes."""

    _VALID_URL = TikTokCollectionIE._VALID_URL.replace("/collection/", "/playlist/")
    _API_BASE_URL = "https://www.tiktok.com/api/mix/item_list/"

    def _build_web_query(self, collection_id: str, cursor: int) -> dict[str, Any]:
        query: dict[str, Any] = super()._build_web_query(collection_id, cursor)
        query["mixId"] = query.pop("collectionId")
        return query


def _match_query(parts: SplitResult) -> Match | None:
    if not _FEED_PATH.fullmatch(parts.path):
        return None
    query = parse_qs(parts.query)
    for name in ("item_id", "share_item_id"):
        value = query.get(name, [""])[0]
        if value.isascii() and value.isdigit():
            return Match(value)
    return None


#: Substrings of the page's statusMsg and our errors. Source: public code and one recorded page.
_REASONS: tuple[tuple[str, type[ClipferryError]], ...] = (
    ("self_see", MediaPrivateError),
    ("friend_see", MediaPrivateError),
    ("geo", RegionBlockedError),
    ("cross_border", RegionBlockedError),
    ("reviewing", UnderReviewError),
    ("audit_not_pass", UnderReviewError),
    ("content_classification", AgeRestrictedError),
    ("deleted", MediaDeletedError),
)
#: Sources: yt-dlp's and gallery-dl's extractors, and the web app's own scripts.
_STATUSES: dict[int, type[ClipferryError]] = {
    10000: PlatformRefusedError,  # a captcha
    10101: PlatformRefusedError,
    10102: LoginRequiredError,
    10113: PlatformRefusedError,
    10114: PlatformRefusedError,
    10202: NotFoundError,  # no such account
    10213: AgeRestrictedError,
    10214: AgeRestrictedError,
    10216: MediaPrivateError,
    10217: UnderReviewError,
    10221: MediaDeletedError,  # the account was banned
    10222: MediaPrivateError,
    10227: UnderReviewError,
    10231: RegionBlockedError,
}


def _refusal(status: int, message: str) -> ClipferryError:
    """Return the error for a status and message.

    Status 10204 without a known message is not reported as deleted: TikTok also uses it, and the
    words "item doesn't exist", for clients that it blocks.
    """
    detail = f"status {status} {message}".strip()
    for phrase, error in _REASONS:
        if phrase in message.lower():
            return error(detail)
    return _STATUSES.get(status, NotAvailableError)(detail)


#: Where the video of a live photo stands. No page with one has been recorded; these are the names
#: that TikTok's app uses for it.
_MOTION_KEYS: Final = ("livePhoto", "video")


def _picture(image: Json) -> Item:
    urls = _cdn_urls(image["imageURL"]["urlList"])
    if not urls:
        return Unreadable()
    for key in _MOTION_KEYS:
        if renditions := _renditions(image[key]):
            motion = Clip(renditions, image[key]["duration"].number())
            return LivePhoto(Picture(urls), motion)
    return Picture(urls)


def _renditions(video: Json) -> tuple[Rendition, ...]:
    """Return the video's renditions; the one with TikTok's watermark only if there is no other."""
    width, height = video["width"].number(), video["height"].number()
    found: dict[str, Rendition] = {}

    def add(urls: Any, codec: str, **values: Any) -> None:
        texts = [url for url in _cdn_urls(urls) if url not in found]
        for is_doubtful in (False, True):
            if kept := tuple(url for url in texts if bool(_DOUBTFUL.search(url)) is is_doubtful):
                found[kept[0]] = Rendition(kept, codec, **values, is_doubtful=is_doubtful)

    for entry in video["bitrateInfo"]:
        address = entry["PlayAddr"]
        add(
            address["UrlList"],
            _codec(entry["CodecType"].text() or address["UrlKey"].text()),
            width=address["Width"].number(width),
            height=address["Height"].number(height),
            size_bytes=address["DataSize"].count(),
            bitrate=entry["Bitrate"].number(),
        )
    # The address of the player is H.264 with sound, whatever is listed besides.
    codec = "h265" if _codec(video["codecType"].text()) == "h265" else "h264"
    play = video["playAddr"]
    plain = {"width": width, "height": height, "bitrate": video["bitrate"].number()}
    add([play, *(each["src"] for each in play)], codec, size_bytes=video["size"].count(), **plain)
    if not found:
        add([video["downloadAddr"]], codec, **plain)
    return tuple(found.values())


def _covers(video: Json) -> tuple[str, ...]:
    urls = (video[key].text() for key in ("originCover", "cover"))
    return tuple(url for url in urls if url.startswith("https://"))


def _cdn_urls(urls: Any) -> tuple[str, ...]:
    """Return only the CDN's URLs; those of the website work only in the app."""
    texts = (url.text() for url in urls)
    return tuple(
        url for url in texts if url.startswith("https://") and "/aweme/v1/play/" not in url
    )


def _subtitles(infos: Json) -> Iterator[Subtitles]:
    """Yield the subtitles that a page lists; "ASR" is recognised speech, "MT" its translation.

    Languages are named like "eng-US". Source: yt-dlp's extractor, and recorded pages.
    """
    for info in infos:
        url, name = info["Url"].text(), info["LanguageCodeName"].text()
        long_code = name.partition("-")[0]
        code = "zh" if long_code == "cmn" else ISO639Utils.long2short(long_code)
        if code and url.startswith("https://") and info["Format"].text() != "creator_caption":
            source = info["Source"].text().upper()
            yield Subtitles(code, (url,), source in {"ASR", "MT"}, source == "ASR")


def _codec(name: str) -> str:
    """Return our name of a codec; TikTok's is like h265_hvc1, bytevc1, or part of a longer key."""
    for word, codec in (("h264", "h264"), ("h265", "h265"), ("bytevc1", "h265")):
        if word in name:
            return codec
    return name or "h264"


def _audio(music: Json) -> Audio | None:
    url = music["playUrl"].text()
    if not url.startswith("https://"):
        return None
    return Audio(
        urls=(url,),
        title=music["title"].text(),
        author=music["authorName"].text(),
        duration_s=music["duration"].number(),
        cover_urls=tuple(
            cover
            for key in ("coverLarge", "coverMedium", "coverThumb")
            if (cover := music[key].text()).startswith("https://")
        ),
    )


def _stat(item: Json, name: str) -> int | None:
    """Return a counter of the post, from the exact `statsV2` if possible; None if unknown."""
    exact = item["statsV2"][name].count()
    return item["stats"][name].count() if exact is None else exact


def link_to(post_id: str) -> str:
    """Return the URL of a post by its id."""
    return f"https://www.tiktok.com/@_/video/{post_id}"


#: URL of a list by its id, which is its path.
_LIST_ADDRESS: Final = "https://www.tiktok.com/{}"


def _named_list(kind: str) -> re.Pattern[str]:
    return re.compile(rf"tiktok\.com/(?P<id>@[\w.-]+/{kind}/[^/?#]+-\d+)/?\?", re.ASCII)


PLATFORM = Platform(
    name="tiktok",
    title="TikTok",
    examples=(
        "https://www.tiktok.com/@ferry.demo/video/7300000000000000001",
        "https://www.tiktok.com/@ferry.demo/photo/7300000000000000002",
        "https://tiktok.com/@/video/7300000000000000001",
        "https://m.tiktok.com/v/7300000000000000001.html",
        "https://www.tiktok.com/embed/v2/7300000000000000001",
        "https://www.tiktok.com/player/v1/7300000000000000001",
        "https://www.tiktok.com/share/item/7300000000000000001",
        "https://t.tiktok.com/i18n/share/video/7300000000000000001/",
        "https://m.tiktok.com/h5/share/item/7300000000000000001.html",
        "https://www.tiktok.com/video/7300000000000000001",
        "https://www.tiktok.com/en/@ferry.demo/video/7300000000000000001",
        "https://lite.tiktok.com/t/ZTdemo001/",
        "https://www.tiktokv.com/share/video/7300000000000000001/",
        "https://www.tiktok.com/?item_id=7300000000000000001",
        "https://vm.tiktok.com/ZMdemo001/",
        "https://vt.tiktok.com/ZSdemo001",
        "https://www.tiktok.com/t/ZTdemo001/",
        "https://tt.site/t/ZXdemo001",
    ),
    recognise=recognise,
    layers=(Layer("page", fetch), Layer("account", fetch, Need.COOKIES), _cobalt.LAYER),
    page_hosts=_PAGE_HOSTS,
    media_hosts=_MEDIA_HOSTS,
    link_to=link_to,
    lists=flat_lists(
        "tiktok",
        ListForm(
            _ProfileIE,
            re.compile(r"tiktok\.com/(?P<id>@[\w.-]+)/?\?", re.ASCII),
            _LIST_ADDRESS,
            is_by_date=True,
        ),
        ListForm(TikTokCollectionIE, _named_list("collection"), _LIST_ADDRESS),
        ListForm(_PlaylistIE, _named_list("playlist"), _LIST_ADDRESS),
        hosts=_PAGE_HOSTS,
        recognise=recognise,
    ),
    expander="facebookexternalhit/1.1",
)
