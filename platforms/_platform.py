"""The definition of a platform (a site), and helpers for links."""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final
from urllib.parse import SplitResult, parse_qs, parse_qsl, unquote, urlencode, urljoin, urlsplit

from core.errors import (
    AudioPageError,
    BrokenLinkError,
    ClipferryError,
    ExpiredLinkError,
    HighlightsError,
    ListError,
    ListFoundError,
    LiveError,
    NoMediaError,
    PlatformRefusedError,
    ProfileError,
    RegionBlockedError,
    StoriesError,
    StreamingServiceError,
    TagPageError,
    UnnamedPostError,
)
from core.lists import Listing
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
    #: The short link to resolve, if it is not the URL itself.
    short_url: str = ""


class PageKind(Enum):
    """The result of recognising a URL as a page of a platform that is no post."""

    PROFILE = auto()
    #: All current stories of a person.
    STORIES = auto()
    #: Stories that a person keeps.
    HIGHLIGHTS = auto()
    LIVE = auto()
    #: Hashtags, search results and other pages that show different posts all the time.
    TAG = auto()
    #: Playlists, collections, boards, communities.
    LIST = auto()
    #: A sound or a piece of music, with the posts that use it.
    AUDIO = auto()
    #: A post of a kind that cannot be read, such as a past stream on Twitch.
    UNREADABLE = auto()
    #: A page of a music streaming service, which is no platform at all.
    STREAMING = auto()
    #: The site shows nothing in the client's country.
    REGION_BLOCKED = auto()
    #: A file of the site, or a short link that may lead anywhere: its post is not known.
    UNNAMED = auto()
    #: Any other page, such as the home page.
    OTHER = auto()

    @property
    def error(self) -> type[ClipferryError]:
        """Return the error that says why such a page cannot be fetched."""
        return _ERRORS[self]


_ERRORS: Final[Mapping[PageKind, type[ClipferryError]]] = {
    PageKind.PROFILE: ProfileError,
    PageKind.STORIES: StoriesError,
    PageKind.HIGHLIGHTS: HighlightsError,
    PageKind.LIVE: LiveError,
    PageKind.TAG: TagPageError,
    PageKind.LIST: ListError,
    PageKind.AUDIO: AudioPageError,
    PageKind.UNREADABLE: NoMediaError,
    PageKind.STREAMING: StreamingServiceError,
    PageKind.REGION_BLOCKED: RegionBlockedError,
    PageKind.UNNAMED: UnnamedPostError,
    PageKind.OTHER: BrokenLinkError,
}


class Need(Enum):
    """What the operator must configure before a layer is used."""

    NOTHING = auto()
    COOKIES = auto()
    COBALT = auto()
    RAPIDAPI = auto()


def _takes_all(_link: Link) -> bool:
    return True


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
    #: Returns False for a link that `fetch` cannot read; it gets no attempt with this layer.
    takes: Callable[[Link], bool] = _takes_all

    @property
    def is_signed_in(self) -> bool:
        """Return True if the layer sends the operator's cookies."""
        return self.need is Need.COOKIES


#: User-Agent of a client that runs no scripts.
PLAIN_CLIENT: Final = "curl/7.88.1"


@dataclass(frozen=True, slots=True)
class ListSupport:
    """How the lists of a platform are recognised and read: profiles, playlists, albums."""

    #: Returns the link to the list that a URL shows, with the list's id as `post_id`; None if it
    #: shows none. Sends no request. Only asked about URLs that are no posts.
    find: Callable[[SplitResult], Link | None]
    #: Reads at most that many entries of a list, from its beginning, with one layer's clients.
    read: Callable[[Link, FetchContext, int], Awaitable[Listing]]


@dataclass(frozen=True, slots=True)
class Platform:
    """One site: its links, its hosts and the layers that read its posts."""

    #: Lower-case identifier; stored in the database and used in metrics and file names.
    name: str
    #: The site's name as users know it.
    title: str
    #: One example URL for each recognised form.
    examples: tuple[str, ...]
    #: Returns a Match if the URL is one of this site's posts, a PageKind if it is another page of
    #: this site, and None if it belongs to another site. Sends no request.
    recognise: Callable[[SplitResult], Match | PageKind | None]
    #: The methods of reading a post, best first.
    layers: tuple[Layer, ...]
    #: Hosts of pages and short links; redirects may not leave them.
    page_hosts: HostRule
    #: Hosts of media files; redirects may not leave them.
    media_hosts: HostRule
    #: Returns the URL of a post by its id.
    link_to: Callable[[str], str]
    #: User-Agent for short links. Sites redirect tools, but show browsers a page instead.
    expander: str = PLAIN_CLIENT
    #: None if the site's lists cannot be read.
    lists: ListSupport | None = None

    @property
    def takes_accounts(self) -> bool:
        """Return True if some layer sends the operator's cookies."""
        return any(layer.is_signed_in for layer in self.layers)

    @property
    def needs_cobalt(self) -> bool:
        """Return True if only cobalt reads the site."""
        return all(layer.need is Need.COBALT for layer in self.layers)

    def find(self, url: str) -> Link | None:
        """Return a link if the URL is one of this platform's posts, otherwise None.

        Sends no request.
        """
        found = self.identify(url)
        return found if isinstance(found, Link) else None

    def find_list(self, url: str) -> Link | None:
        """Return the link to a list if the URL, which is no post, is one that can be read.

        Its `post_id` is the list's id. Sends no request.
        """
        parts = clean_split(url)
        return self.lists.find(parts) if self.lists and parts else None

    def identify(self, url: str) -> Link | PageKind | None:
        """Return what a URL is: a post, another page of this platform, or None for other sites.

        A login page whose query names the post that it leads to counts as that post. Sends no
        request.
        """
        parts = clean_split(url)
        found = self.recognise(parts) if parts else None
        if isinstance(found, Match):
            if not _is_plausible(found):
                return PageKind.OTHER
            return Link(self.name, found.short_url or url, found.post_id)
        if parts and found is PageKind.OTHER:
            for target in _return_addresses(parts):
                match = self.recognise(target)
                if isinstance(match, Match) and match.post_id and _is_plausible(match):
                    return Link(self.name, target.geturl(), match.post_id)
        return found


