"""The definition of a platform (a site), and helpers for links."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import SplitResult, urlsplit

from core.errors import BrokenLinkError, PlatformRefusedError
from core.media import Link, Post
from platforms._external_apis import ExternalApis
from platforms._http import LOGIN_PAGES, MAX_REDIRECTS, HostRule, WebClient
from platforms._ytdlp import PageReader


@dataclass(frozen=True, slots=True)
class FetchContext:
    """The clients for one attempt at one post; all of them use the same proxy."""

    #: Resolves short links and downloads files.
    web: WebClient
    #: Reads pages, through yt-dlp.
    pages: PageReader
    #: The operator's own services; reached directly.
    external_apis: ExternalApis


@dataclass(frozen=True, slots=True)
class Match:
    """The result of recognising a URL as one of a platform's posts."""

    #: The platform's id of the post, or None for a short link.
    post_id: str | None


class Need(Enum):
    """What the operator must configure before a layer is used."""

    NOTHING = auto()
    COOKIES = auto()
    COBALT = auto()
    RAPIDAPI = auto()


@dataclass(frozen=True, slots=True)
class Layer:
    """One method of reading a platform's posts; a platform tries its layers in order."""

    #: Name for logs and metrics.
    name: str
    #: Reads the post behind a link.
    fetch: Callable[[Link, FetchContext], Awaitable[Post]]
    need: Need = Need.NOTHING
    #: If True, `fetch` accepts short links; otherwise they are resolved first.
    takes_short_links: bool = False

    @property
    def is_signed_in(self) -> bool:
        """Return True if the layer sends the operator's cookies."""
        return self.need is Need.COOKIES


@dataclass(frozen=True, slots=True)
class Platform:
    """One site: its links, its hosts and the layers that read its posts."""

    #: Lower-case identifier; stored in the database and used in metrics and file names.
    name: str
    #: The site's name as users know it.
    title: str
    #: One example URL for each recognised form.
    examples: tuple[str, ...]
    #: Returns a Match if the URL is one of this site's posts, otherwise None. Sends no request.
    recognise: Callable[[SplitResult], Match | None]
    #: The methods of reading a post, best first.
    layers: tuple[Layer, ...]
    #: Hosts of pages and short links; redirects may not leave them.
    page_hosts: HostRule
    #: Hosts of media files; redirects may not leave them.
    media_hosts: HostRule
    #: Returns the URL of a post by its id.
    link_to: Callable[[str], str]
    #: User-Agent for short links. Sites redirect tools, but show browsers a page instead.
    expander: str = "curl/7.88.1"

    def find(self, url: str) -> Link | None:
        """Return a link if the URL is one of this platform's posts, otherwise None.

        Sends no request.
        """
        parts = clean_split(url)
        match = self.recognise(parts) if parts else None
        return Link(self.name, url, match.post_id) if match else None


def known_post(link: Link) -> str:
    """Return the post id of a link that is not, or no longer, a short link."""
    assert link.post_id is not None
    return link.post_id


async def resolve(link: Link, platform: Platform, web: WebClient) -> str:
    """Follow the redirects of a short link on the site's hosts and return the post id.

    Raises:
        BrokenLinkError: the link leads to no post, or to another host.
        PlatformRefusedError: the link leads to a login page.
        PlatformError: the site gave no usable response.
    """
    url = link.url
    for _ in range(MAX_REDIRECTS):
        headers = {"User-Agent": platform.expander}
        target = await web.redirect_target(url, platform.page_hosts, headers)
        parts = clean_split(target) if target else None
        if target is None or parts is None:
            break
        if parts.path.startswith(LOGIN_PAGES):
            raise PlatformRefusedError("redirected to the login page")
        match = platform.recognise(parts)
        if match and match.post_id:
            return match.post_id
        url = target
    raise BrokenLinkError("the short link leads to no post")


def clean_split(url: str) -> SplitResult | None:
    """Parse a URL strictly; return None if it is invalid or suspicious.

    Accepted are http and https URLs of at most 2 048 characters with an ASCII host, without
    credentials and without a custom port. The returned host is in lower case and has no trailing
    dot.
    """
    if len(url) > 2_048 or any(character <= " " for character in url):
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc:
        return None
    if port not in {None, 80, 443} or not host.isascii():
        return None
    return parts._replace(netloc=host.removesuffix("."))
