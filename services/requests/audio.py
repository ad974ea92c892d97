"""The audio of a post, with title, performer and cover; and its slides over that audio."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from core.choices import Piece
from core.concurrency import beside
from core.errors import (
    NoAudioError,
    NoMediaError,
    PlatformChangedError,
    PlatformUnreachableError,
    StorageError,
    TooLargeError,
    TrackTooLargeError,
)
from core.formats import Quality
from core.media import Audio, AudioFile, Clip, Post, named_after
from core.pseudonyms import LoggedChat
from data.db_service import add_music
from media.processor import MediaProcessor
from platforms import Attempt, FileRequest, Workspace
from services.requests.context import Delivered, RequestContext
from services.requests.file_requests import (
    audio_request,
    picture_request,
    still_request,
    video_request,
)
from services.requests.kept_answers import Prepared
from services.requests.media_service import MediaService, with_piece

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FetchedAudio:
    """A post's audio on disk."""

    post: Post
    #: The site's own audio file, or a video that contains it.
    file: Path
    still: Path | None = None
    pictures: Sequence[Path] = ()


class AudioService(MediaService[FetchedAudio]):
    """Answers with the audio of a post."""

    def variant(self, context: RequestContext) -> str:
        """Return the variant; stored rows have "sound" for the whole audio in its own format."""
        return with_piece("sound/mp3" if context.request.selection.is_mp3 else "sound", context)

    async def fetch(
        self, attempt: Attempt, context: RequestContext, space: Workspace
    ) -> FetchedAudio:
        """Save the post's audio, and a still for its thumbnail.

        Raises:
            NoAudioError: the post has none.
            ClipferryError: this attempt failed otherwise.
        """
        post = await attempt.read()
        main, *extras = audio_file_requests(post, self.toolkit.sender.ceiling_bytes)
        requests = [replace(main, part=self.part_of(context)), *extras]
        with named_as_track(post):
            async with beside(context.status.working()):
                download = context.work.begin_download()
                file, *stills = await attempt.save(post, requests, space, download)
        assert file
        still = next((still.path for still in stills if still), None)
        return FetchedAudio(post, file.path, still)

    async def prepare(self, context: RequestContext, fetched: FetchedAudio) -> Prepared:
        """Convert the audio to a format that Telegram's player plays."""
        selection = context.request.selection
        context.work.begin_conversion(1)
        return Prepared(
            post=fetched.post,
            files=[
                await titled_audio(
                    fetched, self.toolkit.media, as_mp3=selection.is_mp3, piece=selection.piece
                )
            ],
            options_of=lambda _missing: context.presenter.audio_options(fetched.post),
            is_processed=False,
            items=len(fetched.post.items),
        )

    async def record(self, context: RequestContext, delivered: Delivered) -> bool:
        """Write the history, which knows TikTok's numbers only. No ad follows."""
        post = delivered.post
        if post.number is not None and context.request.is_recorded:
            try:
                await add_music(delivered.chat_id, post.number)
            except StorageError as error:
                logger.error(  # noqa: TRY400 - expected
                    "Could not record the audio for chat %s: %s",
                    LoggedChat(context.chat_id),
                    error,
                    extra={"event": "audio_not_recorded"},
                )
        return False


class SlideVideoService(MediaService[FetchedAudio]):
    """Answers with the pictures of a post as one video over its audio."""

    def variant(self, context: RequestContext) -> str:
        """Return the only variant; stored rows have it."""
        return "slides"

    async def fetch(
        self, attempt: Attempt, context: RequestContext, space: Workspace
    ) -> FetchedAudio:
        """Save the post's audio and pictures.

        Raises:
            NoMediaError: the post has no pictures.
            NoAudioError: the post has no audio of its own.
            ClipferryError: this attempt failed otherwise.
        """
        post = await attempt.read()
        pictures = post.pictures
        if not pictures:
            raise NoMediaError("no slides")
        if post.audio is None:
            raise NoAudioError(post.url)
        ceiling = self.toolkit.sender.ceiling_bytes
        audio = audio_request(post.audio.urls, f"{post.file_name}.audio", ceiling)
        audio = replace(audio, is_companion=True)
        slides = [
            picture_request(picture, f"{post.file_name}_{number}", ceiling)
            for number, picture in enumerate(pictures, start=1)
        ]
        slides = [replace(slide, may_miss=attempt.is_last) for slide in slides]
        files = [audio, *slides]
        async with beside(context.status.working()):
            file, *saved = await attempt.save(post, files, space, context.work.begin_download())
        assert file
        kept = [slide.path for slide in saved if slide]
        if not kept:
            raise PlatformUnreachableError("none of the slides")
        return FetchedAudio(post, file.path, pictures=kept)

    async def prepare(self, context: RequestContext, fetched: FetchedAudio) -> Prepared:
        """Encode the pictures as one video."""
        (conversion,) = context.work.begin_conversion(1)
        audio = await titled_audio(fetched, self.toolkit.media)
        video = await self.toolkit.media.slides(fetched.pictures, audio, conversion.watch)
        is_complete = len(fetched.pictures) == len(fetched.post.items)
        return Prepared(
            post=fetched.post,
            files=[video],
            options_of=lambda _missing: context.presenter.audio_options(fetched.post),
            is_processed=True,
            items=len(fetched.pictures) if is_complete else None,
        )


@contextmanager
def named_as_track(post: Post) -> Iterator[None]:
    """Raise what is too large in the block as a track, if the post is one.

    Raises:
        TrackTooLargeError: the track is too large.
    """
    try:
        yield
    except TooLargeError as error:
        if not post.is_track:
            raise
        raise TrackTooLargeError(error.size_bytes, error.limit_bytes) from error


def audio_file_requests(post: Post, ceiling_bytes: int) -> list[FileRequest]:
    """List the files for a post's audio: the site's own, or else a video that contains it.

    Raises:
        NoAudioError: it has neither.
    """
    covers = post.cover_urls
    name = f"{post.file_name}.audio"
    if post.audio:
        main = audio_request(post.audio.urls, name, ceiling_bytes)
        covers = post.audio.cover_urls or covers
    else:
        clip = next((item for item in post.items if isinstance(item, Clip)), None)
        if clip is None:
            raise NoAudioError(post.url)
        main = video_request(clip, f"{post.file_name}.mp4", ceiling_bytes, Quality.SMALL)
        if audio_urls := main.versions[0].audio_urls:
            main = audio_request(audio_urls, name, ceiling_bytes)
    return [main, *([still_request(covers, f"{post.file_name}.still")] if covers else [])]


async def titled_audio(
    fetched: FetchedAudio,
    media: MediaProcessor,
    *,
    as_mp3: bool = False,
    piece: Piece | None = None,
) -> AudioFile:
    """Convert the fetched audio, and add what a player shows: title, performer, thumbnail.

    Raises:
        PieceError: the audio ends before the piece starts.
        NoAudioError: the video that should contain it is silent.
        PlatformChangedError: the file is not readable.
    """
    post = fetched.post
    try:
        path, seconds = await media.audio(fetched.file, as_mp3=as_mp3, piece=piece)
    except PlatformChangedError as error:
        if post.audio is None:
            raise NoAudioError("a silent video") from error
        raise
    audio = post.audio or Audio(urls=())
    thumbnail = await media.thumbnail(fetched.still)
    return named_after(post, AudioFile(path, audio.title, audio.author, seconds, thumbnail))
