"""Fetch posts and their files, with retries over layers and proxies and a time budget per post."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from pathlib import Path
from typing import Final, TypeVar

from core.errors import (
    ClipferryError,
    IdentitiesBusyError,
    ListError,
    MediaError,
    NotAvailableError,
    PlatformError,
    PlatformRefusedError,
    PlatformUnreachableError,
)
from core.lists import Listing
from core.media import Link, Post
from core.progress import DownloadProgress
from core.recent import RecentValues
from platforms._circuit_breaker import BreakerPolicy, CircuitBreaker
from platforms._download import FileServer, trust_length
from platforms._external_apis import ExternalApis, ExternalServices
from platforms._files import FileRequest, FileSaver, IsTruncated, SavedFile
from platforms._http import OwnService, WebClient
from platforms._identities import Identities
from platforms._platform import FetchContext, Layer, Need, resolve
from platforms._proxies import DIRECT, Proxy, ProxyPool
from platforms._reader_threads import ReaderThreads
from platforms._registry import Registry
from platforms._spool import Workspace
from platforms._ytdlp import PageReader

logger = logging.getLogger(__name__)
T = TypeVar("T")

#: Wait before a route is used again, in seconds, multiplied by the number of attempts so far.
_RETRY_PAUSE_S: Final = 0.5
#: Longest time for reading the pages of one post, in seconds.
_MAX_READ_S: Final = 60.0
#: Needs of the layers that are services beside the site.
_SERVICES: Final = frozenset({Need.COBALT, Need.RAPIDAPI})
#: Maximum number of cached short links.
_MAX_RESOLVED_LINKS: Final = 20_000
#: Items of one post; highlights of Instagram have up to 100.
_MAX_ITEMS: Final = 300


class _Aim(Enum):
    """What the attempts at a link are for; each has circuits of its own.

    Sites often refuse lists, and go on serving posts; and a redirect says nothing about pages.
    """

    POST = auto()
    LIST = auto()
    #: Finding out what a short link leads to.
    TARGET = auto()

    def circuit(self, layer: Layer) -> str:
        """Return the name of a layer's circuit."""
        match self:
            case _Aim.POST:
                return layer.name
            case _Aim.LIST:
                return f"{layer.name} lists"
            case _Aim.TARGET:
                return "short links"


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """Settings for all requests to the sites."""

    #: Maximum number of attempts with the first layer; the other layers add one each.
    attempts: int
    #: Time limit for all attempts at one post, in seconds.
    budget_s: float
    #: A request is aborted after this many seconds without data.
    stall_s: float
    #: Browser whose TLS fingerprint is imitated; a name of curl_cffi, such as "chrome".
    impersonate: str = "chrome"
    #: PEM file with the trusted certificate authorities, or None for the system's.
    ca_file: Path | None = None
    #: If True, only pages go through the proxies; media files are downloaded directly.
    pages_only: bool = False
    services: ExternalServices = field(default_factory=ExternalServices)
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    #: See `PageReader`.
    pot_url: str = ""
    #: Number of threads that read pages at once; they wait for sites most of their time. With pages
    #: of 2 s, eight would hold a worker below four posts a second.
    readers: int = 16


@dataclass(frozen=True, slots=True)
class _Route:
    """One layer of a platform through one proxy; the unit of the circuit breaker."""

    platform: str
    layer: str
    proxy: str

    def __str__(self) -> str:
        return f"{self.platform}/{self.layer} by {self.proxy}"


