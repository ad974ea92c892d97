"""Clips on Twitch, which yt-dlp reads without an account."""

import re

from platforms._http import HostRule
from platforms._ytdlp_site import YtdlpSite, site

_SITE = YtdlpSite(
    name="twitch",
    extractor=("twitch", "TwitchClipsIE"),
    post=re.compile(
        r"(?:clips\.twitch\.tv|twitch\.tv/\w+/clip)/(?P<id>[A-Za-z0-9]+(?:-[\w-]+)?)/?\?"
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
)
