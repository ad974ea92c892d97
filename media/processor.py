"""Media processor: turns downloaded files into files that every Telegram app can show.

This module decides the steps. The work itself runs in worker processes.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.concurrency import run_all
from core.errors import BrokenFileError, MediaTimeoutError, TooLargeError
from core.media import AudioFile, DocumentFile, LocalFile, PhotoFile, VideoFile
from core.playback import Probe, Step, encoding_for, may_be_cut, next_step
from media import audio, encoding, images, video
from media.worker_pool import WorkerPool

logger = logging.getLogger(__name__)

#: Minimum and maximum time per slide, in seconds. Within them, slides fill the audio's duration.
_SLIDE_LIMITS_S: Final = (2.5, 6.0)


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
            BrokenFileError, PlatformChangedError: the file is neither a picture nor a video.
        """
        if path.suffix:
            await self.worker_pool.run(video.measure, path)
            return DocumentFile(path)
        return DocumentFile(await self.worker_pool.run(images.with_true_name, path))

    async def picture(self, path: Path) -> LocalFile:
        """Return a picture as a photo, or an animated GIF as an animation.

        Raises:
            BrokenFileError: the file is damaged.
        """
        if await self.worker_pool.run(images.is_moving, path):
            (file,) = await self.video(path, None)
            return file
        return PhotoFile(await self.worker_pool.run(images.make_native, path))

    async def video(self, path: Path, still: Path | None) -> list[LocalFile]:
        """Return a video that plays everywhere and fits the size limit: one file, or its parts.

        `still` is the site's preview image, if there is one. If transcoding takes too long, the
        original is returned if it fits, as a document if few players support it.

        Raises:
            TooLargeError: the video can be neither transcoded to the size limit nor split.
            PlatformChangedError: the file is not a video, or is damaged.
            BrokenFileError: the file crashed a worker.
        """
        probe = await self.worker_pool.run(video.measure, path)
        match next_step(probe, self.ceiling_bytes):
            case Step.NOTHING:
                return [await self.worker_pool.run(video.dress, path, probe, still)]
            case Step.REPACK:
                return [await self._with_thumbnail(await self._remux(path), still)]
            case Step.ENCODE:
                if encoded := await self._transcode(path, probe):
                    return [await self._with_thumbnail(encoded, still)]
        return await self._without_encoding(path, probe, still)

    async def joined(self, path: Path, audio_path: Path) -> Path:
        """Remux a video and its separate audio file into one file; return the new file."""
        return await self.worker_pool.run(encoding.repack, path, audio_path)

    async def audio(self, path: Path) -> tuple[Path, int]:
        """Return the audio of a file as MP3 or M4A, and its duration in seconds.

        Raises:
            PlatformChangedError: the file has no audio.
        """
        return await self.worker_pool.run(audio.make_native, path)

    async def thumbnail(self, still: Path | None) -> Path | None:
        """Return a thumbnail of a still, or None if there is no still or it is damaged."""
        try:
            return await self.worker_pool.run(images.make_thumbnail, still) if still else None
        except BrokenFileError as error:
            logger.info(
                "Could not make a thumbnail: %s", error, extra={"event": "thumbnail_failed"}
            )
            return None

    async def slides(self, pictures: Sequence[Path], track: AudioFile) -> VideoFile:
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
        path = await self.encoder_pool.run(encoding.show_slides, photos, track.path, size, each)
        return await self._with_thumbnail(path, None)

    async def _remux(self, path: Path) -> Path:
        return await self.worker_pool.run(encoding.repack, path)

    async def _with_thumbnail(self, path: Path, still: Path | None) -> VideoFile:
        probe = await self.worker_pool.run(video.measure, path)
        return await self.worker_pool.run(video.dress, path, probe, still)

    async def _transcode(self, path: Path, probe: Probe) -> Path | None:
        """Return a transcoded file, or None if it takes too long or cannot fit the size limit."""
        plan = encoding_for(probe, self.ceiling_bytes)
        if plan is None:
            return None
        try:
            encoded = await self.encoder_pool.run(encoding.encode, path, plan)
        except MediaTimeoutError:
            logger.warning(
                "Transcoding %s took too long and was aborted",
                path.name,
                extra={"event": "transcode_timeout"},
            )
            return None
        return encoded if encoded.stat().st_size <= self.ceiling_bytes else None

    async def _without_encoding(
        self, path: Path, probe: Probe, still: Path | None
    ) -> list[LocalFile]:
        if probe.size_bytes <= self.ceiling_bytes:
            # Most phones play H.265. Other codecs are sent as a document, for another player app.
            if probe.video_codec == "hevc":
                return [await self._with_thumbnail(await self._remux(path), still)]
            return [DocumentFile(path)]
        if not (self.may_split and may_be_cut(probe)):
            raise TooLargeError(probe.size_bytes, self.ceiling_bytes)
        parts = await self.worker_pool.run(encoding.cut, path, self.ceiling_bytes)
        videos = [await self._with_thumbnail(part, None) for part in parts]
        return [
            replace(file, label=f"{number}/{len(parts)}")
            for number, file in enumerate(videos, start=1)
        ]
