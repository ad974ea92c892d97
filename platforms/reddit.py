"""Posts on Reddit: galleries, pictures, GIFs and videos, and single pictures by their own link.

yt-dlp opens the session without an account, and reads the manifests of videos. Everything else is
read from the post's own JSON object, which yt-dlp requests. Its keys are those of the site's
`/comments/ID/.json`. Media on RedGifs and Imgur are read from there; of pictures on other sites,
Reddit's own copies are sent.

Never tried against the real site.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from html import unescape
from typing import Any, Final
from urllib.parse import SplitResult

from yt_dlp.extractor.reddit import RedditIE
from yt_dlp.utils import ExtractorError

from core.errors import (
    ListError,
    NoMediaError,
    NotFoundError,
    PlatformChangedError,
    PlatformError,
    UnderReviewError,
)
from core.media import Access, Clip, Details, Item, Link, Picture, Post, Rendition, Unreadable
from platforms._http import HostRule
from platforms._json import Json
from platforms._linked_media import LINKED_HOSTS, fetch_linked, is_whole, linked_headers
from platforms._platform import FetchContext, Match, PageKind, known_post
from platforms._reddit_feed import FeedIE
from platforms._ytdlp import BROWSER
from platforms._ytdlp_lists import ListForm, flat_lists
from platforms._ytdlp_site import YtdlpSite, read_info, site

logger = logging.getLogger(__name__)

#: The host with the prefix of another interface or language: old.reddit.com, de.reddit.com.
#: Embedded posts had the other one.
_HOST = r"(?:[a-z-]{1,7}\.)?reddit(?:media)?\.com"
#: The id of a picture or GIF ends with its format: "demo01.jpg". Ids of posts have no dot. Some
#: files have the format in capital letters, and no other name.
_PICTURE = r"(?P<picture>[A-Za-z0-9]+\.(?i:jpe?g|png|webp|gif|mp4))"
#: What precedes the id in some addresses: the title of the post, of which nothing may be left.
_TITLE = r"(?:(?:[\w%-]+-)?v\d-)?"
#: The id alone, which the site redirects to the post: "linkoid" in the source that it once
#: published (r2/config/routing.py). Its own pages at this place are words without digits.
_ROOT_ID = r"(?P<root_id>(?=[A-Za-z]*\d)[A-Za-z0-9]{5,8})"
#: A file of a video: "v.redd.it/demo01/DASH_720.mp4".
_VIDEO_FILE = re.compile(r"(?:v|packaged-media)\.redd\.it/(?P<video>[A-Za-z0-9]+)/.+")
#: A picture under its preview's address.
_PREVIEW = re.compile(rf"https://(?:i|preview)\.redd\.it/{_TITLE}{_PICTURE}(?:\?.*)?", re.ASCII)
#: A site whose GIFs have audio, unlike Reddit's copies of them.
_REDGIFS = re.compile(r"\bredgifs\.com/")
#: A post with more items than this counts as a list; galleries have at most 20.
_MAX_ITEMS: Final = 50


class _PostIE(RedditIE):  # type: ignore[misc] # yt-dlp ships no types
    """yt-dlp's extractor, which also keeps the post's own object."""

    #: The object, or None if the site sent none.
    data: Any = None

    def _download_json(self, *args: Any, **options: Any) -> Any:
        answer = super()._download_json(*args, **options)
        self.data = _first(_first(Json(answer, "reddit"))["data"]["children"])["data"].value
        return answer


class _Reddit(YtdlpSite):
    """Posts have ids such as "1demo01", and pictures such as "demo01.jpg"."""

    def recognise(self, parts: SplitResult) -> Match | PageKind | None:
        """Return what a URL is; the file of a video leads to its post like the video itself."""
        if file := _VIDEO_FILE.fullmatch(f"{parts.netloc}{parts.path}"):
            return Match(None, f"https://v.redd.it/{file['video']}")
        return super().recognise(parts)

    def post_id(self, found: re.Match[str]) -> str:
        """Return the id of a post or picture from the match of its URL.

        Ids of posts are numbers in base 36, in which some people write capital letters.
        """
        number = found["id"] or found["short_id"] or found["root_id"]
        return found["picture"] or number.lower()

    def link_to(self, post_id: str) -> str:
        """Return the URL of a post or picture by its id."""
        return f"https://i.redd.it/{post_id}" if "." in post_id else super().link_to(post_id)

    async def fetch(self, link: Link, context: FetchContext) -> Post:
        """Read a post with yt-dlp's extractor; a picture or GIF is its own file.

        Raises:
            LinkError, MediaError: the site does not provide the post.
            PlatformError: the site could not be read.
        """
        post_id = known_post(link)
        if "." not in post_id:
            return await super().fetch(link, context)
        url = self.link_to(post_id)
        access = Access(context.pages.proxy.name, {"User-Agent": BROWSER}, is_permanent=True)
        # The file is probed after the download, so the codec may be a guess.
        clip = Clip((Rendition((url,), codec="h264"),))
        item = clip if _is_moving(post_id) else Picture((url,))
        return Post(self.name, post_id, url, access, items=(item,))

    def load_extractor(self) -> Any:
        """Return yt-dlp's extractor class, which also keeps what it discards."""
        return _PostIE

    def extract(self, extractor: Any, url: str) -> tuple[Any, Any, tuple[Item, ...]]:
        """Return yt-dlp's result, the post's own object, and the media that it links to.

        yt-dlp's result is None if there is no video.

        Raises:
            ExtractorError: the site does not provide the post, or it has no media.
            NotFoundError: the post was removed.
            PlatformError: the site, or the one that the post links to, could not be read.
            MediaError: the site that the post links to does not provide the media.
        """
        try:
            info = extractor.extract(url)
        except Exception as error:  # whatever fails in yt-dlp, the media are listed in the post
            if not _are_enough(read_items(extractor.data, {}), error):
                # yt-dlp takes a removed post for one without media.
                if isinstance(error, ExtractorError) and _is_removed(extractor.data):
                    raise NotFoundError("removed") from error
                raise
            logger.debug("yt-dlp failed", exc_info=True, extra={"event": "reader_failed"})
            info = None
        data = extractor.data
        if Json(info, "reddit")["_type"].text() != "url_transparent":
            return info, data, ()
        if entries := _gallery_videos(extractor, data):
            return {"_type": "playlist", "entries": entries}, data, ()
        return info, data, _linked(extractor, data)

    def read(self, result: tuple[Any, Any, tuple[Item, ...]], about: Post) -> Post:
        """Convert the result of `extract` to a post; see `read_post`."""
        info, data, linked = result
        return read_post(info, data, about, linked)


