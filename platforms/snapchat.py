"""Snapchat spotlights, which yt-dlp reads without an account."""

import re

from platforms._http import HostRule
from platforms._platform import PageKind
from platforms._ytdlp_site import YtdlpSite, site

_SITE = YtdlpSite(
    name="snapchat",
    extractor=("snapchat", "SnapchatSpotlightIE"),
    post=re.compile(r"snapchat\.com/(?:@[^/?]+/)?spotlight/(?P<id>\w+)", re.ASCII),
    pages=(
        # Stories that people share or keep. yt-dlp has no extractor for them.
        (PageKind.UNREADABLE, re.compile(r"snapchat\.com/p/[\w-]+/\d+", re.ASCII)),
        (PageKind.UNREADABLE, re.compile(r"(?:story\.)?snapchat\.com/(?:s|o|u)/[^?]")),
        (PageKind.HIGHLIGHTS, re.compile(r"snapchat\.com/@[^/?]+/(?:highlight|stories?)")),
        (PageKind.PROFILE, re.compile(r"(?:story\.)?snapchat\.com/(?:@[^/?]|add/[^?]|p/[^?])")),
        (
            PageKind.TAG,
            re.compile(r"snapchat\.com/(?:discover|explore|topic|search|spotlight|tag)"),
        ),
        (PageKind.AUDIO, re.compile(r"snapchat\.com/(?:sounds?|music)/")),
        (PageKind.OTHER, re.compile(r"(?:[\w-]+\.)*snapchat\.com/")),
    ),
    short=re.compile(r"(?:t\.snapchat\.com|snapchat\.com/t)/[\w-]+/?\?", re.ASCII),
    address="https://www.snapchat.com/spotlight/{}",
    page_hosts=HostRule(("snapchat.com",)),
    media_hosts=HostRule(("sc-cdn.net", "snapchat.com")),
)

PLATFORM = site(
    _SITE,
    "Snapchat",
    "https://www.snapchat.com/spotlight/W7_demo01",
    "https://www.snapchat.com/@ferry.demo/spotlight/W7_demo01",
    "https://t.snapchat.com/Demo01",
)
