"""Sites that yt-dlp reads without an account, one value each. `[sites] allowed` says which are served.

Chosen by what works signed out with yt-dlp 2026.10.26. YouTube is here but not allowed by default: since
November 2025 yt-dlp needs a JavaScript runtime for it. Vimeo shows signed-out clients a captcha.
"""

import re

from platforms._generic import SiteReader, site
from platforms._http import HostRule

_X = SiteReader(
    name="x",
    extractor=("twitter", "TwitterIE"),
    hosts=frozenset({"x.com", "twitter.com"}),
    path=re.compile(r"/(?:i/web|i|[A-Za-z0-9_]+)/status(?:es)?/(?P<id>\d+)"),
    address="https://x.com/i/status/{}",
    page_hosts=HostRule(("x.com", "twitter.com", "twimg.com")),
)
_REDDIT = SiteReader(
    name="reddit",
    extractor=("reddit", "RedditIE"),
    hosts=frozenset({"reddit.com"}),
    path=re.compile(r"/(?:(?:r|user|u)/[^/]+/)?comments/(?P<id>[a-z0-9]+)"),
    address="https://www.reddit.com/comments/{}",
    page_hosts=HostRule(("reddit.com", "redd.it")),
    short_path=re.compile(r"/(?:r/[^/]+/s/)?[A-Za-z0-9]+/?\?"),
    short_hosts=frozenset({"reddit.com", "redd.it"}),
)
_PINTEREST = SiteReader(
    name="pinterest",
    extractor=("pinterest", "PinterestIE"),
    hosts=frozenset(
        f"{country}pinterest.{end}"
        for country in ("", "br.", "de.", "es.", "fr.", "id.", "in.", "it.", "ru.", "tr.", "uk.")
        for end in ("com", "co.uk", "de", "fr", "es", "it", "ca", "at", "ch", "pt", "ru", "nz")
    ),
    path=re.compile(r"/pin/(?:[\w-]+--)?(?P<id>\d+)"),
    address="https://www.pinterest.com/pin/{}/",
    page_hosts=HostRule(("pinterest.com", "pin.it")),
    short_path=re.compile(r"/\w+/?\?"),
    short_hosts=frozenset({"pin.it"}),
)
_FACEBOOK = SiteReader(
    name="facebook",
    extractor=("facebook", "FacebookIE"),
    hosts=frozenset({"facebook.com"}),
    path=re.compile(
        r"/(?:reel/|watch/?\?(?:.*&)?v=|[^/?]+/videos/(?:[^/?]+/)?|video\.php\?v=)(?P<id>\d+)"
    ),
    address="https://www.facebook.com/watch/?v={}",
    page_hosts=HostRule(("facebook.com", "fb.watch")),
    short_path=re.compile(r"/(?:share/(?:v|r)/)?[\w-]+/?\?"),
    short_hosts=frozenset({"fb.watch"}),
)
_BLUESKY = SiteReader(
    name="bluesky",
    extractor=("bluesky", "BlueskyIE"),
    hosts=frozenset({"bsky.app"}),
    path=re.compile(r"/profile/(?P<id>[\w.:%-]+/post/\w+)"),
    address="https://bsky.app/profile/{}",
    page_hosts=HostRule(("bsky.app", "bsky.social", "bsky.network", "plc.directory")),
)
_SNAPCHAT = SiteReader(
    name="snapchat",
    extractor=("snapchat", "SnapchatSpotlightIE"),
    hosts=frozenset({"snapchat.com"}),
    path=re.compile(r"/spotlight/(?P<id>\w+)"),
    address="https://www.snapchat.com/spotlight/{}",
    page_hosts=HostRule(("snapchat.com",)),
)
_STREAMABLE = SiteReader(
    name="streamable",
    extractor=("streamable", "StreamableIE"),
    hosts=frozenset({"streamable.com"}),
    path=re.compile(r"/(?:[es]/)?(?P<id>[a-z0-9]{4,12})/?\?"),
    address="https://streamable.com/{}",
    page_hosts=HostRule(("streamable.com",)),
)
_TWITCH = SiteReader(
    name="twitch",
    extractor=("twitch", "TwitchClipsIE"),
    hosts=frozenset({"twitch.tv", "clips.twitch.tv"}),
    path=re.compile(r"/(?:\w+/clip/)?(?P<id>[A-Za-z0-9]{6,}(?:-[\w-]+)?)/?\?"),
    address="https://clips.twitch.tv/{}",
    page_hosts=HostRule(("twitch.tv",)),
)
_YOUTUBE = SiteReader(
    name="youtube",
    extractor=("youtube", "YoutubeIE"),
    hosts=frozenset({"youtube.com", "youtu.be"}),
    path=re.compile(r"/(?:shorts/|watch\?(?:.*&)?v=|live/)?(?P<id>[\w-]{11})(?![\w-])"),
    address="https://www.youtube.com/watch?v={}",
    page_hosts=HostRule(("youtube.com", "youtu.be", "googleapis.com")),
)

PLATFORMS = (
    site(
        _X,
        "X",
        media_hosts=("twimg.com",),
        examples=("https://x.com/ferry_demo/status/1790000000000000001",),
    ),
    site(
        _REDDIT,
        "Reddit",
        media_hosts=("redd.it", "redditmedia.com"),
        examples=("https://www.reddit.com/r/ferries/comments/1demo01/a_crossing/",),
    ),
    site(
        _PINTEREST,
        "Pinterest",
        media_hosts=("pinimg.com",),
        examples=("https://www.pinterest.com/pin/7300000001/", "https://pin.it/demo001"),
    ),
    site(
        _FACEBOOK,
        "Facebook",
        media_hosts=("fbcdn.net",),
        examples=("https://www.facebook.com/reel/7300000001", "https://fb.watch/demo001/"),
    ),
    site(
        _BLUESKY,
        "Bluesky",
        media_hosts=("bsky.network", "bsky.app", "bsky.social"),
        examples=("https://bsky.app/profile/ferry.example/post/3demo01",),
    ),
    site(
        _SNAPCHAT,
        "Snapchat",
        media_hosts=("sc-cdn.net", "snapchat.com"),
        examples=("https://www.snapchat.com/spotlight/W7_demo01",),
    ),
    site(
        _STREAMABLE,
        "Streamable",
        media_hosts=("streamable.com",),
        examples=("https://streamable.com/demo01",),
    ),
    site(
        _TWITCH,
        "Twitch clips",
        media_hosts=("twitch.tv", "twitchcdn.net", "jtvnw.net", "cloudfront.net"),
        examples=(
            "https://clips.twitch.tv/DemoFerryClip-abc",
            "https://www.twitch.tv/ferry/clip/DemoFerryClip",
        ),
    ),
    site(
        _YOUTUBE,
        "YouTube",
        media_hosts=("googlevideo.com", "ytimg.com"),
        examples=("https://www.youtube.com/shorts/DemoShort01", "https://youtu.be/DemoShort01"),
    ),
)