def _is_moving(picture: str) -> bool:
    return picture.lower().endswith((".gif", ".mp4"))


def _are_enough(items: tuple[Item, ...], error: Exception) -> bool:
    """Return True if the items of a post's own object may stand alone, although yt-dlp failed.

    An `ExtractorError` says that there is no video. Any other error says nothing about the post, so
    that one of which nothing is readable here is not a post without media. After a failure of the
    site, another attempt may get the videos, too.
    """
    if isinstance(error, ExtractorError):
        return bool(items)
    is_temporary = isinstance(error, PlatformError) and not isinstance(error, PlatformChangedError)
    return not is_temporary and not all(isinstance(item, Unreadable) for item in items)


def _is_removed(data: Any) -> bool:
    """Return True if a post was removed, or what it repeats."""
    page = Json(data, "reddit")
    posts = (page, _first(page["crosspost_parent_list"]))
    return any(post["removed_by_category"] for post in posts)


def _gallery_videos(extractor: Any, data: Any) -> list[dict[str, Any]]:
    """Return the formats of the videos of a gallery, of which yt-dlp reads none by itself."""
    found = []
    for entry in _listed(data):
        url = unescape(entry["dashUrl"].text())
        if entry["e"].text() == "RedditVideo" and url.startswith("https://"):
            name = entry["id"].text()
            formats = extractor._extract_mpd_formats(url, name, mpd_id="dash", fatal=False)
            found += [{"id": name, "formats": formats}] if formats else []
    return found


