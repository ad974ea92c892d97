"""Posts on X, which yt-dlp reads without an account."""

import re

from platforms._http import HostRule
from platforms._ytdlp_site import YtdlpSite, site

_SITE = YtdlpSite(
    name="x",
    extractor=("twitter", "TwitterIE"),
    post=re.compile(r"(?:x|twitter)\.com/(?:i/web|i|[A-Za-z0-9_]+)/status(?:es)?/(?P<id>\d+)"),
    address="https://x.com/i/status/{}",
    page_hosts=HostRule(("x.com", "twitter.com")),
    media_hosts=HostRule(("twimg.com",)),
)

PLATFORM = site(_SITE, "X", "https://x.com/ferry_demo/status/1790000000000000001")
