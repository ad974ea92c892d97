"""A downloaded video measured and given its still pictures, so that it shows right on every phone.

Without width, height and duration phones show a square, and without a thumbnail a grey one.
"""

import asyncio
import logging
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

import av
from PIL import Image, ImageOps

from core.errors import PlatformChangedError
from core.media import VideoFile

logger = logging.getLogger(__name__)

#: Telegram takes thumbnails of up to 320 x 320 pixels and 200 kB.
#: Source: https://core.telegram.org/bots/api#sendvideo
_THUMBNAIL_SIDE: Final = 320
#: A site's still whose proportions differ more than this from the video's is not used.
_RATIO_TOLERANCE: Final = 0.05
#: The frame that is taken for a still is the first one after this time; the very first is often black.
_STILL_AT_S: Final = 1


async def prepare(path: Path, still: Path | None, executor: Executor) -> VideoFile:
    """Measure a video and make its thumbnail and cover, in the executor.

    `still` is the site's own picture of it; when it is missing, broken or of another shape, a frame
    of the video takes its place. The pictures are written beside the video.

    Raises:
        PlatformChangedError: the file holds no video.
    """
    return await asyncio.get_running_loop().run_in_executor(executor, _prepare, path, still)


def _prepare(path: Path, still: Path | None) -> VideoFile:
    width, height, duration = _measure(path)
    thumbnail = cover = None
    image = _open_still(still, width / height) if still else None
    try:
        image = image or _frame(path)
        cover = _save(image, path.with_suffix(".cover.jpg"))
        image.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
        thumbnail = _save(image, path.with_suffix(".thumb.jpg"))
    except (OSError, ValueError, av.FFmpegError) as error:
        logger.info("No still picture of %s: %s", path.name, error)
    return VideoFile(
        path=path,
        size_bytes=path.stat().st_size,
        width=width,
        height=height,
        duration_s=duration,
        thumbnail=thumbnail,
        cover=cover,
    )


def _measure(path: Path) -> tuple[int, int, int]:
    """Give width and height as shown, and the duration in whole seconds."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            context = stream.codec_context
            context.thread_count = 1
            frame = next(container.decode(stream))
            width, height = frame.width, frame.height
            if frame.rotation % 180:
                width, height = height, width
            length = container.duration / av.time_base if container.duration else 0.0
            return width, height, round(length)
    except (av.FFmpegError, IndexError, StopIteration) as error:
        raise PlatformChangedError(f"the file is no video ({type(error).__name__})") from error


def _open_still(still: Path, ratio: float) -> Image.Image | None:
    try:
        with Image.open(still) as image:
            picture = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        logger.info("The site's still cannot be used: %s", error)
        return None
    is_same_shape = abs(picture.width / picture.height - ratio) <= ratio * _RATIO_TOLERANCE
    return picture if is_same_shape else None


def _frame(path: Path) -> Image.Image:
    """Take a frame of the video, as shown."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        if container.duration and container.duration > 2 * _STILL_AT_S * av.time_base:
            container.seek(_STILL_AT_S * av.time_base)
        frame = next(container.decode(stream))
        image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
        return image.rotate(frame.rotation, expand=True) if frame.rotation else image


def _save(image: Image.Image, path: Path) -> Path:
    image.save(path, "JPEG", quality=85)
    return path
