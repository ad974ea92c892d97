"""Videos measured and given their still pictures, so that they show right on every phone.

Runs in worker processes: whatever is in a file, it costs a worker at most. Without width, height and
duration phones show a square, and without a thumbnail a grey one.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import av
from av.container import InputContainer
from PIL import Image, ImageOps

from core.errors import PlatformChangedError
from core.media import VideoFile
from core.playback import Probe

logger = logging.getLogger(__name__)

#: Telegram takes thumbnails of up to 320 x 320 pixels and 200 kB.
#: Source: https://core.telegram.org/bots/api#sendvideo
_THUMBNAIL_SIDE: Final = 320
#: A site's still whose proportions differ more than this from the video's is not used.
_RATIO_TOLERANCE: Final = 0.05
#: The frame that is taken for a still is the first one after this time; the very first is often black.
_STILL_AT_S: Final = 1


def measure(path: Path) -> Probe:
    """Look into a video.

    Raises:
        PlatformChangedError: the file holds no video.
    """
    with opened(path) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        frame = next(container.decode(stream))
        width, height = frame.width, frame.height
        if frame.rotation % 180:
            width, height = height, width
        audios = container.streams.audio
        return Probe(
            size_bytes=path.stat().st_size,
            width=width,
            height=height,
            duration_s=container.duration / av.time_base if container.duration else 0.0,
            frames_per_s=float(stream.average_rate or 0),
            video_codec=stream.codec_context.codec.canonical_name,
            pixel_format=stream.codec_context.pix_fmt or "",
            profile=stream.codec_context.profile or "",
            audio_codec=audios[0].codec_context.codec.canonical_name if audios else "",
            is_mp4="mp4" in container.format.name.split(","),
            is_fast_start=_index_comes_first(path),
        )


def dress(path: Path, probe: Probe, still: Path | None) -> VideoFile:
    """Make a video's thumbnail and cover beside it.

    `still` is the site's own picture of it; when it is missing, broken or of another shape, a frame
    of the video takes its place.
    """
    thumbnail = cover = None
    image = _open_still(still, probe.width / probe.height) if still else None
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
        width=probe.width,
        height=probe.height,
        duration_s=round(probe.duration_s),
        thumbnail=thumbnail,
        cover=cover,
        is_animation=probe.is_loop,
    )


@contextmanager
def opened(path: Path, kind: Literal["video", "sound"] = "video") -> Iterator[InputContainer]:
    """Open a file, and name every way in which reading it can fail inside the block.

    Raises:
        PlatformChangedError: the file is not of its kind, or damaged.
    """
    try:
        with av.open(str(path)) as container:
            if not (container.streams.video if kind == "video" else container.streams.audio):
                raise PlatformChangedError(f"the file is no {kind} (no such stream)")
            yield container
    except (av.FFmpegError, IndexError, StopIteration) as error:
        raise PlatformChangedError(f"the file is no {kind} ({type(error).__name__})") from error


def _index_comes_first(path: Path) -> bool:
    """Walk over the boxes of an MP4 (ISO 14496-12, 4.2) until the index or the content comes."""
    with path.open("rb") as file:
        while len(head := file.read(8)) == 8:
            size, kind = int.from_bytes(head[:4], "big"), head[4:]
            if kind in {b"moov", b"mdat"}:
                return kind == b"moov"
            if size == 1:
                size = int.from_bytes(file.read(8), "big") - 8
            if size < 8:
                break
            file.seek(size - 8, 1)
    return False


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
