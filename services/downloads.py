"""A link comes in, its video or its pictures go out: the main job, from the first reaction to the ad."""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.errors import (
    BugError,
    ChatForbiddenError,
    ClipferryError,
    LimitError,
    MediaError,
    ShuttingDownError,
    StorageError,
    TooLongError,
)
from core.formats import choose_rendition
from core.media import Link, Post
from data.chats import mark_blocked
from data.downloads import record_download
from data.errors import storage_errors
from delivery.images import make_native, with_true_name
from delivery.sender import Look, Sender
from delivery.status import StatusLight
from delivery.targets import ChatTarget
from delivery.video import prepare
from delivery.workshop import Workshop
from platforms import Attempt, Sources, Spool, Workspace

logger = logging.getLogger(__name__)

#: Site's stills are small; a larger file is not one.
_MAX_STILL_BYTES = 5_000_000


class Voice(Protocol):
    """How the front desk speaks in one chat: all words, and nothing but words."""

    def look(self, post: Post, shown: int | None = None) -> Look:
        """Give caption and buttons for a post, of whose pictures so many are `shown`."""

    async def explain(self, error: ClipferryError) -> None:
        """Tell the chat what went wrong, where that is wanted."""

    async def show_ad(self) -> None:
        """Send the ad."""


@dataclass(frozen=True, slots=True)
class Order:
    """One request of one chat."""

    link: Link
    target: ChatTarget
    #: Send the file as a document, untouched.
    file_mode: bool
    status: StatusLight
    voice: Voice


@dataclass(frozen=True, slots=True)
class Fetched:
    """A post and its files on disk."""

    post: Post
    video: Path | None = None
    still: Path | None = None
    #: Of a slideshow, in order.
    pictures: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class Delivered:
    """What has arrived in a chat."""

    post: Post
    #: A picture had to be converted.
    is_processed: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """The operator's wishes."""

    #: Longest video in seconds; 0 allows every length.
    max_duration_s: int
    #: A group gets no more pictures of one slideshow than these.
    group_pictures: int
    #: There is an ad to show.
    ads: bool


