"""Posts on X: photos, videos and GIFs, read without an account.

yt-dlp opens the guest session and asks the site's API. The answer is read here, because yt-dlp's
result has only videos; yt-dlp itself reads the cards of broadcasters' videos. If the API refuses
guests, the endpoint behind embedded posts is asked, which has neither views nor cards.

Never tried against the real site; the answers' forms are those of yt-dlp and react-tweet.
"""

import re
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.networking.exceptions import HTTPError
from yt_dlp.utils import ExtractorError

from core.errors import NotAvailableError, NotFoundError, PlatformChangedError
from core.media import Access, Link, Post
from platforms._http import GONE, HostRule
from platforms._platform import FetchContext, Layer, PageKind, known_post
from platforms._x_post import needs_card, read_answer, read_embed
from platforms._ytdlp import BROWSER, LeanYoutubeDL
from platforms._ytdlp_site import YtdlpSite, read_info, site

_HOST = r"(?:x|twitter)\.com"
_STATUS = r"(?:(?:i/web|i|[A-Za-z0-9_]+)/status(?:es)?|statuses|i/videos(?:/tweet)?)/"

#: Endpoint behind the posts that other sites embed.
_EMBED: Final = "https://cdn.syndication.twimg.com/tweet-result"
_EMBED_HOSTS: Final = HostRule(("cdn.syndication.twimg.com",))


class _X(YtdlpSite):
    """Posts as the site's API describes them."""

    def load_extractor(self) -> Any:
        """Import yt-dlp's extractor class, which also keeps the API's answer."""
        from platforms._x_extractor import PostIE  # at the first read

        return PostIE

    def extract(self, extractor: Any, url: str) -> tuple[Any, Any]:
        """Return the API's answer, and yt-dlp's result if only a card may have media.

        Raises:
            ExtractorError: the site does not provide the post.
            PlatformChangedError: the API is not at its address.
        """
        try:
            answer = extractor.ask(url)
        except ExtractorError as error:
            # Of a post that does not exist, the API says so with another status.
            if isinstance(error.cause, HTTPError) and error.cause.status in GONE:
                raise PlatformChangedError(f"HTTP {error.cause.status} of the API") from error
            raise
        return answer, extractor.extract(url) if needs_card(answer) else None

    def read(self, result: tuple[Any, Any], about: Post) -> Post:
        """Convert the result of `extract` to a post; see `read_answer`."""
        answer, info = result
        return read_answer(answer, about) if info is None else read_info(info, about)


async def fetch_embed(link: Link, context: FetchContext) -> Post:
    """Read a post from the endpoint of embedded posts.

    Raises:
        MediaError: the site does not show the post, or it has no media.
        PlatformError: the endpoint could not be read.
    """
    post_id = known_post(link)

    def work(extractor: InfoExtractor, _ydl: LeanYoutubeDL) -> Any:
        from platforms._x_extractor import embed_token  # at the first read

        query = urlencode({"id": post_id, "lang": "en", "token": embed_token(post_id)})
        return extractor._download_json(f"{_EMBED}?{query}", post_id)

    try:
        status = await context.pages.read(InfoExtractor, _EMBED_HOSTS, work)
    except NotFoundError as error:  # for deleted, private and restricted posts alike
        raise NotAvailableError(error.detail) from error
    url = _SITE.link_to(post_id)
    access = Access(context.pages.proxy.name, {"Referer": url, "User-Agent": BROWSER})
    return read_embed(status, Post(_SITE.name, post_id, url, access))


_SITE = _X(
    name="x",
    extractor=("twitter", "TwitterIE"),
    post=re.compile(
        rf"(?:{_HOST}/(?:{_STATUS}"
        # Where people swipe from one video to the next, which only the query names.
        r"(?:\d+/media[vV]iewer/?\?(?:.*&)?currentTweet=)?"
        r"|i/bookmarks/?\?(?:.*&)?post_id=|intent/\w+/?\?(?:.*&)?tweet_id=)"
        rf"|platform\.{_HOST}/embed/\w+\.html\?(?:.*&)?id=)(?P<id>\d+)",
        re.ASCII,
    ),
    pages=(
        (PageKind.LIVE, re.compile(rf"{_HOST}/i/(?:broadcasts|spaces)/")),
        (
            PageKind.TAG,
            re.compile(rf"{_HOST}/(?:hashtag/|search|explore|i/(?:events|topics|trending))"),
        ),
        (PageKind.LIST, re.compile(rf"{_HOST}/(?:i/(?:lists|communities|bookmarks)|\w+/lists)\b")),
        (
            PageKind.OTHER,
            re.compile(
                rf"{_HOST}/(?:\?|(?:i|home|login|intent|share|settings|messages|notifications|compose"
                r"|tos|privacy|about|jobs|account|logout|signup)\b)"
            ),
        ),
        (
            PageKind.PROFILE,
            re.compile(
                rf"{_HOST}/@?[A-Za-z0-9_]+/?"
                r"(?:\?|(?:media|with_replies|likes|highlights|articles|photo|header_photo)\b)"
            ),
        ),
        (PageKind.OTHER, re.compile(rf"(?:[\w-]+\.)*{_HOST}/")),
        (PageKind.UNNAMED, re.compile(r"(?:(?:[\w-]+\.)+twimg\.com|t\.co)/[^?]")),
    ),
    # t.co is no short link: see decision 38.
    short=re.compile(rf"pic\.{_HOST}/[A-Za-z0-9]+/?\?"),
    address="https://x.com/i/status/{}",
    page_hosts=HostRule(("x.com", "twitter.com", "t.co", *_EMBED_HOSTS.domains)),
    media_hosts=HostRule(("twimg.com",)),
)

_PLATFORM = site(
    _SITE,
    "X",
    "https://x.com/ferry_demo/status/1790000000000000001",
    "https://x.com/ferry_demo/status/1790000000000000001/video/1",
    "https://x.com/ferry_demo/status/1790000000000000001/photo/1",
    "https://twitter.com/i/web/status/1790000000000000001",
    "https://x.com/i/bookmarks?post_id=1790000000000000001",
    "https://platform.twitter.com/embed/Tweet.html?id=1790000000000000001",
    "https://mobile.twitter.com/ferry_demo/status/1790000000000000001",
    "https://pic.x.com/Demo01",
)
_page, *_others = _PLATFORM.layers
PLATFORM = replace(_PLATFORM, layers=(_page, Layer("embed", fetch_embed), *_others))
