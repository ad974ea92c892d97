"""Videos and reels on Facebook, which yt-dlp reads without an account."""

import re

from platforms._http import HostRule
from platforms._ytdlp_site import YtdlpSite, site

_SITE = YtdlpSite(
    name="facebook",
    extractor=("facebook", "FacebookIE"),
    post=re.compile(
        r"facebook\.com/(?:reel/|watch/?\?(?:.*&)?v=|[^/?]+/videos/(?:[^/?]+/)?|video\.php\?v=)"
        r"(?P<id>\d+)"
    ),
    short=re.compile(r"(?:facebook\.com/share/[vr]/|fb\.watch/)[\w-]+/?\?"),
    address="https://www.facebook.com/watch/?v={}",
    page_hosts=HostRule(("facebook.com", "fb.watch")),
    media_hosts=HostRule(("fbcdn.net",)),
)

PLATFORM = site(
    _SITE,
    "Facebook",
    "https://www.facebook.com/reel/7300000001",
    "https://www.facebook.com/share/v/Demo01/",
    "https://fb.watch/demo001/",
)