def _linked(extractor: Any, data: Any) -> tuple[Item, ...]:
    """Return the media on another site that the post links to; empty if it has its own.

    Raises:
        Exception: the other site fails, in whatever way, and Reddit has no copy of all.
    """
    if read_items(data, {}):
        return ()
    target = _target(Json(data, "reddit"))
    try:
        return fetch_linked(extractor, target)
    except Exception:  # also a redirect to a placeholder, and JSON that Python does not read
        if not any(is_whole(copy, target) for copy in read_copy(data)):
            raise
        logger.debug("The linked site failed", exc_info=True, extra={"event": "reader_failed"})
        return ()


def read_post(info: Any, data: Any, about: Post, linked: tuple[Item, ...] = ()) -> Post:
    """Convert yt-dlp's info dict and the post's own object to a post.

    `info` is None if yt-dlp found no video; `linked` are the media of another site that the post
    links to. See `read_info` for `about`.

    Raises:
        NotFoundError: the post was removed.
        UnderReviewError: the site has not processed the pictures yet.
        LiveError, ListError, NoMediaError: the result is not a single post with media.
        PlatformChangedError: the result has an unknown type.
    """
    kind = Json(info, "reddit")["_type"].text()
    if info is not None and kind not in {"playlist", "url_transparent"}:
        return read_info(info, about)
    page = Json(data, "reddit")
    videos: dict[str, Item] = {}
    if kind == "playlist":
        entries = list(Json(info, "reddit")["entries"])
        found = read_info(info, about).items
        videos = {entry["id"].text(): item for entry, item in zip(entries, found, strict=False)}
    items = read_items(data, videos) or read_copy(data, linked)
    if len(items) > _MAX_ITEMS:
        raise ListError(f"{len(items)} items")
    if _is_removed(data) and all(isinstance(item, Unreadable) for item in items):
        raise NotFoundError("removed")
    if not items:
        return read_info(info, about)
    if all(isinstance(item, Unreadable) for item in items):
        if any(entry["status"].text() == "unprocessed" for entry in _media(page)):
            raise UnderReviewError("unprocessed")
        raise NoMediaError(f"none of {len(items)} items is readable")
    access = replace(about.access, headers=linked_headers(_target(page)))
    return replace(
        about,
        access=access if linked else about.access,
        details=Details(
            author=page["author"].text(),
            text=page["selftext"].text() or page["title"].text(),
            likes=page["ups"].count(),
        ),
        items=items,
        is_sensitive=bool(page["over_18"]),
    )


def read_items(data: Any, videos: Mapping[str, Item]) -> tuple[Item, ...]:
    """Return the items of a gallery, of a text with media or of a single picture, in order.

    `videos` are the videos of a text that yt-dlp found, by their ids. Any other post has no items
    here.
    """
    items = tuple(videos.get(entry["id"].text()) or _item(entry) for entry in _listed(data))
    return items or _single(Json(data, "reddit"))


def _listed(data: Any) -> list[Json]:
    """Return the listed media of a post; a crosspost has only the object of what it repeats."""
    page = Json(data, "reddit")
    return list(_media(page)) or list(_media(_first(page["crosspost_parent_list"])))


def read_copy(data: Any, linked: tuple[Item, ...] = ()) -> tuple[Item, ...]:
    """Return the media of another site, with Reddit's copy of a single one as the alternative.

    Without `linked`, only the copy of a picture or GIF that the post shows in full is returned: the
    preview of a page is not its media.
    """
    page = Json(data, "reddit")
    match linked:
        case (Picture() as picture,):
            return (Picture((*picture.urls, *_copies(page))),)
        case (Clip() as clip,):
            return (replace(clip, renditions=(*clip.renditions, *_silent_copy(page))),)
        case ():
            return _copy(page)
    return linked


