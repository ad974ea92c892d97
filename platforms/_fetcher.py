"""The room's desk: finds links, and fetches one post with one budget for everything."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeVar

from core.concurrency import run_all
from core.errors import (
    ClipferryError,
    MediaError,
    PlatformError,
    PlatformRefusedError,
    PlatformUnreachableError,
)
from core.media import Link, Post
from platforms._circuit_breaker import CircuitBreaker
from platforms._download import Workspace, download
from platforms._external_apis import ExternalApis
from platforms._http import OwnService, WebClient
from platforms._platform import FetchContext, Layer, Need, resolve
from platforms._proxies import DIRECT, Proxy, ProxyPool
from platforms._registry import Registry
from platforms._ytdlp import PageReader

logger = logging.getLogger(__name__)
T = TypeVar("T")

_FILES_AT_ONCE: Final = 4
#: Wait before another attempt over the same exit, times the number of attempts so far.
_PAUSE_S: Final = 0.5
#: So many short links are remembered.
_MOST_RESOLVED: Final = 20_000


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """How the sites are approached."""

    #: Attempts for one post, and the time for all of them.
    attempts: int
    budget_s: float
    #: A download that brings nothing for this long is given up.
    stall_s: float
    #: Browser whose TLS fingerprint is worn.
    impersonate: str = "chrome"
    ca_file: Path | None = None
    #: Contents of a Netscape cookie file; empty when signed out.
    cookies: str = field(default="", repr=False)
    #: Media files are fetched directly although pages go through proxies.
    pages_only: bool = False
    #: See `ExternalApis`.
    cobalt_url: str = ""
    cobalt_key: str = field(default="", repr=False)
    rapidapi_url: str = ""
    rapidapi_key: str = field(default="", repr=False)
    #: A way that has failed at so many posts in a row rests for so many seconds.
    breaker_failures: int = 5
    breaker_pause_s: float = 60.0
    #: Threads for reading pages.
    readers: int = 8


@dataclass(frozen=True, slots=True)
class FileRequest:
    """A file of a post that is to be fetched."""

    #: Addresses of the same bytes, best first.
    urls: tuple[str, ...]
    #: Its name in the workspace.
    name: str
    #: It is given up when it turns out larger.
    limit_bytes: int
    #: None when the site does not say.
    size_bytes: int | None = None
    #: A mere decoration: nobody waits for room for it.
    is_optional: bool = False
    #: The others are sent without it if it cannot be had.
    may_miss: bool = False


@dataclass(frozen=True, slots=True)
class _Route:
    """One layer over one exit."""

    platform: str
    layer: str
    proxy: str

    def __str__(self) -> str:
        return f"{self.platform}/{self.layer} by {self.proxy}"


class Attempt:
    """One try at one post: one layer, over one exit."""

    def __init__(
        self, fetcher: "Fetcher", link: Link, layer: Layer, proxy: Proxy, place: tuple[int, int]
    ) -> None:
        #: Which one it is, from 1, and of how many at most.
        self.number, self.most = place
        self._fetcher = fetcher
        self._platform = fetcher.registry[link.platform]
        self._link = link
        self._layer = layer
        self._proxy = proxy

    @property
    def is_last(self) -> bool:
        """Tell whether no other attempt will follow."""
        return self.number == self.most

    async def read(self) -> Post:
        """Read the post's page.

        Raises:
            LinkError, MediaError, PlatformError: why there is no post.
        """
        link = self._fetcher.known(self._link)
        if link.post_id is None and not self._layer.takes_short_links:
            link = await self.resolve()
        return await self._layer.fetch(link, self._fetcher.context(self._layer, self._proxy))

    async def resolve(self) -> Link:
        """Follow a short link, and remember where it leads.

        Raises:
            BrokenLinkError: it leads to no post.
            PlatformError: the site did not say.
        """
        web = self._fetcher.web(self._proxy)
        return self._fetcher.remember(self._link, await resolve(self._link, self._platform, web))

    async def save(
        self, post: Post, wanted: Sequence[FileRequest], space: Workspace
    ) -> list[Path | None]:
        """Fetch files of the post into the workspace, waiting for room first.

        All of them, or none; only those that are optional or may be missed can come out as None.

        Raises:
            TooLargeError: one does not fit under its limit, or all not into the spool.
            PlatformError: one could not be fetched whole.
        """
        main = [file for file in wanted if not file.is_optional]
        share = space.most // max(len(main), 1)
        limits = {file: min(file.limit_bytes, share) for file in main}
        await space.reserve(
            sum(min(file.size_bytes or limits[file], limits[file]) for file in main)
        )
        at_once = asyncio.Semaphore(_FILES_AT_ONCE)

        async def save_one(file: FileRequest) -> Path | None:
            target = space.folder / file.name
            try:
                async with at_once:
                    await self._download(file, post, target, limits.get(file, file.limit_bytes))
            except ClipferryError as error:
                if not (file.is_optional or file.may_miss):
                    raise
                logger.info("No %s of %s %s: %s", file.name, post.platform, post.id, error)
                return None
            return target

        return await run_all(save_one(file) for file in wanted)

    async def _download(
        self, file: FileRequest, post: Post, target: Path, limit_bytes: int
    ) -> None:
        fetcher, relay = self._fetcher, post.access.relay
        is_relayed = bool(relay) and file.urls[0].startswith(f"{relay}/")
        proxy = DIRECT if fetcher.policy.pages_only else self._proxy
        await download(
            fetcher.relay_web if is_relayed else fetcher.web(proxy),
            file.urls,
            OwnService(relay) if is_relayed else self._platform.media_hosts,
            post.access,
            target,
            limit_bytes=limit_bytes,
            stall_s=fetcher.policy.stall_s,
        )


class Fetcher:
    """All platforms, over all exits."""

    def __init__(self, registry: Registry, proxies: ProxyPool, policy: FetchPolicy) -> None:
        self.registry = registry
        self.policy = policy
        self._proxies = proxies
        self._webs: dict[Proxy, WebClient] = {}
        #: Short links and their posts, oldest first. What a short link means does not change.
        self._resolved: dict[str, str] = {}
        self._relay_web: WebClient | None = None
        self._breaker = CircuitBreaker(
            most_failures=policy.breaker_failures, pause_s=policy.breaker_pause_s
        )
        self._executor = ThreadPoolExecutor(policy.readers, thread_name_prefix="pages")

    async def close(self) -> None:
        """Close all connections; pages that are being read may finish on their own."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        for web in (*self._webs.values(), *filter(None, [self._relay_web])):
            await web.close()

    def resting(self) -> list[str]:
        """Name the ways to the sites that rest now, because they kept failing."""
        return self._breaker.resting()

    def known(self, link: Link) -> Link:
        """Give a short link with the post to which it was resolved before; others as they are."""
        post_id = link.post_id or self._resolved.get(link.url)
        return replace(link, post_id=post_id)

    async def resolve(self, link: Link) -> Link:
        """Find out which post a short link leads to, and remember it.

        Raises:
            BrokenLinkError: it leads to none.
            PlatformError: the site did not say.
        """

        async def follow(attempt: Attempt) -> Link:
            return await attempt.resolve()

        return await self.attempt(link, follow)

    def remember(self, link: Link, post_id: str) -> Link:
        """Remember to which post a short link leads."""
        self._resolved[link.url] = post_id
        if len(self._resolved) > _MOST_RESOLVED:
            del self._resolved[next(iter(self._resolved))]
        return self.known(link)

    async def attempt(self, link: Link, work: Callable[[Attempt], Awaitable[T]]) -> T:
        """Run `work` until it succeeds, within one budget of attempts and time.

        Each attempt keeps one layer and one exit for page and files. Another one follows only when
        another layer, another exit, or the same one a moment later may do better. Ways that keep
        failing are left out while they rest.

        Raises:
            ClipferryError: the site's own answer if there was one, else the last failure.
        """
        deadline = asyncio.get_running_loop().time() + self.policy.budget_s
        failure: ClipferryError = PlatformRefusedError("every way rests")
        used: set[_Route] = set()
        ways = self._ways(link.platform)
        for number, (layer, proxy) in enumerate(ways):
            way = _Route(link.platform, layer.name, proxy.name)
            if _is_answered(failure, layer) or not self._breaker.allows(way):
                continue
            if way in used:
                if not failure.retryable:
                    continue  # this way has given its answer already
                await asyncio.sleep(_PAUSE_S * number)
            used.add(way)
            try:
                async with asyncio.timeout_at(deadline):
                    place = number + 1, len(ways)
                    result = await work(Attempt(self, link, layer, proxy, place))
            except TimeoutError as error:
                raise PlatformUnreachableError(f"no end after {self.policy.budget_s} s") from error
            except ClipferryError as error:
                self._note(way, link, error)
                failure = _weightier(failure, error)
                if not (error.another_proxy_may_help or error.signing_in_may_help):
                    raise
                logger.info("Attempt %d at %s, %s: %s", number + 1, link.url, way, error)
            else:
                self._breaker.worked(way)
                return result
        raise failure

    def _ways(self, platform: str) -> list[tuple[Layer, Proxy]]:
        """Give the first layer over as many exits as there are attempts, then the others once each."""
        first, *others = (
            layer for layer in self.registry[platform].layers if self._is_ready(layer.need)
        )
        route = self._proxies.route()
        layers = [first] * self.policy.attempts + others
        return [(layer, next(route)) for layer in layers]

    def _is_ready(self, need: Need) -> bool:
        match need:
            case Need.NOTHING:
                return True
            case Need.COOKIES:
                return bool(self.policy.cookies)
            case Need.COBALT:
                return bool(self.policy.cobalt_url)
            case Need.RAPIDAPI:
                return bool(self.policy.rapidapi_key)

    def _note(self, way: _Route, link: Link, error: ClipferryError) -> None:
        """Tell a way that leads nowhere from one that leads to a bad answer."""
        if isinstance(error, PlatformError):
            self._breaker.failed(way, link.post_id or link.url)
        else:
            self._breaker.worked(way)

    def web(self, proxy: Proxy) -> WebClient:
        """Give the exit's HTTP client."""
        if proxy not in self._webs:
            self._webs[proxy] = WebClient(proxy, ca_file=self.policy.ca_file)
        return self._webs[proxy]

    @property
    def relay_web(self) -> WebClient:
        """Give the client for the operator's own services, which may live in a private network."""
        if self._relay_web is None:
            self._relay_web = WebClient(DIRECT, ca_file=self.policy.ca_file, is_private=True)
        return self._relay_web

    def context(self, layer: Layer, proxy: Proxy) -> FetchContext:
        """Give the tools for one attempt."""
        return FetchContext(
            web=self.web(proxy),
            pages=PageReader(
                proxy=proxy,
                executor=self._executor,
                timeout_s=self.policy.stall_s,
                impersonate=self.policy.impersonate,
                ca_file=self.policy.ca_file,
                cookies=self.policy.cookies if layer.is_signed_in else "",
            ),
            external_apis=ExternalApis(
                session=self.relay_web.session,
                cobalt_url=self.policy.cobalt_url,
                cobalt_key=self.policy.cobalt_key,
                rapidapi_url=self.policy.rapidapi_url,
                rapidapi_key=self.policy.rapidapi_key,
            ),
        )


def _is_answered(failure: ClipferryError, layer: Layer) -> bool:
    """Tell whether a layer could only repeat what is known: members only, and it is none."""
    return failure.signing_in_may_help and layer.need is Need.NOTHING


def _weightier(known: ClipferryError, new: ClipferryError) -> ClipferryError:
    """Keep what a site has said of a post, whatever trouble another way has had since."""
    return known if isinstance(known, MediaError) and isinstance(new, PlatformError) else new
