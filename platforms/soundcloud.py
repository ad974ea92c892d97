"""Tracks on SoundCloud, which yt-dlp reads without an account.

Never tried against the real site from here, nor were sets and the tracks of a profile. A track is a
file or a playlist of segments; those that need a subscription are previews of thirty seconds, which
are refused.
"""

import re
from dataclasses import replace
from typing import Any, Final
from urllib.parse import SplitResult, parse_qs

from core.errors import PreviewError
from core.media import Link, Post
from platforms._http import HostRule
from platforms._json import Json
from platforms._platform import Match, PageKind, clean_split, plain_host
from platforms._ytdlp_lists import LIST_EXTRACTORS, ListForm, flat_lists
from platforms._ytdlp_site import site
from platforms._ytdlp_tracks import TrackSite

#: First parts of the site's own pages.
_OWN = (
    r"(?:charts|discover|explore|feed|imprint|jobs|logout|messages|mobile|notifications|pages"
    r"|people|popular|search|settings|signin|stations|stream|tags|terms-of-use|upload|you)(?=[/?])"
)
#: Second parts of the lists of a profile.
_LISTS = (
    r"(?:albums|comments|followers|following|likes|popular-tracks|reposts|sets|spotlight"
    r"|toptracks|tracks)(?=[/?])"
)
#: The query of a URL, which may have the key of what is private.
_QUERY = r"\?(?:(?:.*&)?secret_token=(?P<{}>s-\w+))?"
_COLON = r"(?:%3[Aa]|:)"
#: Hosts of the player for other pages, whose URL names what it plays.
_PLAYERS: Final = frozenset({"w.soundcloud.com", "player.soundcloud.com", "p.soundcloud.com"})


class _SoundCloud(TrackSite):
    """Tracks have ids such as "user/track" and "tracks/1", private ones a key behind: "/s-key"."""

    def recognise(self, parts: SplitResult) -> Match | PageKind | None:
        """Return what a URL of this site is, or None if it belongs to another site."""
        played = _played(parts)
        found = super().recognise(played)
        if isinstance(found, Match) and found.post_id is None and played is not parts:
            return Match(None, played.geturl())
        return found or super().recognise(parts)

    def post_id(self, found: re.Match[str]) -> str:
        """Return the id of a track from the match of its URL."""
        track = f"tracks/{found['number']}" if found["number"] else found["id"]
        key = found["key"] or found["secret"] or found["secret_of_number"]
        return f"{track}/{key}" if key else track

    def link_to(self, post_id: str) -> str:
        """Return the URL of a track by its id."""
        if post_id.startswith("tracks/"):
            track, _, key = post_id.partition("/s-")
            return f"https://api.soundcloud.com/{track}" + (f"?secret_token=s-{key}" if key else "")
        return super().link_to(post_id)

    def read(self, result: Any, about: Post) -> Post:
        """Convert an info dict to a post.

        Raises:
            PreviewError: only the beginning of the track can be heard.
        """
        page = Json(result, self.name)
        formats = [entry["format_id"].text() for entry in page["formats"]]
        if formats and all(name.endswith("preview") for name in formats):
            raise PreviewError(about.url)
        return super().read(result, about)


def _played(parts: SplitResult) -> SplitResult:
    """Return the URL of what a player plays, with its key; other URLs unchanged."""
    query = parse_qs(parts.query) if plain_host(parts) in _PLAYERS else {}
    played = clean_split(query.get("url", [""])[0])
    if played and "secret_token" in query:
        return played._replace(query=f"{played.query}&secret_token={query['secret_token'][0]}")
    return played or parts


