"""The sound of a post, with its title, performer and cover; and its slides over that sound."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import (
    NoMediaError,
    NoSoundError,
    PlatformChangedError,
    PlatformUnreachableError,
    StorageError,
)
from core.formats import Quality, choose_rendition
from core.logs import ChatName
from core.media import Clip, Picture, Post, Sound, SoundFile
from data.db_service import add_music
from data.errors import storage_errors
from platforms import Attempt, Wanted, Workspace
from services.serving import (
    MAX_PICTURE_BYTES,
    MAX_SOUND_BYTES,
    MAX_STILL_BYTES,
    Delivered,
    Order,
    Workbench,
    fetched,
    serve,
)
from services.shelf import Made, Shelf

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FoundSound:
    """A post's sound on disk."""

    post: Post
    #: The site's own sound, or the video that it is taken from.
    file: Path
    still: Path | None = None
    pictures: Sequence[Path] = ()


class Sounds:
    """Serves orders for the sound of a post."""

    def __init__(self, bench: Workbench, shelf: Shelf) -> None:
        self._bench = bench
        self._shelf = shelf

    async def serve(self, order: Order) -> None:
        """Serve an order to its end. Every outcome is told to the chat; nothing is raised."""
        await serve(order, self._deliver, self._record)

    async def _deliver(self, order: Order) -> Delivered:
        return await self._shelf.deliver(
            order, "sound", self._make, lambda *_: order.voice.sound_look()
        )

    async def _make(self, order: Order) -> Made:
        async with fetched(self._bench, order, self._fetch) as found:
            sound = await named_sound(found, self._bench)
            look = order.voice.sound_look()
            await order.status.sending()
            sent = await self._bench.sender.send_sound(order.target, sound, look, order.entry)
            return Made(found.post, sent, is_processed=False, items=len(found.post.items))

    async def _fetch(self, attempt: Attempt, order: Order, space: Workspace) -> FoundSound:
        post = await attempt.read()
        wanted = wanted_sound(post, self._bench)
        await order.status.working()
        file, *stills = await attempt.save(post, wanted, space)
        assert file
        return FoundSound(post, file, next(iter(stills), None))

    async def _record(self, order: Order, delivered: Delivered) -> bool:
        chat_id, post = order.target.chat_id, delivered.post
        if post.number is not None and order.entry.request.is_recorded:
            try:
                with storage_errors():
                    await add_music(chat_id, post.number)
            except StorageError as error:
                logger.error("The sound for chat %s is not recorded: %s", ChatName(chat_id), error)  # noqa: TRY400 - no traceback needed
        return False


class Slides:
    """Serves orders for a slideshow as one video with its sound."""

    def __init__(self, bench: Workbench, shelf: Shelf) -> None:
        self._bench = bench
        self._shelf = shelf

    async def serve(self, order: Order) -> None:
        """Serve an order to its end. Every outcome is told to the chat; nothing is raised."""
        await serve(order, self._deliver)

    async def _deliver(self, order: Order) -> Delivered:
        return await self._shelf.deliver(
            order, "slides", self._make, lambda *_: order.voice.sound_look()
        )

    async def _make(self, order: Order) -> Made:
        async with fetched(self._bench, order, self._fetch) as found:
            sound = await named_sound(found, self._bench)
            video = await self._bench.shaper.slides(found.pictures, sound)
            look = order.voice.sound_look()
            await order.status.sending()
            sent = await self._bench.sender.send(order.target, [video], look, order.entry)
            is_whole = len(found.pictures) == len(found.post.items)
            items = len(found.pictures) if is_whole else None
            return Made(found.post, sent, is_processed=True, items=items)

    async def _fetch(self, attempt: Attempt, order: Order, space: Workspace) -> FoundSound:
        post = await attempt.read()
        pictures = [item for item in post.items if isinstance(item, Picture)]
        if not pictures:
            raise NoMediaError("no slides")
        if post.sound is None:
            raise NoSoundError(post.url)
        sound = Wanted(post.sound.urls, f"{post.file_name}.sound", MAX_SOUND_BYTES)
        slides = [
            Wanted(
                picture.urls,
                f"{post.file_name}_{number}",
                MAX_PICTURE_BYTES,
                may_miss=attempt.is_last,
            )
            for number, picture in enumerate(pictures, start=1)
        ]
        await order.status.working()
        file, *paths = await attempt.save(post, [sound, *slides], space)
        assert file
        kept = [path for path in paths if path]
        if not kept:
            raise PlatformUnreachableError("none of the slides")
        return FoundSound(post, file, pictures=kept)


def wanted_sound(post: Post, bench: Workbench) -> list[Wanted]:
    """List the files for a post's sound: the site's own, or else a video that has it inside.

    Raises:
        NoSoundError: it has neither.
    """
    covers = post.cover_urls
    if post.sound:
        main = Wanted(post.sound.urls, f"{post.file_name}.sound", MAX_SOUND_BYTES)
        covers = post.sound.cover_urls or covers
    else:
        clip = next((item for item in post.items if isinstance(item, Clip)), None)
        if clip is None:
            raise NoSoundError(post.url)
        ceiling = bench.sender.ceiling_bytes
        rendition = choose_rendition(clip.renditions, ceiling, quality=Quality.SMALL)
        if rendition.sound_urls:
            main = Wanted(rendition.sound_urls, f"{post.file_name}.sound", MAX_SOUND_BYTES)
        else:
            main = Wanted(rendition.urls, f"{post.file_name}.mp4", ceiling, rendition.size_bytes)
    stills = [Wanted(covers[:1], f"{post.file_name}.still", MAX_STILL_BYTES, is_optional=True)]
    return [main, *(stills if covers else [])]


async def named_sound(found: FoundSound, bench: Workbench) -> SoundFile:
    """Give the fetched sound with everything that a player shows."""
    post = found.post
    try:
        path, seconds = await bench.shaper.sound(found.file)
    except PlatformChangedError as error:
        if post.sound is None:
            raise NoSoundError("a silent video") from error
        raise
    sound = post.sound or Sound(urls=())
    return SoundFile(
        path=path,
        title=sound.title or post.text.partition("\n")[0][:64] or post.id,
        performer=sound.author or post.author,
        duration_s=sound.duration_s or seconds,
        thumbnail=await bench.shaper.thumbnail(found.still),
    )
