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
    r"|login|media|oauth|pro|search|select|settings|tag|terms|upload|upload-show)(?=[/?])"
)
_LISTS = r"(?:favorites|followers|following|listens|playlists|posts|stream|tracks|uploads)(?=[/?])"

_SITE = TrackSite(
    name="mixcloud",
    extractor=("mixcloud", "MixcloudIE"),
    post=re.compile(
        rf"(?:beta\.)?mixcloud\.com/(?!{_OWN})(?P<id>[\w%.~-]+/(?!{_LISTS})[\w%.~-]+)/?\?", re.ASCII
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
