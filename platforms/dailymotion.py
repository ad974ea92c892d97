"""Videos on Dailymotion, which yt-dlp reads without an account.

Never tried against the real site from here. Videos are playlists of segments.
"""

import re

from platforms._http import HostRule
from platforms._platform import PageKind
from platforms._ytdlp_site import YtdlpSite, site

_SITE = YtdlpSite(
    name="dailymotion",
    extractor=("dailymotion", "DailymotionIE"),
    post=re.compile(
        r"(?:dai\.ly/|(?:touch\.|geo\.)?dailymotion\.com/"
        r"(?:(?:crawler/|embed/|swf/)?video/|player(?:/[\da-z]+)?\.html\?(?:.*&)?video=))"
        r"(?P<id>[a-zA-Z0-9]{5,})(?![a-zA-Z0-9-])",
        re.ASCII,
    ),
    pages=(
        (PageKind.LIST, re.compile(r"dailymotion\.com/(?:embed/)?playlist/")),
        (
            PageKind.LIST,
            re.compile(r"geo\.dailymotion\.com/player(?:/\w+)?\.html\?(?:.*&)?playlist="),
        ),
        (PageKind.TAG, re.compile(r"dailymotion\.com/(?:search|hashtag|topic|trending)(?=[/?])")),
        (
            PageKind.OTHER,
            re.compile(
                r"(?:[\w-]+\.)*dailymotion\.com/(?:\?|(?:about|embed|feed|following|history|legal"
                r"|library|partner|player|playlist|signin|signup|upload|video)\b)"
            ),
        ),
        (PageKind.PROFILE, re.compile(r"dailymotion\.com/[\w.-]", re.ASCII)),
        (PageKind.OTHER, re.compile(r"(?:[\w-]+\.)*dailymotion\.com/|dai\.ly/")),
    ),
    address="https://www.dailymotion.com/video/{}",
    author=("uploader",),
    page_hosts=HostRule(("dailymotion.com", "dai.ly")),
    media_hosts=HostRule(("dailymotion.com", "dmcdn.net")),
)

PLATFORM = site(
    _SITE,
    "Dailymotion",
    "https://www.dailymotion.com/video/x9demo1",
    "https://geo.dailymotion.com/player.html?video=x9demo1",
    "https://dai.ly/x9demo1",
)
