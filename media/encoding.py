"""Remux, transcode, split and create videos. Runs in worker processes, like media.video."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer, OutputContainer
from PIL import ImageOps

from core.choices import Piece
from core.errors import PlatformChangedError, TooLargeError
from core.playback import Encoding
from media.images import moving_frames, open_upright
from media.index import write_index_first
from media.pieces import piece_packets
from media.reading import (
    DAMAGE,
    audios,
    credible_s,
    frames,
    open_media,
    packets,
    videos,
)
from media.share_file import metered, share_file
from media.stream_writers import (
    AUDIO_BITS_PER_S,
    AUDIO_RATE,
    MOST_THREADS,
    TIME_BASE,
    AudioEncoder,
    Resampler,
    StreamCopier,
    StreamWriter,
    VideoEncoder,
    audio_writer,
    extracted_audio_writer,
    h264_stream,
)
from media.timeline import Timeline

#: Put the index (moov) first, so that a video plays while it loads. What comes before time zero
#: (encoder delay, trimmed frames) is hidden by an edit list, as FFmpeg does by default.
_OUTPUT: Final = {"movflags": "+faststart"}
#: The same for parts of a video: they start at their first packet, so that none is hidden.
_PART: Final = {**_OUTPUT, "avoid_negative_ts": "make_zero"}
#: Share of the size limit that a part's packets may use; the rest is for its index.
_PART_SHARE: Final = 0.97
#: Files whose start times differ by less belong to one timeline, in seconds.
_SAME_TIMELINE_S: Final = 10
#: Shorter audio is not repeated, in seconds: the file would be opened thousands of times.
_SHORTEST_LOOP_S: Final = Fraction(1, 20)
#: Frame rate of slideshows: enough for still pictures, and supported by every player.
_SLIDE_FRAMES_PER_S: Final = 10


def ffmpeg_version() -> str:
    """Return the version of the FFmpeg libraries that PyAV brings."""
    return str(av.ffmpeg_version_info)


def repack(path: Path, audio: Path | None = None) -> Path:
    """Remux a video into an MP4 with the index first, and return the new file.

    The video stream is copied. The audio comes from the file `audio` if it is given, otherwise from
    the video; a codec that some players lack is transcoded to AAC.

    Raises:
        PlatformChangedError: a file is damaged.
    """
    return _remux(path, audio, path.with_suffix(".repacked.mp4"), "mp4")


def move_index(path: Path) -> Path:
    """Put the index of a playable MP4 first, and return the new file.

    Everything else is kept as it is, unless the file is so unusual that it has to be remuxed.

    Raises:
        PlatformChangedError: the file is damaged.
    """
    target = path.with_suffix(".repacked.mp4")
    return target if write_index_first(path, target) else repack(path)


def cut_out(path: Path, piece: Piece) -> Path:
    """Write a piece of a video to a file of its own, and return it.

    All streams are copied: what is between the key frame before the start and the start itself is
    hidden, not removed. Audio that some players lack is transcoded.

    Raises:
        PieceError: the video ends before the piece starts.
        PlatformChangedError: the file is damaged.
    """
    try:
        return _remux(path, None, path.with_suffix(".piece.mp4"), "mp4", piece)
    except PlatformChangedError:
        return _remux(path, None, path.with_suffix(".piece.mkv"), "matroska", piece)


def join(path: Path, audio: Path) -> Path:
    """Put a video that MP4 cannot hold and its separate audio into one Matroska file; return it.

    Nothing is transcoded, except audio that some players lack.

    Raises:
        PlatformChangedError: a file is damaged.
    """
    return _remux(path, audio, path.with_suffix(".joined.mkv"), "matroska")


def _remux(
    path: Path, audio: Path | None, target: Path, container: str, piece: Piece | None = None
) -> Path:
    with ExitStack() as stack:
        source = stack.enter_context(open_media(path))
        audio_source = stack.enter_context(open_media(audio, "audio")) if audio else source
        output = stack.enter_context(_output(target, container))
        video_stream, audio_streams = videos(source)[0], audios(audio_source)
        origins, timeline = _origins(source, audio_source), Timeline(0.0, credible_s(source))
        start = piece.start_s if piece else 0
        writers: dict[Any, StreamWriter] = {
            video_stream: StreamCopier(video_stream, output, timeline, origins[0] + start)
        }
        for stream in audio_streams:
            writers[stream] = audio_writer(stream, output, timeline, origins[-1] + start)
        if piece:
            incoming = piece_packets(source, piece, origins[0], video_stream, *audio_streams)
        elif audio_source is source:
            incoming = packets(source, video_stream, *audio_streams)
        else:
            incoming = _interleave(
                packets(source, video_stream), packets(audio_source, *audio_streams)
            )
        _write_packets(incoming, writers)
    return target


def encode(path: Path, encoding: Encoding, share: Path | None = None) -> Path:
    """Transcode a video to H.264 and AAC within the limits of `encoding`; return the new file.

    `share` is the file that says how much is done; see `media.share_file`.

    Raises:
        PlatformChangedError: the file is damaged.
    """
    target = path.with_suffix(".encoded.mp4")
    with open_media(path) as source, _output(target) as output, share_file(share) as meter:
        video_stream, audio_streams = videos(source)[0], audios(source)
        video_stream.thread_type = "AUTO"
        video_stream.codec_context.thread_count = min(os.cpu_count() or 2, MOST_THREADS)
        (origin,), timeline = _origins(source), Timeline(0.0, credible_s(source))
        writers: dict[Any, StreamWriter] = {
            video_stream: VideoEncoder(video_stream, output, encoding, timeline, origin)
        }
        for stream in audio_streams:
            bit_rate = encoding.audio_bit_rate
            writers[stream] = AudioEncoder(stream, output, bit_rate, timeline, origin)
        incoming = packets(source, video_stream, *audio_streams)
        _write_packets(metered(incoming, path.stat().st_size, meter), writers)
    return target


def cut(path: Path, most_bytes: int) -> list[Path]:
    """Split a video at key frames into playable MP4 files of at most `most_bytes` each.

    All streams are copied. The parts are of similar size; they are returned in order.

    Raises:
        PlatformChangedError: the file is damaged.
        TooLargeError: the data between two key frames is larger than `most_bytes`.
    """
    parts: list[Path] = []
    with open_media(path) as source:
        streams = [videos(source)[0], *audios(source)]
        segments = _split_at_key_frames(packets(source, *streams), streams[0])
        max_size = int(most_bytes * _PART_SHARE)
        size = path.stat().st_size
        target_size = size // -(-size // max_size)
        for group in _group_segments(segments, target_size, max_size):
            target = path.with_suffix(f".part{len(parts) + 1}.mp4")
            with _output(target, options=_PART) as output:
                timeline = Timeline(None, credible_s(source))
                _write_packets(group, {s: StreamCopier(s, output, timeline) for s in streams})
            if target.stat().st_size > most_bytes:
                raise TooLargeError(target.stat().st_size, most_bytes)
            parts.append(target)
    return parts


def extract_audio(path: Path, *, as_mp3: bool = False, piece: Piece | None = None) -> Path:
    """Write the audio of a file, or a piece of it, to an M4A or MP3 file; return the new file.

    AAC is copied to M4A, everything else is transcoded.

    Raises:
        PieceError: the audio ends before the piece starts.
        PlatformChangedError: the file has no audio, or is damaged.
    """
    target = path.with_suffix(".mp3" if as_mp3 else ".m4a")
    with open_media(path, "audio") as source:
        stream = source.streams.audio[0]
        origin = Fraction(stream.start_time or 0) * (stream.time_base or 1)
        with _output(target, "mp3" if as_mp3 else "ipod") as output:
            start = origin + (piece.start_s if piece else 0)
            writer = extracted_audio_writer(stream, output, start, as_mp3=as_mp3)
            incoming = (
                piece_packets(source, piece, origin, stream) if piece else packets(source, stream)
            )
            _write_packets(incoming, {stream: writer})
    return target


def show_slides(
    pictures: Sequence[Path],
    audio: Path,
    size: tuple[int, int],
    seconds_each: float,
    share: Path | None = None,
) -> Path:
    """Make a slideshow of pictures with audio, and return the new MP4 file.

    The audio is repeated or cut to the length of the slideshow. Pictures are fitted into `size`
    (width and height in pixels, both even) on a black background. `share` is the file that says
    how much is done; see `media.share_file`.

    Raises:
        PlatformChangedError: the audio file is damaged.
    """
    target = audio.with_suffix(".slides.mp4")
    frames_each = max(round(seconds_each * _SLIDE_FRAMES_PER_S), 1)
    with _output(target) as output, share_file(share) as meter:
        video_stream = h264_stream(output, Fraction(_SLIDE_FRAMES_PER_S), tune="stillimage")
        video_stream.width, video_stream.height = size
        video_stream.pix_fmt = "yuv420p"
        audio_stream = output.add_stream("aac", rate=AUDIO_RATE)
        audio_stream.bit_rate = AUDIO_BITS_PER_S
        samples = _resampled_loop(audio)
        written_samples = 0
        for number, path in enumerate(pictures):
            meter(number / len(pictures))
            slide = _slide(path, size)
            for step in range(frames_each):
                slide.pts = number * frames_each + step
                slide.time_base = Fraction(1, _SLIDE_FRAMES_PER_S)
                output.mux(video_stream.encode(slide))
            shown_s = (number + 1) * frames_each / _SLIDE_FRAMES_PER_S
            while written_samples < shown_s * AUDIO_RATE:
                piece = next(samples)
                piece.pts, piece.time_base = written_samples, Fraction(1, AUDIO_RATE)
                written_samples += piece.samples
                output.mux(audio_stream.encode(piece))
        output.mux(video_stream.encode(None))
        output.mux(audio_stream.encode(None))
    return target


def animate(path: Path) -> Path:
    """Encode an animated picture in a format that FFmpeg cannot read, and return the new MP4 file.

    Raises:
        BrokenFileError, PlatformChangedError: the file is damaged.
    """
    target = path.with_suffix(".animated.mp4")
    with _output(target) as output:
        stream = h264_stream(output, Fraction(30))
        stream.codec_context.time_base = TIME_BASE
        time = 0.0
        for picture, seconds in moving_frames(path):
            if not time:
                stream.width, stream.height = picture.size
            # The second time is the end, because MP4 does not know how long the last frame lasts.
            for shown_s in (time, time + seconds - min(seconds / 2, 1 / 30)):
                frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
                frame.pts, frame.time_base = round(shown_s / TIME_BASE), TIME_BASE
                output.mux(stream.encode(frame.reformat(format="yuv420p")))
            time += seconds
        output.mux(stream.encode(None))
    return target


def _origins(*sources: InputContainer) -> tuple[Fraction, ...]:
    """Return the times at which playback of each file starts, in seconds.

    Files that belong together share one timeline, unless they are so far apart that they cannot.
    """
    starts = [Fraction(source.start_time or 0, av.time_base) for source in sources]
    if max(starts) - min(starts) < _SAME_TIMELINE_S:
        return (min(starts),) * len(starts)
    return tuple(starts)


@contextmanager
def _output(
    path: Path, container: str = "mp4", options: dict[str, str] | None = None
) -> Iterator[OutputContainer]:
    """Open a file for writing and yield it; `container` is FFmpeg's name of the format.

    `options` are the muxer's; None means that those of an MP4 are the usual ones.

    Raises:
        PlatformChangedError: what the block writes is damaged, or the container cannot hold it.
    """
    if options is None:
        options = {} if container in {"matroska", "mp3"} else _OUTPUT
    try:
        with av.open(str(path), "w", format=container, options=options) as output:
            yield output
    except DAMAGE as error:
        raise PlatformChangedError(f"it cannot be written ({type(error).__name__})") from error
    if not path.exists():
        raise PlatformChangedError("nothing of it can be read")


def _write_packets(incoming: Iterable[Any], writers: dict[Any, StreamWriter]) -> None:
    """Pass every packet to its stream's writer, then finish all writers."""
    for packet in incoming:
        writers[packet.stream].take(packet)
    for writer in writers.values():
        writer.finish()


