"""From files as the sites serve them to files that Telegram shows right.

The work itself is done in worker processes; this file only decides what comes after what.
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

#: Slides are shown for as long as the sound lasts, but each within these bounds, in seconds.
_SLIDE_S: Final = (2.5, 6.0)


@dataclass(frozen=True, slots=True)
class MediaProcessor:
    """Makes files fit for Telegram."""

    #: For short work: looking into files, pictures, stills, repacking.
    worker_pool: WorkerPool
    #: For encoding: one at a time, under its own time limit.
    encoder_pool: WorkerPool
    #: Largest file in bytes that may be sent.
    ceiling_bytes: int
    #: A video that is too large may be sent in parts.
    may_split: bool

    def close(self) -> None:
        """End all work."""
        self.worker_pool.close()
        self.encoder_pool.close()

    async def untouched(self, path: Path) -> LocalFile:
        """Give a file that is sent as it is, under the name of what it holds.

        Raises:
            BrokenFileError, PlatformChangedError: it is no picture and no video.
        """
        if path.suffix:
            await self.worker_pool.run(video.measure, path)
            return DocumentFile(path)
        return DocumentFile(await self.worker_pool.run(images.with_true_name, path))

    async def picture(self, path: Path) -> LocalFile:
        """Give a picture as a photo, or as an animation if it moves.

        Raises:
            BrokenFileError: it is damaged.
        """
        if await self.worker_pool.run(images.is_moving, path):
            (file,) = await self.video(path, None)
            return file
        return PhotoFile(await self.worker_pool.run(images.make_native, path))

    async def video(self, path: Path, still: Path | None) -> list[LocalFile]:
        """Give a video that plays and fits: one, or several parts of it.

        What cannot be made to play in time is given as it is, as a document if need be.

        Raises:
            TooLargeError: it can neither be made small enough nor cut.
            PlatformChangedError: the file holds no video.
            BrokenFileError: a worker died of it.
        """
        probe = await self.worker_pool.run(video.measure, path)
        match next_step(probe, self.ceiling_bytes):
            case Step.NOTHING:
                return [await self.worker_pool.run(video.dress, path, probe, still)]
            case Step.REPACK:
                return [await self._dressed(await self._repacked(path), still)]
            case Step.ENCODE:
                if encoded := await self._encoded(path, probe):
                    return [await self._dressed(encoded, still)]
        return await self._without_encoding(path, probe, still)

    async def joined(self, path: Path, tone: Path) -> Path:
        """Put pictures and sound that came in two files into one."""
        return await self.worker_pool.run(encoding.repack, path, tone)

    async def audio(self, path: Path) -> tuple[Path, int]:
        """Give the sound of a sound file or video as the player takes it, and its length in seconds.

        Raises:
            PlatformChangedError: it has none.
        """
        return await self.worker_pool.run(audio.make_native, path)

    async def thumbnail(self, still: Path | None) -> Path | None:
        """Make a thumbnail of a still; a file without one is as good."""
        try:
            return await self.worker_pool.run(images.make_thumbnail, still) if still else None
        except BrokenFileError as error:
            logger.info("No thumbnail: %s", error)
            return None

    async def slides(self, pictures: Sequence[Path], tone: AudioFile) -> VideoFile:
        """Make one video of pictures and a sound.

        Raises:
            BrokenFileError: a picture is damaged, or all of it takes too long.
        """
        photos = await run_all(self.worker_pool.run(images.make_native, p) for p in pictures)
        size = await self.worker_pool.run(images.common_frame, photos[0])
        least, most = _SLIDE_S
        each = min(max(tone.duration_s / len(photos), least), most)
        path = await self.encoder_pool.run(encoding.show_slides, photos, tone.path, size, each)
        return await self._dressed(path, None)

    async def _repacked(self, path: Path) -> Path:
        return await self.worker_pool.run(encoding.repack, path)

    async def _dressed(self, path: Path, still: Path | None) -> VideoFile:
        probe = await self.worker_pool.run(video.measure, path)
        return await self.worker_pool.run(video.dress, path, probe, still)

    async def _encoded(self, path: Path, probe: Probe) -> Path | None:
        """Encode within the time there is; None when that did not work out."""
        plan = encoding_for(probe, self.ceiling_bytes)
        if plan is None:
            return None
        try:
            encoded = await self.encoder_pool.run(encoding.encode, path, plan)
        except MediaTimeoutError:
            logger.warning("Encoding %s was given up: it took too long", path.name)
            return None
        return encoded if encoded.stat().st_size <= self.ceiling_bytes else None

    async def _without_encoding(
        self, path: Path, probe: Probe, still: Path | None
    ) -> list[LocalFile]:
        if probe.size_bytes <= self.ceiling_bytes:
            # H.265 plays on most phones; anything else is better opened with an app of its own.
            if probe.video_codec == "hevc":
                return [await self._dressed(await self._repacked(path), still)]
            return [DocumentFile(path)]
        if not (self.may_split and may_be_cut(probe)):
            raise TooLargeError(probe.size_bytes, self.ceiling_bytes)
        parts = await self.worker_pool.run(encoding.cut, path, self.ceiling_bytes)
        dressed = [await self._dressed(part, None) for part in parts]
        return [
            replace(file, label=f"{number}/{len(parts)}")
            for number, file in enumerate(dressed, start=1)
        ]
