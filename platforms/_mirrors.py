"""Addresses that stand for an address of a site: mirrors, pages that redirect out, damaged ones.

Mirrors ("embed fixers" and alternative front ends) have the paths of the site itself. They and the
redirecting pages are only translated here; none of them is ever requested. Source of the names:
the public READMEs and settings of embed fixers and of bots that rewrite links for them.
"""

import re
from typing import Final
from urllib.parse import SplitResult, parse_qs, unquote, urljoin, urlsplit

from platforms._platform import clean_split

#: Domain of a mirror, with all its subdomains, and the host that it stands for.
_MIRRORS: Final = {
    "cunnyx.com": "x.com",
    "fixupx.com": "x.com",
    "fixvx.com": "x.com",
    "fxtwitter.com": "x.com",
    "girlcockx.com": "x.com",
    "nitter.net": "x.com",
    "nitter.poast.org": "x.com",
    "nitter.tiekoetter.com": "x.com",
    "pxtwitter.com": "x.com",
    "stupidpenisx.com": "x.com",
    "twitterez.com": "x.com",
    "twittpr.com": "x.com",
    "vxtwitter.com": "x.com",
    "xcancel.com": "x.com",
    "xeezz.com": "x.com",
    "xfixup.com": "x.com",
    "67instagram.com": "www.instagram.com",
    "ddinstagram.com": "www.instagram.com",
    "dtoinstagram.com": "www.instagram.com",
    "eeinstagram.com": "www.instagram.com",
    "fxig.seria.moe": "www.instagram.com",
    "fxinstagram.com": "www.instagram.com",
    "fxstagram.com": "www.instagram.com",
    "gginstagram.com": "www.instagram.com",
    "instagram7.com": "www.instagram.com",
    "instagramez.com": "www.instagram.com",
    "instagramfix.com": "www.instagram.com",
    "kkclip.com": "www.instagram.com",
    "kkinstagram.com": "www.instagram.com",
    "kkkinstagram.com": "www.instagram.com",
    "oginstagram.com": "www.instagram.com",
    "rxinstagram.com": "www.instagram.com",
    "toinstagram.com": "www.instagram.com",
    "uuinstagram.com": "www.instagram.com",
    "vxinstagram.com": "www.instagram.com",
    "xnstagram.com": "www.instagram.com",
    "zzinstagram.com": "www.instagram.com",
    "fixthreads.net": "www.threads.com",
    "vxthreads.net": "www.threads.com",
    "fixtiktok.com": "www.tiktok.com",
    "kktiktok.com": "www.tiktok.com",
    "tfxktok.com": "www.tiktok.com",
    "tiktokez.com": "www.tiktok.com",
    "tiktxk.com": "www.tiktok.com",
    "tnktok.com": "www.tiktok.com",
    "vxtiktok.com": "www.tiktok.com",
    "fxreddit.seria.moe": "www.reddit.com",
    "redditez.com": "www.reddit.com",
    "redditfix.com": "www.reddit.com",
    "rxddit.com": "www.reddit.com",
    "vxreddit.com": "www.reddit.com",
    "boobsky.app": "bsky.app",
    "bskx.app": "bsky.app",
    "bskye.app": "bsky.app",
    "bskyx.app": "bsky.app",
    "bsyy.app": "bsky.app",
    "cbsky.app": "bsky.app",
    "fxbsky.app": "bsky.app",
    "vxbsky.app": "bsky.app",
    "xbsky.app": "bsky.app",
    "facebed.com": "www.facebook.com",
    "facebed.seria.moe": "www.facebook.com",
    "facebookez.com": "www.facebook.com",
    "fixacebook.com": "www.facebook.com",
    "fxfb.seria.moe": "www.facebook.com",
    "fxtwitch.seria.moe": "www.twitch.tv",
    "fxtwitch.tv": "www.twitch.tv",
    "snapchatez.com": "www.snapchat.com",
    "pinterestez.com": "www.pinterest.com",
    "koutube.com": "www.youtube.com",
    "yewtu.be": "www.youtube.com",
    "yfxtube.com": "www.youtube.com",
    "youtubeez.com": "www.youtube.com",
}
#: Subdomains that a mirror shares with its site; all others only choose how the mirror looks.
_SHARED_SUBDOMAINS: Final = {"vm", "vt", "clips"}
#: Path of a TikTok short link on a mirror that has no host of its own for them.
_TIKTOK_SHORT_PATH: Final = re.compile(r"/Z[A-Za-z0-9]{6,}/?")

