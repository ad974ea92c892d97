"""Posts on X, which yt-dlp reads without an account."""

import re

from platforms._http import HostRule
from platforms._platform import PageKind
from platforms._ytdlp_site import YtdlpSite, site

_HOST = r"(?:x|twitter)\.com"

_SITE = YtdlpSite(
    name="x",
    extractor=("twitter", "TwitterIE"),
    post=re.compile(
        rf"{_HOST}/(?:(?:i/web|i|[A-Za-z0-9_]+)/status(?:es)?|statuses|i/videos(?:/tweet)?)"
        r"/(?P<id>\d+)",
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
    ),
    address="https://x.com/i/status/{}",
    page_hosts=HostRule(("x.com", "twitter.com")),
    media_hosts=HostRule(("twimg.com",)),
)

PLATFORM = site(
    _SITE,
    "X",
    "https://x.com/ferry_demo/status/1790000000000000001",
    "https://x.com/ferry_demo/status/1790000000000000001/video/1",
    "https://twitter.com/i/web/status/1790000000000000001",
    "https://mobile.twitter.com/ferry_demo/status/1790000000000000001",
)
