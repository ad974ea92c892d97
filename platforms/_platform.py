"""What a platform is: a value with examples, one file per site."""

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
    """The tools for one attempt at one post: everything goes through one exit, under one deadline."""

    #: For redirects and files.
    web: WebClient
    #: For pages, through yt-dlp.
    pages: PageReader
    #: The operator's other services.
    external_apis: ExternalApis


@dataclass(frozen=True, slots=True)
class Match:
    """What a platform sees in an address that is its own."""

    #: The platform's id of the post, or None for a short link.
    post_id: str | None


class Need(Enum):
    """What the operator must have configured for a layer to be used."""

    NOTHING = auto()
    COOKIES = auto()
    COBALT = auto()
    RAPIDAPI = auto()


@dataclass(frozen=True, slots=True)
class Layer:
    """One way of reading a platform's posts. A platform has several, and they are asked in order."""

    #: For logs and health.
    name: str
    #: Reads the post behind a link.
    fetch: Callable[[Link, FetchContext], Awaitable[Post]]
    need: Need = Need.NOTHING
    #: It reads short links as they are; the others are told which post it is.
    takes_short_links: bool = False

    @property
    def is_signed_in(self) -> bool:
        """Tell whether it sees what only members see."""
        return self.need is Need.COOKIES


@dataclass(frozen=True, slots=True)
class Platform:
    """One site: what its links look like, where it may be fetched from, and how a post is read."""

    #: Lower case; stored in the database and used for file names.
    name: str
    #: As people write it.
    title: str
    #: One address for every form that is recognised.
    examples: tuple[str, ...]
    #: Reads an address without fetching anything: a Match, or None when it is not a post's.
    recognise: Callable[[SplitResult], Match | None]
    #: The ways of reading a post, the best first.
    layers: tuple[Layer, ...]
    #: Where its pages and short links live; redirects may not leave these hosts.
    page_hosts: HostRule
    #: Where its files live; redirects may not leave these hosts.
    media_hosts: HostRule
    #: Gives the address of a post of which only the id is known.
    link_to: Callable[[str], str]
    #: Who asks where a short link leads: browsers get a page, and others a redirect.
    expander: str = "curl/7.88.1"

    def find(self, url: str) -> Link | None:
        """Recognise an address as one of this platform's posts; fetches nothing."""
        parts = clean_split(url)
        match = self.recognise(parts) if parts else None
        return Link(self.name, url, match.post_id) if match else None


def known_post(link: Link) -> str:
    """Give the id of the post behind a link that is no short link, or not any more."""
    assert link.post_id is not None
    return link.post_id


async def resolve(link: Link, platform: Platform, web: WebClient) -> str:
    """Follow a short link, hop by hop and only on the site's hosts, until a post appears; give its id.

    Raises:
        BrokenLinkError: it leads to no post, or away from the hosts.
        PlatformRefusedError: it leads to a login page.
        PlatformError: no usable answer.
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
    raise BrokenLinkError("a short link that leads to no post")


def clean_split(url: str) -> SplitResult | None:
    """Take an address apart, or give None if nobody would write it in good faith.

    Only http and https, at most 2 048 characters, no credentials, no port but the usual one. The
    host comes out in lower case and without a trailing dot.
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
