"""Probe videos and make their thumbnails and covers.

Runs in worker processes, so that a malicious file can crash a worker at most. Without width, height
and duration, Telegram's apps show a video as a square; without a thumbnail, as a grey one.
"""

import logging
from itertools import islice
from pathlib import Path
from typing import Any, Final

import av
from PIL import Image, ImageStat

from core.errors import BrokenFileError
from core.media import VideoFile
from core.playback import FileLayout, Probe, Step, VideoTrack, next_step, still_time_s
from media.boxes import top_level_boxes
from media.frames import FrameConverter, colours_of, display_matrix, shape_of
from media.images import open_upright
from media.integrity import is_truncated
from media.reading import (
    DAMAGE,
    audios,
    credible_s,
    frames,
    has_times,
    length_s,
    open_media,
    videos,
)

logger = logging.getLogger(__name__)

#: Telegram accepts thumbnails of at most 320 x 320 pixels and 200 kB.
#: Source: https://core.telegram.org/bots/api#sendvideo
_THUMBNAIL_SIDE: Final = 320
#: Stills with a longer side are shrunk to about this many pixels.
_COVER_SIDE: Final = 1280
#: Maximum relative difference between the aspect ratios of the video and the site's still.
_RATIO_TOLERANCE: Final = 0.05
#: Frames that are decoded at most to get from a key frame to the time of the still.
_MOST_STILL_FRAMES: Final = 40
#: Brightness, of 255, below which a frame counts as dark: the beginning of a fade-in.
_DARK_MEAN: Final = 24
#: Standard deviation of the brightness below which a frame counts as being of one colour.
_PLAIN_DEVIATION: Final = 4
#: How QuickTime and phones before 2005 call their files, the start of the major brand of an MP4.
#: Source: https://mp4ra.org/registered-types/brands
_OTHER_BRANDS: Final = ("qt", "3g")


def measure(path: Path) -> Probe:
    """Return the properties of a video; its first frame that is not damaged is decoded.

    Raises:
        PlatformChangedError: the file is not a video, or nothing of it can be decoded.
    """
    with open_media(path) as container:
        return _probe(path, container, _first_frame(container))


def dress(path: Path, still: Path | None) -> VideoFile:
    """Make a thumbnail and a cover beside a video, and return all three.

    `still` is the site's own preview image. If it is None, damaged or has another aspect ratio, a
    frame of the video is used instead. Thumbnail and cover are None if that fails, too.

    Raises:
        PlatformChangedError: the file is not a video, or nothing of it can be decoded.
    """
    with open_media(path) as container:
        first = _first_frame(container)
        return _dressed(path, container, first, _probe(path, container, first), still)


def examine(path: Path, still: Path | None, ceiling_bytes: int) -> Probe | VideoFile:
    """Do what `dress` does for a video that needs no other work, and `measure` for all others.

    The two share the file's first frame, because decoding it is most of what they do.

    Raises:
        PlatformChangedError: the file is not a video, or nothing of it can be decoded.
    """
    with open_media(path) as container:
        first = _first_frame(container)
        probe = _probe(path, container, first)
        if next_step(probe, ceiling_bytes) is not Step.NOTHING:
            return probe
        return _dressed(path, container, first, probe, still)


def _first_frame(container: Any) -> Any:
    stream = videos(container)[0]
    stream.codec_context.thread_count = 1
    return next(frames(container, stream))


def _probe(path: Path, container: Any, frame: Any) -> Probe:
    sound = audios(container)
    boxes = list(top_level_boxes(path))
    kinds, is_cut = [box.kind for box in boxes], is_truncated(path, boxes)
    return Probe(
        size_bytes=path.stat().st_size,
        duration_s=_duration_s(path, container, may_trust=not is_cut and "moof" not in kinds),
        video=_video_track(container, frame),
        audio_codec=sound[0].codec_context.codec.canonical_name if sound else "",
        layout=FileLayout(
            is_mp4=_is_mp4(container),
            is_fast_start=_index_comes_first(kinds),
            is_fragmented="moof" in kinds,
            is_truncated=is_cut,
        ),
    )


