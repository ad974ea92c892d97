"""Pins on Pinterest: pictures, videos, carousels and idea pins, read without an account.

yt-dlp asks the site's PinResource. The answer is read here, because yt-dlp's result has only one
video.

Never tried against the real site; the answer's form is that of yt-dlp and gallery-dl.
"""

import re
from typing import Any

from core.media import Post
from platforms._http import HostRule
from platforms._pinterest_pin import read_pin
from platforms._platform import PageKind
from platforms._ytdlp_lists import ListForm, flat_lists
from platforms._ytdlp_site import YtdlpSite, site

#: The host, also of a country: de.pinterest.com, pinterest.co.uk, pinterest.com.mx.
_HOST = r"(?:[a-z]{2}\.)?pinterest\.(?:com|[a-z]{2}|co\.[a-z]{2}|com\.[a-z]{2})"
#: Domains of countries, to which short links may lead.
_COUNTRIES = (
    *("at", "ca", "ch", "cl", "co.in", "co.kr", "co.nz", "co.uk", "com.au", "com.mx", "com.pe"),
    *("de", "dk", "es", "fr", "id", "ie", "in", "info", "it", "jp", "nl", "nz", "ph", "pt", "ru"),
    *("se", "th", "vn"),
)
#: First parts of the site's own pages, and second parts of a profile's.
_OWN = r"(?:ideas|search|explore|topics|today|discover|pin|login|business|settings|_)(?=[/?])"
_TABS = r"(?:_\w+|pins|boards|followers|following|more_ideas)(?=[/?])"


class _Pinterest(YtdlpSite):
    """Pins as the site's own API describes them."""

    def extract(self, extractor: Any, url: str) -> Any:
        """Return the API's answer about a pin.

        Raises:
            ExtractorError: the site does not provide the pin.
        """
        pin_id = extractor._match_id(url)
        extractor.initialize()
        options = {"field_set_key": "unauth_react_main_pin", "id": pin_id}
        return extractor._call_api("Pin", pin_id, options)

    def read(self, result: Any, about: Post) -> Post:
        """Convert the API's answer to a post; see `read_pin`."""
        return read_pin(result, about)


_SITE = _Pinterest(
    name="pinterest",
    extractor=("pinterest", "PinterestIE"),
    post=re.compile(
        rf"(?:{_HOST}/(?:amp/)?pin/(?:[^/?]+--)?"
        r"|assets\.pinterest\.com/ext/embed\.html\?(?:.*&)?id=)(?P<id>\d+)",
        re.ASCII,
    ),
    pages=(
        (PageKind.TAG, re.compile(rf"{_HOST}/(?:ideas|search|explore|topics|today|discover)\b")),
        (PageKind.OTHER, re.compile(rf"{_HOST}/(?:\?|(?:pin|login|business|settings|_)\b)")),
        (PageKind.PROFILE, re.compile(rf"{_HOST}/[^/?]+/?(?:\?|_\w+|pins\b|boards\b)")),
        (PageKind.LIST, re.compile(rf"{_HOST}/[^/?]+/[^/?]+")),
        (PageKind.OTHER, re.compile(rf"(?:[\w-]+\.)?{_HOST}/|pin\.it/")),
        (PageKind.UNNAMED, re.compile(r"(?:[\w-]+\.)+pinimg\.com/")),
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
    "https://www.pinterest.com/amp/pin/7300000001/",
    "https://assets.pinterest.com/ext/embed.html?id=7300000001",
    "https://pin.it/demo001",
    lists=flat_lists(
        "pinterest",
        ListForm(
            ("platforms._pinterest_board", "BoardIE"),
            re.compile(rf"{_HOST}/(?!{_OWN})(?P<id>[^/?]+/(?!{_TABS})[^/?]+)/?\?"),
            "https://www.pinterest.com/{}/",
            is_lenient=True,
        ),
        hosts=_SITE.page_hosts,
        recognise=_SITE.recognise,
    ),
)
