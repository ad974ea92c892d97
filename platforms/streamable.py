"""Videos on Streamable, which yt-dlp reads without an account."""

import re

from platforms._http import HostRule
from platforms._platform import PageKind
from platforms._ytdlp_site import YtdlpSite, site

_SITE = YtdlpSite(
    name="streamable",
    extractor=("streamable", "StreamableIE"),
    post=re.compile(
        r"streamable\.com/(?!(?:login|signup|terms|privacy|pricing|about|help|support)\b)"
        r"(?:[eos]/)?(?P<id>[a-z0-9]{4,12})(?:/[\w-]+)?/?\?",
        re.ASCII,
    ),
    pages=((PageKind.OTHER, re.compile(r"(?:[\w-]+\.)*streamable\.com/")),),
    address="https://streamable.com/{}",
    page_hosts=HostRule(("streamable.com",)),
    media_hosts=HostRule(("streamable.com",)),
)

PLATFORM = site(
    _SITE, "Streamable", "https://streamable.com/demo01", "https://streamable.com/e/demo01"
)
