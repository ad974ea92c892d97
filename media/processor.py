"""Media processor: turns downloaded files into files that every Telegram app can show.

This module decides the steps. The work itself runs in worker processes.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.choices import Part, Piece
from core.concurrency import run_all
from core.errors import (
    BrokenFileError,
    MediaTimeoutError,
    PlatformChangedError,
    TooLargeError,
)
from core.media import (
    AudioFile,
    DocumentFile,
    LivePhotoFile,
    LocalFile,
    PhotoFile,
    VideoFile,
)
from core.playback import Probe, Step, encoding_for, fits_live_photo, may_be_cut, next_step
from core.progress import Share
from media.share_file import read_share
from media.worker_names import NamedModule
from media.worker_pool import WorkerPool

if TYPE_CHECKING:
    from media import archives, audio, encoding, images, integrity, pieces, subtitles, video
else:
    archives, audio, encoding, images, integrity, pieces, subtitles, video = (
        NamedModule(f"media.{name}")
        for name in (
            *("archives", "audio", "encoding", "images"),
            *("integrity", "pieces", "subtitles", "video"),
        )
    )

logger = logging.getLogger(__name__)

#: Minimum and maximum time per slide, in seconds. Within them, slides fill the audio's duration.
_SLIDE_LIMITS_S: Final = (2.5, 6.0)

_REMUXING: Final = {Step.MOVE_INDEX: encoding.move_index, Step.REPACK: encoding.repack}

#: Called at the start of a long conversion, with what returns the share that is done.
Watch = Callable[[Share], None]


def ignore_progress(_share: Share) -> None:
    """Do nothing with the share: for callers that show no progress."""


@dataclass(frozen=True, slots=True)
class MediaProcessor:
    """Converts files for Telegram and splits videos that are too large."""

    #: For short tasks: probing, pictures, thumbnails, remuxing.
    worker_pool: WorkerPool
    #: The encoder pool: transcodes one video at a time, with its own time limit.
    encoder_pool: WorkerPool
    #: Maximum size of a file that can be sent, in bytes.
    ceiling_bytes: int
    #: Split videos that are too large into parts.
    may_split: bool

    def close(self) -> None:
        """Kill all worker processes."""
        self.worker_pool.close()
        self.encoder_pool.close()

    async def untouched(self, path: Path) -> LocalFile:
        """Return a file to be sent as a document, unchanged except for its file extension.

        Raises:
            BrokenFileError, PlatformChangedError: the file is no picture, video or audio.
        """
        if path.suffix:
            await self._check_is_media(path)
            return DocumentFile(path)
        return DocumentFile(await self.worker_pool.run(images.with_true_name, path))

    async def archive(self, target: Path, files: Sequence[tuple[Path, str]]) -> DocumentFile:
        """Move files into a ZIP archive, each with its name in it.

        Raises:
            SpoolError: the disk is full.
            MediaTimeoutError: it took too long.
        """
        return DocumentFile(await self.worker_pool.run(archives.pack, target, files))

    async def picture(self, path: Path) -> LocalFile:
        """Return a picture as a photo, or an animated one as an animation.

        A damaged animation may still be a photo, of its first frame.

        Raises:
            BrokenFileError: the file is damaged.
        """
        kind = await self.worker_pool.run(images.moving_format, path)
        if kind and (animation := await self._animated(path, kind)):
            return animation
        return PhotoFile(await self.worker_pool.run(images.make_native, path))

    async def live_photo(
        self, path: Path, motion: Path | None, watch: Watch = ignore_progress
    ) -> list[LocalFile]:
        """Return a live photo; the picture alone, or the video beside it, where that is too large.

        `motion` is the video; None if it could not be downloaded.

        Raises:
            BrokenFileError: the picture is damaged.
        """
        photo = await self.picture(path)
        if motion is None:
            return [photo]
        try:
            videos = await self.video(motion, None, watch)
        except (PlatformChangedError, BrokenFileError, TooLargeError) as error:
            logger.info(
                "The video of a live photo is not usable: %s",
                error,
                extra={"event": "live_photo_video_failed"},
            )
            return [photo]
        match photo, videos:
            case PhotoFile(), [VideoFile() as video_file] if fits_live_photo(video_file):
                return [LivePhotoFile(photo.path, video_file)]
        return [photo, *videos]

    async def video(
        self, path: Path, still: Path | None, watch: Watch = ignore_progress
    ) -> list[LocalFile]:
        """Return a video that plays everywhere and fits the size limit: one file, or its parts.

        `still` is the site's preview image, if there is one. If transcoding fails or takes too
        long, the original is returned if it fits, as a document if few players support it. A file
        with audio only is returned as audio.

        Raises:
            TooLargeError: the video can be neither transcoded to the size limit nor split.
            PlatformChangedError: the file is not a video, or is damaged.
            BrokenFileError: the file crashed a worker.
        """
        examined = await self._examined(path, still)
        if not isinstance(examined, Probe):
            return [examined]
        probe = examined
        match next_step(probe, self.ceiling_bytes):
            case Step.MOVE_INDEX | Step.REPACK as step:
                repacked = await self._remuxed(path, still, _REMUXING[step])
                if made := repacked or await self._transcoded(path, probe, still, watch):
                    return [made]
            case Step.ENCODE:
                if encoded := await self._transcoded(path, probe, still, watch):
                    return [encoded]
        return await self._without_encoding(path, probe, still)

    async def is_truncated(self, path: Path) -> bool:
        """Return True if a file says of itself that data is missing: see `media.integrity`.

        Raises:
            BrokenFileError: the file crashed a worker.
        """
        return await self.worker_pool.run(integrity.is_truncated, path)

    async def remade(self, file: LocalFile, watch: Watch = ignore_progress) -> LocalFile:
        """Return a file that Telegram refused, made anew: a new JPEG, or a transcoded video.

        Raises:
            BrokenFileError: it cannot be made anew.
        """
        match file:
            case PhotoFile():
                return PhotoFile(await self.worker_pool.run(images.make_modest, file.path))
            case VideoFile():
                probe = await self.worker_pool.run(video.measure, file.path)
                if made := await self._transcoded(file.path, probe, None, watch):
                    return replace(made, label=file.label)
        raise BrokenFileError("it cannot be made anew")

    async def joined(self, path: Path, audio_path: Path) -> Path:
        """Remux a video and its separate audio file into one file; return the new file.

        It is an MP4, or a Matroska file of what MP4 cannot hold.

        Raises:
            PlatformChangedError: one of the files is damaged.
        """
        try:
            return await self.worker_pool.run(encoding.repack, path, audio_path)
        except PlatformChangedError as error:
            logger.info(
                "Could not join %s into an MP4: %s",
                path.name,
                error,
                extra={"event": "join_failed"},
            )
            return await self.worker_pool.run(encoding.join, path, audio_path)

    async def piece(self, path: Path, piece: Piece) -> Path:
        """Return a new file with a piece of a video.

        Raises:
            PieceError: the video ends before the piece starts.
            PlatformChangedError: the file is damaged.
        """
        return await self.worker_pool.run(encoding.cut_out, path, piece)

    async def needed_part(self, path: Path, piece: Piece) -> Part | None:
        """Return the bytes that a piece needs, by the beginning of its file: see `media.pieces`."""
        try:
            return await self.worker_pool.run(pieces.needed_part, path, piece)
        except (PlatformChangedError, BrokenFileError):
            return None

    async def audio(
        self, path: Path, *, as_mp3: bool = False, piece: Piece | None = None
    ) -> tuple[Path, int]:
        """Return the audio of a file as MP3 or M4A, or a piece of it, and its duration in seconds.

        Raises:
            PieceError: the audio ends before the piece starts.
            PlatformChangedError: the file has no audio.
        """
        make = partial(audio.make_native, as_mp3=as_mp3, piece=piece)
        return await self.worker_pool.run(make, path)

    async def subtitles(self, path: Path, piece: Piece | None = None) -> Path:
        """Return subtitles, or those of a piece, as a SubRip file.

        Raises:
            NoSubtitlesError: nothing is said in the piece.
            BrokenFileError: the file has no subtitles.
        """
        return await self.worker_pool.run(partial(subtitles.make_srt, piece=piece), path)

    async def thumbnail(self, still: Path | None) -> Path | None:
        """Return a thumbnail of a still, or None if there is no still or it is damaged."""
        try:
            return await self.worker_pool.run(images.make_thumbnail, still) if still else None
        except BrokenFileError as error:
            logger.info(
                "Could not make a thumbnail: %s", error, extra={"event": "thumbnail_failed"}
            )
            return None

    async def slides(
        self, pictures: Sequence[Path], track: AudioFile, watch: Watch = ignore_progress
    ) -> VideoFile:
        """Return a slideshow video of pictures with audio.

        Raises:
            BrokenFileError: a picture is damaged, or a worker crashed.
            MediaTimeoutError: encoding took too long.
            PlatformChangedError: the audio is damaged.
        """
        photos = await run_all(self.worker_pool.run(images.make_native, p) for p in pictures)
        size = await self.worker_pool.run(images.common_frame, photos[0])
        shortest, longest = _SLIDE_LIMITS_S
        each = min(max(track.duration_s / len(photos), shortest), longest)
        share = _watched(track.path, watch)
        path = await self.encoder_pool.run(
            encoding.show_slides, photos, track.path, size, each, share
        )
        return await self._with_thumbnail(path, None)

    async def _animated(self, path: Path, kind: str) -> LocalFile | None:
        """Return an animated picture as a video, or None if that fails: its first frame is left.

        `kind` is Pillow's name of its format. FFmpeg reads GIF itself.
        """
        try:
            if kind == "GIF":
                (file,) = await self.video(path, None)
                return file
            encoded = await self.encoder_pool.run(encoding.animate, path)
            return await self._with_thumbnail(encoded, None)
        except (PlatformChangedError, BrokenFileError, TooLargeError) as error:
            logger.info(
                "Could not animate %s: %s", path.name, error, extra={"event": "animation_failed"}
            )
            return None

    async def _check_is_media(self, path: Path) -> None:
        try:
            await self.worker_pool.run(video.measure, path)
        except PlatformChangedError:
            if not await self.worker_pool.run(audio.is_audio_only, path):
                raise

    async def _examined(self, path: Path, still: Path | None) -> Probe | VideoFile | AudioFile:
        """Return a file that can be sent as it is, or the properties of a video that cannot."""
        try:
            return await self.worker_pool.run(video.examine, path, still, self.ceiling_bytes)
        except PlatformChangedError:
            if await self.worker_pool.run(audio.is_audio_only, path):
                return await self._sound(path, still)
            raise

    async def _sound(self, path: Path, still: Path | None) -> AudioFile:
        native, seconds = await self.audio(path)
        title, performer = await self.worker_pool.run(audio.tags, native)
        return AudioFile(native, title, performer, seconds, await self.thumbnail(still))

    async def _remuxed(
        self, path: Path, still: Path | None, remux: Callable[[Path], Path] = encoding.repack
    ) -> VideoFile | None:
        """Return a remuxed video, or None if the container cannot take its tracks."""
        try:
            repacked = await self.worker_pool.run(remux, path)
            return await self._with_thumbnail(repacked, still)
        except PlatformChangedError as error:
            logger.warning(
                "Could not remux %s: %s", path.name, error, extra={"event": "remux_failed"}
            )
            return None

    async def _with_thumbnail(self, path: Path, still: Path | None) -> VideoFile:
        return await self.worker_pool.run(video.make_video_file, path, still)

    async def _transcoded(
        self, path: Path, probe: Probe, still: Path | None, watch: Watch
    ) -> VideoFile | None:
        """Return a transcoded video, or None if that fails, takes too long, or cannot fit."""
        plan = encoding_for(probe, self.ceiling_bytes)
        if plan is None:
            return None
        try:
            share = _watched(path, watch)
            encoded = await self.encoder_pool.run(encoding.encode, path, plan, share)
            if encoded.stat().st_size <= self.ceiling_bytes:
                return await self._with_thumbnail(encoded, still)
        except MediaTimeoutError:
            logger.warning(
                "Transcoding %s took too long and was aborted",
                path.name,
                extra={"event": "transcode_timeout"},
            )
        except (PlatformChangedError, BrokenFileError) as error:
            logger.warning(
                "Could not transcode %s: %s", path.name, error, extra={"event": "transcode_failed"}
            )
        return None

    async def _without_encoding(
        self, path: Path, probe: Probe, still: Path | None
    ) -> list[LocalFile]:
        if probe.size_bytes <= self.ceiling_bytes:
            # Most phones play H.265. Other codecs are sent as a document, for another player app.
            copied = await self._remuxed(path, still) if probe.video.may_be_copied else None
            return [copied or DocumentFile(path)]
        if not (self.may_split and may_be_cut(probe)):
            raise TooLargeError(probe.size_bytes, self.ceiling_bytes)
        parts = await self.worker_pool.run(encoding.cut, path, self.ceiling_bytes)
        videos = [await self._with_thumbnail(part, None) for part in parts]
        return [
            replace(file, label=f"{number}/{len(parts)}")
            for number, file in enumerate(videos, start=1)
        ]


def _watched(path: Path, watch: Watch) -> Path:
    """Return the file that says how much of a conversion is done, and let `watch` read it."""
    share = path.with_suffix(".share")
    watch(partial(read_share, share))
    return share
