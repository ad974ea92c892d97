"""Pins on Pinterest, which yt-dlp reads without an account."""

import re

from platforms._http import HostRule
from platforms._ytdlp_site import YtdlpSite, site

_SITE = YtdlpSite(
    name="pinterest",
    extractor=("pinterest", "PinterestIE"),
    post=re.compile(
        r"(?:[a-z]{2}\.)?pinterest\.(?:com|[a-z]{2}|co\.[a-z]{2}|com\.[a-z]{2})"
        r"/pin/(?:[\w-]+--)?(?P<id>\d+)"
    ),
    short=re.compile(r"pin\.it/\w+/?\?"),
    address="https://www.pinterest.com/pin/{}/",
    page_hosts=HostRule(("pinterest.com", "pin.it")),
    media_hosts=HostRule(("pinimg.com",)),
)

PLATFORM = site(
    _SITE, "Pinterest", "https://www.pinterest.com/pin/7300000001/", "https://pin.it/demo001"
)
