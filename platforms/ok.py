"""Videos on OK (Odnoklassniki), which yt-dlp reads without an account.

Never tried against the real site from here.
"""

import re

from platforms._http import HostRule
from platforms._platform import PageKind
from platforms._ytdlp_site import YtdlpSite, site

_HOST = r"(?:ok|odnoklassniki)\.ru"
#: The group or person on whose page a video is opened.
_OWNER = r"(?:(?:group|profile)/\d+/)?"

_SITE = YtdlpSite(
    name="ok",
    extractor=("odnoklassniki", "OdnoklassnikiIE"),
    post=re.compile(
        rf"{_HOST}/(?:{_OWNER}video/|videoembed/|live/|web-api/video/moviePlayer/"
        r"|dk\?(?:.*&)?st\.mvId=)(?P<id>\d+(?:-\d+)?)(?![\w-])",
        re.ASCII,
    ),
    pages=(
        (PageKind.LIST, re.compile(rf"{_HOST}/{_OWNER}video/(?:c\d|album|playlist)", re.ASCII)),
        (PageKind.TAG, re.compile(rf"{_HOST}/(?:video|live|music|search|tag|hashtag)(?=[/?])")),
        (PageKind.PROFILE, re.compile(rf"{_HOST}/(?:profile|group)/")),
        (PageKind.OTHER, re.compile(rf"(?:[\w-]+\.)*{_HOST}/")),
    ),
    address="https://ok.ru/video/{}",
    author=("uploader",),
    page_hosts=HostRule(("ok.ru", "odnoklassniki.ru")),
    media_hosts=HostRule(("mycdn.me", "okcdn.ru", "vkuser.net", "ok.ru")),
)

PLATFORM = site(
    _SITE,
    "OK",
    "https://ok.ru/video/7300000001",
    "https://m.ok.ru/video/7300000001",
    "https://ok.ru/videoembed/7300000001",
    "https://ok.ru/live/7300000001",
    "https://ok.ru/group/7300000002/video/7300000001",
)