_SITE = _SoundCloud(
    name="soundcloud",
    extractor=("soundcloud", "SoundcloudIE"),
    post=re.compile(
        rf"soundcloud\.com/(?!{_OWN})(?P<id>[\w-]+/(?!{_LISTS})[\w-]+)(?:/(?P<key>s-\w+))?"
        rf"/?{_QUERY.format('secret')}"
        rf"|api(?:-v2)?\.soundcloud\.com/tracks/(?:soundcloud{_COLON}tracks{_COLON})?(?P<number>\d+)"
        rf"(?:/stream|\.json)?/?{_QUERY.format('secret_of_number')}",
        re.ASCII,
    ),
    pages=(
        (
            PageKind.LIST,
            re.compile(r"soundcloud\.com/[\w-]+/(?:sets|albums)/[^?]|soundcloud\.com/stations/"),
        ),
        (PageKind.LIST, re.compile(r"api(?:-v2)?\.soundcloud\.com/playlists/")),
        (
            PageKind.TAG,
            re.compile(r"soundcloud\.com/(?:charts|discover|explore|search|tags)(?=[/?])"),
        ),
        (PageKind.OTHER, re.compile(rf"soundcloud\.com/(?:{_OWN}|\?)")),
        (PageKind.PROFILE, re.compile(r"soundcloud\.com/[\w-]", re.ASCII)),
        (PageKind.OTHER, re.compile(r"(?:[\w-]+\.)*soundcloud\.com/")),
    ),
    short=re.compile(r"on\.soundcloud\.com/\w+/?\?", re.ASCII),
    address="https://soundcloud.com/{}",
    author=("artists", "uploader"),
    page_hosts=HostRule(("soundcloud.com",)),
    # Segments are on soundcloud.cloud.
    media_hosts=HostRule(("sndcdn.com", "soundcloud.com", "soundcloud.cloud")),
)

#: A set; the key of a private one is the last part of its path, or in its query.
_SET = rf"soundcloud\.com/(?P<id>[\w-]+/sets/[\w-]+)(?:/(?P<key>s-\w+))?/?{_QUERY.format('secret')}"
#: A set by its number.
_PLAYLIST = (
    rf"api(?:-v2)?\.soundcloud\.com/playlists/(?:soundcloud{_COLON}playlists{_COLON})?(?P<id>\d+)"
    rf"/?{_QUERY.format('secret')}"
)


def _set_id(found: re.Match[str]) -> str:
    key = found["key"] or found["secret"]
    return f"{found['id']}/{key}" if key else found["id"]


def _playlist_id(found: re.Match[str]) -> str:
    return f"{found['id']}?secret_token={found['secret']}" if found["secret"] else found["id"]


_LISTS_OF_SITE = flat_lists(
    "soundcloud",
    ListForm(
        (LIST_EXTRACTORS, "SoundCloudSetIE"),
        re.compile(rf"(?!soundcloud\.com/{_OWN}){_SET}", re.ASCII),
        "https://soundcloud.com/{}",
        is_lenient=True,
        list_id=_set_id,
    ),
    ListForm(
        (LIST_EXTRACTORS, "SoundCloudPlaylistIE"),
        re.compile(_PLAYLIST, re.ASCII),
        "https://api.soundcloud.com/playlists/{}",
        is_lenient=True,
        list_id=_playlist_id,
    ),
    ListForm(
        ("soundcloud", "SoundcloudUserIE"),
        re.compile(rf"soundcloud\.com/(?!{_OWN})(?P<id>[\w-]+)(?:/tracks)?/?\?", re.ASCII),
        "https://soundcloud.com/{}/tracks",
        is_by_date=True,
        is_lenient=True,
    ),
    # The key of the site's client is in a script on the media hosts.
    hosts=HostRule(_SITE.page_hosts.domains + _SITE.media_hosts.domains),
    recognise=_SITE.recognise,
)


def _find_list(parts: SplitResult) -> Link | None:
    return _LISTS_OF_SITE.find(_played(parts))


PLATFORM = site(
    _SITE,
    "SoundCloud",
    "https://soundcloud.com/ferry-demo/harbour-bell",
    "https://m.soundcloud.com/ferry-demo/harbour-bell",
    "https://soundcloud.com/ferry-demo/harbour-bell/s-Demo01",
    "https://api.soundcloud.com/tracks/7300000001",
    "https://on.soundcloud.com/Demo01",
    lists=replace(_LISTS_OF_SITE, find=_find_list),
)