def _copy(page: Json) -> tuple[Item, ...]:
    if page["post_hint"].text() != "image":
        return ()
    stills, moving = _copies(page), _silent_copy(page)
    if moving:
        return (Clip(moving, cover_urls=stills[:1], is_silent=True),)
    return (Picture(stills),) if stills else ()


def _copies(page: Json) -> tuple[str, ...]:
    """Return the URLs of Reddit's copy of a picture on another site, the largest first."""
    if page["post_hint"].text() != "image":
        return ()
    image = _first(page["preview"]["images"])
    smaller = [size["url"] for size in image["resolutions"]][::-1]
    return _urls(image["source"]["url"], *smaller)


def _silent_copy(page: Json) -> tuple[Rendition, ...]:
    """Return Reddit's copy of a GIF on another site. Its copies of videos lack the audio."""
    variant = _first(page["preview"]["images"])["variants"]["mp4"]["source"]
    video = page["preview"]["reddit_video_preview"]
    is_gif = bool(video["is_gif"]) and not _REDGIFS.search(page["url"].text())
    return tuple(
        Rendition((url,), "h264", *size, quality=-1, is_doubtful=True)
        for url, size in (
            (unescape(variant["url"].text()), _size(variant)),
            (unescape(video["fallback_url"].text()) if is_gif else "", _size(video)),
        )
        if url.startswith("https://")
    )


def _size(file: Json) -> tuple[int, int]:
    return file["width"].number(), file["height"].number()


def _target(page: Json) -> str:
    """Return the URL that a post links to."""
    return unescape(page["url"].text())


def _media(post: Json) -> Iterator[Json]:
    """Yield the media of a gallery, or of a text, in the order in which the site shows them."""
    listed = post["media_metadata"]
    if gallery := post["gallery_data"]["items"]:
        for entry in gallery:
            yield listed[entry["media_id"].text()]
    elif isinstance(listed.value, dict) and not post["is_gallery"]:
        text = post["selftext"].text()
        for key in sorted(listed.value, key=text.find):
            yield listed[key]


def _item(entry: Json) -> Item:
    """Return an item of a gallery; its URLs are escaped for HTML."""
    if entry["status"].text() != "valid":
        return Unreadable()
    source = entry["s"]
    # The smallest one is first.
    previews = [preview["u"] for preview in entry["p"]][::-1]
    match entry["e"].text():
        case "Image":
            urls = _urls(source["u"], *previews)
            return Picture(urls) if urls else Unreadable()
        case "AnimatedImage":
            size = source["x"].number(), source["y"].number()
            return _animation(source["mp4"], source["gif"], size, _urls(*previews))
    return Unreadable()


def _single(page: Json) -> tuple[Item, ...]:
    """Return the picture that the post links to, if the site stores it."""
    found = _PREVIEW.fullmatch(_target(page))
    if not found:
        return ()
    preview = _first(page["preview"]["images"])
    source = preview["source"]
    if _is_moving(found["picture"]):
        size = _size(source)
        mp4 = preview["variants"]["mp4"]["source"]["url"]
        return (_animation(mp4, page["url"], size, _urls(source["url"])),)
    return (Picture(_urls(page["url"], source["url"])),)


def _animation(mp4: Json, gif: Json, size: tuple[int, int], stills: tuple[str, ...]) -> Item:
    """Return an animated picture as a clip, preferably from the video that the site made of it."""
    renditions = tuple(
        Rendition((url,), codec="h264", width=size[0], height=size[1], quality=quality)
        for quality, file in ((1, mp4), (0, gif))
        if (url := unescape(file.text())).startswith("https://")
    )
    return Clip(renditions, cover_urls=stills[:1], is_silent=True) if renditions else Unreadable()


