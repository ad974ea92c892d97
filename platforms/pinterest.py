"""Pins on Pinterest, which yt-dlp reads without an account."""

import re

from platforms._http import HostRule
from platforms._platform import PageKind
from platforms._ytdlp_site import YtdlpSite, site

#: The host, also of a country: de.pinterest.com, pinterest.co.uk, pinterest.com.mx.
_HOST = r"(?:[a-z]{2}\.)?pinterest\.(?:com|[a-z]{2}|co\.[a-z]{2}|com\.[a-z]{2})"
#: Domains of countries, to which short links may lead.
_COUNTRIES = (
    *("at", "ca", "ch", "cl", "co.in", "co.kr", "co.nz", "co.uk", "com.au", "com.mx", "com.pe"),
    *("de", "dk", "es", "fr", "id", "ie", "in", "info", "it", "jp", "nl", "nz", "ph", "pt", "ru"),
    *("se", "th", "vn"),
)

_SITE = YtdlpSite(
    name="pinterest",
    extractor=("pinterest", "PinterestIE"),
    post=re.compile(rf"{_HOST}/pin/(?:[^/?]+--)?(?P<id>\d+)", re.ASCII),
    pages=(
        (PageKind.TAG, re.compile(rf"{_HOST}/(?:ideas|search|explore|topics|today|discover)\b")),
        (PageKind.OTHER, re.compile(rf"{_HOST}/(?:\?|(?:pin|login|business|settings|_)\b)")),
        (PageKind.PROFILE, re.compile(rf"{_HOST}/[^/?]+/?(?:\?|_\w+|pins\b|boards\b)")),
        (PageKind.LIST, re.compile(rf"{_HOST}/[^/?]+/[^/?]+")),
        (PageKind.OTHER, re.compile(rf"(?:[\w-]+\.)?{_HOST}/|pin\.it/")),
    ),
    short=re.compile(r"pin\.it/\w+/?\?", re.ASCII),
    address="https://www.pinterest.com/pin/{}/",
    page_hosts=HostRule(("pinterest.com", "pin.it", *(f"pinterest.{c}" for c in _COUNTRIES))),
    media_hosts=HostRule(("pinimg.com",)),
)

PLATFORM = site(
    _SITE,
    "Pinterest",
    "https://www.pinterest.com/pin/7300000001/",
    "https://www.pinterest.com/pin/a-crossing--7300000001/",
    "https://de.pinterest.com/pin/7300000001/",
    "https://www.pinterest.co.uk/pin/7300000001/",
    "https://pin.it/demo001",
)
