"""Videos on Vimeo, through the operator's cobalt. Not allowed by default.

yt-dlp needs an account for most of them.
"""

import re

from platforms._cobalt import CobaltLinks, cobalt_site
from platforms._http import HostRule

PLATFORM = cobalt_site(
    "vimeo",
    "Vimeo",
    CobaltLinks(
        # An unlisted video has a key behind its number.
        post=re.compile(
            r"(?:player\.vimeo\.com/video/|vimeo\.com/(?:(?:channels|groups)/[\w-]+/(?:videos/)?)?)"
            r"(?P<id>\d{5,}(?:/[\da-f]{8,})?)(?![\w-])",
            re.ASCII,
        ),
        address="https://vimeo.com/{}",
        hosts=HostRule(("vimeo.com",)),
        media_hosts=HostRule(("vimeocdn.com", "akamaized.net")),
    ),
    "https://vimeo.com/730000001",
    "https://vimeo.com/730000001/de01de01de",
    "https://player.vimeo.com/video/730000001",
)
