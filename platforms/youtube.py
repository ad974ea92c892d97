"""Videos and shorts on YouTube, which yt-dlp reads without an account. Not allowed by default.

Since November 2025 yt-dlp needs a JavaScript runtime for it (measured with 2026.10.26).
"""

import re

from platforms._http import HostRule
from platforms._ytdlp_site import YtdlpSite, site

_SITE = YtdlpSite(
    name="youtube",
    extractor=("youtube", "YoutubeIE"),
    post=re.compile(
        r"(?:youtu\.be/|youtube\.com/(?:shorts/|live/|watch\?(?:.*&)?v=))"
        r"(?P<id>[\w-]{11})(?![\w-])"
    ),
    address="https://www.youtube.com/watch?v={}",
    page_hosts=HostRule(("youtube.com", "youtu.be", "googleapis.com")),
    media_hosts=HostRule(("googlevideo.com", "ytimg.com")),
)

PLATFORM = site(
    _SITE, "YouTube", "https://www.youtube.com/shorts/DemoShort01", "https://youtu.be/DemoShort01"
)
