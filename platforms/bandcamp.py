"""Tracks and albums on Bandcamp, which yt-dlp reads without an account.

Never tried against the real site from here. Artists' own domains are not recognised. An artist's
page lists albums, and hardly any track, so it is no list of posts.
"""

import re

from platforms._http import HostRule
from platforms._platform import PageKind
from platforms._ytdlp_lists import ListForm, flat_lists
from platforms._ytdlp_site import site
from platforms._ytdlp_tracks import TrackSite

#: The host of an artist, without the domain. The site itself has some others.
_ARTIST = r"(?!daily\.|get\.|help\.)[\w-]+"


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
        rf"(?P<artist>{_ARTIST})\.bandcamp\.com/track/(?P<track>[\w%-]+)/?\?",
        re.ASCII,
    ),
    pages=(
        (PageKind.LIST, re.compile(r"[\w-]+\.bandcamp\.com/album/[^?]")),
        # The player that other sites embed names a track or album by its number only.
        (PageKind.UNNAMED, re.compile(r"bandcamp\.com/EmbeddedPlayer/", re.IGNORECASE)),
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
    _SITE,
    "Bandcamp",
    "https://ferry-demo.bandcamp.com/track/harbour-bell",
    has_cobalt=False,
    lists=flat_lists(
        "bandcamp",
        ListForm(
            ("bandcamp", "BandcampAlbumIE"),
            re.compile(rf"(?P<id>{_ARTIST}\.bandcamp\.com/album/[\w%-]+)/?\?", re.ASCII),
            "https://{}",
        ),
        hosts=_SITE.page_hosts,
        recognise=_SITE.recognise,
    ),
)
