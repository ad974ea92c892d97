"""Posts on Reddit, which yt-dlp reads without an account, and single pictures by their own link."""

import re
from urllib.parse import SplitResult

from core.media import Access, Clip, Link, Picture, Post, Rendition
from platforms._http import HostRule
from platforms._platform import FetchContext, Match, PageKind, known_post
from platforms._ytdlp import BROWSER
from platforms._ytdlp_site import YtdlpSite, site

#: The host with the prefix of another interface or language: old.reddit.com, de.reddit.com.
_HOST = r"(?:[a-z-]{1,7}\.)?reddit\.com"
#: The id of a picture or GIF ends with its format: "demo01.jpg". Ids of posts have no dot.
_PICTURE = r"(?P<picture>[A-Za-z0-9]+\.(?:jpe?g|png|webp|gif|mp4))"
#: A file of a video: "v.redd.it/demo01/DASH_720.mp4".
_VIDEO_FILE = re.compile(r"(?:v|packaged-media)\.redd\.it/(?P<video>[A-Za-z0-9]+)/.+")


class _Reddit(YtdlpSite):
    """Posts have ids such as "1demo01", and pictures such as "demo01.jpg"."""

    def recognise(self, parts: SplitResult) -> Match | PageKind | None:
        """Return what a URL is; the file of a video leads to its post like the video itself."""
        if file := _VIDEO_FILE.fullmatch(f"{parts.netloc}{parts.path}"):
            return Match(None, f"https://v.redd.it/{file['video']}")
        return super().recognise(parts)

    def post_id(self, found: re.Match[str]) -> str:
        """Return the id of a post or picture from the match of its URL.

        Ids of posts are numbers in base 36, in which some people write capital letters.
        """
        return found["picture"] or (found["id"] or found["short_id"]).lower()

    def link_to(self, post_id: str) -> str:
        """Return the URL of a post or picture by its id."""
        return f"https://i.redd.it/{post_id}" if "." in post_id else super().link_to(post_id)

    async def fetch(self, link: Link, context: FetchContext) -> Post:
        """Read a post with yt-dlp's extractor; a picture or GIF is its own file.

        Raises:
            LinkError, MediaError: the site does not provide the post.
            PlatformError: the site could not be read.
        """
        post_id = known_post(link)
        if "." not in post_id:
            return await super().fetch(link, context)
        url = self.link_to(post_id)
        access = Access(context.pages.proxy.name, {"User-Agent": BROWSER})
        # The file is probed after the download, so the codec may be a guess.
        is_moving = post_id.endswith((".gif", ".mp4"))
        item = Clip((Rendition((url,), codec="h264"),)) if is_moving else Picture((url,))
        return Post(self.name, post_id, url, access, items=(item,))


_SITE = _Reddit(
    name="reddit",
    extractor=("reddit", "RedditIE"),
    post=re.compile(
        rf"{_HOST}/(?:(?:r|user|u)/[^/?]+/)?(?:comments|gallery|duplicates|link|tb)"
        r"/(?P<id>[A-Za-z0-9]+)(?=[/?])"
        rf"|(?:i|preview)\.redd\.it/(?:[\w-]+-v0-)?{_PICTURE}/?\?"
        r"|redd\.it/(?P<short_id>[A-Za-z0-9]+)/?\?",
        re.ASCII,
    ),
    pages=(
        (PageKind.LIVE, re.compile(rf"{_HOST}/(?:live|rpan)/")),
        (
            PageKind.TAG,
            re.compile(rf"{_HOST}/(?:(?:r/[^/?]+/)?search|t/|topics|explore|r/(?:all|popular)\b)"),
        ),
        (PageKind.LIST, re.compile(rf"{_HOST}/(?:user|u)/[^/?]+/m/")),
        (PageKind.PROFILE, re.compile(rf"{_HOST}/(?:user|u)/[^/?]")),
        (PageKind.LIST, re.compile(rf"{_HOST}/r/[^/?]")),
        (PageKind.OTHER, re.compile(r"(?:[\w-]+\.)*(?:reddit\.com|redd\.it)/")),
    ),
    short=re.compile(rf"(?:{_HOST}/(?:(?:r|user|u)/[^/?]+/s|video)/|v\.redd\.it/)[A-Za-z0-9]+/?\?"),
    address="https://www.reddit.com/comments/{}",
    page_hosts=HostRule(("reddit.com", "redd.it")),
    media_hosts=HostRule(("redd.it", "redditmedia.com")),
)

PLATFORM = site(
    _SITE,
    "Reddit",
    "https://www.reddit.com/r/ferries/comments/1demo01/a_crossing/",
    "https://old.reddit.com/r/ferries/comments/1demo01/a_crossing/kdemo01/",
    "https://www.reddit.com/user/ferry/comments/1demo01/a_crossing/",
    "https://www.reddit.com/gallery/1demo01",
    "https://redd.it/1demo01",
    "https://www.reddit.com/r/ferries/s/Demo01",
    "https://v.redd.it/demo01",
    "https://i.redd.it/demo01.jpg",
)
