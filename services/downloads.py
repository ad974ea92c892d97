"""A link comes in, its video or its pictures go out: the main job, from the first reaction to the ad."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import ClipferryError, StorageError, TooLongError
from core.formats import choose_rendition
from core.media import Post
from core.together import together
from data.downloads import record_download
from data.errors import storage_errors
from delivery.images import make_native, with_true_name
from delivery.video import prepare
from platforms import Attempt, Workspace
from services.serving import MAX_STILL_BYTES, Order, Workbench, serve

logger = logging.getLogger(__name__)


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

    def __init__(self, bench: Workbench, policy: Policy) -> None:
        self._bench = bench
        self._policy = policy

    async def serve(self, order: Order) -> None:
        """Serve an order to its end. Every outcome is told to the chat; nothing is raised."""
        await serve(order, self._deliver, self._after)

    async def _deliver(self, order: Order) -> Delivered:
        async with self._bench.spool.workspace() as space:

            async def fetch(attempt: Attempt) -> Fetched:
                return await self._fetch(attempt, order, space)

            fetched = await self._bench.sources.attempt(order.link, fetch)
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
        limit = min(self._bench.sender.ceiling_bytes, self._bench.spool.quota_bytes)
        rendition = choose_rendition(post.renditions, limit)
        await order.status.working()
        video = await attempt.save(post, rendition, space, limit_bytes=limit)
        still = None
        if not order.file_mode:
            still = await attempt.save_still(
                post, post.cover_urls, space, limit_bytes=MAX_STILL_BYTES
            )
        return Fetched(post, video=video, still=still)

    async def _send_video(self, order: Order, fetched: Fetched) -> None:
        assert fetched.video
        look = order.voice.look(fetched.post)
        if order.file_mode:
            await self._bench.sender.send_document(order.target, fetched.video, look)
        else:
            video = await prepare(fetched.video, fetched.still, self._bench.executor)
            await self._bench.sender.send_video(order.target, video, look)

    async def _send_pictures(self, order: Order, fetched: Fetched) -> bool:
        """Send a slideshow; tell whether a picture had to be converted."""
        look = order.voice.look(fetched.post, shown=len(fetched.pictures))
        work = with_true_name if order.file_mode else make_native
        files = await together(self._bench.workshop.run(work, p) for p in fetched.pictures)
        if len(files) > 1:
            await self._bench.sender.send_albums(
                order.target, files, look, as_documents=order.file_mode
            )
        elif order.file_mode:
            await self._bench.sender.send_document(order.target, files[0], look)
        else:
            await self._bench.sender.send_photo(order.target, files[0], look)
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
