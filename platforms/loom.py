"""Recordings on Loom, which yt-dlp reads without an account.

Never tried against the real site from here. Some recordings exist only as playlists whose segments
need the playlist's own signature; they are refused.
"""

import re

from platforms._http import HostRule
from platforms._platform import PageKind
from platforms._ytdlp_site import YtdlpSite, site

_SITE = YtdlpSite(
    name="loom",
    extractor=("loom", "LoomIE"),
    post=re.compile(
        r"loom\.com/(?:share|embed)/(?:[\w-]+-)?(?P<id>[\da-f]{32})(?![\w-])", re.ASCII
    ),
    pages=(
        (PageKind.LIST, re.compile(r"loom\.com/share/folder/")),
        (PageKind.OTHER, re.compile(r"(?:[\w-]+\.)*loom\.com/")),
    ),
    address="https://www.loom.com/share/{}",
    author=("uploader",),
    page_hosts=HostRule(("loom.com",)),
    media_hosts=HostRule(("loom.com",)),
)

PLATFORM = site(
    _SITE,
    "Loom",
    "https://www.loom.com/share/7300000000000000000000000000de01",
    "https://www.loom.com/embed/7300000000000000000000000000de01",
)
