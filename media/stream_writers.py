"""Writers of the streams of an output file: packets are copied, or decoded and encoded."""

import os
import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, Final, Protocol

from av.container import OutputContainer
from av.filter import Graph

from core.errors import PlatformChangedError
from core.playback import Encoding, audio_plays
from media.frames import LIMITED_RANGE, FrameConverter, colours_of, pulled
from media.reading import decode, frame_clock
from media.timeline import LONGEST_GAP_S, StreamClock, Timeline

AUDIO_BITS_PER_S: Final = 128_000
#: Samples per second.
AUDIO_RATE: Final = 44_100
#: Minimum share of packets whose frames can be decoded; a file with fewer counts as damaged.
_LEAST_DECODED: Final = 0.1
_ZERO: Final = Fraction(0)
#: First bytes of a key frame that hold its parameter sets.
_HEADERS_BYTES: Final = 4096
#: A unit of type 7 behind a start code.
_PARAMETER_SET: Final = re.compile(
    rb"\x00\x00\x01([\x07\x27\x47\x67].+?)\x00\x00[\x00\x01]", re.DOTALL
)
#: Of the encoded video.
TIME_BASE: Final = Fraction(1, 90_000)
#: Constant rate factor of x264; 23 is its default. Source: https://trac.ffmpeg.org/wiki/Encode/H.264
_CRF: Final = "23"
#: Threads of x264 and of the decoder at most. Each keeps frames: with 16 of both, a 4K video takes
#: 1 900 MB, more than the encoder may use; with 8 it takes 1 200 MB.
MOST_THREADS: Final = 8


class StreamWriter(Protocol):
    """Writes one stream of the output from the packets of an input stream."""

    def take(self, packet: Any) -> None:
        """Process one packet."""

    def finish(self) -> None:
        """Flush the decoder and the encoder."""


class StreamCopier:
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


class VideoEncoder:
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
            frame.pts, frame.time_base = self._time_of(frame), TIME_BASE
            for converted in self._converter.convert(frame):
                self._encode(converted)

    def _time_of(self, frame: Any) -> int:
        """Return a frame's time in the output; AVI files have none for some frames."""
        each = 1 / self._target.codec_context.framerate
        if (stored := self._stored_time(frame)) is None:
            self._next_time += round(each / TIME_BASE)
        else:
            time = stored * frame.time_base - self._origin
            duration = max(frame.duration * frame.time_base, each)
            shift, right = self._clock.corrected(float(time), float(duration))
            self._next_time = round((time + Fraction(shift)) / TIME_BASE)
            frame.duration = round(right / TIME_BASE)
        return self._next_time

    def _encode(self, frame: Any) -> None:
        frame.pict_type = 0  # The encoder chooses the key frames.
        if frame.pts <= self._last_time:
            return  # Timestamps must increase, so a second frame at the same time is dropped.
        self._last_time = frame.pts
        self._output.mux(self._target.encode(frame))


def h264_stream(output: OutputContainer, rate: Fraction, **options: str) -> Any:
    """Add a stream of H.264 to the output; `rate` is in frames per second.

    Several frames are encoded at the same time. PyAV's own choice, slices of one frame, leaves
    cores idle, and costs quality: nothing is predicted across slices. 1.5 threads for each core are
    x264's own choice.
    """
    options = {"preset": "veryfast", "crf": _CRF, **options}
    stream: Any = output.add_stream("libx264", rate=rate, options=options)
    stream.codec_context.thread_type = "AUTO"
    stream.codec_context.thread_count = min((os.cpu_count() or 2) * 3 // 2, MOST_THREADS)
    return stream


def _transcoded_stream(stream: Any, output: OutputContainer, encoding: Encoding) -> Any:
    """Add the stream to the output that a video is transcoded to."""
    rate = min(Fraction(stream.average_rate or 30), Fraction(60))
    maximum = {"maxrate": str(encoding.bit_rate), "bufsize": str(encoding.bit_rate // 2)}
    target = h264_stream(output, rate, **maximum)
    target.width, target.height = encoding.width, encoding.height
    target.pix_fmt = "yuv420p"
    # The source's timestamps are kept, so that a variable frame rate stays in sync with audio.
    target.codec_context.time_base = TIME_BASE
    colours = colours_of(stream.codec_context).for_encoding
    target.codec_context.color_primaries = colours.primaries
    target.codec_context.color_trc = colours.transfer
    target.codec_context.colorspace = colours.matrix
    target.codec_context.color_range = LIMITED_RANGE
    return target


class AudioEncoder:
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
        target: Any = output.add_stream(codec, rate=AUDIO_RATE)
        target.bit_rate = bit_rate
        self._target = target
        self._resampler, self._clock = Resampler(), StreamClock(timeline, "audio")
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


class Resampler:
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
        """Yield the samples that the filters still hold."""
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
        graph.add("aresample", f"{AUDIO_RATE}:async=1:min_hard_comp=0.02"),
        graph.add("aformat", "sample_fmts=fltp:channel_layouts=stereo"),
        graph.add("abuffersink"),
    ).configure()
    return graph


def audio_writer(
    stream: Any, output: OutputContainer, timeline: Timeline, origin: Fraction
) -> StreamWriter:
    """Return the writer of a video's audio: what every player supports is copied."""
    if audio_plays(stream.codec_context.codec.canonical_name):
        return StreamCopier(stream, output, timeline, origin)
    return AudioEncoder(stream, output, AUDIO_BITS_PER_S, timeline, origin)


def extracted_audio_writer(
    stream: Any, output: OutputContainer, origin: Fraction, *, as_mp3: bool
) -> StreamWriter:
    """Return the writer of an audio file: M4A takes AAC as it is."""
    timeline = Timeline(0.0)
    if stream.codec_context.codec.canonical_name == "aac" and not as_mp3:
        return StreamCopier(stream, output, timeline, origin)
    codec = "libmp3lame" if as_mp3 else "aac"
    return AudioEncoder(stream, output, AUDIO_BITS_PER_S, timeline, origin, codec)
