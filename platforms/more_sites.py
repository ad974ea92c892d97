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
    post=re.compile(r"(?:x|twitter)\.com/(?:i/web|i|[A-Za-z0-9_]+)/status(?:es)?/(?P<id>\d+)"),
    address="https://x.com/i/status/{}",
    page_hosts=HostRule(("x.com", "twitter.com")),
    media_hosts=HostRule(("twimg.com",)),
)
_REDDIT = SiteReader(
    name="reddit",
    extractor=("reddit", "RedditIE"),
    post=re.compile(r"reddit\.com/(?:(?:r|user|u)/[^/]+/)?comments/(?P<id>[a-z0-9]+)"),
    short=re.compile(r"(?:reddit\.com/(?:r|user|u)/[^/]+/s/|redd\.it/)[A-Za-z0-9]+/?\?"),
    address="https://www.reddit.com/comments/{}",
    page_hosts=HostRule(("reddit.com", "redd.it")),
    media_hosts=HostRule(("redd.it", "redditmedia.com")),
)
_PINTEREST = SiteReader(
    name="pinterest",
    extractor=("pinterest", "PinterestIE"),
    post=re.compile(
        r"(?:[a-z]{2}\.)?pinterest\.(?:com|[a-z]{2}|co\.[a-z]{2}|com\.[a-z]{2})"
        r"/pin/(?:[\w-]+--)?(?P<id>\d+)"
    ),
    short=re.compile(r"pin\.it/\w+/?\?"),
    address="https://www.pinterest.com/pin/{}/",
    page_hosts=HostRule(("pinterest.com", "pin.it")),
    media_hosts=HostRule(("pinimg.com",)),
)
_FACEBOOK = SiteReader(
    name="facebook",
    extractor=("facebook", "FacebookIE"),
    post=re.compile(
        r"facebook\.com/(?:reel/|watch/?\?(?:.*&)?v=|[^/?]+/videos/(?:[^/?]+/)?|video\.php\?v=)"
        r"(?P<id>\d+)"
    ),
    short=re.compile(r"(?:facebook\.com/share/[vr]/|fb\.watch/)[\w-]+/?\?"),
    address="https://www.facebook.com/watch/?v={}",
    page_hosts=HostRule(("facebook.com", "fb.watch")),
    media_hosts=HostRule(("fbcdn.net",)),
)
_BLUESKY = SiteReader(
    name="bluesky",
    extractor=("bluesky", "BlueskyIE"),
    post=re.compile(r"bsky\.app/profile/(?P<id>[\w.:%-]+/post/\w+)"),
    address="https://bsky.app/profile/{}",
    page_hosts=HostRule(("bsky.app", "bsky.social", "bsky.network", "plc.directory")),
    media_hosts=HostRule(("bsky.network", "bsky.app", "bsky.social")),
)
_SNAPCHAT = SiteReader(
    name="snapchat",
    extractor=("snapchat", "SnapchatSpotlightIE"),
    post=re.compile(r"snapchat\.com/spotlight/(?P<id>\w+)"),
    address="https://www.snapchat.com/spotlight/{}",
    page_hosts=HostRule(("snapchat.com",)),
    media_hosts=HostRule(("sc-cdn.net", "snapchat.com")),
)
_STREAMABLE = SiteReader(
    name="streamable",
    extractor=("streamable", "StreamableIE"),
    post=re.compile(
        r"streamable\.com/(?!(?:login|signup|terms|privacy|pricing)\b)"
        r"(?:[es]/)?(?P<id>[a-z0-9]{4,12})/?\?"
    ),
    address="https://streamable.com/{}",
    page_hosts=HostRule(("streamable.com",)),
    media_hosts=HostRule(("streamable.com",)),
)
_TWITCH = SiteReader(
    name="twitch",
    extractor=("twitch", "TwitchClipsIE"),
    post=re.compile(
        r"(?:clips\.twitch\.tv|twitch\.tv/\w+/clip)/(?P<id>[A-Za-z0-9]+(?:-[\w-]+)?)/?\?"
    ),
    address="https://clips.twitch.tv/{}",
    page_hosts=HostRule(("twitch.tv",)),
    media_hosts=HostRule(("twitch.tv", "twitchcdn.net", "jtvnw.net", "cloudfront.net")),
)
_YOUTUBE = SiteReader(
    name="youtube",
    extractor=("youtube", "YoutubeIE"),
    post=re.compile(
        r"(?:youtu\.be/|youtube\.com/(?:shorts/|live/|watch\?(?:.*&)?v=))"
        r"(?P<id>[\w-]{11})(?![\w-])"
    ),
    address="https://www.youtube.com/watch?v={}",
    page_hosts=HostRule(("youtube.com", "youtu.be", "googleapis.com")),
    media_hosts=HostRule(("googlevideo.com", "ytimg.com")),
)

PLATFORMS = (
    site(_X, "X", "https://x.com/ferry_demo/status/1790000000000000001"),
    site(
        _REDDIT,
        "Reddit",
        "https://www.reddit.com/r/ferries/comments/1demo01/a_crossing/",
        "https://www.reddit.com/r/ferries/s/Demo01",
    ),
    site(
        _PINTEREST,
        "Pinterest",
        "https://www.pinterest.com/pin/7300000001/",
        "https://pin.it/demo001",
    ),
    site(
        _FACEBOOK,
        "Facebook",
        "https://www.facebook.com/reel/7300000001",
        "https://www.facebook.com/share/v/Demo01/",
        "https://fb.watch/demo001/",
    ),
    site(_BLUESKY, "Bluesky", "https://bsky.app/profile/ferry.example/post/3demo01"),
    site(_SNAPCHAT, "Snapchat", "https://www.snapchat.com/spotlight/W7_demo01"),
    site(_STREAMABLE, "Streamable", "https://streamable.com/demo01"),
    site(
        _TWITCH,
        "Twitch clips",
        "https://clips.twitch.tv/DemoFerryClip-abc",
        "https://www.twitch.tv/ferry/clip/DemoFerryClip",
    ),
    site(
        _YOUTUBE,
        "YouTube",
        "https://www.youtube.com/shorts/DemoShort01",
        "https://youtu.be/DemoShort01",
    ),
)
