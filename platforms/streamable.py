"""Videos on Streamable, which yt-dlp reads without an account."""

import re

from platforms._http import HostRule
from platforms._ytdlp_site import YtdlpSite, site

_SITE = YtdlpSite(
    name="streamable",
    extractor=("streamable", "StreamableIE"),
    post=re.compile(
        r"streamable\.com/(?!(?:login|signup|terms|privacy|pricing)\b)"
        r"(?:[es]/)?(?P<id>[a-z0-9]{4,12})/?\?"
    ),
    address="https://streamable.com/{}",
    page_hosts=HostRule(("streamable.com",)),
    media_hosts=HostRule(("streamable.com",)),
)

PLATFORM = site(_SITE, "Streamable", "https://streamable.com/demo01")
