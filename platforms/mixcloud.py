"""Shows and mixes on Mixcloud, which yt-dlp reads without an account.

Never tried against the real site from here, nor were playlists and the uploads of a profile.
"""

import re

from platforms._http import HostRule
from platforms._platform import PageKind
from platforms._ytdlp_lists import LIST_EXTRACTORS, ListForm, flat_lists
from platforms._ytdlp_site import site
from platforms._ytdlp_tracks import TrackSite

_OWN = (
    r"(?:about|advertise|competitions|categories|dashboard|developers|discover|genres|jobs|live"
    r"|login|media|oauth|pro|search|select|settings|tag|terms|upload|upload-show|widget)(?=[/?])"
)
_LISTS = r"(?:favorites|followers|following|listens|playlists|posts|stream|tracks|uploads)(?=[/?])"

#: The show that a player on another site plays, as a path.
_PLAYED = (
    r"(?:player-widget\.)?mixcloud\.com/widget/iframe/?\?(?:.*&)?feed=(?:%2[Ff]|/)"
    r"(?P<user>[\w.~-]+)(?:%2[Ff]|/)(?P<show>[\w.~-]+)(?:%2[Ff]|/)?(?=&|$)"
)


class _Mixcloud(TrackSite):
    """Shows have ids such as "user/show"."""

    def post_id(self, found: re.Match[str]) -> str:
        """Return the id of a show from the match of its URL."""
        return found["id"] or f"{found['user']}/{found['show']}"


_SITE = _Mixcloud(
    name="mixcloud",
    extractor=("mixcloud", "MixcloudIE"),
    post=re.compile(
        rf"(?:beta\.)?mixcloud\.com/(?!{_OWN})(?P<id>[\w%.~-]+/(?!{_LISTS})[\w%.~-]+)/?\?"
        rf"|{_PLAYED}",
        re.ASCII,
    ),
    pages=(
        (PageKind.LIST, re.compile(r"mixcloud\.com/[^/?]+/playlists/[^?]")),
        (PageKind.LIVE, re.compile(r"mixcloud\.com/live/")),
        (
            PageKind.TAG,
            re.compile(r"mixcloud\.com/(?:categories|discover|genres|search|tag)(?=[/?])"),
        ),
        (PageKind.OTHER, re.compile(rf"mixcloud\.com/(?:{_OWN}|\?)")),
        (PageKind.PROFILE, re.compile(r"mixcloud\.com/[^/?]+(?=[/?])")),
        (PageKind.OTHER, re.compile(r"(?:[\w-]+\.)*mixcloud\.com/")),
    ),
    address="https://www.mixcloud.com/{}/",
    author=("uploader",),
    page_hosts=HostRule(("mixcloud.com",)),
    media_hosts=HostRule(("mixcloud.com",)),
)

#: Neither quotes nor anything encoded: the names become part of a query.
_NAME = r"[\w.~-]+"

PLATFORM = site(
    _SITE,
    "Mixcloud",
    "https://www.mixcloud.com/ferry-demo/night-crossing/",
    "https://www.mixcloud.com/widget/iframe/?feed=%2Fferry-demo%2Fnight-crossing%2F",
    has_cobalt=False,
    lists=flat_lists(
        "mixcloud",
        ListForm(
            (LIST_EXTRACTORS, "MixcloudShowsIE"),
            re.compile(
                rf"(?:beta\.)?mixcloud\.com/(?!{_OWN})(?P<id>{_NAME}/playlists/{_NAME})/?\?",
                re.ASCII,
            ),
            "https://www.mixcloud.com/{}/",
        ),
        ListForm(
            (LIST_EXTRACTORS, "MixcloudUploadsIE"),
            re.compile(
                rf"(?:beta\.)?mixcloud\.com/(?!{_OWN})(?P<id>{_NAME})(?:/uploads)?/?\?", re.ASCII
            ),
            "https://www.mixcloud.com/{}/uploads/",
        ),
        hosts=_SITE.page_hosts,
        recognise=_SITE.recognise,
    ),
)
