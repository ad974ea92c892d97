"""Snapchat spotlights, which yt-dlp reads without an account."""

import re

from platforms._http import HostRule
from platforms._ytdlp_site import YtdlpSite, site

_SITE = YtdlpSite(
    name="snapchat",
    extractor=("snapchat", "SnapchatSpotlightIE"),
    post=re.compile(r"snapchat\.com/spotlight/(?P<id>\w+)"),
    address="https://www.snapchat.com/spotlight/{}",
    page_hosts=HostRule(("snapchat.com",)),
    media_hosts=HostRule(("sc-cdn.net", "snapchat.com")),
)

PLATFORM = site(_SITE, "Snapchat", "https://www.snapchat.com/spotlight/W7_demo01")
