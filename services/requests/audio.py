"""The sound of a post, with its title, performer and cover; and its slides over that sound."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import (
    NoAudioError,
    NoMediaError,
    PlatformChangedError,
    PlatformUnreachableError,
    StorageError,
)
from core.formats import Quality, choose_rendition
from core.media import Audio, AudioFile, Clip, Picture, Post
from core.pseudonyms import LoggedChat
from data.db_service import add_music
from platforms import Attempt, FileRequest, Workspace
from services.requests.file_id_cache import FileIdCache, MadeFiles
from services.requests.pipeline import (
    MAX_AUDIO_BYTES,
    MAX_PICTURE_BYTES,
    MAX_STILL_BYTES,
    Delivered,
    RequestContext,
    Toolkit,
    fetched,
    serve,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FetchedAudio:
    """A post's sound on disk."""

    post: Post
    #: The site's own sound, or the video that it is taken from.
    file: Path
    still: Path | None = None
    pictures: Sequence[Path] = ()


class AudioService:
    """Serves orders for the sound of a post."""

    def __init__(self, toolkit: Toolkit, file_id_cache: FileIdCache) -> None:
        self._toolkit = toolkit
        self._file_id_cache = file_id_cache

    async def serve(self, context: RequestContext) -> None:
        """Serve an order to its end. Every outcome is told to the chat; nothing is raised."""
        await serve(context, self._deliver, self._record)

    async def _deliver(self, context: RequestContext) -> Delivered:
        return await self._file_id_cache.deliver(
            context, "sound", self._make, lambda *_: context.presenter.audio_options()
        )

    async def _make(self, context: RequestContext) -> MadeFiles:
        async with fetched(self._toolkit, context, self._fetch) as found:
            audio = await titled_audio(found, self._toolkit)
            options = context.presenter.audio_options()
            await context.status.sending()
            sent = await self._toolkit.sender.send_audio(
                context.target, audio, options, context.stored
            )
            return MadeFiles(found.post, sent, is_processed=False, items=len(found.post.items))

    async def _fetch(
        self, attempt: Attempt, context: RequestContext, space: Workspace
    ) -> FetchedAudio:
        post = await attempt.read()
        wanted = audio_file_request(post, self._toolkit)
        await context.status.working()
        file, *stills = await attempt.save(post, wanted, space)
        assert file
        return FetchedAudio(post, file, next(iter(stills), None))

    async def _record(self, context: RequestContext, delivered: Delivered) -> bool:
        chat_id, post = context.target.chat_id, delivered.post
        if post.number is not None and context.stored.request.is_recorded:
            try:
                await add_music(chat_id, post.number)
            except StorageError as error:
                logger.error(  # noqa: TRY400 - no traceback needed
                    "The sound for chat %s is not recorded: %s", LoggedChat(chat_id), error
                )
        return False


class SlideVideoService:
    """Serves orders for a slideshow as one video with its sound."""

    def __init__(self, toolkit: Toolkit, file_id_cache: FileIdCache) -> None:
        self._toolkit = toolkit
        self._file_id_cache = file_id_cache

    async def serve(self, context: RequestContext) -> None:
        """Serve an order to its end. Every outcome is told to the chat; nothing is raised."""
        await serve(context, self._deliver)

    async def _deliver(self, context: RequestContext) -> Delivered:
        return await self._file_id_cache.deliver(
            context, "slides", self._make, lambda *_: context.presenter.audio_options()
        )

    async def _make(self, context: RequestContext) -> MadeFiles:
        async with fetched(self._toolkit, context, self._fetch) as found:
            audio = await titled_audio(found, self._toolkit)
            video = await self._toolkit.media.slides(found.pictures, audio)
            options = context.presenter.audio_options()
            await context.status.sending()
            sent = await self._toolkit.sender.send(context.target, [video], options, context.stored)
            is_complete = len(found.pictures) == len(found.post.items)
            items = len(found.pictures) if is_complete else None
            return MadeFiles(found.post, sent, is_processed=True, items=items)

    async def _fetch(
        self, attempt: Attempt, context: RequestContext, space: Workspace
    ) -> FetchedAudio:
        post = await attempt.read()
        pictures = [item for item in post.items if isinstance(item, Picture)]
        if not pictures:
            raise NoMediaError("no slides")
        if post.audio is None:
            raise NoAudioError(post.url)
        audio = FileRequest(post.audio.urls, f"{post.file_name}.sound", MAX_AUDIO_BYTES)
        slides = [
            FileRequest(
                picture.urls,
                f"{post.file_name}_{number}",
                MAX_PICTURE_BYTES,
                may_miss=attempt.is_last,
            )
            for number, picture in enumerate(pictures, start=1)
        ]
        await context.status.working()
        file, *paths = await attempt.save(post, [audio, *slides], space)
        assert file
        kept = [path for path in paths if path]
        if not kept:
            raise PlatformUnreachableError("none of the slides")
        return FetchedAudio(post, file, pictures=kept)


def audio_file_request(post: Post, toolkit: Toolkit) -> list[FileRequest]:
    """List the files for a post's sound: the site's own, or else a video that has it inside.

    Raises:
        NoSoundError: it has neither.
    """
    covers = post.cover_urls
    if post.audio:
        main = FileRequest(post.audio.urls, f"{post.file_name}.sound", MAX_AUDIO_BYTES)
        covers = post.audio.cover_urls or covers
    else:
        clip = next((item for item in post.items if isinstance(item, Clip)), None)
        if clip is None:
            raise NoAudioError(post.url)
        ceiling = toolkit.sender.ceiling_bytes
        rendition = choose_rendition(clip.renditions, ceiling, quality=Quality.SMALL)
        if rendition.audio_urls:
            main = FileRequest(rendition.audio_urls, f"{post.file_name}.sound", MAX_AUDIO_BYTES)
        else:
            main = FileRequest(
                rendition.urls, f"{post.file_name}.mp4", ceiling, rendition.size_bytes
            )
    stills = [FileRequest(covers[:1], f"{post.file_name}.still", MAX_STILL_BYTES, is_optional=True)]
    return [main, *(stills if covers else [])]


async def titled_audio(found: FetchedAudio, toolkit: Toolkit) -> AudioFile:
    """Give the fetched sound with everything that a player shows."""
    post = found.post
    try:
        path, seconds = await toolkit.media.audio(found.file)
    except PlatformChangedError as error:
        if post.audio is None:
            raise NoAudioError("a silent video") from error
        raise
    audio = post.audio or Audio(urls=())
    return AudioFile(
        path=path,
        title=audio.title or post.text.partition("\n")[0][:64] or post.id,
        performer=audio.author or post.author,
        duration_s=audio.duration_s or seconds,
        thumbnail=await toolkit.media.thumbnail(found.still),
    )
