"""The file-id cache: Telegram sends known files by id; others are fetched once for all chats."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from core.cached_post import CachedPost, CacheKey, is_same_media
from core.concurrency import beside, run_uncancelled
from core.errors import (
    AlreadySentError,
    ClipferryError,
    FileUnknownError,
    LimitError,
    MediaError,
    PartialDeliveryError,
    PlatformError,
    SendingForbiddenError,
    StorageError,
)
from core.media import Post, RemoteFile
from core.progress import WorkProgress
from data.database import unix_now
from data.media_cache import find_cached, forget_cached, refresh_cached, store_cached
from delivery.api_requests import MessageOptions
from delivery.targets import ChatTarget
from services.requests.context import Delivered, RequestContext, Toolkit
from services.requests.recent_answers import RecentAnswers
from services.requests.recovery import send_following
from services.requests.store import RequestStore

logger = logging.getLogger(__name__)

#: How often a process checks whether another one has ended the fetch it waits for, in seconds.
_POLL_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Flight:
    """A fetch in progress."""

    #: The work on the request that fetches.
    work: WorkProgress
    #: Its end: the failure that concerns all who wait for it, or None.
    end: asyncio.Future[ClipferryError | None]


@dataclass(frozen=True, slots=True)
class MadeFiles:
    """What was fetched, prepared and sent."""

    post: Post
    #: Telegram's ids of the sent files, in order; empty when its answer had none.
    files: tuple[RemoteFile, ...]
    is_processed: bool
    #: How many of the post's items were sent: all, or the first ones of a longer post. None if some
    #: are missing: the files are not cached then.
    items: int | None
    #: See `Delivered`.
    chat_id: int


#: Fetches and sends the answer to a request.
Make = Callable[[RequestContext], Awaitable[MadeFiles]]
#: Returns caption and buttons of a post, of which a number of items is shown.
OptionsOf = Callable[[Post, int], MessageOptions]


class FileIdCache:
    """The file ids of posts that were sent before, for all services of one bot."""

    def __init__(self, toolkit: Toolkit, request_store: RequestStore, bot_id: int) -> None:
        self._toolkit = toolkit
        self._request_store = request_store
        self._bot_id = bot_id
        #: Fetches in progress; requests for the same post wait for their result.
        self._flights: dict[CacheKey, _Flight] = {}
        self._answers = RecentAnswers()

    async def deliver(
        self,
        context: RequestContext,
        variant: str,
        make: Make,
        options_of: OptionsOf,
        *,
        max_items: int | None = None,
    ) -> Delivered:
        """Answer a request with cached file ids, or fetch its post and cache the ids.

        `max_items` bounds the items that the chat gets; None means all.

        Raises:
            AlreadySentError: the chat has received the post since the request was made.
            ClipferryError: why it cannot be delivered.
        """
        context = await self._resolved(context)
        delivered = await self._deliver(context, variant, make, options_of, max_items)
        post = delivered.post
        self._answers.add(context, CacheKey(self._bot_id, post.platform, post.id, variant))
        return delivered

    async def _deliver(
        self,
        context: RequestContext,
        variant: str,
        make: Make,
        options_of: OptionsOf,
        max_items: int | None,
    ) -> Delivered:
        key = self._key(context, variant)
        if key is None:  # a short link that only another layer can read
            return await self._make(context, variant, make)
        while True:
            if self._answers.has(context, key):
                raise AlreadySentError
            # A complete set serves every chat, the first items of a longer post those with a limit.
            for known in (key, *([_first(key, max_items)] if max_items else [])):
                if delivered := await self._send_cached(
                    context, known, options_of, max_items, is_first=known is not key
                ):
                    return delivered
            async with self._flight(context, key) as is_first:
                if is_first:
                    try:
                        if await self._is_ours(context, key):
                            return await self._make(context, variant, make)
                    finally:  # also if it is cancelled while it is claimed
                        await run_uncancelled(self._request_store.end_flight(key))

    async def _resolved(self, context: RequestContext) -> RequestContext:
        """Resolve a short link, once for all requests that have it at the same time.

        Raises:
            LinkError, MediaError: it leads to no post.
        """
        while not (link := self._toolkit.fetcher.known(context.link)).post_id:
            async with self._flight(
                context, CacheKey(0, link.platform, link.url, "short")
            ) as is_first:
                if is_first:
                    await context.status.accepted()
                    try:
                        async with self._toolkit.slots.one(context.lane):
                            link = await self._toolkit.fetcher.resolve(link)
                    except PlatformError as error:
                        logger.info(
                            "Could not resolve %s: %s",
                            link.url,
                            error,
                            extra={"event": "short_link_not_resolved"},
                        )
                        return context
        return context if link is context.link else replace(context, link=link)

    async def _is_ours(self, context: RequestContext, key: CacheKey) -> bool:
        """Claim the fetch of a post among all processes; False if another one has done it."""
        has_waited = False
        while not await self._request_store.begin_flight(key):
            has_waited = True
            await context.status.accepted()
            await asyncio.sleep(_POLL_S)
        return not (has_waited and await self.find(key))

    @asynccontextmanager
    async def _flight(self, context: RequestContext, key: CacheKey) -> AsyncIterator[bool]:
        """Yield True to the first request for a key; yield False to the others once it has ended.

        Raises:
            ClipferryError: the first request failed at the site, and so would the others.
        """
        if flight := self._flights.get(key):
            await context.status.accepted()
            context.work.leader = flight.work
            failure = await asyncio.shield(flight.end)
            context.work.leader = None
            if failure:
                raise failure
            yield False
            return
        flight = _Flight(context.work, asyncio.get_running_loop().create_future())
        self._flights[key] = flight
        failure = None
        try:
            yield True
        except (MediaError, PlatformError, LimitError) as error:
            failure = error
            raise
        finally:
            del self._flights[key]
            flight.end.set_result(failure)

    async def _send_cached(
        self,
        context: RequestContext,
        key: CacheKey,
        options_of: OptionsOf,
        max_items: int | None,
        *,
        is_first: bool,
    ) -> Delivered | None:
        """Send a cached set; return None if there is none that can be sent.

        `is_first`: the key is that of the first items of a longer post.
        """
        cached = await self.find(key)
        if cached is None:
            return None
        post: Post | None = cached.post
        if not cached.is_fresh(unix_now()):
            await context.status.accepted()
            async with self._toolkit.slots.one(context.lane):
                post = await self._refreshed(context, key, cached)
        if post is None:
            return None
        files = cached.files
        if max_items and not is_first and len(files) == len(post.items):
            files = files[:max_items]
        # An item may have several files, such as the parts of a video.
        shown = max_items if max_items and is_first else len(files)
        known, options = replace(cached, post=post, files=files), options_of(post, shown)
        chat_id = await self._send_known(context, key, known, options)
        if chat_id is None:
            return None
        return Delivered(post, cached.is_processed, is_known=True, chat_id=chat_id)

    async def _send_known(
        self, context: RequestContext, key: CacheKey, cached: CachedPost, options: MessageOptions
    ) -> int | None:
        """Send files by their ids; return the chat's id, or None if they cannot be sent so."""

        async def send(target: ChatTarget) -> object:
            return await self._toolkit.sender.send(target, cached.files, options, context.stored)

        try:
            _, chat_id = await send_following(context, send)
        except FileUnknownError:
            await self.forget(key, cached)
            return None
        except SendingForbiddenError as error:
            if not error.is_about_kind or key.variant.startswith("document"):
                raise
            return None  # known files cannot change their kind, but new ones can
        except PartialDeliveryError as error:
            if isinstance(error.__cause__, FileUnknownError):
                await self.forget(key, cached)
            raise
        return chat_id

    async def _refreshed(
        self, context: RequestContext, key: CacheKey, cached: CachedPost
    ) -> Post | None:
        """Fetch current likes and views; keep the old ones if the site does not answer.

        Return None if the post's items have changed: the cached files are outdated then.
        """
        try:
            post = await self._toolkit.fetcher.read(context.link)
        except ClipferryError as error:
            logger.info(
                "Could not refresh %s: %s", key, error, extra={"event": "cache_refresh_failed"}
            )
            return cached.post
        if not is_same_media(cached.post, post):
            await self.forget(key, cached)
            return None
        post = replace(post, items=cached.post.items)
        try:
            await refresh_cached(key, replace(cached, post=post))
        except StorageError as error:
            logger.warning(
                "Could not store the refreshed %s: %s",
                key,
                error,
                extra={"event": "cache_refresh_not_stored"},
            )
        return post

    async def _make(self, context: RequestContext, variant: str, make: Make) -> Delivered:
        # Not earlier: a cached post arrives as fast as a reaction would.
        async with beside(context.status.accepted()), self._toolkit.slots.one(context.lane):
            # With the wait for earlier requests of the same person in the same chat.
            self._toolkit.metrics.took("wait", time.monotonic() - context.begun_at)
            await context.stored.begin()
            made = await make(context)
        # By the id from the page: a short link has none.
        key = CacheKey(self._bot_id, made.post.platform, made.post.id, variant)
        is_same = context.link.post_id in {None, made.post.id}
        is_lasting = not (made.post.edition or context.request.selection.continuation)
        if made.items and made.files and is_same and is_lasting:
            if made.items < len(made.post.items):
                key = _first(key, made.items)
            try:
                await store_cached(key, CachedPost(made.post, made.files, made.is_processed))
            except StorageError as error:
                logger.warning(
                    "Could not cache %s: %s", key, error, extra={"event": "cache_store_failed"}
                )
        return Delivered(made.post, made.is_processed, is_known=False, chat_id=made.chat_id)

    async def find(self, key: CacheKey) -> CachedPost | None:
        """Return the cached post of a key; None if there is none, or the database fails."""
        try:
            return await find_cached(key)
        except StorageError as error:
            logger.warning(
                "Could not read the file-id cache: %s", error, extra={"event": "cache_read_failed"}
            )
            return None

    async def forget(self, key: CacheKey, cached: CachedPost) -> None:
        """Evict a set whose file ids Telegram does not know any more; a newer set stays."""
        logger.warning(
            "Telegram rejects the cached file ids of %s", key, extra={"event": "cache_evicted"}
        )
        try:
            await forget_cached(key, cached.version)
        except StorageError as error:
            logger.warning(
                "Could not evict %s from the file-id cache: %s",
                key,
                error,
                extra={"event": "cache_evict_failed"},
            )

    def _key(self, context: RequestContext, variant: str) -> CacheKey | None:
        post_id = context.link.post_id
        return CacheKey(self._bot_id, context.link.platform, post_id, variant) if post_id else None


def _first(key: CacheKey, items: int) -> CacheKey:
    """Return the key of the first items of a longer post."""
    return replace(key, variant=f"{key.variant}/{items}")
