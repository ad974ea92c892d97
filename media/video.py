"""Probe videos and make their thumbnails and covers.

Runs in worker processes, so that a malicious file can crash a worker at most. Without width, height
and duration, Telegram's apps show a video as a square; without a thumbnail, as a grey one.
"""

import logging
import shutil
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import av
from PIL import Image, ImageStat

from core.errors import BrokenFileError
from core.media import VideoFile
from core.playback import (
    FileLayout,
    Probe,
    Step,
    VideoTrack,
    displayed_size,
    next_step,
    still_time_s,
)
from media.access_units import is_whole_idr_picture
from media.boxes import is_upright, top_level_boxes
from media.frames import (
    FrameConverter,
    colours_of,
    display_matrix,
    pixel_aspect_of,
    shape_of,
)
from media.images import THUMBNAIL_SIDE, open_upright, ready_size
from media.integrity import is_truncated
from media.reading import (
    DAMAGE,
    audios,
    credible_s,
    decoded,
    frames,
    has_times,
    is_untimed,
    length_s,
    open_media,
    packets,
    videos,
)

logger = logging.getLogger(__name__)

#: Stills with a longer side are shrunk to about this many pixels.
_COVER_SIDE: Final = 1280
#: A site's still that is no larger, in pixels and bytes, is sent as it is.
_MOST_COVER_SIDE: Final = 1920
_MOST_COVER_BYTES: Final = 500_000
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
        return _probe(_Source(path, container), must_decode=True)


def make_video_file(path: Path, still: Path | None) -> VideoFile:
    """Make a thumbnail and a cover beside a video, and return all three.

    `still` is the site's own preview image. If it is None, damaged or has another aspect ratio, a
    frame of the video is used instead. Thumbnail and cover are None if that fails, too.

    Raises:
        PlatformChangedError: the file is not a video, or nothing of it can be decoded.
    """
    with open_media(path) as container:
        source = _Source(path, container)
        probe = _probe(source, must_decode=still is None)
        return _video_file(source, probe, still)


def examine(path: Path, still: Path | None, ceiling_bytes: int) -> Probe | VideoFile:
    """Make the file of a video that needs no other work; do what `measure` does for all others.

    The two share the file's first frame, because decoding it is most of what they do.

    Raises:
        PlatformChangedError: the file is not a video, or nothing of it can be decoded.
    """
    with open_media(path) as container:
        source = _Source(path, container)
        probe = _probe(source, must_decode=still is None)
        if next_step(probe, ceiling_bytes) is not Step.NOTHING:
            return probe
        return _video_file(source, probe, still)


class _Source:
    """An open video: its boxes, and its first frame, which is decoded when it is asked for."""

    def __init__(self, path: Path, container: Any) -> None:
        """Read the first packet.

        Raises:
            StopIteration: there is none.
        """
        self.path = path
        self.container = container
        self.stream = videos(container)[0]
        self.stream.codec_context.thread_count = 1
        self.boxes = list(top_level_boxes(path))
        self._incoming = packets(container, self.stream)
        self._packet = next(self._incoming)

    @property
    def is_mp4(self) -> bool:
        """Return True for MP4 and its relatives, which FFmpeg reads with the same demuxer."""
        return "mp4" in self.container.format.name.split(",")

    def has_plain_start(self) -> bool:
        """Return True if the file says all that decoding its first frame would tell.

        It begins with a whole key frame then, and is shown as it is stored. Any doubt is False.
        """
        context = self.stream.codec_context
        if _codec_tag(self) != "avc1" or not context.pix_fmt:
            return False
        return is_upright(self.path, self.boxes) and is_whole_idr_picture(
            bytes(self._packet), bytes(context.extradata or b"")
        )

    @cached_property
    def frame(self) -> Any:
        """The first frame that is not damaged.

        A key frame is complete with its packet: the decoder is not asked for more than that.
        Otherwise it would first decode those that are shown later and stored before.

        Raises:
            StopIteration: nothing can be decoded.
        """
        stream = self.stream
        if self._packet.is_keyframe and not is_untimed(self.container):
            for frame in decoded(stream, [self._packet]):
                if not frame.interlaced_frame:  # a packet may hold one of its two fields
                    return frame
            stream.codec_context.flush_buffers()
        return next(decoded(stream, chain([self._packet], self._incoming)))


def _probe(source: _Source, *, must_decode: bool) -> Probe:
    """Return the properties of a video, without `must_decode` from its header if that tells all."""
    boxes, sound = source.boxes, audios(source.container)
    kinds, is_cut = [box.kind for box in boxes], is_truncated(source.path, boxes)
    may_trust = not is_cut and "moof" not in kinds
    return Probe(
        size_bytes=source.path.stat().st_size,
        duration_s=_duration_s(source.path, source.container, may_trust=may_trust),
        video=_video_track(source, must_decode=must_decode),
        audio_codec=sound[0].codec_context.codec.canonical_name if sound else "",
        layout=FileLayout(
            is_mp4=_is_mp4(source),
            is_fast_start=_index_comes_first(kinds),
            is_fragmented="moof" in kinds,
            is_truncated=is_cut,
        ),
    )


