"""Videos repacked, encoded anew, cut and put together. Runs in worker processes, like media.video."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Protocol

import av
from av.audio.resampler import AudioResampler
from av.container import OutputContainer
from av.filter import Graph
from PIL import Image, ImageOps

from core.errors import PlatformChangedError, TooLargeError
from core.playback import Encoding, audio_plays
from media.video import opened

#: The index before the content, so that a video plays while it loads; and time begins at nought.
_OUTPUT: Final = {"movflags": "+faststart", "avoid_negative_ts": "make_zero"}
#: What a part may have of the limit, since its index comes on top.
_PART_SHARE: Final = 0.97
_AUDIO_BITS_PER_S: Final = 128_000
_AUDIO_RATE: Final = 44_100
#: Enough for slides that do not move, and every player knows it.
_SLIDE_FRAMES_PER_S: Final = 10
#: Source: x264's own scale; 23 is its default.
_QUALITY: Final = "23"


def repack(path: Path, audio: Path | None = None) -> Path:
    """Write the same pictures into an MP4 with the index first; give the new file.

    The sound comes from the file of its own if there is one. One that would not play everywhere is
    encoded anew.

    Raises:
        PlatformChangedError: a file is damaged.
    """
    target = path.with_suffix(".repacked.mp4")
    with ExitStack() as stack:
        source = stack.enter_context(opened(path))
        audios = stack.enter_context(opened(audio, "sound")) if audio else source
        output = stack.enter_context(_mp4(target))
        picture, tones = source.streams.video[0], audios.streams.audio[:1]
        pipes: dict[Any, _Pipe] = {picture: _Copy(picture, output)}
        for tone in tones:
            plays = audio_plays(tone.codec_context.codec.canonical_name)
            pipes[tone] = _Copy(tone, output) if plays else _Audio(output, _AUDIO_BITS_PER_S)
        if audios is source:
            _pump(source.demux(picture, *tones), pipes)
        else:
            _pump(_by_time(source.demux(picture), audios.demux(*tones)), pipes)
    return target


def encode(path: Path, encoding: Encoding) -> Path:
    """Encode a video anew as H.264 and AAC, no larger than its encoding says; give the new file.

    Raises:
        PlatformChangedError: the file is damaged.
    """
    target = path.with_suffix(".encoded.mp4")
    with opened(path) as source, _mp4(target) as output:
        picture, tones = source.streams.video[0], source.streams.audio[:1]
        picture.thread_type = "AUTO"
        pipes: dict[Any, _Pipe] = {picture: _Pictures(picture, output, encoding)}
        pipes |= {tone: _Audio(output, encoding.audio_bit_rate) for tone in tones}
        _pump(source.demux(picture, *tones), pipes)
    return target


def cut(path: Path, most_bytes: int) -> list[Path]:
    """Cut a video at key frames into playable parts of at most `most_bytes`; nothing is encoded.

    Raises:
        PlatformChangedError: the file is damaged.
        TooLargeError: what lies between two key frames is larger.
    """
    parts: list[Path] = []
    with opened(path) as source:
        streams = [source.streams.video[0], *source.streams.audio[:1]]
        stretches = _stretches(source.demux(*streams), streams[0])
        most = int(most_bytes * _PART_SHARE)
        size = path.stat().st_size
        even = size // -(-size // most)
        for group in _packed(stretches, even, most):
            target = path.with_suffix(f".part{len(parts) + 1}.mp4")
            with _mp4(target) as output:
                _pump(group, {stream: _Copy(stream, output) for stream in streams})
            if target.stat().st_size > most_bytes:
                raise TooLargeError(target.stat().st_size, most_bytes)
            parts.append(target)
    return parts


def extract_audio(path: Path) -> Path:
    """Write the sound of a file into an M4A of its own; give the new file.

    Raises:
        PlatformChangedError: the file has no sound, or is damaged.
    """
    target = path.with_suffix(".m4a")
    with opened(path, "sound") as source:
        tone = source.streams.audio[0]
        with av.open(str(target), "w", format="ipod", options=_OUTPUT) as output:
            is_aac = tone.codec_context.codec.canonical_name == "aac"
            pipe = _Copy(tone, output) if is_aac else _Audio(output, _AUDIO_BITS_PER_S)
            _pump(source.demux(tone), {tone: pipe})
    return target


def show_slides(
    pictures: Sequence[Path], audio: Path, size: tuple[int, int], seconds_each: float
) -> Path:
    """Make a video of pictures, one after the other, over a sound that is repeated as needed.

    Pictures are fitted into `size` (even numbers of pixels) on black. Gives the new file.

    Raises:
        PlatformChangedError: the sound is damaged.
    """
    target = audio.with_suffix(".slides.mp4")
    frames_each = max(round(seconds_each * _SLIDE_FRAMES_PER_S), 1)
    with _mp4(target) as output:
        picture = output.add_stream(
            "libx264",
            rate=_SLIDE_FRAMES_PER_S,
            options={"preset": "veryfast", "tune": "stillimage", "crf": _QUALITY},
        )
        picture.width, picture.height = size
        picture.pix_fmt = "yuv420p"
        tone = output.add_stream("aac", rate=_AUDIO_RATE)
        tone.bit_rate = _AUDIO_BITS_PER_S
        samples = _repeated(audio)
        resampler = AudioResampler(
            format="fltp", layout="stereo", rate=_AUDIO_RATE, frame_size=1024
        )
        heard = 0
        for number, path in enumerate(pictures):
            slide = _slide(path, size)
            for step in range(frames_each):
                slide.pts = number * frames_each + step
                slide.time_base = Fraction(1, _SLIDE_FRAMES_PER_S)
                output.mux(picture.encode(slide))
            shown_s = (number + 1) * frames_each / _SLIDE_FRAMES_PER_S
            while heard < shown_s * _AUDIO_RATE:
                for piece in resampler.resample(next(samples)):
                    piece.pts, piece.time_base = heard, Fraction(1, _AUDIO_RATE)
                    heard += piece.samples
                    output.mux(tone.encode(piece))
        output.mux(picture.encode(None))
        output.mux(tone.encode(None))
    return target


class _Pipe(Protocol):
    """Takes a stream's packets and writes what becomes of them."""

    def take(self, packet: Any) -> None:
        """Take one packet."""

    def finish(self) -> None:
        """Write what is left."""


