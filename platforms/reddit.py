"""Posts on Reddit, which yt-dlp reads without an account."""

import re

from platforms._http import HostRule
from platforms._ytdlp_site import YtdlpSite, site

_SITE = YtdlpSite(
    name="reddit",
    extractor=("reddit", "RedditIE"),
    post=re.compile(r"reddit\.com/(?:(?:r|user|u)/[^/]+/)?comments/(?P<id>[a-z0-9]+)"),
    short=re.compile(r"(?:reddit\.com/(?:r|user|u)/[^/]+/s/|redd\.it/)[A-Za-z0-9]+/?\?"),
    address="https://www.reddit.com/comments/{}",
    page_hosts=HostRule(("reddit.com", "redd.it")),
    media_hosts=HostRule(("redd.it", "redditmedia.com")),
)

PLATFORM = site(
    _SITE,
    "Reddit",
    "https://www.reddit.com/r/ferries/comments/1demo01/a_crossing/",
    "https://www.reddit.com/r/ferries/s/Demo01",
)
