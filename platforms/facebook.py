"""Videos, reels and posts with videos on Facebook, which yt-dlp reads without an account.

A single photo is a post that nothing here can read. Signed out, Facebook shows a few pages of
photos and then redirects to its login, and each photo of a post has a page of its own, so clients
that read them need an account. Source: https://github.com/mikf/gallery-dl/issues/6872
"""

import re
from typing import Any, Final

from platforms._http import HostRule
from platforms._platform import PageKind
from platforms._ytdlp_site import YtdlpSite, site

#: The host without its prefix: fb.com redirects to facebook.com; others are languages, or old.
_HOST = r"(?:(?:mbasic|[a-z]{2}-[a-z]{2})\.)?(?:facebook|fb)\.com"
_POST = re.compile(
    rf"{_HOST}/(?:"
    # A video, by its id alone.
    r"(?:reels?/|watch/?\?(?:.*&)?v=|watch/live/?\?(?:.*&)?v=|[^/?]+/videos/(?:[^/?]+/)?"
    r"|video(?:/video)?\.php\?(?:.*&)?v=)(?P<id>\d+)"
    # A post, by its id and its author or group.
    r"|groups/(?P<group>[\w.-]+)/(?:posts|permalink)/(?:[^/?]+/)?(?P<group_post>\d+|pfbid\w+)"
    r"|groups/(?P<shared_in>[\w.-]+)/?\?(?:.*&)?multi_permalinks=(?P<shared_post>\d+|pfbid\w+)"
    r"|(?!groups/)(?P<user>[\w.-]+)/posts/(?:[^/?]+/)?(?P<user_post>\d+|pfbid\w+)"
    r"|(?:story|permalink)\.php\?(?=(?:.*&)?story_fbid=(?P<story>\d+|pfbid\w+))"
    r"(?=(?:.*&)?id=(?P<author>\d+))"
    r")",
    re.ASCII,
)
#: Marks of the data that yt-dlp looks for in a page: of JSON, and of calls of scripts.
_JSON_MARK: Final = "data-sjs>"
_JSON_TAG: Final = re.compile(rf"<script\b[^<>]*\b{_JSON_MARK}")
_CALL: Final = re.compile(r"(handleServerJS|s\.handle|bigPipe\.onPageletArrive)\(")


class _Facebook(YtdlpSite):
    """Posts have ids such as "user/posts/1" and "groups/group/posts/1", videos only numbers."""

    def post_id(self, found: re.Match[str]) -> str:
        """Return the id of a video or post from the match of its URL."""
        if found["id"]:
            return found["id"]
        if group := found["group"] or found["shared_in"]:
            return f"groups/{group}/posts/{found['group_post'] or found['shared_post']}"
        return f"{found['user'] or found['author']}/posts/{found['user_post'] or found['story']}"

    def link_to(self, post_id: str) -> str:
        """Return the URL of a video or post by its id."""
        if "/" in post_id:
            return f"https://www.facebook.com/{post_id}"
        return super().link_to(post_id)

    def extract(self, extractor: Any, url: str) -> Any:
        """Return what yt-dlp reads in the page after `in_lines`."""
        download = extractor._download_webpage

        def download_in_lines(*args: Any, **options: Any) -> Any:
            page = download(*args, **options)
            return in_lines(page) if isinstance(page, str) else page

        extractor._download_webpage = download_in_lines
        return super().extract(extractor, url)


def in_lines(page: str) -> str:
    """Return a page in which each piece of data has a line of its own, and no text looks like data.

    From each mark on, yt-dlp searches the rest of the line. Without this, a post whose text repeats
    a mark would stop the bot for minutes: nothing interrupts such a search.
    """
    *scripts, rest = page.split("</script>")
    return "</script>\n".join([*map(_script_in_lines, scripts), _calls_in_lines(rest)])


def _script_in_lines(part: str) -> str:
    """Convert what ends with a script. In texts on the page, "<" is escaped."""
    tag = _JSON_TAG.search(part)
    if tag is None or not part.endswith("}"):
        return _calls_in_lines(part)
    data = _CALL.sub(r"\1 (", part[tag.end() :].replace(_JSON_MARK, ""))
    return f"{_calls_in_lines(part[: tag.start()])}\n{tag[0]}{data}"


def _calls_in_lines(text: str) -> str:
    return _CALL.sub(r"\n\1(", text.replace(_JSON_MARK, ""))


_SITE = _Facebook(
    name="facebook",
    extractor=("facebook", "FacebookIE"),
    post=_POST,
    pages=(
        (PageKind.UNREADABLE, re.compile(rf"{_HOST}/photo(?:\.php|/)?/?\?(?:.*&)?fbid=")),
        (PageKind.UNREADABLE, re.compile(rf"{_HOST}/[^/?]+/photos/(?:[^/?]+/)*\d+", re.ASCII)),
        (PageKind.STORIES, re.compile(rf"{_HOST}/stories/")),
        (
            PageKind.LIVE,
            re.compile(rf"{_HOST}/(?:watch/)?live(?:/|\?)|{_HOST}/[^/?]+/live(?:/|\?)"),
        ),
        (PageKind.TAG, re.compile(rf"{_HOST}/(?:hashtag|search|explore|places)/")),
        (PageKind.AUDIO, re.compile(rf"{_HOST}/(?:reels?/)?(?:audio|music)/")),
        (PageKind.LIST, re.compile(rf"{_HOST}/(?:groups|playlist|media/set|watch/\d)")),
        (PageKind.PROFILE, re.compile(rf"{_HOST}/(?:profile\.php\?|people/|pages/|pg/)")),
        (
            PageKind.OTHER,
            re.compile(
                rf"{_HOST}/(?:\?|(?:watch|reels?|events|marketplace|gaming|login|share|help|stories"
                r"|sharer|plugins|ads|policies|privacy|settings|notifications|messages|friends"
                r"|checkpoint|accounts|cookie|permalink|story|video|video\.php|photo|about)\b)"
            ),
        ),
        (PageKind.PROFILE, re.compile(rf"{_HOST}/[^/?]+/?(?:\?|(?:about|photos|videos|reels)\b)")),
        (PageKind.OTHER, re.compile(r"(?:[\w-]+\.)*(?:facebook\.com|fb\.com|fb\.watch)/")),
    ),
    short=re.compile(rf"(?:{_HOST}/share/(?:[vrp]/)?|fb\.watch/)[\w-]{{3,}}/?\?", re.ASCII),
    address="https://www.facebook.com/watch/?v={}",
    page_hosts=HostRule(("facebook.com", "fb.watch", "fb.com")),
    media_hosts=HostRule(("fbcdn.net",)),
)

PLATFORM = site(
    _SITE,
    "Facebook",
    "https://www.facebook.com/reel/7300000001",
    "https://www.facebook.com/watch/?v=7300000001",
    "https://www.facebook.com/ferry.demo/videos/7300000001/",
    "https://www.facebook.com/ferry.demo/posts/pfbid0Demo01",
    "https://www.facebook.com/groups/ferries/posts/7300000002/",
    "https://www.facebook.com/groups/ferries/permalink/7300000002/",
    "https://m.facebook.com/story.php?story_fbid=7300000002&id=100000000000001",
    "https://www.facebook.com/permalink.php?story_fbid=pfbid0Demo01&id=100000000000001",
    "https://www.facebook.com/share/v/Demo01/",
    "https://www.facebook.com/share/p/Demo01/",
    "https://www.facebook.com/share/Demo01/",
    "https://fb.watch/demo001/",
)