class _Copy:
    """Writes packets as they are."""

    def __init__(self, stream: Any, output: OutputContainer) -> None:
        self._output = output
        self._target = output.add_stream_from_template(stream)
        if hasattr(self._target.codec_context, "codec_tag"):
            # The old container's mark; the new one chooses its own.
            self._target.codec_context.codec_tag = "\0\0\0\0"

    def take(self, packet: Any) -> None:
        packet.stream = self._target
        self._output.mux(packet)

    def finish(self) -> None:
        """Nothing is held back."""


class _Pictures:
    """Encodes pictures anew: upright, scaled, H.264."""

    def __init__(self, stream: Any, output: OutputContainer, encoding: Encoding) -> None:
        self._source, self._output, self._encoding = stream, output, encoding
        rate = stream.average_rate or 30
        self._target = output.add_stream(
            "libx264",
            rate=min(Fraction(rate), Fraction(60)),
            options={
                "preset": "veryfast",
                "crf": _QUALITY,
                "maxrate": str(encoding.bit_rate),
                "bufsize": str(encoding.bit_rate // 2),
            },
        )
        self._target.width, self._target.height = encoding.width, encoding.height
        self._target.pix_fmt = "yuv420p"
        # Timestamps are the source's own, so that uneven ones stay in step with the sound.
        self._target.codec_context.time_base = Fraction(1, 90_000)
        self._graph: Graph | None = None
        self._last = -1

    def take(self, packet: Any) -> None:
        for frame in packet.decode():
            if frame.pts is None:
                continue
            graph = self._graph or self._upright(frame)
            graph.vpush(frame)
            self._encode(graph.vpull())

    def finish(self) -> None:
        self._output.mux(self._target.encode(None))

    def _encode(self, frame: Any) -> None:
        frame.pict_type = 0  # the encoder decides which frames are key frames
        time = round(frame.pts * frame.time_base * 90_000)
        if time <= self._last:
            return  # two pictures at one time: the second is nobody's
        frame.pts, frame.time_base, self._last = time, Fraction(1, 90_000), time
        self._output.mux(self._target.encode(frame))

    def _upright(self, frame: Any) -> Graph:
        """Build the way from the first frame's form to ours."""
        turns = {90: ["transpose=cclock"], -90: ["transpose=clock"], 180: ["hflip", "vflip"]}
        size = f"scale={self._encoding.width}:{self._encoding.height}"
        steps = [*turns.get(frame.rotation, []), size, "setsar=1", "format=yuv420p"]
        graph = Graph()
        nodes = [graph.add_buffer(template=self._source)]
        for step in steps:
            name, _, arguments = step.partition("=")
            nodes.append(graph.add(name, arguments or None))
        graph.link_nodes(*nodes, graph.add("buffersink")).configure()
        self._graph = graph
        return graph


class _Audio:
    """Encodes a sound anew: AAC in stereo."""

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


def _mp4(path: Path) -> OutputContainer:
    return av.open(str(path), "w", format="mp4", options=_OUTPUT)


def _pump(packets: Iterable[Any], pipes: dict[Any, _Pipe]) -> None:
    """Lead every packet into its stream's pipe. An empty packet ends its stream."""
    for packet in packets:
        if packet.dts is not None or packet.size:
            pipes[packet.stream].take(packet)
        elif isinstance(pipes[packet.stream], _Pictures | _Audio):
            pipes[packet.stream].take(packet)  # makes the decoder give what it still holds
    for pipe in pipes.values():
        pipe.finish()


def _by_time(*fetcher: Iterator[Any]) -> Iterator[Any]:
    """Weave the packets of several files into one row, by time."""
    waiting = [(source, packet) for source in fetcher if (packet := next(source, None))]
    while waiting:
        entry = min(waiting, key=lambda pair: _seconds(pair[1]))
        waiting.remove(entry)
        source, packet = entry
        yield packet
        if following := next(source, None):
            waiting.append((source, following))


def _seconds(packet: Any) -> float:
    return float(packet.dts * packet.time_base) if packet.dts is not None else float("inf")


def _stretches(packets: Iterable[Any], pictures: Any) -> Iterator[list[Any]]:
    """Give the packets from one key frame to the next."""
    stretch: list[Any] = []
    for packet in packets:
        if packet.dts is None:
            continue
        if packet.stream is pictures and packet.is_keyframe and stretch:
            yield stretch
            stretch = []
        stretch.append(packet)
    if stretch:
        yield stretch


def _packed(stretches: Iterator[list[Any]], even: int, most: int) -> Iterator[Iterator[Any]]:
    """Give stretches in rows of about `even` bytes, never over `most` if it can be helped.

    Each row must be read before the next.
    """
    waiting = next(stretches, None)

    def row() -> Iterator[Any]:
        nonlocal waiting
        size = 0
        while waiting is not None:
            weight = sum(packet.size for packet in waiting)
            if size and (size >= even or size + weight > most):
                return
            size += weight
            yield from waiting
            waiting = next(stretches, None)

    while waiting is not None:
        yield row()


def _repeated(audio: Path) -> Iterator[Any]:
    """Give a sound's frames over and over."""
    while True:
        count = 0
        try:
            with av.open(str(audio)) as container:
                for frame in container.decode(audio=0):
                    count += 1
                    frame.pts = None
                    yield frame
        except (av.FFmpegError, IndexError) as error:
            raise PlatformChangedError(f"the sound is damaged ({type(error).__name__})") from error
        if not count:
            raise PlatformChangedError("an empty sound")


def _slide(path: Path, size: tuple[int, int]) -> Any:
    with Image.open(path) as image:
        picture = ImageOps.exif_transpose(image).convert("RGB")
        return av.VideoFrame.from_image(ImageOps.pad(picture, size, color="black"))  # type: ignore[no-untyped-call]
