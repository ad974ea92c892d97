"""Videos, reels, posts, single photos and albums on Facebook, read without an account.

yt-dlp reads videos. Posts with photos, and single photos, are read here, from the page alone; an
album is a list of photos and videos. See decision 50. Signed out, Facebook shows some of these
pages, and then redirects to its login. Never tried against the real site.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.networking.exceptions import HTTPError
from yt_dlp.utils import ExtractorError

from core.errors import (
    ClipferryError,
    LoginRequiredError,
    NotAvailableError,
    PlatformChangedError,
    PlatformRefusedError,
)
from core.media import Link, Post, Unreadable
from platforms import _cobalt
from platforms._facebook_album import PHOTO_ADDRESS, FoundAlbum, find_album
from platforms._facebook_post import (
    MEDIA_HOSTS,
    FoundPost,
    find_photo,
    find_post,
    has_posts,
    read_found,
    refusal,
)
from platforms._http import GONE, HostRule
from platforms._json import Json
from platforms._platform import Match, PageKind, plain_host
from platforms._ytdlp_lists import ListForm, flat_lists
from platforms._ytdlp_site import YtdlpSite, site

logger = logging.getLogger(__name__)

#: The host without its prefix: fb.com redirects to facebook.com; others are languages, or old.
_HOST = r"(?:(?:mbasic|[a-z]{2}-[a-z]{2})\.)?(?:facebook|fb)\.com"
_POST = re.compile(
    rf"{_HOST}/(?:"
    # A video, by its id alone.
    r"(?:reels?/|watch/?\?(?:.*&)?v=|watch/live/?\?(?:.*&)?v=|[^/?]+/videos/(?:[^/?]+/)?"
    r"|video(?:/video)?\.php\?(?:.*&)?v=|video/embed/?\?(?:.*&)?video_id=)(?P<id>\d+)"
    # A post, by its id and its author or group.
    r"|groups/(?P<group>[\w.-]+)/(?:posts|permalink)/(?:[^/?]+/)?(?P<group_post>\d+|pfbid\w+)"
    r"|groups/(?P<shared_in>[\w.-]+)/?\?(?:(?:.*&)?multi_permalinks="
    r"|(?=(?:.*&)?view=permalink(?:&|$))(?:.*&)?id=)(?P<shared_post>\d+|pfbid\w+)"
    r"|(?!groups/)(?P<user>[\w.-]+)/posts/(?:[^/?]+/)?(?P<user_post>\d+|pfbid\w+)"
    r"|(?P<page>\d{5,20})_(?P<page_post>\d{5,20})/?\?"
    r"|(?:story|permalink)\.php\?(?=(?:.*&)?story_fbid=(?P<story>\d+|pfbid\w+))"
    r"(?=(?:.*&)?id=(?P<author>\d+))"
    # A photo, by its id alone.
    r"|(?:photo(?:\.php|/view_full_size)?/?\?(?:.*&)?fbid=|photos/viewer/?\?(?:.*&)?photo=)"
    r"(?P<photo>\d+)"
    r"|(?!groups/)[^/?]+/photos/(?:[^/?]+/){0,3}(?P<photo_of_user>\d+)(?=[/?])"
    r")",
    re.ASCII,
)
_PHOTO_ID: Final = re.compile(r"photo/(?P<number>\d+)", re.ASCII)
#: An album, by its number; in former addresses other numbers follow.
_ALBUM: Final = re.compile(
    rf"{_HOST}/(?:"
    r"(?:media/set|(?:[^/?]+/)?media_set)/?\?(?:.*&)?set=a\."
    r"|album\.php\?(?:.*&)?fbid="
    r"|(?:pg/)?[^/?]+/photos/?\?(?=(?:.*&)?tab=album(?:&|$))(?:.*&)?album_id="
    r"|(?!groups/)[^/?]+/photos/a\."
    r")(?P<id>\d{1,20}(?:\.\d{1,20}){0,3})(?=&|/?\?|$)",
    re.ASCII,
)
#: The parameters of an address that name its post, video or photo.
_POST_PARAMETERS: Final = frozenset({"v", "fbid", "story_fbid", "video_id", "multi_permalinks"})
#: Marks of the data that yt-dlp looks for in a page: of JSON, and of calls of scripts.
_JSON_MARK: Final = "data-sjs>"
_JSON_TAG: Final = re.compile(rf"<script\b[^<>]*\b{_JSON_MARK}")
_CALL: Final = re.compile(r"(handleServerJS|s\.handle|bigPipe\.onPageletArrive)\(")


class _AlbumIE(InfoExtractor):  # type: ignore[misc] # yt-dlp ships no types
    """The photos and videos of an album, as far as its page lists them."""

    def _real_extract(self, url: str) -> dict[str, Any]:
        album_id = url.rpartition("=a.")[2]
        page, response = self._download_webpage_handle(url, album_id)
        number = album_id.partition(".")[0]
        album = find_album(page, number)
        if album is None:
            raise _missing_album(response.url, number, _reason(page, self))
        result: dict[str, Any] = self.playlist_result(_listed(album), album_id, album.title)
        return result


def _missing_album(url: str, number: str, reason: ClipferryError | None) -> ClipferryError:
    """Return why a page does not have its album; `reason` is what it states."""
    parts = urlsplit(url)
    shown = _ALBUM.match(f"{plain_host(parts)}{parts.path}?{parts.query}")
    if shown and shown["id"].partition(".")[0] == number:
        return reason or PlatformChangedError("facebook: the album is not in its page")
    return _redirected(reason)


def _listed(album: FoundAlbum) -> Iterator[dict[str, Any]]:
    """Yield the entries of an album; an error at their end says that it has more."""
    yield from album.entries
    if album.has_more:
        raise ExtractorError("The page lists only the first ones", expected=True)


class _Facebook(YtdlpSite):
    """Posts have ids such as "user/posts/1" and "groups/group/posts/1", videos only numbers.

    Photos have ids such as "photo/1".
    """

    def post_id(self, found: re.Match[str]) -> str:
        """Return the id of a video, post or photo from the match of its URL."""
        if found["id"]:
            return found["id"]
        if photo := found["photo"] or found["photo_of_user"]:
            return f"photo/{photo}"
        if group := found["group"] or found["shared_in"]:
            return f"groups/{group}/posts/{found['group_post'] or found['shared_post']}"
        author = found["user"] or found["page"] or found["author"]
        return f"{author}/posts/{found['user_post'] or found['page_post'] or found['story']}"

    def link_to(self, post_id: str) -> str:
        """Return the URL of a video, post or photo by its id."""
        if found := _PHOTO_ID.fullmatch(post_id):
            return f"{PHOTO_ADDRESS}{found['number']}"
        if "/" in post_id:
            return f"https://www.facebook.com/{post_id}"
        return super().link_to(post_id)

    def extract(self, extractor: Any, url: str) -> Any:
        """Return what is found in the page of a post or photo, or else what yt-dlp reads there.

        Raises:
            NotAvailableError: Facebook does not show the post, or redirects to something else.
            LoginRequiredError: it shows the login form instead, or addresses for crawlers.
            PlatformRefusedError: it does so in spite of the cookies.
            PlatformChangedError: the page has posts or videos, but not the one with this number.
            ExtractorError: yt-dlp found no video.
        """
        number = re.split("[/=]", url)[-1]
        if url.startswith(PHOTO_ADDRESS):
            return self._read_photo(extractor, url, number)
        if "/posts/" in url:
            return self._read_post(extractor, url, number)
        return self._extract_video(extractor, url, number)

    def _extract_video(self, extractor: Any, url: str, number: str) -> Any:
        """Return the video with this number, as yt-dlp reads it."""
        page, response = extractor._download_webpage_handle(url, number)
        return self._video_in(page, response.url, number, extractor)

    def _video_in(self, page: str, address: str, number: str, extractor: Any) -> Any:
        # A post has another number than its video.
        if "/posts/" not in self._id_at(address):
            self._require_a_post_at(address, number, page, extractor)
        result = self._extract_any(extractor, self.link_to(number), page)
        if own := _own_video(result, page, number):
            return own
        if number in _names_in(address):
            raise PlatformChangedError("facebook: the video is not in its page")
        raise NotAvailableError("redirected to a page without the video")

    def _extract_any(self, extractor: Any, url: str, page: str) -> Any:
        """Return what yt-dlp reads; it takes any video of the page."""
        download, pages = extractor._download_webpage, [page]

        def download_in_lines(*args: Any, **options: Any) -> Any:
            page = pages.pop() if pages else download(*args, **options)
            return in_lines(page) if isinstance(page, str) else page

        extractor._download_webpage = download_in_lines
        try:
            return super().extract(extractor, url)
        except ExtractorError as error:
            reason = _failure(error, page, extractor)
            if reason is None:
                raise
            raise reason from error

    def _read_photo(self, extractor: Any, url: str, number: str) -> Any:
        page, response = extractor._download_webpage_handle(url, number)
        if self._id_at(response.url) == number:  # old links of videos have the form of photos
            return self._video_in(page, response.url, number, extractor)
        if found := find_photo(page, number):
            return _for_visitors(found, extractor)
        self._require_a_post_at(response.url, number, page, extractor)
        if reason := _reason(page, extractor):
            raise reason
        if self._id_at(response.url) != f"photo/{number}":
            # Such as a photo that was deleted, or a link to something else.
            raise NotAvailableError("redirected to a page that is not that of the photo")
        raise PlatformChangedError("facebook: the photo is not in its page")

    def _read_post(self, extractor: Any, url: str, number: str) -> Any:
        """Return the post; of one that has only videos what yt-dlp reads, because it knows more."""
        page, response = extractor._download_webpage_handle(url, number)
        shown = self._id_at(response.url)
        found = find_post(page, number, _owners(url, shown, number))
        if found is None:
            self._require_a_post_at(response.url, number, page, extractor)
            _require_one_post(page, extractor, number, is_post=bool(shown))
        elif found.has_photos or not found.video_ids:
            return _for_visitors(found, extractor)
        # yt-dlp gets no other page; it would ask for that of a former player. It may read the
        # manifests that this one names.
        extractor._download_webpage = lambda *_, **__: in_lines(page)
        if found is None:
            return super().extract(extractor, url)
        return self._extract_own(extractor, url, found) or _for_visitors(found, extractor)

    def _extract_own(self, extractor: Any, url: str, found: FoundPost) -> Any:
        """Return what yt-dlp reads of the videos that were found; None if it does not have them."""
        try:
            result = super().extract(extractor, url)
        except Exception:  # whatever fails in yt-dlp, the post has been found
            if all(isinstance(item, Unreadable) for item in found.items):
                raise
            logger.debug("yt-dlp failed", exc_info=True, extra={"event": "reader_failed"})
            return None
        return _own_videos(result, found)

    def _require_a_post_at(self, url: str, number: str, page: str, extractor: Any) -> None:
        """Raise an error if a page's address is that of no post, or certainly of another one.

        The link of a deleted post may redirect to the home page, to /watch/ or to a profile. An
        address with the number, or with a name that cannot be compared, may be one in a new form.
        """
        names = _names_in(url)
        if number in names or any(name.startswith("pfbid") for name in names):
            return
        # A name may be redirected to the number of its post.
        if "/posts/" not in self._id_at(url) or number.isdigit():
            raise _redirected(_reason(page, extractor))

    def _id_at(self, url: str) -> str:
        """Return the id of the post at the address to which a page was redirected, or ""."""
        shown = self.recognise(urlsplit(url))
        return (shown.post_id or "") if isinstance(shown, Match) else ""

    def read(self, result: Any, about: Post) -> Post:
        """Convert the result of `extract` to a post; see `read_found` and `read_info`."""
        if isinstance(result, FoundPost):
            return read_found(result, about)
        return super().read(result, about)


def _owners(url: str, shown: str, number: str) -> frozenset[str]:
    """Return the user or group of a post, as its link and the address of its page name it.

    There is none if the page may be that of something else. A link has either a number or a name;
    Facebook redirects it to the other one.
    """
    addresses = [url] if shown else []
    if shown.endswith(f"/posts/{number}"):
        addresses.append(f"/{shown}")
    return frozenset(address.split("/")[-3].lower() for address in addresses)


def _for_visitors(found: FoundPost, extractor: Any) -> FoundPost:
    """Return what was found, unless nobody but crawlers may download it.

    Raises:
        LoginRequiredError: only crawlers may.
        PlatformRefusedError: that is so in spite of the cookies.
    """
    if found.is_for_crawlers:
        raise _refusal(LoginRequiredError("only crawlers may download the photos"), extractor)
    return found


def _require_one_post(page: str, extractor: Any, number: str, *, is_post: bool) -> None:
    """Raise an error if a page without the post is nothing that yt-dlp may read.

    It takes any video of the page.
    """
    if reason := _reason(page, extractor):
        raise reason
    if not is_post:
        # A deleted post may redirect to its group or author, whose page has other posts.
        raise NotAvailableError("redirected to a page that is no post")
    if has_posts(page) and number.isdigit():
        raise PlatformChangedError("facebook: the post is not in its page")
    if has_posts(page):  # whether the page has changed is not known: it has another name for it
        raise NotAvailableError("none of the page's posts is certain to be this one")


def _names_in(url: str) -> set[str]:
    """Return the parts of an address that may be the number or the name of its post.

    Other parameters may have the address from which the visitor came.
    """
    parts = urlsplit(url)
    named = (values for key, values in parse_qs(parts.query).items() if key in _POST_PARAMETERS)
    return {*parts.path.split("/"), *chain.from_iterable(named)}


def _redirected(reason: ClipferryError | None) -> ClipferryError:
    """Return what a redirect to a page that is not the post's means; `reason` is what it states.

    That strangers see the login form there does not say that the post needs a login.
    """
    if isinstance(reason, PlatformRefusedError):
        return reason
    return NotAvailableError("redirected to a page that is not that of the post")


def _failure(error: Any, page: str, extractor: Any) -> ClipferryError | None:
    """Return why there is no video in a page; None if what yt-dlp has raised says it."""
    if reason := _reason(page, extractor):
        return reason
    # It asks for the page of a former player then, which need not exist.
    if isinstance(error.cause, HTTPError) and error.cause.status in GONE:
        return PlatformChangedError("facebook: no video is found in the page")
    return None


def _own_video(result: Any, page: str, number: str) -> Any:
    """Return yt-dlp's result with nothing but the video of this number; None if it is not there.

    The number may also be that of a post of the page, which names its videos.
    """
    listed = Json(result, "facebook")
    videos = {video["id"].text(): video.value for video in list(listed["entries"]) or [listed]}
    own_ids = {number} if number in videos else _video_ids_of(page, number)
    own = [video for video_id, video in videos.items() if video_id in own_ids]
    if not own:
        return None
    return result | {"entries": own} if listed["entries"] else result


def _video_ids_of(page: str, number: str) -> frozenset[str]:
    found = find_post(page, number, frozenset())
    return found.video_ids if found else frozenset()


def _own_videos(result: Any, found: FoundPost) -> Any:
    """Return yt-dlp's result if it has the videos of the post that was found, and no others.

    A video that is at several places of the page is in the result once.
    """
    page = Json(result, "facebook")
    videos = list(page["entries"]) or [page]
    distinct: dict[str, Any] = {}
    for video in videos:
        distinct.setdefault(video["id"].text(), video.value)
    are_own = all(video["formats"] and video["id"].text() in found.video_ids for video in videos)
    if not are_own or len(distinct) < len(found.items):
        return None
    return result | {"entries": [*distinct.values()]} if page["entries"] else result


def _reason(page: str, extractor: Any) -> ClipferryError | None:
    """Return the reason for which a page does not contain the post, if it states one."""
    reason = refusal(page)
    return _refusal(reason, extractor) if isinstance(reason, LoginRequiredError) else reason


def _refusal(reason: LoginRequiredError, extractor: Any) -> ClipferryError:
    """Return what the site's wish for a login means to this client."""
    has_cookies = bool(extractor._downloader.reader.cookies)
    return PlatformRefusedError("the cookies were rejected") if has_cookies else reason


