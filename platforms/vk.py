"""Videos and clips on VK, which yt-dlp reads without an account.

Never tried against the real site from here. Many videos are shown to members only.
"""

import re

from platforms._http import HostRule
from platforms._platform import PageKind
from platforms._ytdlp_site import YtdlpSite, site

_HOST = r"(?:new\.)?(?:vk\.(?:com|ru)|vkvideo\.ru)"


class _Vk(YtdlpSite):
    """Videos have ids such as "-1_2": the owner (negative for a community), and the video."""

    def post_id(self, found: re.Match[str]) -> str:
        """Return the id of a video from the match of its URL."""
        if found["owner"]:
            return f"{found['owner']}_{found['number']}"
        return found["id"] or found["layer"]


_SITE = _Vk(
    name="vk",
    extractor=("vk", "VKIE"),
    post=re.compile(
        rf"{_HOST}/(?:"
        r"video_ext\.php\?(?=(?:.*&)?oid=(?P<owner>-?\d+))(?=(?:.*&)?id=(?P<number>\d+))"
        r"|(?:playlist/[\d_-]+/|video/)?(?:video|clip)(?P<id>-?\d+_\d+)"
        r"|[^?]*\?(?:.*&)?z=(?:video|clip)(?P<layer>-?\d+_\d+)"
        r")",
        re.ASCII,
    ),
    pages=(
        (
            PageKind.UNREADABLE,
            re.compile(rf"{_HOST}/(?:wall|photo|story|doc|audio)-?\d+_\d", re.ASCII),
        ),
        (PageKind.LIST, re.compile(rf"{_HOST}/(?:(?:video/)?playlist|album-?\d|music)", re.ASCII)),
        (PageKind.PROFILE, re.compile(rf"{_HOST}/(?:videos|clips|audios|wall)-?\d", re.ASCII)),
        (PageKind.PROFILE, re.compile(rf"{_HOST}/(?:video/)?@")),
        (PageKind.LIVE, re.compile(r"live\.(?:vkplay|vkvideo)\.ru/")),
        (
            PageKind.OTHER,
            re.compile(
                rf"{_HOST}/(?:\?|(?:about|apps|away|clips|feed|for_you|friends|games|groups|im|join"
                r"|login|market|mail|settings|share|support|trends|video|videos)\b)"
            ),
        ),
        (PageKind.PROFILE, re.compile(rf"{_HOST}/[\w.]", re.ASCII)),
        (PageKind.OTHER, re.compile(r"(?:[\w-]+\.)*(?:vk\.(?:com|ru)|vkvideo\.ru)/")),
    ),
    address="https://vk.com/video{}",
    author=("uploader",),
    page_hosts=HostRule(("vk.com", "vk.ru", "vkvideo.ru")),
    media_hosts=HostRule(
        ("okcdn.ru", "mycdn.me", "vkuser.net", "vkuservideo.net", "vk-cdn.net", "userapi.com")
    ),
)

PLATFORM = site(
    _SITE,
    "VK Video",
    "https://vk.com/video-730_1001",
    "https://vk.com/clip-730_1001",
    "https://vkvideo.ru/video-730_1001",
    "https://vk.com/feed?z=video-730_1001%2Fdemo",
    "https://vk.com/video_ext.php?oid=-730&id=1001",
)
