"""Nothing twice: what Telegram has is sent from there, and what it lacks is fetched once for everybody."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from core.cached_post import CachedPost, CacheKey
from core.errors import (
    ClipferryError,
    FileUnknownError,
    LimitError,
    MediaError,
    PartialDeliveryError,
    PlatformError,
    StorageError,
)
from core.media import Post, RemoteFile
from data.database import unix_now
from data.media_cache import find_cached, forget_cached, refresh_cached, store_cached
from delivery.api_requests import MessageOptions
from platforms import Attempt
from services.requests.pipeline import Delivered, RequestContext, Toolkit
from services.requests.store import RequestStore

logger = logging.getLogger(__name__)

#: How often a process looks whether another one has fetched what it waits for, in seconds.
_ELSEWHERE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class MadeFiles:
    """What was fetched, made and sent."""

    post: Post
    #: What Telegram has now, in order; empty when its answer could not be understood.
    files: tuple[RemoteFile, ...]
    is_processed: bool
    #: How many of the post's items were made: all of them, or the first ones of a longer post. None
    #: when some are missing, so that it cannot serve others.
    items: int | None


Make = Callable[[RequestContext], Awaitable[MadeFiles]]
#: Gives the look of a post of which so many items are shown.
OptionsOf = Callable[[Post, int], MessageOptions]


class FileIdCache:
    """Posts that Telegram has, for all services of one bot."""

    def __init__(self, toolkit: Toolkit, request_store: RequestStore, bot_id: int) -> None:
        self._toolkit = toolkit
        self._request_store = request_store
        self._bot_id = bot_id
        #: Posts that are being fetched: how each of them ends for those who wait.
        self._flights: dict[CacheKey, asyncio.Future[ClipferryError | None]] = {}

    async def deliver(
        self,
        context: RequestContext,
        variant: str,
        make: Make,
        look_of: OptionsOf,
        *,
        most: int | None = None,
    ) -> Delivered:
        """Send an order from the shelf, or make it and put it there.

        `most` is how many items the chat wants to see.

        Raises:
            ClipferryError: why it cannot be delivered.
        """
        context = await self._resolved(context)
        key = self._key(context, variant)
        if key is None:  # a short link that only another layer can read
            return await self._make(context, variant, make)
        while True:
            # A whole set serves everybody; the first items of a longer post those who want no more.
            for known in (key, *([_first(key, most)] if most else [])):
                if delivered := await self._from_shelf(context, known, look_of, most):
                    return delivered
            async with self._flight(context, key) as is_first:
                if is_first and await self._is_ours(context, key):
                    try:
                        return await self._make(context, variant, make)
                    finally:
                        await self._request_store.end_flight(key)

    async def _resolved(self, context: RequestContext) -> RequestContext:
        """Find out which post a short link leads to, once for all who send it at the same time.

        Raises:
            LinkError, MediaError: it leads to none.
        """
        while not (link := self._toolkit.fetcher.known(context.link)).post_id:
            async with self._flight(
                context, CacheKey(0, link.platform, link.url, "short")
            ) as is_first:
                if is_first:
                    await context.status.accepted()
                    try:
                        async with self._toolkit.slots.one(context.target.chat_id):
                            link = await self._toolkit.fetcher.resolve(link)
                    except PlatformError as error:
                        logger.info("%s is not resolved: %s", link.url, error)
                        return context
        return replace(context, link=link)

    async def _is_ours(self, context: RequestContext, key: CacheKey) -> bool:
        """Claim a post among all processes; False when another one has fetched it meanwhile."""
        has_waited = False
        while not await self._request_store.begin_flight(key):
            has_waited = True
            await context.status.accepted()
            await asyncio.sleep(_ELSEWHERE_S)
        if has_waited and await self.find(key):
            await self._request_store.end_flight(key)
            return False
        return True

    @asynccontextmanager
    async def _flight(self, context: RequestContext, key: CacheKey) -> AsyncIterator[bool]:
        """Let the first one through, and the others wait for its end.

        Raises:
            ClipferryError: the first one has failed at the site, and so would the others.
        """
        if flight := self._flights.get(key):
            await context.status.accepted()
            failure = await asyncio.shield(flight)
            if failure:
                raise failure
            yield False
            return
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        failure = None
        try:
            yield True
        except (MediaError, PlatformError, LimitError) as error:
            failure = error
            raise
        finally:
            del self._flights[key]
            flight.set_result(failure)

    async def _from_shelf(
        self, context: RequestContext, key: CacheKey, look_of: OptionsOf, most: int | None
    ) -> Delivered | None:
        cached = await self.find(key)
        if cached is None:
            return None
        post: Post | None = cached.post
        if not cached.is_fresh(unix_now()):
            await context.status.accepted()
            async with self._toolkit.slots.one(context.target.chat_id):
                post = await self._refreshed(context, key, cached)
        if post is None:
            return None
        files = cached.files
        if most and len(files) == len(post.items):
            files = files[:most]
        try:
            options = look_of(post, len(files))
            await self._toolkit.sender.send(context.target, files, options, context.stored)
        except FileUnknownError:
            await self.forget(key, cached)
            return None
        except PartialDeliveryError as error:
            if isinstance(error.__cause__, FileUnknownError):
                await self.forget(key, cached)
            raise
        return Delivered(post, cached.is_processed, is_known=True)

    async def _refreshed(
        self, context: RequestContext, key: CacheKey, cached: CachedPost
    ) -> Post | None:
        """Ask the site for newer likes and views; the old ones do when it does not answer.

        None means that the post is another one by now, and the set is dead.
        """

        async def read(attempt: Attempt) -> Post:
            return await attempt.read()

        try:
            post = await self._toolkit.fetcher.attempt(context.link, read)
        except ClipferryError as error:
            logger.info("%s is not refreshed: %s", key, error)
            return cached.post
        if [type(item) for item in post.items] != [type(item) for item in cached.post.items]:
            await self.forget(key, cached)
            return None
        try:
            await refresh_cached(key, replace(cached, post=post))
        except StorageError as error:
            logger.warning("%s is not refreshed: %s", key, error)
        return post

    async def _make(self, context: RequestContext, variant: str, make: Make) -> Delivered:
        # Not before, because what is on the shelf arrives as fast as a sign that it was seen.
        await context.status.accepted()
        asked_at = time.monotonic()
        async with self._toolkit.slots.one(context.target.chat_id):
            context.metrics.took("wait", time.monotonic() - asked_at)
            await context.stored.begin()
            made = await make(context)
        # By the id that the page gave, which a short link does not know.
        key = CacheKey(self._bot_id, made.post.platform, made.post.id, variant)
        is_same = context.link.post_id in {None, made.post.id}
        if made.items and made.files and is_same:
            if made.items < len(made.post.items):
                key = _first(key, made.items)
            try:
                await store_cached(key, CachedPost(made.post, made.files, made.is_processed))
            except StorageError as error:
                logger.warning("%s is not kept: %s", key, error)
        return Delivered(made.post, made.is_processed, is_known=False)

    async def find(self, key: CacheKey) -> CachedPost | None:
        """Give the living set of a key; nothing when there is none, or the database does not say."""
        try:
            return await find_cached(key)
        except StorageError as error:
            logger.warning("The shelf cannot be read: %s", error)
            return None

    async def forget(self, key: CacheKey, cached: CachedPost) -> None:
        """Note that Telegram does not know the files of exactly this set any more."""
        logger.warning("Telegram does not know the files of %s any more", key)
        try:
            await forget_cached(key, cached.version)
        except StorageError as error:
            logger.warning("%s stays on the shelf: %s", key, error)

    def _key(self, context: RequestContext, variant: str) -> CacheKey | None:
        post_id = context.link.post_id
        return CacheKey(self._bot_id, context.link.platform, post_id, variant) if post_id else None


def _first(key: CacheKey, items: int) -> CacheKey:
    """Give the key of the first items of a longer post."""
    return replace(key, variant=f"{key.variant}/{items}")
