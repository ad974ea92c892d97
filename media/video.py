"""Probe videos and make their thumbnails and covers.

Runs in worker processes, so that a malicious file can crash a worker at most. Without width, height
and duration, Telegram's apps show a video as a square; without a thumbnail, as a grey one.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import av
from av.container import InputContainer
from PIL import Image

from core.errors import BrokenFileError, PlatformChangedError
from core.media import VideoFile
from core.playback import Probe
from media.images import open_upright

logger = logging.getLogger(__name__)

#: Telegram accepts thumbnails of at most 320 x 320 pixels and 200 kB.
#: Source: https://core.telegram.org/bots/api#sendvideo
_THUMBNAIL_SIDE: Final = 320
#: Stills with a longer side are shrunk to about this many pixels.
_COVER_SIDE: Final = 1280
#: Maximum relative difference between the aspect ratios of the video and the site's still.
_RATIO_TOLERANCE: Final = 0.05
#: Seek target for the still, in seconds, because the first frame is often black. FFmpeg seeks to
#: the key frame at or before this time.
_STILL_SEEK_S: Final = 1
#: FFmpeg's names of the formats that are opened.
_FORMATS: Final = (
    *("mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "asf", "flv", "mpegts"),
    *("mpeg", "mp3", "aac", "ac3", "flac", "ogg", "wav", "gif", "h264", "hevc", "ivf"),
)


def measure(path: Path) -> Probe:
    """Return the properties of a video; its first frame is decoded.

    Raises:
        PlatformChangedError: the file is not a video, or is damaged.
    """
    with open_media(path) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        frame = next(container.decode(stream))
        width, height = frame.width, frame.height
        if frame.rotation % 180:
            width, height = height, width
        audios = [each for each in container.streams.audio if has_decoder(each)]
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
    """Make a thumbnail and a cover beside the video, and return all three.

    `still` is the site's own preview image. If it is None, damaged or has another aspect ratio, a
    frame of the video is used instead. Thumbnail and cover are None if that fails, too.
    """
    thumbnail = cover = None
    image = _open_still(still, probe.width / probe.height) if still else None
    try:
        image = image or _frame(path)
        cover = _save(image, path.with_suffix(".cover.jpg"))
        image.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
        thumbnail = _save(image, path.with_suffix(".thumb.jpg"))
    except (OSError, ValueError, av.FFmpegError) as error:
        logger.info(
            "Could not make a thumbnail and cover of %s: %s",
            path.name,
            error,
            extra={"event": "thumbnail_failed"},
        )
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


def open_input(path: Path) -> InputContainer:
    """Open a media file for reading. Only local files in the formats of the sites are accepted.

    Some of FFmpeg's formats are scripts or playlists that open other files and addresses. Titles
    and comments inside a file are in any encoding.

    Raises:
        av.FFmpegError: the file is in no such format.
    """
    options = {"protocol_whitelist": "file", "format_whitelist": ",".join(_FORMATS)}
    return av.open(str(path), options=options, metadata_errors="replace")


def has_decoder(stream: Any) -> bool:
    """Return True if FFmpeg can decode a stream; PyAV has no codec context otherwise."""
    return stream.codec_context is not None


@contextmanager
def open_media(path: Path, kind: Literal["video", "audio"] = "video") -> Iterator[InputContainer]:
    """Open a file that must have a stream of the given kind, and yield its container.

    Raises:
        PlatformChangedError: there is no such stream, or reading failed inside the block.
        BrokenFileError: FFmpeg cannot decode it.
    """
    try:
        with open_input(path) as container:
            streams = container.streams.video if kind == "video" else container.streams.audio
            if not streams:
                raise PlatformChangedError(f"the file has no {kind} stream")
            if not has_decoder(streams[0]):
                raise BrokenFileError(f"no decoder for the {kind} stream")
            yield container
    except (av.FFmpegError, IndexError, StopIteration) as error:
        raise PlatformChangedError(
            f"the {kind} file is not readable ({type(error).__name__})"
        ) from error


def _index_comes_first(path: Path) -> bool:
    """Return True if an MP4's index (moov) precedes its content (mdat); ISO 14496-12, 4.2."""
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
        picture = open_upright(still, _COVER_SIDE)
    except BrokenFileError as error:
        logger.info(
            "Could not read the still from the site: %s",
            error,
            extra={"event": "still_unreadable"},
        )
        return None
    is_same_shape = abs(picture.width / picture.height - ratio) <= ratio * _RATIO_TOLERANCE
    return picture if is_same_shape else None


def _frame(path: Path) -> Image.Image:
    """Return a frame of the video, rotated as players show it."""
    with open_input(path) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        if container.duration and container.duration > 2 * _STILL_SEEK_S * av.time_base:
            container.seek(_STILL_SEEK_S * av.time_base)
        frame = next(container.decode(stream))
        image: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
        return image.rotate(frame.rotation, expand=True) if frame.rotation else image


def _save(image: Image.Image, path: Path) -> Path:
    image.save(path, "JPEG", quality=85)
    return path
