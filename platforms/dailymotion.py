"""Videos on Dailymotion, which yt-dlp reads without an account.

Never tried against the real site from here, nor were playlists and channels. Videos are playlists
of segments.
"""

import re

from platforms._http import HostRule
from platforms._platform import PageKind
from platforms._ytdlp_lists import LIST_EXTRACTORS, ListForm, flat_lists
from platforms._ytdlp_site import YtdlpSite, site

#: First parts of the site's own pages.
_OWN = (
    r"(?:about|embed|feed|following|hashtag|history|legal|library|partner|player|playlist|search"
    r"|signin|signup|topic|trending|upload|user|video)\b"
)

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
            re.compile(rf"(?:[\w-]+\.)*dailymotion\.com/(?:\?|(?!user/[\w.-]){_OWN})"),
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
    lists=flat_lists(
        "dailymotion",
        ListForm(
            (LIST_EXTRACTORS, "DailymotionVideosIE"),
            re.compile(
                r"(?:dailymotion\.com/(?:embed/)?playlist/"
                r"|geo\.dailymotion\.com/player(?:/\w+)?\.html\?(?:.*&)?playlist=)"
                r"(?P<id>x[\da-z]+)(?![\da-zA-Z-])",
                re.ASCII,
            ),
            "https://www.dailymotion.com/playlist/{}",
        ),
        ListForm(
            (LIST_EXTRACTORS, "DailymotionChannelIE"),
            re.compile(
                rf"dailymotion\.com/(?:user/)?(?!{_OWN})(?P<id>[\w.-]+)(?:/videos)?/?\?", re.ASCII
            ),
            "https://www.dailymotion.com/{}",
            is_by_date=True,
        ),
        hosts=_SITE.page_hosts,
        recognise=_SITE.recognise,
    ),
)
