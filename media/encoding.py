"""Remux, transcode, split and create videos. Runs in worker processes, like media.video."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Protocol

import av
from av.container import InputContainer, OutputContainer
from av.filter import Graph
from PIL import ImageOps

from core.choices import Piece
from core.errors import PlatformChangedError, TooLargeError
from core.playback import Encoding, audio_plays
from media.frames import LIMITED_RANGE, FrameConverter, colours_of, pulled
from media.images import moving_frames, open_upright
from media.index import write_index_first
from media.pieces import piece_packets
from media.reading import (
    DAMAGE,
    audios,
    credible_s,
    decode,
    frame_clock,
    frames,
    open_media,
    packets,
    videos,
)
from media.share_file import metered, share_file
from media.timeline import LONGEST_GAP_S, StreamClock, Timeline

#: Put the index (moov) first, so that a video plays while it loads. What comes before time zero
#: (encoder delay, trimmed frames) is hidden by an edit list, as FFmpeg does by default.
_OUTPUT: Final = {"movflags": "+faststart"}
#: The same for parts of a video: they start at their first packet, so that none is hidden.
_PART: Final = {**_OUTPUT, "avoid_negative_ts": "make_zero"}
#: Share of the size limit that a part's packets may use; the rest is for its index.
_PART_SHARE: Final = 0.97
_AUDIO_BITS_PER_S: Final = 128_000
_AUDIO_RATE: Final = 44_100
#: Minimum share of packets whose frames can be decoded; a file with fewer counts as damaged.
_LEAST_DECODED: Final = 0.1
#: Files whose start times differ by less belong to one timeline, in seconds.
_SAME_TIMELINE_S: Final = 10
#: Shorter audio is not repeated, in seconds: the file would be opened thousands of times.
_SHORTEST_LOOP_S: Final = Fraction(1, 20)
_ZERO: Final = Fraction(0)
#: First bytes of a key frame that hold its parameter sets.
_HEADERS_BYTES: Final = 4096
#: A unit of type 7 behind a start code.
_PARAMETER_SET: Final = re.compile(
    rb"\x00\x00\x01([\x07\x27\x47\x67].+?)\x00\x00[\x00\x01]", re.DOTALL
)
#: Of the encoded video.
_TIME_BASE: Final = Fraction(1, 90_000)
#: Frame rate of slideshows: enough for still pictures, and supported by every player.
_SLIDE_FRAMES_PER_S: Final = 10
#: Constant rate factor of x264; 23 is its default. Source: https://trac.ffmpeg.org/wiki/Encode/H.264
_CRF: Final = "23"
#: Threads of x264 and of the decoder at most. Each keeps frames: with 16 of both, a 4K video takes
#: 1 900 MB, more than the encoder may use; with 8 it takes 1 200 MB.
_MOST_THREADS: Final = 8


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
        writers: dict[Any, _StreamWriter] = {
            video_stream: _StreamCopier(video_stream, output, timeline, origins[0] + start)
        }
        for stream in audio_streams:
            writers[stream] = _audio_writer(stream, output, timeline, origins[-1] + start)
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
        video_stream.codec_context.thread_count = min(os.cpu_count() or 2, _MOST_THREADS)
        (origin,), timeline = _origins(source), Timeline(0.0, credible_s(source))
        writers: dict[Any, _StreamWriter] = {
            video_stream: _VideoEncoder(video_stream, output, encoding, timeline, origin)
        }
        for stream in audio_streams:
            bit_rate = encoding.audio_bit_rate
            writers[stream] = _AudioEncoder(stream, output, bit_rate, timeline, origin)
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
                _write_packets(group, {s: _StreamCopier(s, output, timeline) for s in streams})
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
            writer = _extracted(stream, output, start, as_mp3=as_mp3)
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
        video_stream = _h264_stream(output, Fraction(_SLIDE_FRAMES_PER_S), tune="stillimage")
        video_stream.width, video_stream.height = size
        video_stream.pix_fmt = "yuv420p"
        audio_stream = output.add_stream("aac", rate=_AUDIO_RATE)
        audio_stream.bit_rate = _AUDIO_BITS_PER_S
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
            while written_samples < shown_s * _AUDIO_RATE:
                piece = next(samples)
                piece.pts, piece.time_base = written_samples, Fraction(1, _AUDIO_RATE)
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
        stream = _h264_stream(output, Fraction(30))
        stream.codec_context.time_base = _TIME_BASE
        time = 0.0
        for picture, seconds in moving_frames(path):
            if not time:
                stream.width, stream.height = picture.size
            # The second time is the end, because MP4 does not know how long the last frame lasts.
            for shown_s in (time, time + seconds - min(seconds / 2, 1 / 30)):
                frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
                frame.pts, frame.time_base = round(shown_s / _TIME_BASE), _TIME_BASE
                output.mux(stream.encode(frame.reformat(format="yuv420p")))
            time += seconds
        output.mux(stream.encode(None))
    return target


class _StreamWriter(Protocol):
    """Writes one stream of the output from the packets of an input stream."""

    def take(self, packet: Any) -> None:
        """Process one packet."""

    def finish(self) -> None:
        """Flush the decoder and the encoder."""


class _StreamCopier:
    """Copies packets without decoding them."""

    def __init__(
        self, stream: Any, output: OutputContainer, timeline: Timeline, origin: Fraction = _ZERO
    ) -> None:
        """Add a stream like `stream` to the output; `origin` becomes its time zero, in seconds."""
        self._source, self._output = stream, output
        self._target = _copied_stream(stream, output)
        self._parameters: bytes | None = None
        #: Seconds of one tick; asking each packet for its own is slow.
        self._unit = float(stream.time_base)
        self._longest_gap = LONGEST_GAP_S / self._unit
        self._start = round(origin / stream.time_base)
        self._clock = StreamClock(timeline, stream.type)
        self._last_time: int | None = None
        codec = stream.codec_context.codec.canonical_name
        self._has_start_codes = codec == "h264" and not _is_length_prefixed(stream)
        # The tag belongs to the old container; zero lets the new one choose its own. FFmpeg's
        # choice for H.265 is hev1, which Apple's players refuse.
        self._target.codec_context.codec_tag = "hvc1" if codec == "hevc" else "\0\0\0\0"

    def take(self, packet: Any) -> None:
        """Write one packet. Decoding times must increase, which damage can prevent.

        Raises:
            PlatformChangedError: the stream changes its size or format, which MP4 cannot.
        """
        self._check_parameters(packet)
        if packet.dts is None:
            following = None if self._last_time is None else self._last_time + 1 + self._start
            packet.dts = packet.pts if following is None else following
        if packet.dts is None:
            return
        self._correct(packet)
        packet.stream = self._target
        self._output.mux(packet)

    def finish(self) -> None:
        """Do nothing: packets are written at once."""

    def _correct(self, packet: Any) -> None:
        """Set the times of a packet to those in the output."""
        unit, duration = self._unit, packet.duration or 0
        shift, right = self._clock.corrected((packet.dts - self._start) * unit, duration * unit)
        if duration:
            packet.duration = round(right / unit)
        moved = round(shift / unit)
        time = packet.dts - self._start + moved
        if self._last_time is not None:
            time = max(time, self._last_time + 1)
        packet.pts = self._shown(packet, time, moved)
        packet.dts = self._last_time = time

    def _shown(self, packet: Any, time: int, moved: int) -> int:
        """Return when a packet that is decoded at `time` is shown: at most a few frames later."""
        if packet.pts is not None:
            stored: int = packet.pts - self._start
            # A time of decoding may be wrong alone.
            for shown in (stored + moved, stored):
                if time <= shown <= time + self._longest_gap:
                    return shown
        return time

    def _check_parameters(self, packet: Any) -> None:
        if not (self._has_start_codes and packet.is_keyframe):
            return
        if parameters := _sequence_parameters(packet):
            if parameters != (self._parameters or parameters):
                raise PlatformChangedError("the video changes midway")
            self._parameters = parameters


def _copied_stream(stream: Any, output: OutputContainer) -> Any:
    """Add a stream like another one to the output.

    Raises:
        PlatformChangedError: the container cannot hold its codec.
    """
    try:
        # Opaque means by the decoder: there is no encoder of the same name for AV1.
        return output.add_stream_from_template(stream, opaque=True)
    except ValueError as error:
        raise PlatformChangedError("the container cannot hold the codec") from error


def _is_length_prefixed(stream: Any) -> bool:
    """Return True if H.264 is stored with lengths instead of start codes, as in MP4 and FLV.

    Its parameters are in the header then, which begins with the version 1.
    Source: ISO 14496-15, 5.3.3.1.2
    """
    return bytes(stream.codec_context.extradata or b"")[:1] == b"\x01"


def _sequence_parameters(packet: Any) -> bytes:
    """Return the sequence parameter set in front of an H.264 key frame, or b"" if there is none.

    MPEG-TS has it there. Source: ITU-T H.264, 7.4.1 and annex B.
    """
    found = _PARAMETER_SET.search(bytes(memoryview(packet)[:_HEADERS_BYTES]))
    return found[1] if found else b""


class _VideoEncoder:
    """Transcodes a video stream to H.264: upright, in square pixels, in colours of every screen."""

    def __init__(
        self,
        stream: Any,
        output: OutputContainer,
        encoding: Encoding,
        timeline: Timeline,
        origin: Fraction,
    ) -> None:
        self._source, self._output, self._origin = stream, output, origin
        size = (encoding.width, encoding.height)
        self._converter = FrameConverter(stream, size, "yuv420p")
        self._stored_time, self._clock = frame_clock(stream), StreamClock(timeline, "video")
        self._target = _transcoded_stream(stream, output, encoding)
        self._counts = {"packets": 0, "frames": 0}
        self._last_time = self._next_time = -1

    def take(self, packet: Any) -> None:
        self._counts["packets"] += 1
        self._convert(decode(self._source, packet))

    def finish(self) -> None:
        """Flush decoder, filters and encoder.

        Raises:
            PlatformChangedError: hardly anything could be decoded.
        """
        self._convert(decode(self._source, None))
        for frame in self._converter.finish():
            self._encode(frame)
        if self._counts["frames"] < self._counts["packets"] * _LEAST_DECODED:
            raise PlatformChangedError(f"hardly any frame can be decoded ({self._counts})")
        self._output.mux(self._target.encode(None))

    def _convert(self, decoded: Iterable[Any]) -> None:
        for frame in decoded:
            self._counts["frames"] += 1
            frame.pts, frame.time_base = self._time_of(frame), _TIME_BASE
            for converted in self._converter.convert(frame):
                self._encode(converted)

    def _time_of(self, frame: Any) -> int:
        """Return a frame's time in the output; AVI files have none for some frames."""
        each = 1 / self._target.codec_context.framerate
        if (stored := self._stored_time(frame)) is None:
            self._next_time += round(each / _TIME_BASE)
        else:
            time = stored * frame.time_base - self._origin
            duration = max(frame.duration * frame.time_base, each)
            shift, right = self._clock.corrected(float(time), float(duration))
            self._next_time = round((time + Fraction(shift)) / _TIME_BASE)
            frame.duration = round(right / _TIME_BASE)
        return self._next_time

    def _encode(self, frame: Any) -> None:
        frame.pict_type = 0  # The encoder chooses the key frames.
        if frame.pts <= self._last_time:
            return  # Timestamps must increase, so a second frame at the same time is dropped.
        self._last_time = frame.pts
        self._output.mux(self._target.encode(frame))


