"""Videos on Bilibili, which yt-dlp reads without an account, in up to 480 lines.

Never tried against the real site from here, which often refuses data centres (HTTP 412).
"""

import re
from typing import Any

from platforms._http import HostRule
from platforms._platform import PageKind
from platforms._ytdlp_site import YtdlpSite, site


class _Bilibili(YtdlpSite):
    """Videos have ids such as "BV1…", their further parts "BV1…?p=2"."""

    def post_id(self, found: re.Match[str]) -> str:
        """Return the id of a video, or of a part of it, from the match of its URL."""
        part = int(found["part"] or 1)
        number = found["id"]
        number = f"{number[:2].upper() if number[0] in 'bB' else number[:2].lower()}{number[2:]}"
        return f"{number}?p={part}" if part > 1 else number

    def extract(self, extractor: Any, url: str) -> Any:
        """Return the info dict of one part: without its number, yt-dlp lists all of them."""
        return super().extract(extractor, url if "?p=" in url else f"{url}?p=1")


_SITE = _Bilibili(
    name="bilibili",
    extractor=("bilibili", "BiliBiliIE"),
    post=re.compile(
        r"(?:bilibili\.com/(?:video/|festival/[^?]*\?(?:.*&)?bvid=)|b23\.tv/)"
        r"(?P<id>[bB][vV][a-zA-Z0-9]{10}|[aA][vV]\d+)(?![a-zA-Z0-9])"
        r"(?:[^?]*\?(?:.*&)?p=(?P<part>\d{1,4})(?!\d))?",
        re.ASCII,
    ),
    pages=(
        (PageKind.LIVE, re.compile(r"live\.bilibili\.com/\w")),
        (PageKind.PROFILE, re.compile(r"space\.bilibili\.com/\w|bilibili\.com/space/")),
        (PageKind.UNREADABLE, re.compile(r"bilibili\.com/(?:bangumi|cheese|opus|audio|read)/")),
        (PageKind.UNREADABLE, re.compile(r"t\.bilibili\.com/\d", re.ASCII)),
        (PageKind.LIST, re.compile(r"bilibili\.com/(?:list|medialist)/")),
        (
            PageKind.TAG,
            re.compile(r"search\.bilibili\.com/|bilibili\.com/(?:tag|v|search)(?=[/?])"),
        ),
        (PageKind.OTHER, re.compile(r"(?:[\w-]+\.)*bilibili\.com/|b23\.tv/")),
    ),
    short=re.compile(r"b23\.tv/\w+/?\?", re.ASCII),
    address="https://www.bilibili.com/video/{}",
    author=("uploader",),
    page_hosts=HostRule(("bilibili.com", "b23.tv")),
    media_hosts=HostRule(
        (
            *("bilivideo.com", "bilivideo.cn", "hdslb.com"),
            *("upos-hz-mirrorakam.akamaized.net", "upos-sz-mirrorakam.akamaized.net"),
        )
    ),
)

PLATFORM = site(
    _SITE,
    "Bilibili",
    "https://www.bilibili.com/video/BV1demo00001",
    "https://www.bilibili.com/video/BV1demo00001?p=2",
    "https://m.bilibili.com/video/av7300001",
    "https://b23.tv/Demo01",
)
