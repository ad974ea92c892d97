"""Clips on Twitch, which yt-dlp reads without an account."""

import re

from platforms._http import HostRule
from platforms._platform import PageKind
from platforms._ytdlp_site import YtdlpSite, site

_SITE = YtdlpSite(
    name="twitch",
    extractor=("twitch", "TwitchClipsIE"),
    post=re.compile(
        r"(?:clips\.twitch\.tv/(?:embed/?\?(?:.*&)?clip=)?|(?:go\.)?twitch\.tv/(?:\w+/)?clip/)"
        r"(?!embed\b)(?P<id>[A-Za-z0-9]+(?:-[\w-]+)?)(?:/?\?|&|$)",
        re.ASCII,
    ),
    pages=(
        (PageKind.LIVE, re.compile(r"player\.twitch\.tv/")),
        # Whole broadcasts: hours long, and only available as a list of pieces.
        (PageKind.UNREADABLE, re.compile(r"twitch\.tv/(?:videos|\w+/(?:v|video))/\d", re.ASCII)),
        (PageKind.LIST, re.compile(r"twitch\.tv/collections/")),
        (PageKind.TAG, re.compile(r"twitch\.tv/(?:directory|search|tags)\b")),
        (PageKind.OTHER, re.compile(r"twitch\.tv/(?:p|login|settings|downloads|jobs|turbo)\b")),
        (PageKind.PROFILE, re.compile(r"twitch\.tv/\w", re.ASCII)),
        (PageKind.OTHER, re.compile(r"(?:[\w-]+\.)*twitch\.tv/")),
    ),
    address="https://clips.twitch.tv/{}",
    page_hosts=HostRule(("twitch.tv",)),
    media_hosts=HostRule(("twitch.tv", "twitchcdn.net", "jtvnw.net", "cloudfront.net")),
)

PLATFORM = site(
    _SITE,
    "Twitch clips",
    "https://clips.twitch.tv/DemoFerryClip-abc",
    "https://www.twitch.tv/ferry/clip/DemoFerryClip",
    "https://m.twitch.tv/clip/DemoFerryClip",
    "https://clips.twitch.tv/embed?clip=DemoFerryClip",
)
