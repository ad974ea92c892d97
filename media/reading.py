"""Open media files and read them like the ffmpeg command: what is damaged is skipped.

Runs in worker processes, so that a malicious file can crash a worker at most.
"""

import errno
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer
from av.stream import Disposition

from core.errors import BrokenFileError, PlatformChangedError
from media.timeline import Kind, StreamClock, Timeline

#: FFmpeg's names of the formats that are opened.
FORMATS: Final = (
    *("mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "asf", "flv", "mpegts"),
    *("mpeg", "mp3", "aac", "ac3", "flac", "ogg", "wav", "gif", "apng", "h264", "hevc", "ivf"),
)
#: Damaged places in a row after which the rest of a file is given up.
_MOST_UNREADABLE: Final = 50
#: FFmpeg's names of the formats without presentation times.
_UNTIMED: Final = frozenset({"avi", "h264", "hevc"})
#: FFmpeg's names of formats whose header states the length of the whole file.
_STATED: Final = frozenset({"mov", "matroska", "flv", "avi", "asf", "wav", "flac"})
#: Bit rate below which a stated duration is not believed: a still picture without audio has more.
_LEAST_BITS_PER_S: Final = 100
#: Codecs of still pictures. A stream with one such frame beside an audio stream is its cover.
_PICTURE_CODECS: Final = frozenset({"mjpeg", "png", "bmp", "gif", "webp"})
#: What PyAV raises for damaged files: for numbers that are too large, for names that do not exist.
DAMAGE: Final = (av.FFmpegError, ArithmeticError, LookupError, StopIteration, ValueError)


def open_input(path: Path) -> InputContainer:
    """Open a media file for reading. Only local files in the formats of the sites are accepted.

    Some of FFmpeg's formats are scripts or playlists that open other files and addresses. Titles
    and comments inside a file are in any encoding.

    Raises:
        av.FFmpegError: the file is in no such format.
    """
    options = {"protocol_whitelist": "file", "format_whitelist": ",".join(FORMATS)}
    return av.open(str(path), options=options, metadata_errors="replace")


def has_decoder(stream: Any) -> bool:
    """Return True if FFmpeg can decode a stream; PyAV has no codec context otherwise."""
    return stream.codec_context is not None


@contextmanager
def open_media(path: Path, kind: Kind = "video") -> Iterator[InputContainer]:
    """Open a file that must have a stream of the given kind, and yield its container.

    Raises:
        PlatformChangedError: there is no such stream, or reading failed inside the block.
        BrokenFileError: FFmpeg cannot decode it.
    """
    try:
        with open_input(path) as container:
            streams = videos(container) if kind == "video" else list(container.streams.audio)
            if not streams:
                raise PlatformChangedError(f"the file has no {kind} stream")
            if not has_decoder(streams[0]):
                raise BrokenFileError(f"no decoder for the {kind} stream")
            yield container
    except DAMAGE as error:
        raise PlatformChangedError(
            f"the {kind} file is not readable ({type(error).__name__})"
        ) from error


def videos(container: InputContainer) -> list[Any]:
    """Return the video streams that are no cover pictures of the audio."""
    return [
        stream
        for stream in container.streams.video
        if not (stream.disposition & Disposition.attached_pic or _is_cover(stream, container))
    ]


def audios(container: InputContainer) -> list[Any]:
    """Return the first audio stream that FFmpeg can decode, as a list of at most one."""
    return [stream for stream in container.streams.audio if has_decoder(stream)][:1]


def _is_cover(stream: Any, container: InputContainer) -> bool:
    if not (has_decoder(stream) and container.streams.audio and stream.frames == 1):
        return False
    return stream.codec_context.codec.canonical_name in _PICTURE_CODECS


def packets(container: InputContainer, *streams: Any) -> Iterator[Any]:
    """Yield the packets of some streams, without the empty ones at the end of each stream.

    Damaged places are skipped. If too many follow each other, the file ends there.
    """
    unreadable = 0
    while unreadable < _MOST_UNREADABLE:
        try:
            for packet in container.demux(*streams):
                unreadable = 0
                if packet.size:
                    yield packet
            return
        except av.FFmpegError as error:
            _raise_if_out_of_memory(error)
            unreadable += 1
        except IndexError:
            return  # at the end, PyAV wants to flush a stream that appeared while reading


def decode(stream: Any, packet: Any) -> list[Any]:
    """Return the frames that a packet completes; None flushes the decoder. Damage gives none."""
    try:
        decoded = list(stream.codec_context.decode(packet))
    except av.FFmpegError as error:
        _raise_if_out_of_memory(error)
        return []
    for frame in decoded:
        if frame.time_base is None:  # flushed
            frame.time_base = stream.time_base
    return decoded


def _raise_if_out_of_memory(error: av.FFmpegError) -> None:
    """Raise an error that is not the file's fault; decoders have many names for all others."""
    if error.errno == errno.ENOMEM:
        raise error


def frames(container: InputContainer, stream: Any) -> Iterator[Any]:
    """Yield the frames of a stream that can be decoded."""
    return decoded(stream, packets(container, stream))


def decoded(stream: Any, incoming: Iterable[Any]) -> Iterator[Any]:
    """Yield the frames that can be decoded from some packets of a stream, which end there."""
    for packet in incoming:
        yield from decode(stream, packet)
    yield from decode(stream, None)


def is_untimed(container: InputContainer) -> bool:
    """Return True for containers that store no presentation times.

    AVI files and bare H.264 and H.265 have times in the order of decoding at most.
    """
    return bool(_UNTIMED & set(container.format.name.split(",")))


def has_times(stream: Any) -> bool:
    """Return False if the container stores no presentation times, and frames are not in order."""
    return not (is_untimed(stream.container) and stream.codec_context.has_b_frames)


def frame_clock(stream: Any) -> Callable[[Any], int | None]:
    """Return a function that tells a frame's time in the stream's time base, or None if unknown.

    Frames come from the decoder in the order of presentation. Where their own times are wrong, the
    decoding times of the packets that completed them are right, apart from a constant delay.
    """
    if has_times(stream):
        return lambda frame: frame.pts
    delay: int | None = None

    def time(frame: Any) -> int | None:
        nonlocal delay
        if delay is None:
            delay = frame.dts or 0
        return None if frame.dts is None else frame.dts - delay

    return time


def stated_s(container: InputContainer) -> float:
    """Return the duration that a file's header states, in seconds, or 0 if there is none.

    FFmpeg estimates those of other formats from the last timestamp, or from the size.
    """
    if not _STATED & set(container.format.name.split(",")):
        return 0.0
    return max(float((container.duration or 0) / av.time_base), 0.0)


def credible_s(container: InputContainer) -> float:
    """Return the duration that a header states, in seconds, or 0 if it is too long for the file."""
    stated = stated_s(container)
    return stated if container.size * 8 >= stated * _LEAST_BITS_PER_S else 0.0


def length_s(path: Path, kind: Kind | None = None) -> float:
    """Return the time between the start of the first packet and the end of the last, in seconds.

    It is measured without decoding, for files whose header has no duration or a wrong one. `kind`
    selects the streams; None means both. The result is 0 if no packet has a timestamp. Timestamps
    that are wrong do not count: see `media.timeline`.

    Raises:
        av.FFmpegError: the file is not readable.
    """
    with open_input(path) as container:
        selected: dict[Any, Kind] = {
            **dict.fromkeys(videos(container) if kind != "audio" else [], "video"),
            **dict.fromkeys(audios(container) if kind != "video" else [], "audio"),
        }
        timeline = Timeline(_start_s(container), credible_s(container))
        clocks = {stream: StreamClock(timeline, name) for stream, name in selected.items()}
        start: float | None = None
        for packet in packets(container, *selected) if selected else ():
            if span := _span(packet):
                shift, _ = clocks[packet.stream].corrected(*span)
                time = span[0] + shift
                start = time if start is None else min(start, time)
    if start is None:
        return 0.0
    # What comes before time zero is decoded, but not shown: trimmed frames and encoder delay.
    return max(max(timeline.ends.values()) - max(start, 0.0), 0.0)


def _start_s(container: Any) -> float | None:
    start = container.start_time
    return None if start is None else start / av.time_base


def _span(packet: Any) -> tuple[float, float] | None:
    """Return the start and the duration of a packet, in seconds, or None if it has no timestamp."""
    time = packet.pts if packet.pts is not None else packet.dts
    if time is None or packet.time_base is None:
        return None
    return float(time * packet.time_base), float((packet.duration or 0) * packet.time_base)
