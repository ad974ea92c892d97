"""What a platform is: a value with examples, one file per site."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from urllib.parse import SplitResult, urlsplit

from core.media import Link, Post
from platforms._helpers import Helpers
from platforms._http import HostRule, WebClient
from platforms._ytdlp import PageReader


@dataclass(frozen=True, slots=True)
class Visit:
    """The tools for one attempt at one post: everything goes through one exit, under one deadline."""

    #: For redirects and files.
    web: WebClient
    #: For pages, through yt-dlp.
    pages: PageReader
    #: The operator's other services.
    helpers: Helpers


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
    fetch: Callable[[Link, Visit], Awaitable[Post]]
    need: Need = Need.NOTHING

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

    def find(self, url: str) -> Link | None:
        """Recognise an address as one of this platform's posts; fetches nothing."""
        parts = clean_split(url)
        match = self.recognise(parts) if parts else None
        return Link(self.name, url, match.post_id) if match else None


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