def _h264_stream(output: OutputContainer, rate: Fraction, **options: str) -> Any:
    """Add a stream of H.264 to the output; `rate` is in frames per second.

    Several frames are encoded at the same time. PyAV's own choice, slices of one frame, leaves
    cores idle, and costs quality: nothing is predicted across slices. 1.5 threads for each core are
    x264's own choice.
    """
    options = {"preset": "veryfast", "crf": _CRF, **options}
    stream: Any = output.add_stream("libx264", rate=rate, options=options)
    stream.codec_context.thread_type = "AUTO"
    stream.codec_context.thread_count = min((os.cpu_count() or 2) * 3 // 2, _MOST_THREADS)
    return stream


def _transcoded_stream(stream: Any, output: OutputContainer, encoding: Encoding) -> Any:
    """Add the stream to the output that a video is transcoded to."""
    rate = min(Fraction(stream.average_rate or 30), Fraction(60))
    maximum = {"maxrate": str(encoding.bit_rate), "bufsize": str(encoding.bit_rate // 2)}
    target = _h264_stream(output, rate, **maximum)
    target.width, target.height = encoding.width, encoding.height
    target.pix_fmt = "yuv420p"
    # The source's timestamps are kept, so that a variable frame rate stays in sync with audio.
    target.codec_context.time_base = _TIME_BASE
    colours = colours_of(stream.codec_context).for_encoding
    target.codec_context.color_primaries = colours.primaries
    target.codec_context.color_trc = colours.transfer
    target.codec_context.colorspace = colours.matrix
    target.codec_context.color_range = LIMITED_RANGE
    return target


class _AudioEncoder:
    """Transcodes an audio stream to AAC in stereo. Gaps become silence, to stay in sync."""

    def __init__(
        self,
        stream: Any,
        output: OutputContainer,
        bit_rate: int,
        timeline: Timeline,
        origin: Fraction,
        codec: str = "aac",
    ) -> None:
        self._source, self._output, self._origin = stream, output, origin
        target: Any = output.add_stream(codec, rate=_AUDIO_RATE)
        target.bit_rate = bit_rate
        self._target = target
        self._resampler, self._clock = _Resampler(), StreamClock(timeline, "audio")
        #: Where the next frame starts if it has no time of its own, in seconds.
        self._next_time = Fraction(0)

    def take(self, packet: Any) -> None:
        for frame in decode(self._source, packet):
            self._encode(frame)

    def finish(self) -> None:
        for frame in decode(self._source, None):
            self._encode(frame)
        self._write(self._resampler.finish())
        self._output.mux(self._target.encode(None))

    def _encode(self, frame: Any) -> None:
        time = self._next_time
        if frame.pts is not None:
            time = frame.pts * frame.time_base - self._origin
        duration = Fraction(frame.samples, frame.sample_rate)
        shift, _ = self._clock.corrected(float(time), float(duration))
        time += Fraction(shift)
        self._next_time = time + duration
        self._write(self._resampler.convert(frame, time))

    def _write(self, converted: Iterable[Any]) -> None:
        for frame in converted:
            self._output.mux(self._target.encode(frame))


class _Resampler:
    """Converts audio frames to the format of the encoder, whatever they change to midway."""

    def __init__(self) -> None:
        self._layout: tuple[str, str, int] | None = None
        self._graph: Graph | None = None

    def convert(self, frame: Any, time: Fraction) -> Iterator[Any]:
        """Yield the converted frames that are complete; `time` is this one's start in seconds."""
        layout = (frame.format.name, frame.layout.name, frame.sample_rate)
        if layout != self._layout:
            yield from self.finish()
            self._graph, self._layout = _audio_graph(*layout), layout
        assert self._graph
        frame.time_base = Fraction(1, frame.sample_rate)
        frame.pts = round(time * frame.sample_rate)
        self._graph.push(frame)
        yield from pulled(self._graph)

    def finish(self) -> Iterator[Any]:
        """Yield the rest."""
        if self._graph:
            self._graph.push(None)
            yield from pulled(self._graph)
            self._graph = self._layout = None


def _audio_graph(sample_format: str, layout: str, rate: int) -> Graph:
    """Build a filter graph that resamples, and fills gaps of more than 20 ms with silence.

    Source: https://ffmpeg.org/ffmpeg-resampler.html
    """
    graph = Graph()
    graph.link_nodes(
        graph.add_abuffer(
            format=sample_format, layout=layout, sample_rate=rate, time_base=Fraction(1, rate)
        ),
        graph.add("aresample", f"{_AUDIO_RATE}:async=1:min_hard_comp=0.02"),
        graph.add("aformat", "sample_fmts=fltp:channel_layouts=stereo"),
        graph.add("abuffersink"),
    ).configure()
    return graph


def _audio_writer(
    stream: Any, output: OutputContainer, timeline: Timeline, origin: Fraction
) -> _StreamWriter:
    if audio_plays(stream.codec_context.codec.canonical_name):
        return _StreamCopier(stream, output, timeline, origin)
    return _AudioEncoder(stream, output, _AUDIO_BITS_PER_S, timeline, origin)


def _extracted(
    stream: Any, output: OutputContainer, origin: Fraction, *, as_mp3: bool
) -> _StreamWriter:
    """Return the writer of an audio file: M4A takes AAC as it is."""
    timeline = Timeline(0.0)
    if stream.codec_context.codec.canonical_name == "aac" and not as_mp3:
        return _StreamCopier(stream, output, timeline, origin)
    codec = "libmp3lame" if as_mp3 else "aac"
    return _AudioEncoder(stream, output, _AUDIO_BITS_PER_S, timeline, origin, codec)


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


def _write_packets(incoming: Iterable[Any], writers: dict[Any, _StreamWriter]) -> None:
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
        resampler, time = _Resampler(), Fraction(0)
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
