"""The room's desk: finds links, and fetches one post with one budget for everything."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from core.errors import ClipferryError, PlatformUnreachableError
from core.media import Link, Picture, Post, Rendition, Sound
from core.together import together
from platforms._base import Visit
from platforms._download import Workspace, download
from platforms._exits import DIRECT, Exit, Exits
from platforms._http import WebClient
from platforms._registry import Registry
from platforms._ytdlp import PageReader

logger = logging.getLogger(__name__)
T = TypeVar("T")

#: Larger than any sound that the sites are known to serve, in bytes.
MAX_SOUND_BYTES: Final = 30_000_000
#: Larger than any picture that the sites are known to serve, in bytes.
MAX_PICTURE_BYTES: Final = 10_000_000
_PICTURES_AT_ONCE: Final = 4
#: Wait before another attempt over the same exit, times the number of attempts so far.
_PAUSE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Terms:
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
    cookies: str = ""
    #: Media files are fetched directly although pages go through proxies.
    pages_only: bool = False
    #: Threads for reading pages.
    readers: int = 8


class Attempt:
    """One try at one post, over one exit."""

    def __init__(self, sources: "Sources", link: Link, exit_: Exit) -> None:
        self._sources = sources
        self._platform = sources.registry[link.platform]
        self._link = link
        self._exit = exit_

    async def read(self) -> Post:
        """Read the post's page.

        Raises:
            LinkError, MediaError, PlatformError: why there is no post.
        """
        return await self._platform.fetch(self._link, self._sources.visit(self._exit))

    async def save(
        self, post: Post, rendition: Rendition, space: Workspace, *, limit_bytes: int
    ) -> Path:
        """Fetch a video into the workspace, waiting for room first.

        Raises:
            TooLargeError: it does not fit under the limit.
            PlatformError: it could not be fetched whole.
        """
        await space.reserve(rendition.size_bytes or limit_bytes)
        target = space.folder / f"{post.id}.mp4"
        await self._download(rendition.urls, post, target, limit_bytes)
        return target

    async def save_still(
        self, post: Post, urls: tuple[str, ...], space: Workspace, *, limit_bytes: int
    ) -> Path | None:
        """Fetch a still picture of the post or of its sound; None when there is none to be had."""
        target = space.folder / f"{post.id}.still"
        try:
            await self._download(urls[:1], post, target, limit_bytes)
        except ClipferryError as error:
            logger.info("No still of %s %s: %s", post.platform, post.id, error)
            return None
        return target

    async def save_sound(self, post: Post, sound: Sound, space: Workspace) -> Path:
        """Fetch the post's sound into the workspace.

        Raises:
            TooLargeError: it is larger than sounds are.
            PlatformError: it could not be fetched whole.
        """
        limit = min(MAX_SOUND_BYTES, space.most)
        await space.reserve(limit)
        target = space.folder / f"{post.id}.sound"
        await self._download(sound.urls, post, target, limit)
        return target

    async def save_pictures(
        self, post: Post, pictures: tuple[Picture, ...], space: Workspace
    ) -> list[Path]:
        """Fetch pictures of the post into the workspace, in order: all of them, or none.

        Raises:
            TooLargeError: one is larger than a photo may be.
            PlatformError: one could not be fetched whole.
        """
        limit = min(MAX_PICTURE_BYTES, space.most // len(pictures))
        await space.reserve(len(pictures) * limit)
        at_once = asyncio.Semaphore(_PICTURES_AT_ONCE)
        targets = [space.folder / f"{post.id}_{n}" for n in range(1, len(pictures) + 1)]

        async def save(picture: Picture, target: Path) -> None:
            async with at_once:
                await self._download(picture.urls, post, target, limit)

        await together(save(*pair) for pair in zip(pictures, targets, strict=True))
        return targets

    async def _download(
        self, urls: tuple[str, ...], post: Post, target: Path, limit_bytes: int
    ) -> None:
        terms = self._sources.terms
        await download(
            self._sources.web(DIRECT if terms.pages_only else self._exit),
            urls,
            self._platform.media_hosts,
            post.access,
            target,
            limit_bytes=limit_bytes,
            stall_s=terms.stall_s,
        )


class Sources:
    """All platforms, over all exits."""

    def __init__(self, registry: Registry, exits: Exits, terms: Terms) -> None:
        self.registry = registry
        self.terms = terms
        self._exits = exits
        self._webs: dict[Exit, WebClient] = {}
        self._executor = ThreadPoolExecutor(terms.readers, thread_name_prefix="pages")

    async def close(self) -> None:
        """Close all connections; pages that are being read may finish on their own."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        for web in self._webs.values():
            await web.close()

    async def attempt(self, link: Link, work: Callable[[Attempt], Awaitable[T]]) -> T:
        """Run `work` until it succeeds, within one budget of attempts and time.

        Each attempt keeps one exit for page and files. Another one follows only when another exit,
        or the same one a moment later, may do better.

        Raises:
            ClipferryError: the failure of the last attempt.
        """
        route = self._exits.route()
        deadline = asyncio.get_running_loop().time() + self.terms.budget_s
        failure: ClipferryError = PlatformUnreachableError("no attempt")
        used: set[Exit] = set()
        for number in range(1, self.terms.attempts + 1):
            exit_ = next(route)
            if exit_ in used:
                if not failure.retryable:
                    break  # this exit has given its answer already
                await asyncio.sleep(_PAUSE_S * (number - 1))
            used.add(exit_)
            try:
                async with asyncio.timeout_at(deadline):
                    return await work(Attempt(self, link, exit_))
            except TimeoutError as error:
                raise PlatformUnreachableError(f"no end after {self.terms.budget_s} s") from error
            except ClipferryError as error:
                if not error.another_exit_may_help:
                    raise
                failure = error
                logger.info("Attempt %d at %s by %s: %s", number, link.url, exit_.name, error)
        raise failure

    def web(self, exit_: Exit) -> WebClient:
        """Give the exit's HTTP client."""
        if exit_ not in self._webs:
            self._webs[exit_] = WebClient(exit_, ca_file=self.terms.ca_file)
        return self._webs[exit_]

    def visit(self, exit_: Exit) -> Visit:
        """Give the tools for one attempt over an exit."""
        return Visit(
            web=self.web(exit_),
            pages=PageReader(
                exit=exit_,
                executor=self._executor,
                timeout_s=self.terms.stall_s,
                impersonate=self.terms.impersonate,
                ca_file=self.terms.ca_file,
                cookies=self.terms.cookies,
            ),
        )