#: Longest id of a post, in characters. Bluesky's contain a host name, Facebook's a group's name.
_MAX_ID: Final = 300
#: Longest id of digits alone: 64 bits, or by chance the 32 hexadecimal digits of Rutube and Loom.
_MAX_DIGITS: Final = 32


def _is_plausible(match: Match) -> bool:
    """Return False for an id that no site gives, of which a site's answer would look like a fault.

    Whoever sends such links would open the site's circuit breaker for everybody.
    """
    post_id = match.post_id or ""
    return len(post_id) <= (_MAX_DIGITS if post_id.isdigit() else _MAX_ID)


def known_post(link: Link) -> str:
    """Return the post id of a link that is not, or no longer, a short link."""
    assert link.post_id is not None
    return link.post_id


async def resolve(link: Link, platform: Platform, web: WebClient) -> str:
    """Follow the redirects of a short link on the site's hosts and return the post id.

    Raises:
        BrokenLinkError: the link leads to no post, or to another host.
        ExpiredLinkError: the link leads to the home page.
        ListFoundError: the link leads to a list that can be read.
        LinkError, MediaError: the link leads to another page that is no post; see `PageKind`.
        PlatformRefusedError: the link leads to a login page that does not name the post.
        PlatformError: the site gave no usable response.
    """
    url = link.url
    for _ in range(MAX_REDIRECTS):
        headers = {"User-Agent": platform.expander}
        target = await web.redirect_target(url, platform.page_hosts, headers)
        target = target and _with_keys_of(url, target)
        parts = clean_split(target) if target else None
        if target is None or parts is None:
            break
        found = platform.identify(target)
        if isinstance(found, Link) and found.post_id:
            return found.post_id
        if parts.path.startswith(LOGIN_PAGES):
            raise PlatformRefusedError("redirected to the login page")
        if isinstance(found, PageKind) and found not in _ON_THE_WAY:
            raise _page_error(found, target, platform)
        url = target
    if url != link.url and _DEAD_END.fullmatch(urlsplit(url).path):
        raise ExpiredLinkError("the short link leads to the home page")
    raise BrokenLinkError("the short link leads to no post")


def _page_error(kind: PageKind, url: str, platform: Platform) -> ClipferryError:
    """Return the error of a short link that leads to a page that is no post."""
    detail = f"the short link leads to {urlsplit(url).path[:100]}"
    found = platform.find_list(url)
    return ListFoundError(detail, found, kind.error.text_key) if found else kind.error(detail)


def _with_keys_of(url: str, target: str) -> str:
    """Return the target of a redirect, with the access keys that only the redirected URL has."""
    parts = urlsplit(target)
    given, kept = (dict(parse_qsl(each)) for each in (urlsplit(url).query, parts.query))
    keys = {name: key for name, key in given.items() if name in _ACCESS_KEYS and name not in kept}
    query = "&".join(filter(None, [parts.query, urlencode(keys)]))
    return parts._replace(query=query).geturl() if keys else target


#: Query parameters without which a site does not show what is private.
_ACCESS_KEYS: Final = frozenset({"secret_token"})
#: Pages that may redirect to the post.
_ON_THE_WAY: Final = frozenset({PageKind.OTHER, PageKind.UNNAMED})
#: Paths to which sites redirect short links that have expired or never existed.
_DEAD_END: Final = re.compile(r"/?|/(?:[a-z]{2}/)?(?:404|not-?found)/?")
#: Query parameters in which login pages name the page that they lead back to.
_RETURN_PARAMETERS: Final = (
    *("redirect_url", "redirect_uri", "redirect", "next", "continue", "return_to", "returnUrl"),
    *("redirect_after_login", "dest", "url", "u"),
)
#: Login pages may lead to each other.
_MAX_NESTING: Final = 3


def _return_addresses(parts: SplitResult, depth: int = 1) -> Iterator[SplitResult]:
    """Yield the URLs that the query of a login page names, also those within each other."""
    query = parse_qs(parts.query)
    for name in _RETURN_PARAMETERS:
        for value in query.get(name, ())[:1]:
            # Encoded twice, or even three times, if a login page redirects to another one.
            for _ in range(_MAX_NESTING):
                value = unquote(value) if "/" not in value else value
            target = clean_split(_joined(parts.geturl(), value))
            if target:
                yield target
                if depth < _MAX_NESTING:
                    yield from _return_addresses(target, depth + 1)


def _joined(url: str, value: str) -> str:
    try:
        return urljoin(url, value)
    except ValueError:
        return ""


def plain_host(parts: SplitResult) -> str:
    """Return the host of a URL without the prefixes of its mobile and other versions."""
    return _HOST_PREFIXES.sub("", parts.hostname or "")


_HOST_PREFIXES: Final = re.compile(r"^(?:(?:www|m|mobile|web|touch|lite)\.)+")


#: Some programs end a host at a backslash, and others do not.
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


def clean_split(url: str) -> SplitResult | None:
    """Parse a URL strictly; return None if it is invalid or suspicious.

    Accepted are http and https URLs of at most 2 048 characters with a host name in ASCII, without
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
    if port not in {None, 80, 443} or not _HOST_NAME.fullmatch(host):
        return None
    return parts._replace(netloc=host.removesuffix("."))