#: Pages that redirect to the address in their query: host, start of the path, parameters.
_REDIRECTING_PAGES: Final = (
    ("l.instagram.com", "/", ("u",)),
    ("l.facebook.com", "/", ("u",)),
    ("lm.facebook.com", "/", ("u",)),
    ("facebook.com", "/l.php", ("u",)),
    ("facebook.com", "/flx/warn", ("u",)),
    ("l.messenger.com", "/", ("u",)),
    ("l.threads.com", "/", ("u",)),
    ("l.threads.net", "/", ("u",)),
    ("l.wl.co", "/", ("u",)),
    ("out.reddit.com", "/", ("url",)),
    ("reddit.com", "/media", ("url",)),
    ("tiktok.com", "/link/v2", ("target",)),
    ("pinterest.com", "/offsite", ("url",)),
    ("youtube.com", "/redirect", ("q",)),
    ("youtube.com", "/attribution_link", ("u",)),
    ("google.com", "/url", ("q", "url")),
    ("duckduckgo.com", "/l/", ("uddg",)),
    ("vk.com", "/away.php", ("to",)),
    ("away.vk.com", "/", ("to",)),
)
#: Redirecting pages may contain each other.
_MAX_NESTING: Final = 4

#: A path with a query behind "&", or behind an encoded "?". Names in a path may contain "&" too.
_GLUED_QUERY: Final = re.compile(r"(?P<path>[^&]*?)(?:&(?=[\w-]+=)|%3[Ff])(?P<query>.*)")
#: The pages whose fragment was the path of what they showed, and such a fragment: "#!/user".
#: Source: the old addresses of Twitter, Facebook, TikTok and YouTube's mobile page.
_FRAGMENT_PAGES: Final = re.compile(r"/?|/(?:home\.php|foryou)/?")
_PATH_FRAGMENT: Final = re.compile(r"!?(?=/.)")
#: Apps that copy links encode the "@" before a name, and join addresses with one slash too many.
_DAMAGED_PATH: Final = re.compile("%40|//")


#: Hosts whose pages offer to share the link in their query. Pages of other hosts are not read for
#: links: whoever sends one means that page.
_SHARING_HOSTS: Final = frozenset(
    {"t.me", "telegram.me", "telegram.dog", "wa.me", "api.whatsapp.com", "web.whatsapp.com"}
)


def is_sharing_page(url: str) -> bool:
    """Return True if a URL belongs to a messenger's pages for sharing links."""
    parts = clean_split(url)
    return parts is not None and parts.hostname in _SHARING_HOSTS


def original_url(url: str) -> str:
    """Return the site's own URL for a URL of a mirror or of a page that redirects out of a site.

    URLs whose query was separated wrongly, and old ones with the path behind "#!", are repaired.
    Other URLs, also invalid ones, are returned unchanged.
    """
    for _ in range(_MAX_NESTING):
        url = _repaired(url)
        parts = clean_split(url)
        target = parts and (_target_of(parts) or _without_mirror(parts))
        if not target:
            break
        url = target
    return url


def _repaired(url: str) -> str:
    """Return a URL with its path and query where they belong."""
    # Copied from the source of a page.
    url = url.replace("&amp;", "&")
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if _FRAGMENT_PAGES.fullmatch(parts.path) and (mark := _PATH_FRAGMENT.match(parts.fragment)):
        path, _, query = parts.fragment[mark.end() :].partition("?")
        parts = parts._replace(path=path, query=query, fragment="")
        url = parts.geturl()
    if _DAMAGED_PATH.search(parts.path):
        parts = parts._replace(path=re.sub("//+", "/", parts.path.replace("%40", "@")))
        url = parts.geturl()
    if glued := _GLUED_QUERY.fullmatch(parts.path):
        query = glued["query"] if "=" in glued["query"] else unquote(glued["query"])
        query = "&".join(filter(None, [query, parts.query]))
        url = parts._replace(path=glued["path"], query=query).geturl()
    return url


def _target_of(parts: SplitResult) -> str | None:
    """Return the target of a redirecting page, or None for any other page."""
    host = re.sub(r"^(?:www|m)\.", "", parts.netloc)
    for page_host, path, names in _REDIRECTING_PAGES:
        if host == page_host and parts.path.startswith(path):
            query = parse_qs(parts.query)
            value = next((query[name][0] for name in names if name in query), None)
            return _joined(parts.geturl(), value) if value else None
    return None


def _joined(url: str, value: str) -> str | None:
    try:
        return urljoin(url, value)
    except ValueError:
        return None


def _without_mirror(parts: SplitResult) -> str | None:
    """Return the URL on the host that a mirror stands for, or None if the host is no mirror."""
    labels = parts.netloc.split(".")
    for position in range(len(labels) - 1):
        host = _MIRRORS.get(".".join(labels[position:]))
        if host is None:
            continue
        shared = [label for label in labels[:position] if label in _SHARED_SUBDOMAINS]
        if host == "www.tiktok.com" and _TIKTOK_SHORT_PATH.fullmatch(parts.path):
            shared = shared or ["vm"]
        netloc = f"{shared[0]}.{host.removeprefix('www.')}" if shared else host
        return parts._replace(scheme="https", netloc=netloc).geturl()
    return None