def _urls(*previews: Json) -> tuple[str, ...]:
    """Return the URLs of a picture: first the file that was uploaded, then its previews.

    The file behind the still of an animated picture is no still.
    """
    urls = [unescape(preview.text()) for preview in previews]
    found = _PREVIEW.fullmatch(urls[0]) if urls else None
    has_original = found and not _is_moving(found["picture"])
    original = [f"https://i.redd.it/{found['picture']}"] if found and has_original else []
    whole = (url for url in (*original, *urls) if url.startswith("https://"))
    return tuple(dict.fromkeys(whole))


def _first(listed: Json) -> Json:
    """Return the first value of a list, or an empty value."""
    return next(iter(listed), Json(None, "reddit"))


_SITE = _Reddit(
    name="reddit",
    extractor=("reddit", "RedditIE"),
    post=re.compile(
        rf"{_HOST}/(?:(?:r|user|u)/[^/?]+/)?(?:comments|gallery|duplicates|link|tb)"
        r"/(?P<id>[A-Za-z0-9]+)(?=[/?])"
        rf"|(?:i|preview)\.redd\.it/{_TITLE}{_PICTURE}/?\?"
        r"|redd\.it/(?P<short_id>[A-Za-z0-9]+)/?\?"
        rf"|{_HOST}/{_ROOT_ID}/?\?",
        re.ASCII,
    ),
    pages=(
        (PageKind.LIVE, re.compile(rf"{_HOST}/(?:live|rpan)/")),
        (
            PageKind.TAG,
            re.compile(rf"{_HOST}/(?:(?:r/[^/?]+/)?search|t/|topics|explore|r/(?:all|popular)\b)"),
        ),
        (PageKind.LIST, re.compile(rf"{_HOST}/(?:user|u)/[^/?]+/m/")),
        (PageKind.PROFILE, re.compile(rf"{_HOST}/(?:user|u)/[^/?]")),
        (PageKind.LIST, re.compile(rf"{_HOST}/r/[^/?]")),
        (
            PageKind.UNNAMED,
            re.compile(r"(?:external-preview\.redd\.it|(?:[\w-]+\.)+redditmedia\.com)/[^?]"),
        ),
        (PageKind.OTHER, re.compile(r"(?:[\w-]+\.)*(?:reddit(?:media)?\.com|redd\.it)/")),
    ),
    short=re.compile(rf"(?:{_HOST}/(?:(?:r|user|u)/[^/?]+/s|video)/|v\.redd\.it/)[A-Za-z0-9]+/?\?"),
    address="https://www.reddit.com/comments/{}",
    page_hosts=HostRule(("reddit.com", "redd.it", "redditmedia.com")),
    media_hosts=HostRule(("redd.it", "redditmedia.com", *LINKED_HOSTS.domains)),
)

PLATFORM = site(
    _SITE,
    "Reddit",
    "https://www.reddit.com/r/ferries/comments/1demo01/a_crossing/",
    "https://old.reddit.com/r/ferries/comments/1demo01/a_crossing/kdemo01/",
    "https://www.reddit.com/user/ferry/comments/1demo01/a_crossing/",
    "https://www.reddit.com/gallery/1demo01",
    "https://redd.it/1demo01",
    "https://www.reddit.com/1demo01",
    "https://www.reddit.com/r/ferries/s/Demo01",
    "https://v.redd.it/demo01",
    "https://i.redd.it/demo01.jpg",
    lists=flat_lists(
        "reddit",
        ListForm(
            FeedIE,
            re.compile(rf"{_HOST}/(?:user|u)/(?P<id>[\w-]+)/?(?:submitted/?)?\?", re.ASCII),
            "https://www.reddit.com/user/{}/submitted",
            is_by_date=True,
            is_lenient=True,
        ),
        ListForm(
            FeedIE,
            re.compile(rf"{_HOST}/r/(?!(?:all|popular)[/?])(?P<id>\w+)/?(?:new/?)?\?", re.ASCII),
            "https://www.reddit.com/r/{}/new",
            is_by_date=True,
            is_lenient=True,
        ),
        hosts=_SITE.page_hosts,
        recognise=_SITE.recognise,
    ),
)
