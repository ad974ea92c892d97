"""Remux, transcode, split and create videos. Runs in worker processes, like media.video."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Protocol

import av
from av.audio.resampler import AudioResampler
from av.container import OutputContainer
from av.filter import Graph
from PIL import ImageOps

from core.errors import PlatformChangedError, TooLargeError
from core.playback import Encoding, audio_plays
from media.images import open_upright
from media.video import has_decoder, open_input, open_media

#: Put the index (moov) first, so that a video plays while it loads, and start timestamps at zero.
_OUTPUT: Final = {"movflags": "+faststart", "avoid_negative_ts": "make_zero"}
#: Share of the size limit that a part's packets may use; the rest is for its index.
_PART_SHARE: Final = 0.97
_AUDIO_BITS_PER_S: Final = 128_000
_AUDIO_RATE: Final = 44_100
#: Frame rate of slideshows: enough for still pictures, and supported by every player.
_SLIDE_FRAMES_PER_S: Final = 10
#: Constant rate factor of x264; 23 is its default. Source: https://trac.ffmpeg.org/wiki/Encode/H.264
_CRF: Final = "23"


def repack(path: Path, audio: Path | None = None) -> Path:
    """Remux a video into an MP4 with the index first, and return the new file.

    The video stream is copied. The audio comes from the file `audio` if it is given, otherwise from
    the video; a codec that some players lack is transcoded to AAC.

    Raises:
        PlatformChangedError: a file is damaged.
    """
    target = path.with_suffix(".repacked.mp4")
    with ExitStack() as stack:
        source = stack.enter_context(open_media(path))
        audio_source = stack.enter_context(open_media(audio, "audio")) if audio else source
        output = stack.enter_context(_mp4(target))
        video_stream = source.streams.video[0]
        audio_streams = _decodable(audio_source.streams.audio)[:1]
        writers: dict[Any, _StreamWriter] = {video_stream: _StreamCopier(video_stream, output)}
        for stream in audio_streams:
            plays = audio_plays(stream.codec_context.codec.canonical_name)
            writers[stream] = (
                _StreamCopier(stream, output) if plays else _AudioEncoder(output, _AUDIO_BITS_PER_S)
            )
        if audio_source is source:
            packets = source.demux(video_stream, *audio_streams)
        else:
            packets = _interleave(source.demux(video_stream), audio_source.demux(*audio_streams))
        _write_packets(packets, writers)
    return target


def encode(path: Path, encoding: Encoding) -> Path:
    """Transcode a video to H.264 and AAC within the limits of `encoding`; return the new file.

    Raises:
        PlatformChangedError: the file is damaged.
    """
    target = path.with_suffix(".encoded.mp4")
    with open_media(path) as source, _mp4(target) as output:
        video_stream, audio_streams = source.streams.video[0], _decodable(source.streams.audio)[:1]
        video_stream.thread_type = "AUTO"
        writers: dict[Any, _StreamWriter] = {
            video_stream: _VideoEncoder(video_stream, output, encoding)
        }
        writers |= {s: _AudioEncoder(output, encoding.audio_bit_rate) for s in audio_streams}
        _write_packets(source.demux(video_stream, *audio_streams), writers)
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
        streams = [source.streams.video[0], *_decodable(source.streams.audio)[:1]]
        segments = _split_at_key_frames(source.demux(*streams), streams[0])
        max_size = int(most_bytes * _PART_SHARE)
        size = path.stat().st_size
        target_size = size // -(-size // max_size)
        for packets in _group_segments(segments, target_size, max_size):
            target = path.with_suffix(f".part{len(parts) + 1}.mp4")
            with _mp4(target) as output:
                _write_packets(packets, {s: _StreamCopier(s, output) for s in streams})
            if target.stat().st_size > most_bytes:
                raise TooLargeError(target.stat().st_size, most_bytes)
            parts.append(target)
    return parts


def extract_audio(path: Path) -> Path:
    """Write the audio of a file to an M4A file, and return the new file.

    AAC is copied, any other codec is transcoded.

    Raises:
        PlatformChangedError: the file has no audio, or is damaged.
    """
    target = path.with_suffix(".m4a")
    with open_media(path, "audio") as source:
        stream = source.streams.audio[0]
        with av.open(str(target), "w", format="ipod", options=_OUTPUT) as output:
            is_aac = stream.codec_context.codec.canonical_name == "aac"
            writer = (
                _StreamCopier(stream, output)
                if is_aac
                else _AudioEncoder(output, _AUDIO_BITS_PER_S)
            )
            _write_packets(source.demux(stream), {stream: writer})
    return target


def show_slides(
    pictures: Sequence[Path], audio: Path, size: tuple[int, int], seconds_each: float
) -> Path:
    """Make a slideshow of pictures with audio, and return the new MP4 file.

    The audio is repeated or cut to the length of the slideshow. Pictures are fitted into `size`
    (width and height in pixels, both even) on a black background.

    Raises:
        PlatformChangedError: the audio file is damaged.
    """
    target = audio.with_suffix(".slides.mp4")
    frames_each = max(round(seconds_each * _SLIDE_FRAMES_PER_S), 1)
    with _mp4(target) as output:
        video_stream = output.add_stream(
            "libx264",
            rate=_SLIDE_FRAMES_PER_S,
            options={"preset": "veryfast", "tune": "stillimage", "crf": _CRF},
        )
        video_stream.width, video_stream.height = size
        video_stream.pix_fmt = "yuv420p"
        audio_stream = output.add_stream("aac", rate=_AUDIO_RATE)
        audio_stream.bit_rate = _AUDIO_BITS_PER_S
        samples = _looped_frames(audio)
        resampler = AudioResampler(
            format="fltp", layout="stereo", rate=_AUDIO_RATE, frame_size=1024
        )
        written_samples = 0
        for number, path in enumerate(pictures):
            slide = _slide(path, size)
            for step in range(frames_each):
                slide.pts = number * frames_each + step
                slide.time_base = Fraction(1, _SLIDE_FRAMES_PER_S)
                output.mux(video_stream.encode(slide))
            shown_s = (number + 1) * frames_each / _SLIDE_FRAMES_PER_S
            while written_samples < shown_s * _AUDIO_RATE:
                for piece in resampler.resample(next(samples)):
                    piece.pts, piece.time_base = written_samples, Fraction(1, _AUDIO_RATE)
                    written_samples += piece.samples
                    output.mux(audio_stream.encode(piece))
        output.mux(video_stream.encode(None))
        output.mux(audio_stream.encode(None))
    return target


class _StreamWriter(Protocol):
    """Writes one stream of the output from the packets of an input stream."""

    def take(self, packet: Any) -> None:
        """Process one packet; a packet without data flushes the decoder."""

    def finish(self) -> None:
        """Flush the encoder."""


class _StreamCopier:
    """Copies packets without decoding them."""

    def __init__(self, stream: Any, output: OutputContainer) -> None:
        self._output = output
        self._target = output.add_stream_from_template(stream)
        if hasattr(self._target.codec_context, "codec_tag"):
            # The tag belongs to the old container; zero lets the new one choose its own.
            self._target.codec_context.codec_tag = "\0\0\0\0"

    def take(self, packet: Any) -> None:
        packet.stream = self._target
        self._output.mux(packet)

    def finish(self) -> None:
        """Do nothing: packets are written at once."""


class _VideoEncoder:
    """Transcodes a video stream to H.264, rotated upright and scaled."""

    def __init__(self, stream: Any, output: OutputContainer, encoding: Encoding) -> None:
        self._source, self._output, self._encoding = stream, output, encoding
        rate = stream.average_rate or 30
        self._target = output.add_stream(
            "libx264",
            rate=min(Fraction(rate), Fraction(60)),
            options={
                "preset": "veryfast",
                "crf": _CRF,
                "maxrate": str(encoding.bit_rate),
                "bufsize": str(encoding.bit_rate // 2),
            },
        )
        self._target.width, self._target.height = encoding.width, encoding.height
        self._target.pix_fmt = "yuv420p"
        # The source's timestamps are kept, so that a variable frame rate stays in sync with audio.
        self._target.codec_context.time_base = Fraction(1, 90_000)
        self._graph: Graph | None = None
        self._last_time = -1

    def take(self, packet: Any) -> None:
        for frame in packet.decode():
            if frame.pts is None:
                continue
            graph = self._graph or self._build_graph(frame)
            graph.vpush(frame)
            self._encode(graph.vpull())

    def finish(self) -> None:
        self._output.mux(self._target.encode(None))

    def _encode(self, frame: Any) -> None:
        frame.pict_type = 0  # The encoder chooses the key frames.
        time = round(frame.pts * frame.time_base * 90_000)
        if time <= self._last_time:
            return  # Timestamps must increase, so a second frame at the same time is dropped.
        frame.pts, frame.time_base, self._last_time = time, Fraction(1, 90_000), time
        self._output.mux(self._target.encode(frame))

    def _build_graph(self, frame: Any) -> Graph:
        """Build the filter graph that rotates, scales and converts frames like the first one."""
        rotations = {90: ["transpose=cclock"], -90: ["transpose=clock"], 180: ["hflip", "vflip"]}
        size = f"scale={self._encoding.width}:{self._encoding.height}"
        steps = [*rotations.get(frame.rotation, []), size, "setsar=1", "format=yuv420p"]
        graph = Graph()
        nodes = [graph.add_buffer(template=self._source)]
        for step in steps:
            name, _, arguments = step.partition("=")
            nodes.append(graph.add(name, arguments or None))
        graph.link_nodes(*nodes, graph.add("buffersink")).configure()
        self._graph = graph
        return graph


class _AudioEncoder:
    """Transcodes an audio stream to AAC in stereo."""

    def __init__(self, output: OutputContainer, bit_rate: int) -> None:
        self._output = output
        self._target = output.add_stream("aac", rate=_AUDIO_RATE)
        self._target.bit_rate = bit_rate
        self._resampler = AudioResampler(format="fltp", layout="stereo", rate=_AUDIO_RATE)

    def take(self, packet: Any) -> None:
        for frame in packet.decode():
            self._encode(frame)

    def finish(self) -> None:
        self._encode(None)
        self._output.mux(self._target.encode(None))

    def _encode(self, frame: Any) -> None:
        for piece in self._resampler.resample(frame):
            self._output.mux(self._target.encode(piece))


def _decodable(streams: Sequence[Any]) -> list[Any]:
    """Return the streams that FFmpeg has a decoder for; the others are left out."""
    return [stream for stream in streams if has_decoder(stream)]


def _mp4(path: Path) -> OutputContainer:
    return av.open(str(path), "w", format="mp4", options=_OUTPUT)


def _write_packets(packets: Iterable[Any], writers: dict[Any, _StreamWriter]) -> None:
    """Pass every packet to its stream's writer, then finish all writers.

    The demuxer ends each stream with an empty packet. It flushes the decoder of an encoding
    writer, and must not be copied.
    """
    for packet in packets:
        writer = writers[packet.stream]
        is_empty = packet.dts is None and not packet.size
        if not is_empty or isinstance(writer, _VideoEncoder | _AudioEncoder):
            writer.take(packet)
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


def _looped_frames(audio: Path) -> Iterator[Any]:
    """Yield the decoded frames of an audio file in an endless loop."""
    while True:
        count = 0
        try:
            with open_input(audio) as container:
                for frame in container.decode(audio=0):
                    count += 1
                    frame.pts = None
                    yield frame
        except (av.FFmpegError, IndexError) as error:
            raise PlatformChangedError(
                f"the audio file is damaged ({type(error).__name__})"
            ) from error
        if not count:
            raise PlatformChangedError("the audio file is empty")


def _slide(path: Path, size: tuple[int, int]) -> Any:
    picture = open_upright(path, max(size))
    return av.VideoFrame.from_image(ImageOps.pad(picture, size, color="black"))  # type: ignore[no-untyped-call]