class Deadline:
    """The end of the time for one post. Waiting for our own disk does not count."""

    def __init__(self, budget_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._at = self._loop.time() + budget_s
        self._scope = asyncio.timeout_at(self._at)
        #: How many files of the post wait at the moment.
        self._waiting = 0
        self._suspended_at = 0.0

    @asynccontextmanager
    async def enforced(self) -> AsyncIterator[None]:
        """Raise TimeoutError in the block once the deadline has passed."""
        self._scope = asyncio.timeout_at(self._at)
        async with self._scope:
            yield

    @asynccontextmanager
    async def suspended(self) -> AsyncIterator[None]:
        """Move the deadline by the duration of the block; several blocks may overlap."""
        if not self._waiting:
            self._suspended_at = self._loop.time()
            self._reschedule(None)
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._at += self._loop.time() - self._suspended_at
                self._reschedule(self._at)

    def _reschedule(self, at: float | None) -> None:
        if not self._scope.expired():  # too late: the block is being cancelled
            self._scope.reschedule(at)


class Attempt:
    """One attempt to fetch a post: one layer through one proxy."""

    def __init__(
        self,
        fetcher: "Fetcher",
        link: Link,
        layer: Layer,
        proxy: Proxy,
        deadline: Deadline,
        position: tuple[int, int],
        *,
        is_last: bool,
    ) -> None:
        #: The number of this attempt, from 1, and the maximum number of attempts.
        self.number, self.most = position
        #: No other attempt with this layer can follow; those of other layers may fail altogether.
        self.is_last = is_last
        self._deadline = deadline
        self._fetcher = fetcher
        self._platform = fetcher.registry[link.platform]
        self._link = link
        self._layer = layer
        self._proxy = proxy

    async def read(self) -> Post:
        """Read the post, without its files.

        An account is used for this only: files are downloaded without its cookies.

        Raises:
            LinkError, MediaError: the link leads to no post, or the site does not provide it.
            ListError: it has more items than any site's posts have.
            PlatformError: the site could not be read.
            IdentitiesBusyError: no account became free.
        """
        link = self._fetcher.known(self._link)
        async with self._context(link) as context:
            post = await self._layer.fetch(link, context)
        if len(post.items) > _MAX_ITEMS:
            raise ListError(f"{len(post.items)} items")
        return post

    @asynccontextmanager
    async def _context(self, link: Link) -> AsyncIterator[FetchContext]:
        """Yield the clients for reading a page; nobody else uses their account meanwhile."""
        if not self._layer.is_signed_in:
            yield self._fetcher.context(self._proxy)
            return
        identities, post = self._fetcher.identities, link.post_id or link.url
        async with identities.lease(self._platform, self._proxy, post) as cookies:
            yield self._fetcher.context(self._proxy, cookies)

    async def read_list(self, most: int) -> Listing:
        """Read at most `most` entries of a list, from its beginning.

        Raises:
            MediaError: the site does not provide the list.
            PlatformError: the site could not be read.
        """
        lists = self._platform.lists
        assert lists is not None
        async with self._context(self._link) as context:
            return await lists.read(self._link, context, most)

    async def resolve(self) -> Link:
        """Resolve a short link through this attempt's proxy, and cache the result.

        Raises:
            BrokenLinkError: the link leads to no post.
            PlatformError: the site gave no usable response.
        """
        web = self._fetcher.web(self._proxy)
        return self._fetcher.remember(self._link, await resolve(self._link, self._platform, web))

    async def save(
        self,
        post: Post,
        wanted: Sequence[FileRequest],
        space: Workspace,
        progress: DownloadProgress | None = None,
    ) -> list[SavedFile | None]:
        """Reserve space, then download files of the post into the workspace.

        `progress` counts what has arrived.

        Returns the files in the order of `wanted`. A file is None if the download failed and it is
        optional or may be missing; any other failure aborts all downloads.

        Raises:
            TooLargeError: all versions of a file are larger than their limits.
            SpoolError: the disk is full, or the files are larger than the spool.
            NotFoundError: the permanent URL of a file does not exist.
            PlatformError: a file could not be downloaded completely.
        """

        def server_of(url: str) -> FileServer:
            return self._server_of(url, post)

        is_truncated = self._fetcher.is_truncated
        progress = progress or DownloadProgress()
        saver = FileSaver(space, server_of, self._deadline.suspended, is_truncated, progress)
        return await saver.save(post, wanted)

    def _server_of(self, url: str, post: Post) -> FileServer:
        fetcher, relay = self._fetcher, post.access.relay
        stall_s = fetcher.policy.stall_s
        if relay and url.startswith(f"{relay}/"):
            return FileServer(fetcher.relay_web, OwnService(relay), post.access, stall_s)
        web = fetcher.web(DIRECT if fetcher.policy.pages_only else self._proxy)
        return FileServer(web, self._platform.media_hosts, post.access, stall_s)


class Fetcher:
    """Fetches posts of all platforms through all proxies.

    `is_truncated` is asked about files whose server does not announce a size. Without `identities`,
    every site is read signed out.
    """

    def __init__(
        self,
        registry: Registry,
        proxies: ProxyPool,
        policy: FetchPolicy,
        is_truncated: IsTruncated = trust_length,
        identities: Identities | None = None,
    ) -> None:
        self.registry = registry
        self.policy = policy
        self.identities = identities or Identities(None, proxies)
        self.is_truncated = is_truncated
        self._proxies = proxies
        self._webs: dict[Proxy, WebClient] = {}
        #: Cached post ids by the URL of the short link, oldest first. A short link never changes
        #: its target, so entries do not expire.
        self._resolved = RecentValues[str, str](_MAX_RESOLVED_LINKS)
        self._relay_web: WebClient | None = None
        self._breaker = CircuitBreaker(policy.breaker)
        self._reader_threads = ReaderThreads(policy.readers)

    async def close(self) -> None:
        """Close all connections. Threads that are reading a page are not awaited."""
        self._reader_threads.close()
        for web in (*self._webs.values(), *filter(None, [self._relay_web])):
            await web.close()

    def open_routes(self) -> list[str]:
        """Return the names of the routes whose circuit breaker is open."""
        return self._breaker.open_routes()

    def known(self, link: Link) -> Link:
        """Return the link with the cached post id if it is a short link resolved before.

        Other links are returned unchanged.
        """
        post_id = link.post_id or self._resolved.get(link.url)
        return replace(link, post_id=post_id)

    async def resolve(self, link: Link) -> Link:
        """Resolve a short link, with retries, and cache the result.

        The layers that read posts do not matter, nor do their circuit breakers: once it is known
        what the link leads to, another one may read it.

        Raises:
            BrokenLinkError: the link leads to no post.
            PlatformError: no attempt got a usable response.
        """

        async def follow(attempt: Attempt) -> Link:
            return await attempt.resolve()

        return await self._attempt_all(link, follow, _Aim.TARGET)

    def remember(self, link: Link, post_id: str) -> Link:
        """Cache the post id of a short link, and return the link with that id."""
        self._resolved[link.url] = post_id
        return self.known(link)

    async def read(self, link: Link, *, may_sign_in: bool = True) -> Post:
        """Read a post without downloading its files, with retries. See `attempt`.

        Raises:
            ClipferryError: no attempt got the post.
        """

        async def read(attempt: Attempt) -> Post:
            return await attempt.read()

        return await self.attempt(link, read, may_sign_in=may_sign_in)

    async def read_list(self, link: Link, most: int) -> Listing:
        """Read at most `most` entries of a list, from its beginning, with retries.

        Raises:
            MediaError: the site does not provide the list.
            PlatformError: no attempt got a usable response.
        """

        async def read(attempt: Attempt) -> Listing:
            return await attempt.read_list(most)

        return await self._attempt_all(link, read, _Aim.LIST)

    async def attempt(
        self, link: Link, work: Callable[[Attempt], Awaitable[T]], *, may_sign_in: bool = True
    ) -> T:
        """Run `work` until it succeeds, within the policy's limits of attempts and time.

        One attempt uses one layer and one proxy for the page and its files, because signed URLs are
        valid only for the client that read the page. Another attempt follows only if another layer,
        another proxy, or the same route later may succeed. Routes whose circuit breaker is open
        are skipped. Without `may_sign_in`, no account is used.

        Raises:
            ClipferryError: the site's reason for refusing the post if it gave one, otherwise the
                last failure, or that the time limit was reached.
        """
        failure = None
        if self.known(link).post_id is None:
            try:
                await self.resolve(link)
            except PlatformError as error:
                failure = error  # some layers read short links themselves
        return await self._attempt_all(link, work, _Aim.POST, failure, may_sign_in=may_sign_in)

    async def _attempt_all(
        self,
        link: Link,
        work: Callable[[Attempt], Awaitable[T]],
        aim: _Aim,
        failure: ClipferryError | None = None,
        *,
        may_sign_in: bool = True,
    ) -> T:
        """Do what `attempt` says, for one of several aims, after a `failure` if there was one."""
        deadline = Deadline(self.policy.budget_s)
        failure = failure or PlatformRefusedError(
            "the circuit breakers of all routes are open, or there is no route"
        )
        used: set[_Route] = set()
        routes = self._routes(link.platform, aim, may_sign_in=may_sign_in)
        for number, (layer, next_proxy) in enumerate(routes):
            proxy = self._allowed_proxy(link, layer, aim, next_proxy, failure)
            if proxy is None:
                continue
            route = _Route(link.platform, aim.circuit(layer), proxy.name)
            if route in used and not failure.retryable:
                continue  # The same route would return the same answer.
            try:
                async with deadline.enforced():
                    if route in used:
                        await asyncio.sleep(_RETRY_PAUSE_S * number)
                    used.add(route)
                    attempt = self._attempt(link, routes, number, proxy, deadline)
                    result = await work(attempt)
            except TimeoutError as error:
                overdue = PlatformUnreachableError(f"no result within {self.policy.budget_s} s")
                self._record_outcome(route, link, overdue)
                raise _more_informative(failure, overdue) from error
            except ClipferryError as error:
                self._record_outcome(route, link, error)
                failure = _more_informative(failure, error)
                if not (error.another_proxy_may_help or error.signing_in_may_help):
                    raise
                logger.info(
                    "Attempt %d to fetch %s through %s failed: %s",
                    number + 1,
                    link.url,
                    route,
                    error,
                    extra={"event": "fetch_attempt_failed"},
                )
            else:
                self._breaker.record_success(route)
                return result
        raise failure

    def _attempt(
        self,
        link: Link,
        routes: list[tuple[Layer, Proxy]],
        number: int,
        proxy: Proxy,
        deadline: Deadline,
    ) -> Attempt:
        """Return the attempt with the layer of this index."""
        layer, _ = routes[number]
        is_last = all(other is not layer for other, _ in routes[number + 1 :])
        position = number + 1, len(routes)
        return Attempt(self, link, layer, proxy, deadline, position, is_last=is_last)

    def _routes(self, platform: str, aim: _Aim, *, may_sign_in: bool) -> list[tuple[Layer, Proxy]]:
        """Return layer and proxy of each attempt, in order.

        The first configured layer gets the policy's number of attempts, the others one each. Every
        attempt uses the next proxy, unless the account has its own. The operator's own services do
        not read lists. Short links lead to the same target for all layers, so the first one is
        enough.
        """
        ready = [
            layer
            for layer in self.registry[platform].layers
            if self._is_ready(layer, platform)
            and (may_sign_in or not layer.is_signed_in)
            and not (aim is _Aim.LIST and layer.need in _SERVICES)
        ]
        proxies = self._proxies.rotation()
        others = [] if aim is _Aim.TARGET else ready[1:]
        layers = ready[:1] * self.policy.attempts + others
        return [(layer, next(proxies)) for layer in layers]

    def _allowed_proxy(
        self, link: Link, layer: Layer, aim: _Aim, proxy: Proxy, failure: ClipferryError
    ) -> Proxy | None:
        """Return the proxy for an attempt after a failure; None if there is to be no attempt.

        There is none if it cannot help, or no circuit is closed, or no account is ready, or the
        layer does not take the link.
        """
        known = self.known(link)
        takes = aim is _Aim.TARGET or layer.takes(known)
        is_unknown = aim is _Aim.POST and not (known.post_id or layer.takes_short_links)
        if is_unknown or not takes or _cannot_help(layer, failure):
            return None
        platform, proxies = link.platform, [proxy]
        if layer.is_signed_in:
            proxies = self.identities.exits_of(self.registry[platform], proxy)
        circuit = aim.circuit(layer)
        routes = ((one, _Route(platform, circuit, one.name)) for one in proxies)
        return next((one for one, route in routes if self._breaker.allows(route)), None)

    def _is_ready(self, layer: Layer, platform: str) -> bool:
        match layer.need:
            case Need.NOTHING:
                return True
            case Need.COOKIES:
                return self.identities.has_any(self.registry[platform])
            case Need.COBALT:
                return bool(self.policy.services.cobalt_url)
            case Need.RAPIDAPI:
                return bool(self.policy.services.rapidapi_key)

    def _record_outcome(self, route: _Route, link: Link, error: ClipferryError) -> None:
        """Report a failed attempt to the circuit breaker.

        Only a `PlatformError` is a failure of the route. Any other error, such as a deleted post,
        shows that the route works, unless it was not used at all.
        """
        if isinstance(error, PlatformError):
            self._breaker.record_failure(route, link.post_id or link.url)
        elif not isinstance(error, IdentitiesBusyError):
            self._breaker.record_success(route)

    def web(self, proxy: Proxy) -> WebClient:
        """Return the HTTP client of a proxy; one client is kept per proxy."""
        if proxy not in self._webs:
            self._webs[proxy] = WebClient(proxy, ca_file=self.policy.ca_file)
        return self._webs[proxy]

    @property
    def relay_web(self) -> WebClient:
        """Return the HTTP client for the operator's services; private addresses are allowed."""
        if self._relay_web is None:
            self._relay_web = WebClient(DIRECT, ca_file=self.policy.ca_file, is_private=True)
        return self._relay_web

    def context(self, proxy: Proxy, cookies: str = "") -> FetchContext:
        """Return the clients for one attempt through a proxy, signed in if there are cookies."""
        return FetchContext(
            web=self.web(proxy),
            pages=PageReader(
                proxy=proxy,
                threads=self._reader_threads,
                timeout_s=self.policy.stall_s,
                budget_s=min(self.policy.budget_s, _MAX_READ_S),
                impersonate=self.policy.impersonate,
                ca_file=self.policy.ca_file,
                cookies=cookies,
                pot_url=self.policy.pot_url,
            ),
            external_apis=ExternalApis(self.relay_web.session, self.policy.services),
        )


def _cannot_help(layer: Layer, failure: ClipferryError) -> bool:
    """Return True if the failure requires a login and the layer is signed out."""
    return failure.signing_in_may_help and layer.need is Need.NOTHING


def _more_informative(previous: ClipferryError, new: ClipferryError) -> ClipferryError:
    """Return the new error, unless only the previous one is the site's reason for a refusal."""
    is_reason = isinstance(previous, MediaError)
    keeps_previous = is_reason and isinstance(new, PlatformError | NotAvailableError)
    return previous if keeps_previous else new
