"""Posts on Reddit, which yt-dlp reads without an account, and single pictures by their own link.

yt-dlp's result has only videos. The pictures are read from the post's own JSON object, which yt-dlp
requests. Its keys are those of the site's `/comments/ID/.json`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from html import unescape
from typing import Any, Final
from urllib.parse import SplitResult

from yt_dlp.extractor.reddit import RedditIE
from yt_dlp.utils import ExtractorError

from core.errors import ListError, NoMediaError, NotFoundError, UnderReviewError
from core.media import Access, Clip, Item, Link, Picture, Post, Rendition, Unreadable
from platforms._http import HostRule
from platforms._json import Json
from platforms._platform import FetchContext, Match, PageKind, known_post
from platforms._ytdlp import BROWSER
from platforms._ytdlp_site import YtdlpSite, read_info, site

#: The host with the prefix of another interface or language: old.reddit.com, de.reddit.com.
_HOST = r"(?:[a-z-]{1,7}\.)?reddit\.com"
#: The id of a picture or GIF ends with its format: "demo01.jpg". Ids of posts have no dot.
_PICTURE = r"(?P<picture>[A-Za-z0-9]+\.(?:jpe?g|png|webp|gif|mp4))"
#: A file of a video: "v.redd.it/demo01/DASH_720.mp4".
_VIDEO_FILE = re.compile(r"(?:v|packaged-media)\.redd\.it/(?P<video>[A-Za-z0-9]+)/.+")
#: A picture under its preview's address, which may contain the title of its post.
_PREVIEW = re.compile(
    rf"https://(?:i|preview)\.redd\.it/(?:[\w-]+-v0-)?{_PICTURE}(?:\?.*)?", re.ASCII
)
_MOVING: Final = (".gif", ".mp4")
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
        return found["picture"] or (found["id"] or found["short_id"]).lower()

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
        is_moving = post_id.endswith(_MOVING)
        item = Clip((Rendition((url,), codec="h264"),)) if is_moving else Picture((url,))
        return Post(self.name, post_id, url, access, items=(item,))

    def load_extractor(self) -> Any:
        """Return yt-dlp's extractor class, which also keeps what it discards."""
        return _PostIE

    def extract(self, extractor: Any, url: str) -> tuple[Any, Any]:
        """Return yt-dlp's result, which is None if there is no video, and the post's own object.

        Raises:
            ExtractorError: the site does not provide the post, or it has no media.
        """
        try:
            return extractor.extract(url), extractor.data
        except ExtractorError:
            if not read_items(extractor.data, {}):
                raise
            return None, extractor.data

    def read(self, result: tuple[Any, Any], about: Post) -> Post:
        """Convert yt-dlp's result and the post's own object to a post; see `read_post`."""
        return read_post(*result, about)


def read_post(info: Any, data: Any, about: Post) -> Post:
    """Convert yt-dlp's info dict and the post's own object to a post.

    `info` is None if yt-dlp found no video. See `read_info` for `about`.

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
    items = read_items(data, videos)
    if len(items) > _MAX_ITEMS:
        raise ListError(f"{len(items)} items")
    if not items and page["removed_by_category"]:
        raise NotFoundError("removed")
    if not items:
        return read_info(info, about)
    if all(isinstance(item, Unreadable) for item in items):
        if any(entry["status"].text() == "unprocessed" for entry in _media(page)):
            raise UnderReviewError("unprocessed")
        raise NoMediaError(f"none of {len(items)} items is readable")
    return replace(
        about,
        author=page["author"].text(),
        text=page["selftext"].text() or page["title"].text(),
        likes=page["ups"].count(),
        items=items,
        is_sensitive=bool(page["over_18"]),
    )


def read_items(data: Any, videos: Mapping[str, Item]) -> tuple[Item, ...]:
    """Return the items of a gallery, of a text with media or of a single picture, in order.

    `videos` are the videos of a text that yt-dlp found, by their ids. Any other post has no items
    here.
    """
    page = Json(data, "reddit")
    # A crosspost has only the object of the post that it repeats.
    for post in (page, _first(page["crosspost_parent_list"])):
        if items := tuple(videos.get(entry["id"].text()) or _item(entry) for entry in _media(post)):
            return items
    return _single(page)


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
    found = _PREVIEW.fullmatch(unescape(page["url"].text()))
    if not found:
        return ()
    preview = _first(page["preview"]["images"])
    source = preview["source"]
    if found["picture"].endswith(_MOVING):
        size = source["width"].number(), source["height"].number()
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
    has_original = found and not found["picture"].endswith(_MOVING)
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
        rf"|(?:i|preview)\.redd\.it/(?:[\w-]+-v0-)?{_PICTURE}/?\?"
        r"|redd\.it/(?P<short_id>[A-Za-z0-9]+)/?\?",
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
        (PageKind.OTHER, re.compile(r"(?:[\w-]+\.)*(?:reddit\.com|redd\.it)/")),
    ),
    short=re.compile(rf"(?:{_HOST}/(?:(?:r|user|u)/[^/?]+/s|video)/|v\.redd\.it/)[A-Za-z0-9]+/?\?"),
    address="https://www.reddit.com/comments/{}",
    page_hosts=HostRule(("reddit.com", "redd.it")),
    media_hosts=HostRule(("redd.it", "redditmedia.com")),
)

PLATFORM = site(
    _SITE,
    "Reddit",
    "https://www.reddit.com/r/ferries/comments/1demo01/a_crossing/",
    "https://old.reddit.com/r/ferries/comments/1demo01/a_crossing/kdemo01/",
    "https://www.reddit.com/user/ferry/comments/1demo01/a_crossing/",
    "https://www.reddit.com/gallery/1demo01",
    "https://redd.it/1demo01",
    "https://www.reddit.com/r/ferries/s/Demo01",
    "https://v.redd.it/demo01",
    "https://i.redd.it/demo01.jpg",
)
