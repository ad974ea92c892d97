"""The sound button: the music or speech of a post, with its title, performer and cover."""

import logging
from dataclasses import dataclass
from pathlib import Path

from core.errors import BrokenPictureError, NoSoundError, StorageError
from core.media import Post, Sound, SoundFile
from data.db_service import add_music
from data.errors import storage_errors
from delivery.images import make_thumbnail
from delivery.sound import with_true_name
from platforms import Attempt, Workspace
from services.serving import MAX_STILL_BYTES, Order, Workbench, serve

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FetchedSound:
    """A post's sound on disk."""

    post: Post
    sound: Sound
    file: Path
    still: Path | None


class Sounds:
    """Serves orders for the sound of a post."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    async def serve(self, order: Order) -> None:
        """Serve an order to its end. Every outcome is told to the chat; nothing is raised."""
        await serve(order, self._deliver, self._after)

    async def _deliver(self, order: Order) -> Post:
        async with self._bench.spool.workspace() as space:

            async def fetch(attempt: Attempt) -> FetchedSound:
                return await self._fetch(attempt, order, space)

            fetched = await self._bench.sources.attempt(order.link, fetch)
            file = SoundFile(
                path=await with_true_name(fetched.file, self._bench.executor),
                title=fetched.sound.title,
                performer=fetched.sound.author,
                duration_s=fetched.sound.duration_s,
                thumbnail=await self._thumbnail(fetched.still),
            )
            is_silent = not order.target.is_private
            look = order.voice.sound_look()
            await self._bench.sender.send_audio(order.target, file, look, silent=is_silent)
            return fetched.post

    async def _fetch(self, attempt: Attempt, order: Order, space: Workspace) -> FetchedSound:
        post = await attempt.read()
        if post.sound is None:
            raise NoSoundError(post.url)
        await order.status.working()
        file = await attempt.save_sound(post, post.sound, space)
        urls = post.sound.cover_urls or post.cover_urls
        still = await attempt.save_still(post, urls, space, limit_bytes=MAX_STILL_BYTES)
        return FetchedSound(post, post.sound, file, still)

    async def _thumbnail(self, still: Path | None) -> Path | None:
        """Make the thumbnail; a sound without one is as good."""
        try:
            return await self._bench.workshop.run(make_thumbnail, still) if still else None
        except BrokenPictureError as error:
            logger.info("No thumbnail for a sound: %s", error)
            return None

    async def _after(self, order: Order, post: Post) -> None:
        chat_id = order.target.chat_id
        logger.info("Delivered the sound of %s %s to chat %d", post.platform, post.id, chat_id)
        try:
            with storage_errors():
                await add_music(chat_id, int(post.id))
        except StorageError as error:
            logger.error("The sound for chat %d is not recorded: %s", chat_id, error)  # noqa: TRY400 - no traceback needed
        await order.status.done()