def in_lines(page: str) -> str:
    """Return a page in which each piece of data has a line of its own, and no text looks like data.

    From each mark on, yt-dlp searches the rest of the line. Without this, a post whose text repeats
    a mark would stop the bot for minutes: nothing interrupts such a search.
    """
    *scripts, rest = page.split("</script>")
    return "</script>\n".join([*map(_script_in_lines, scripts), _calls_in_lines(rest)])


def _script_in_lines(part: str) -> str:
    """Convert what ends with a script. In texts on the page, "<" is escaped."""
    tag = _JSON_TAG.search(part)
    if tag is None or not part.endswith("}"):
        return _calls_in_lines(part)
    data = _CALL.sub(r"\1 (", part[tag.end() :].replace(_JSON_MARK, ""))
    return f"{_calls_in_lines(part[: tag.start()])}\n{tag[0]}{data}"


def _calls_in_lines(text: str) -> str:
    return _CALL.sub(r"\n\1(", text.replace(_JSON_MARK, ""))


_SITE = _Facebook(
    name="facebook",
    extractor=("facebook", "FacebookIE"),
    post=_POST,
    pages=(
        (PageKind.STORIES, re.compile(rf"{_HOST}/stories/")),
        (
            PageKind.LIVE,
            re.compile(rf"{_HOST}/(?:watch/)?live(?:/|\?)|{_HOST}/[^/?]+/live(?:/|\?)"),
        ),
        (PageKind.TAG, re.compile(rf"{_HOST}/(?:hashtag|search|explore|places)/")),
        (PageKind.AUDIO, re.compile(rf"{_HOST}/(?:reels?/)?(?:audio|music)/")),
        (PageKind.LIST, _ALBUM),
        (PageKind.LIST, re.compile(rf"{_HOST}/(?:groups|playlist|media/set|watch/\d)")),
        # Photos of a post, of a group, or of a person.
        (PageKind.LIST, re.compile(rf"{_HOST}/(?:[^/?]+/)?media_set/?\?")),
        (PageKind.LIST, re.compile(rf"{_HOST}/[^/?]+/photos/[a-z]{{1,3}}\.\d[\d.]*/?\?", re.ASCII)),
        (PageKind.PROFILE, re.compile(rf"{_HOST}/(?:profile\.php\?|people/|pages/|pg/)")),
        (
            PageKind.OTHER,
            re.compile(
                rf"{_HOST}/(?:\?|(?:watch|reels?|events|marketplace|gaming|login|share|help|stories"
                r"|sharer|plugins|ads|policies|privacy|settings|notifications|messages|friends"
                r"|checkpoint|accounts|cookie|permalink|story|video|video\.php|photo|about)\b)"
            ),
        ),
        (PageKind.PROFILE, re.compile(rf"{_HOST}/[^/?]+/?(?:\?|(?:about|photos|videos|reels)\b)")),
        (PageKind.OTHER, re.compile(r"(?:[\w-]+\.)*(?:facebook\.com|fb\.com|fb\.watch|fb\.me)/")),
        (PageKind.UNNAMED, re.compile(r"(?:[\w-]+\.)+fbcdn\.net/")),
    ),
    short=re.compile(
        rf"(?:{_HOST}/share/(?:[vrp]/)?|fb\.watch/(?:v/)?)[\w-]{{3,}}/?\?"
        # Other names at this host lead to pages for developers: "react-warning-keys".
        r"|fb\.me/[A-Za-z0-9]{5,}/?\?",
        re.ASCII,
    ),
    address="https://www.facebook.com/watch/?v={}",
    page_hosts=HostRule(("facebook.com", "fb.watch", "fb.com", "fb.me")),
    media_hosts=MEDIA_HOSTS,
    author=("uploader", "uploader_id"),
)