def _video_track(container: Any, frame: Any) -> VideoTrack:
    stream = videos(container)[0]
    context = stream.codec_context
    width, height = shape_of(frame, stream, display_matrix(frame)).displayed
    return VideoTrack(
        width=width,
        height=height,
        frames_per_s=float(stream.average_rate or 0),
        codec=context.codec.canonical_name,
        pixel_format=context.pix_fmt or "",
        profile=context.profile or "",
        colours=colours_of(context),
        tag=_codec_tag(container, context),
        has_times=has_times(stream),
    )


def _dressed(path: Path, container: Any, first: Any, probe: Probe, still: Path | None) -> VideoFile:
    thumbnail = cover = None
    image = _open_still(still, probe.video.width / probe.video.height) if still else None
    try:
        image = image or _picture(container, first, probe)
        cover = _save(image, path.with_suffix(".cover.jpg"))
        thumbnail = _save(_small(image), path.with_suffix(".thumb.jpg"))
    except (OSError, *DAMAGE) as error:
        logger.info(
            "Could not make a thumbnail and cover of %s: %s",
            path.name,
            error,
            extra={"event": "thumbnail_failed"},
        )
    return VideoFile(
        path=path,
        size_bytes=path.stat().st_size,
        width=probe.video.width,
        height=probe.video.height,
        duration_s=max(round(probe.duration_s), 1),
        thumbnail=thumbnail,
        cover=cover,
        is_animation=probe.is_loop,
    )


def _duration_s(path: Path, container: Any, *, may_trust: bool) -> float:
    """Return the duration in seconds; measured, where the header has none that can be trusted."""
    return (may_trust and credible_s(container)) or length_s(path)


def _is_mp4(container: Any) -> bool:
    """Return True for MP4, but not for its relatives, which FFmpeg reads with the same demuxer."""
    brand = container.metadata.get("major_brand", "")
    return "mp4" in container.format.name.split(",") and not brand.startswith(_OTHER_BRANDS)


def _codec_tag(container: Any, context: Any) -> str:
    """Return the name of the sample description; only MP4 and its relatives have one."""
    if "mp4" not in container.format.name.split(","):
        return ""
    return str(context.codec_tag).strip("\0 ")


def _index_comes_first(kinds: list[str]) -> bool:
    """Return True if an MP4's index (moov) precedes its content (mdat); ISO 14496-12, 4.2."""
    content = kinds.index("mdat") if "mdat" in kinds else len(kinds)
    return "moov" in kinds[:content]


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


def _picture(container: Any, first: Any, probe: Probe) -> Image.Image:
    """Return a frame of the video as players show it: the first, or a later one if that is empty.

    Raises:
        StopIteration: no later frame can be decoded.
        av.FFmpegError: the file is not readable.
    """
    stream = videos(container)[0]
    picture = _converted(first, stream, probe.video)
    if not _is_empty(picture):
        return picture
    time = still_time_s(probe.duration_s) + (container.start_time or 0) / av.time_base
    container.seek(int(time * av.time_base))
    return _converted(_frame_at(frames(container, stream), time), stream, probe.video)


def _converted(frame: Any, stream: Any, video: VideoTrack) -> Image.Image:
    share = min(_COVER_SIDE / max(video.width, video.height), 1)
    size = (max(round(video.width * share), 1), max(round(video.height * share), 1))
    converter = FrameConverter(stream, size, "rgb24")
    converted = next(iter([*converter.convert(frame), *converter.finish()]))
    image: Image.Image = converted.to_image()
    return image


def _is_empty(picture: Image.Image) -> bool:
    """Return True for a picture in which hardly anything can be seen: dark, or of one colour."""
    statistics = ImageStat.Stat(_small(picture).convert("L"))
    return statistics.mean[0] < _DARK_MEAN or statistics.stddev[0] < _PLAIN_DEVIATION


def _small(picture: Image.Image) -> Image.Image:
    small = picture.reduce(max(max(picture.size) // _THUMBNAIL_SIDE - 1, 1))
    small.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
    return small


def _frame_at(decoded: Any, time: float) -> Any:
    """Return the last frame until `time` (seconds), or as near to it as the limit allows."""
    best = next(decoded)
    for frame in islice(decoded, _MOST_STILL_FRAMES):
        if frame.time is not None and frame.time > time:
            break
        best = frame
    return best


def _save(image: Image.Image, path: Path) -> Path:
    image.save(path, "JPEG", quality=85)
    return path
