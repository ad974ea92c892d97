"""Videos and shorts on YouTube, which yt-dlp reads without an account. Not allowed by default.

Since November 2025 yt-dlp needs a JavaScript runtime for all formats (measured with 2026.10.26),
and YouTube asks data centres to sign in or for PO tokens: see docs/operating/fetching.md.
Playlists and channels need neither; they were never tried against the real site.
"""

import importlib
import re
from typing import Any

from platforms._http import HostRule
from platforms._platform import PageKind
from platforms._ytdlp_lists import ListForm, flat_lists
from platforms._ytdlp_site import YtdlpSite, site

_HOST = r"(?:music\.)?youtube(?:-nocookie)?\.com"


class _YouTube(YtdlpSite):
    """Reads with the operator's PO tokens."""

    def load_extractor(self) -> Any:
        """Import yt-dlp's extractor, and what it asks for PO tokens."""
        importlib.import_module("platforms._po_tokens")
        return super().load_extractor()


_SITE = _YouTube(
    name="youtube",
    extractor=("youtube", "YoutubeIE"),
    post=re.compile(
        rf"(?:youtu\.be/|{_HOST}/(?:shorts/|live/|embed/|e/|v/|watch/|watch/?\?(?:.*&)?v=))"
        r"(?!videoseries|live_stream)(?P<id>[\w-]{11})(?![\w-])",
        re.ASCII,
    ),
    pages=(
        (PageKind.LIVE, re.compile(rf"{_HOST}/(?:embed/live_stream|[^?]+/live/?\?|live\b)")),
        (
            PageKind.LIST,
            re.compile(rf"{_HOST}/(?:playlist|embed/videoseries|watch/?\?(?:.*&)?list=)"),
        ),
        (PageKind.TAG, re.compile(rf"{_HOST}/(?:hashtag/|results|feed/|trending|explore|gaming)")),
        (PageKind.AUDIO, re.compile(rf"{_HOST}/source/")),
        (PageKind.UNREADABLE, re.compile(rf"{_HOST}/(?:clip|post)/")),
        (PageKind.PROFILE, re.compile(rf"{_HOST}/(?:@|channel/|c/|user/)[^/?]")),
        (PageKind.OTHER, re.compile(r"(?:[\w-]+\.)*(?:youtube(?:-nocookie)?\.com|youtu\.be)/")),
    ),
    address="https://www.youtube.com/watch?v={}",
    page_hosts=HostRule(("youtube.com", "youtu.be", "googleapis.com")),
    # Subtitles are on www.youtube.com.
    media_hosts=HostRule(("googlevideo.com", "ytimg.com", "youtube.com")),
)

#: Playlists whose contents depend on the viewer: "Watch later", liked videos, mixes of the player.
_PERSONAL = r"(?:WL|LL|LM)(?![\w-])|RD"
_CHANNEL = r"@[^/?#]+|(?:channel|c|user)/[^/?#]+"
_EXTRACTOR = ("youtube", "YoutubeTabIE")


def _list(path: str, address: str, *, is_by_date: bool) -> ListForm:
    page = re.compile(rf"(?:{_HOST}|youtu\.be)/{path}", re.ASCII)
    return ListForm(_EXTRACTOR, page, f"https://www.youtube.com/{address}", is_by_date)


_LISTS = flat_lists(
    "youtube",
    _list(
        rf"(?:playlist|embed/videoseries|watch)/?\?(?:.*&)?list=(?!{_PERSONAL})(?P<id>[\w-]+)",
        "playlist?list={}",
        is_by_date=False,
    ),
    _list(rf"(?P<id>{_CHANNEL})/shorts/?\?", "{}/shorts", is_by_date=True),
    _list(rf"(?P<id>{_CHANNEL})/streams/?\?", "{}/streams", is_by_date=True),
    _list(rf"(?P<id>{_CHANNEL})(?:/(?:videos|featured))?/?\?", "{}/videos", is_by_date=True),
    hosts=_SITE.page_hosts,
    recognise=_SITE.recognise,
)

PLATFORM = site(
    _SITE,
    "YouTube",
    "https://www.youtube.com/shorts/DemoShort01",
    "https://www.youtube.com/watch?v=DemoShort01",
    "https://music.youtube.com/watch?v=DemoShort01",
    "https://www.youtube.com/embed/DemoShort01",
    "https://www.youtube.com/live/DemoShort01",
    "https://youtu.be/DemoShort01",
    lists=_LISTS,
)