def _interleave(*sources: Iterator[Any]) -> Iterator[Any]:
    """Yield the packets of several files in the order of their timestamps."""
    waiting = [(source, packet) for source in sources if (packet := next(source, None))]
    while waiting:
        entry = min(waiting, key=lambda pair: _seconds(pair[1]))
        waiting.remove(entry)
        source, packet = entry
        yield packet
        if following := next(source, None):
            waiting.append((source, following))


def _seconds(packet: Any) -> float:
    return float(packet.dts * packet.time_base) if packet.dts is not None else float("inf")


def _split_at_key_frames(packets: Iterable[Any], video_stream: Any) -> Iterator[list[Any]]:
    """Yield the packets of all streams in segments that each start with a key frame."""
    segment: list[Any] = []
    for packet in packets:
        if packet.dts is None:
            continue
        if packet.stream is video_stream and packet.is_keyframe and segment:
            yield segment
            segment = []
        segment.append(packet)
    if segment:
        yield segment


def _group_segments(
    segments: Iterator[list[Any]], target_size: int, max_size: int
) -> Iterator[Iterator[Any]]:
    """Yield groups of segments of about `target_size` bytes each, as iterators over packets.

    A group is larger than `max_size` only if its single segment is. Each group must be consumed
    before the next one is requested.
    """
    waiting = next(segments, None)

    def group() -> Iterator[Any]:
        nonlocal waiting
        size = 0
        while waiting is not None:
            segment_size = sum(packet.size for packet in waiting)
            if size and (size >= target_size or size + segment_size > max_size):
                return
            size += segment_size
            yield from waiting
            waiting = next(segments, None)

    while waiting is not None:
        yield group()


def _resampled_loop(audio: Path) -> Iterator[Any]:
    """Yield the frames of an audio file for the encoder, in an endless loop.

    Raises:
        PlatformChangedError: the file is damaged or empty.
    """
    while True:
        resampler, time = Resampler(), Fraction(0)
        with open_media(audio, "audio") as container:
            for frame in frames(container, container.streams.audio[0]):
                yield from resampler.convert(frame, time)
                time += Fraction(frame.samples, frame.sample_rate)
        if time < _SHORTEST_LOOP_S:
            raise PlatformChangedError("the audio file is empty")
        yield from resampler.finish()


def _slide(path: Path, size: tuple[int, int]) -> Any:
    picture = open_upright(path, max(size))
    return av.VideoFrame.from_image(ImageOps.pad(picture, size, color="black"))  # type: ignore[no-untyped-call]
