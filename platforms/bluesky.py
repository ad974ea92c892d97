"""Posts on Bluesky, which yt-dlp reads without an account."""

import re

from platforms._http import HostRule
from platforms._platform import PageKind
from platforms._ytdlp_site import YtdlpSite, site

_SITE = YtdlpSite(
    name="bluesky",
    extractor=("bluesky", "BlueskyIE"),
    post=re.compile(r"(?:main\.bsky\.dev|bsky\.app)/profile/(?P<id>[\w.:%-]+/post/\w+)", re.ASCII),
    pages=(
        (PageKind.LIST, re.compile(r"bsky\.app/profile/[^/]+/(?:feed|lists)/|go\.bsky\.app/")),
        (PageKind.LIST, re.compile(r"bsky\.app/(?:starter-pack|start|feeds)/")),
        (PageKind.TAG, re.compile(r"bsky\.app/(?:hashtag/|search)")),
        (PageKind.PROFILE, re.compile(r"bsky\.app/profile/[^/?]")),
        (PageKind.OTHER, re.compile(r"bsky\.app/")),
    ),
    address="https://bsky.app/profile/{}",
    page_hosts=HostRule(("bsky.app", "bsky.social", "bsky.network", "plc.directory")),
    media_hosts=HostRule(("bsky.network", "bsky.app", "bsky.social")),
)

PLATFORM = site(
    _SITE,
    "Bluesky",
    "https://bsky.app/profile/ferry.example/post/3demo01",
    "https://bsky.app/profile/did:plc:demo01/post/3demo01",
)
