"""Tracks on Bandcamp, which yt-dlp reads without an account.

Never tried against the real site from here. Artists' own domains are not recognised.
"""

import re

from platforms._http import HostRule
from platforms._platform import PageKind
from platforms._ytdlp_site import site
from platforms._ytdlp_tracks import TrackSite


class _Bandcamp(TrackSite):
    """Tracks have ids such as "artist/track", because every artist has a host."""

    def post_id(self, found: re.Match[str]) -> str:
        """Return the id of a track from the match of its URL."""
        return f"{found['artist']}/{found['track']}"

    def link_to(self, post_id: str) -> str:
        """Return the URL of a track by its id."""
        artist, _, track = post_id.partition("/")
        return f"https://{artist}.bandcamp.com/track/{track}"


_SITE = _Bandcamp(
    name="bandcamp",
    extractor=("bandcamp", "BandcampIE"),
    post=re.compile(
        r"(?P<artist>(?!daily\.|get\.|help\.)[\w-]+)\.bandcamp\.com/track/(?P<track>[\w%-]+)/?\?",
        re.ASCII,
    ),
    pages=(
        (PageKind.LIST, re.compile(r"[\w-]+\.bandcamp\.com/album/[^?]")),
        (PageKind.TAG, re.compile(r"bandcamp\.com/(?:discover|tags?|search)(?=[/?])")),
        (PageKind.OTHER, re.compile(r"(?:daily|get|help)\.bandcamp\.com/")),
        (PageKind.PROFILE, re.compile(r"[\w-]+\.bandcamp\.com/(?:music|merch|community)?/?\?")),
        (PageKind.OTHER, re.compile(r"(?:[\w-]+\.)*bandcamp\.com/")),
    ),
    address="",
    author=("artist", "uploader"),
    page_hosts=HostRule(("bandcamp.com",)),
    media_hosts=HostRule(("bcbits.com", "bandcamp.com")),
)

PLATFORM = site(
    _SITE, "Bandcamp", "https://ferry-demo.bandcamp.com/track/harbour-bell", has_cobalt=False
)