def _is_video(link: Link) -> bool:
    """Return True for a link that cobalt may be asked for.

    Of a post, it returns the first video that the page names, which may be another post's. What a
    short link leads to is unknown.
    """
    return link.post_id is not None and "/" not in link.post_id


_PLATFORM = site(
    _SITE,
    "Facebook",
    "https://www.facebook.com/reel/7300000001",
    "https://www.facebook.com/watch/?v=7300000001",
    "https://www.facebook.com/ferry.demo/videos/7300000001/",
    "https://www.facebook.com/video/embed?video_id=7300000001",
    "https://www.facebook.com/ferry.demo/posts/pfbid0Demo01",
    "https://www.facebook.com/groups/ferries/posts/7300000002/",
    "https://www.facebook.com/groups/ferries/permalink/7300000002/",
    "https://m.facebook.com/groups/ferries?view=permalink&id=7300000002",
    "https://m.facebook.com/story.php?story_fbid=7300000002&id=100000000000001",
    "https://www.facebook.com/permalink.php?story_fbid=pfbid0Demo01&id=100000000000001",
    "https://www.facebook.com/photo/?fbid=7300000031&set=pcb.7300000003",
    "https://www.facebook.com/photo.php?fbid=7300000031",
    "https://www.facebook.com/ferry.demo/photos/a.7300000030/7300000031/",
    "https://www.facebook.com/share/v/Demo01/",
    "https://www.facebook.com/share/p/Demo01/",
    "https://www.facebook.com/share/Demo01/",
    "https://fb.watch/demo001/",
    "https://fb.watch/v/demo001/",
    "https://fb.me/demo001",
    has_cobalt=False,  # not for all links
    lists=flat_lists(
        "facebook",
        ListForm(_AlbumIE, _ALBUM, "https://www.facebook.com/media/set/?set=a.{}"),
        hosts=_SITE.page_hosts,
        recognise=_SITE.recognise,
    ),
)
PLATFORM = replace(
    _PLATFORM,
    layers=(
        *_PLATFORM.layers,
        replace(_cobalt.LAYER, takes_short_links=False, takes=_is_video),
    ),
)
