"""Posts on Bluesky, which yt-dlp reads without an account."""

import re

from platforms._http import HostRule
from platforms._ytdlp_site import YtdlpSite, site

_SITE = YtdlpSite(
    name="bluesky",
    extractor=("bluesky", "BlueskyIE"),
    post=re.compile(r"bsky\.app/profile/(?P<id>[\w.:%-]+/post/\w+)"),
    address="https://bsky.app/profile/{}",
    page_hosts=HostRule(("bsky.app", "bsky.social", "bsky.network", "plc.directory")),
    media_hosts=HostRule(("bsky.network", "bsky.app", "bsky.social")),
)

PLATFORM = site(_SITE, "Bluesky", "https://bsky.app/profile/ferry.example/post/3demo01")