class Downloads:
    """Serves orders. What it needs of the world is handed in."""

    def __init__(
        self,
        sources: Sources,
        sender: Sender,
        spool: Spool,
        executor: Executor,
        workshop: Workshop,
        policy: Policy,
    ) -> None:
        self._sources = sources
        self._sender = sender
        self._spool = spool
        #: For work on files that would hold up the loop.
        self._executor = executor
        #: For pictures, which may be anything.
        self._workshop = workshop
        self._policy = policy

    async def serve(self, order: Order) -> None:
        """Serve an order to its end. Every outcome is told to the chat; nothing is raised."""
        try:
            await order.status.accepted()
            delivered = await self._deliver(order)
        except asyncio.CancelledError:
            await self.refuse(order, ShuttingDownError())
            raise
        except ClipferryError as error:
            await self.refuse(order, error)
        except Exception as bug:  # noqa: BLE001 - the end of the line: whatever it is, the user is told
            await self.refuse(order, _named(bug, order.link))
        else:
            await self._after(order, delivered)

    async def refuse(self, order: Order, error: ClipferryError) -> None:
        """Tell the chat that and why it gets nothing; a chat that is closed to us is noted."""
        _log_refusal(order, error)
        if isinstance(error, ChatForbiddenError):
            await self._note_blocked(order)
            return
        await order.status.failed()
        try:
            await order.voice.explain(error)
        except ChatForbiddenError:
            await self._note_blocked(order)
        except ClipferryError as second:
            logger.warning("Chat %d could not be told: %s", order.target.chat_id, second)

    async def _deliver(self, order: Order) -> Delivered:
        async with self._spool.workspace() as space:

            async def fetch(attempt: Attempt) -> Fetched:
                return await self._fetch(attempt, order, space)

            fetched = await self._sources.attempt(order.link, fetch)
            if fetched.pictures:
                is_processed = await self._send_pictures(order, fetched)
            else:
                await self._send_video(order, fetched)
                is_processed = False
            return Delivered(fetched.post, is_processed)

    async def _fetch(self, attempt: Attempt, order: Order, space: Workspace) -> Fetched:
        post = await attempt.read()
        if post.pictures:
            await order.status.working()
            wanted = post.pictures
            if not order.target.is_private:
                wanted = wanted[: self._policy.group_pictures]
            return Fetched(post, pictures=await attempt.save_pictures(post, wanted, space))
        longest = self._policy.max_duration_s
        if longest and post.duration_s > longest:
            raise TooLongError(post.duration_s, longest)
        limit = min(self._sender.ceiling_bytes, self._spool.quota_bytes)
        rendition = choose_rendition(post.renditions, limit)
        await order.status.working()
        video = await attempt.save(post, rendition, space, limit_bytes=limit)
        still = None
        if not order.file_mode:
            still = await attempt.save_cover(post, space, limit_bytes=_MAX_STILL_BYTES)
        return Fetched(post, video=video, still=still)

    async def _send_video(self, order: Order, fetched: Fetched) -> None:
        assert fetched.video
        look = order.voice.look(fetched.post)
        if order.file_mode:
            await self._sender.send_document(order.target, fetched.video, look)
        else:
            video = await prepare(fetched.video, fetched.still, self._executor)
            await self._sender.send_video(order.target, video, look)

    async def _send_pictures(self, order: Order, fetched: Fetched) -> bool:
        """Send a slideshow; tell whether a picture had to be converted."""
        look = order.voice.look(fetched.post, shown=len(fetched.pictures))
        work = with_true_name if order.file_mode else make_native
        files = [await self._workshop.run(work, path) for path in fetched.pictures]
        if len(files) > 1:
            await self._sender.send_albums(order.target, files, look, as_documents=order.file_mode)
        elif order.file_mode:
            await self._sender.send_document(order.target, files[0], look)
        else:
            await self._sender.send_photo(order.target, files[0], look)
        return not order.file_mode and files != fetched.pictures

    async def _after(self, order: Order, delivered: Delivered) -> None:
        """Do what follows a delivery. The media has arrived: nothing here may say otherwise."""
        chat_id, post = order.target.chat_id, delivered.post
        logger.info("Delivered %s %s to chat %d", post.platform, post.id, chat_id)
        is_ad_due = False
        try:
            with storage_errors():
                is_ad_due = await record_download(
                    chat_id,
                    order.link.url,
                    is_images=bool(post.pictures),
                    is_processed=delivered.is_processed,
                    is_inline=False,
                    ads=self._policy.ads and order.target.is_private,
                )
        except StorageError as error:
            logger.error("The delivery to chat %d is not recorded: %s", chat_id, error)  # noqa: TRY400 - no traceback needed
        await order.status.done()
        if is_ad_due:
            try:
                await order.voice.show_ad()
            except ClipferryError as error:
                logger.info("No ad in chat %d: %s", chat_id, error)

    @staticmethod
    async def _note_blocked(order: Order) -> None:
        try:
            with storage_errors():
                await mark_blocked(order.target.chat_id)
        except StorageError as error:
            logger.warning("Chat %d is not marked: %s", order.target.chat_id, error)


@dataclass(frozen=True, slots=True)
class DownloadJob:
    """An order as a job for `services.jobs`."""

    downloads: Downloads
    order: Order

    async def run(self) -> None:
        """Serve the order."""
        await self.downloads.serve(self.order)

    async def refuse(self, error: ClipferryError) -> None:
        """Turn the order away."""
        await self.downloads.refuse(self.order, error)


def _log_refusal(order: Order, error: ClipferryError) -> None:
    """Log a refusal as loud as it deserves: the user's and the site's side is no news."""
    is_ordinary = isinstance(error, MediaError | LimitError | ChatForbiddenError)
    level = logging.INFO if is_ordinary else logging.WARNING
    logger.log(level, "Not delivered to chat %d: %s", order.target.chat_id, error)


def _named(bug: Exception, link: Link) -> BugError:
    """Log a bug with its traceback, under the code that the user gets to see."""
    code = secrets.token_hex(4).upper()
    logger.error("Bug %s with a %s link", code, link.platform, exc_info=bug)
    return BugError(code)