def _video_track(source: _Source, *, must_decode: bool) -> VideoTrack:
    stream = source.stream
    context = stream.codec_context
    if must_decode or not source.has_plain_start():
        width, height = shape_of(source.frame, stream, display_matrix(source.frame)).displayed
    else:
        aspect = pixel_aspect_of(stream)
        width, height = displayed_size(context.width, context.height, aspect, is_turned=False)
    return VideoTrack(
        width=width,
        height=height,
        frames_per_s=float(stream.average_rate or 0),
        codec=context.codec.canonical_name,
        pixel_format=context.pix_fmt or "",
        profile=context.profile or "",
        colours=colours_of(context),
        tag=_codec_tag(source),
        has_times=has_times(stream),
    )


def _video_file(source: _Source, probe: Probe, still: Path | None) -> VideoFile:
    thumbnail = cover = None
    path = source.path
    ready = _usable(still, probe) if still else None
    first = None if ready else source.frame
    try:
        picture = ready or _still_of(source, first, probe)
        cover = picture.save(path.with_suffix(".cover.jpg"))
        thumbnail = _save(picture.small, path.with_suffix(".thumb.jpg"))
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


@dataclass(frozen=True, slots=True)
class _Still:
    """What is shown before a video plays."""

    #: The whole picture, or the file that can be sent as it is.
    cover: Image.Image | Path
    #: Its thumbnail.
    small: Image.Image

    def save(self, target: Path) -> Path:
        """Write the cover.

        Raises:
            OSError: it cannot be written.
        """
        if isinstance(self.cover, Path):
            return Path(shutil.copyfile(self.cover, target))
        return _save(self.cover, target)


def _duration_s(path: Path, container: Any, *, may_trust: bool) -> float:
    """Return the duration in seconds; measured, where the header has none that can be trusted."""
    return (may_trust and credible_s(container)) or length_s(path)


def _is_mp4(source: _Source) -> bool:
    """Return True for MP4, but not for its relatives."""
    brand = source.container.metadata.get("major_brand", "")
    return source.is_mp4 and not brand.startswith(_OTHER_BRANDS)


def _codec_tag(source: _Source) -> str:
    """Return the name of the sample description; only MP4 and its relatives have one."""
    return str(source.stream.codec_context.codec_tag).strip("\0 ") if source.is_mp4 else ""


def _index_comes_first(kinds: list[str]) -> bool:
    """Return True if an MP4's index (moov) precedes its content (mdat); ISO 14496-12, 4.2."""
    content = kinds.index("mdat") if "mdat" in kinds else len(kinds)
    return "moov" in kinds[:content]


def _usable(still: Path, probe: Probe) -> _Still | None:
    """Return the site's still, or None if it is damaged or has another shape than the video."""
    try:
        ready = ready_size(still, _MOST_COVER_SIDE)
        if ready and still.stat().st_size <= _MOST_COVER_BYTES:
            if not _has_shape(ready, probe):
                return None
            return _Still(still, _small(open_upright(still, THUMBNAIL_SIDE)))
        picture = open_upright(still, _COVER_SIDE)
    except BrokenFileError as error:
        logger.info(
            "Could not read the still from the site: %s",
            error,
            extra={"event": "still_unreadable"},
        )
        return None
    return _Still(picture, _small(picture)) if _has_shape(picture.size, probe) else None


def _has_shape(size: tuple[int, int], probe: Probe) -> bool:
    ratio = probe.video.width / probe.video.height
    return abs(size[0] / size[1] - ratio) <= ratio * _RATIO_TOLERANCE


def _still_of(source: _Source, first: Any, probe: Probe) -> _Still:
    """Return a frame of the video as players show it: the first, or a later one if that is empty.

    Raises:
        StopIteration: no later frame can be decoded.
        av.FFmpegError: the file is not readable.
    """
    container, stream = source.container, source.stream
    picture = _converted(first, stream, probe.video)
    small = _small(picture)
    if not _is_empty(small):
        return _Still(picture, small)
    time = still_time_s(probe.duration_s) + (container.start_time or 0) / av.time_base
    container.seek(int(time * av.time_base))
    picture = _converted(_frame_at(frames(container, stream), time), stream, probe.video)
    return _Still(picture, _small(picture))


def _converted(frame: Any, stream: Any, video: VideoTrack) -> Image.Image:
    share = min(_COVER_SIDE / max(video.width, video.height), 1)
    size = (max(round(video.width * share), 1), max(round(video.height * share), 1))
    converter = FrameConverter(stream, size, "rgb0")
    converted = next(iter([*converter.convert(frame), *converter.finish()]))
    # Four bytes for each pixel are how Pillow keeps it: nothing is copied.
    plane = converted.planes[0]
    return Image.frombuffer("RGBX", size, plane, "raw", "RGBX", plane.line_size, 1)


def _is_empty(small: Image.Image) -> bool:
    """Return True for a picture in which hardly anything can be seen: dark, or of one colour."""
    statistics = ImageStat.Stat(small.convert("L"))
    return statistics.mean[0] < _DARK_MEAN or statistics.stddev[0] < _PLAIN_DEVIATION


def _small(picture: Image.Image) -> Image.Image:
    small = picture.reduce(max(max(picture.size) // THUMBNAIL_SIDE - 1, 1))
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
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
