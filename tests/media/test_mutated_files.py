"""Damaged files of every format that the workers open: every step ends with an error of ours."""

import io
import random
from collections.abc import Callable
from fractions import Fraction
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import av
import numpy
import pytest
from PIL import Image
from pillow_heif import register_heif_opener

from core.choices import Piece
from core.errors import ClipferryError
from core.playback import Encoding
from media import audio, encoding, images, integrity, pieces, reading, video

register_heif_opener()

#: Damaged copies of each file per run.
SEEDS: Final = range(3)
PICTURES: Final = ("JPEG", "PNG", "WEBP", "GIF", "HEIF", "AVIF", "BMP", "TIFF", "JPEG2000")
#: FFmpeg's container and codecs of each video.
VIDEOS: Final = {
    "mp4": ("mp4", "libx264", "aac"),
    "mov": ("mov", "libx264", "aac"),
    "mpegts": ("mpegts", "libx264", "aac"),
    "matroska": ("matroska", "libx264", "aac"),
    "webm": ("webm", "libvpx", "libopus"),
    "avi": ("avi", "mpeg4", "libmp3lame"),
    "flv": ("flv", "libx264", "aac"),
    "asf": ("asf", "mpeg4", "libmp3lame"),
    "mpeg": ("mpeg", "mpeg2video", "mp2"),
    "h264": ("h264", "libx264", ""),
    "ivf": ("ivf", "libvpx", ""),
}
SOUNDS: Final = {
    "mp3": ("mp3", "", "libmp3lame"),
    "m4a": ("ipod", "", "aac"),
    "adts": ("adts", "", "aac"),
    "ogg": ("ogg", "", "libopus"),
    "flac": ("flac", "", "flac"),
    "wav": ("wav", "", "pcm_s16le"),
    "ac3": ("ac3", "", "ac3"),
}
PIECE: Final = Piece(0, 1)
#: What the workers do with a file.
STEPS: Final[tuple[Callable[[Path], object], ...]] = (
    integrity.is_truncated,
    video.measure,
    partial(video.examine, still=None, ceiling_bytes=50_000_000),
    encoding.repack,
    encoding.move_index,
    partial(encoding.cut_out, piece=PIECE),
    partial(encoding.cut, most_bytes=20_000),
    partial(encoding.encode, encoding=Encoding(64, 64, 100_000)),
    encoding.extract_audio,
    partial(encoding.extract_audio, piece=PIECE),
    partial(pieces.needed_part, piece=PIECE),
    audio.make_native,
    audio.is_audio_only,
    audio.tags,
    images.moving_format,
    images.make_native,
    images.make_modest,
    images.make_thumbnail,
    images.common_frame,
    encoding.animate,
)


@cache
def picture(kind: str) -> bytes:
    """Return a small picture; those that can move have two frames."""
    first, second = (Image.new("RGB", (48, 32), colour) for colour in ("red", "blue"))
    content = io.BytesIO()
    moving = {"save_all": True, "append_images": [second]} if kind in {"GIF", "WEBP", "PNG"} else {}
    first.save(content, kind, **moving)
    return content.getvalue()


@cache
def recording(container: str, video_codec: str, audio_codec: str) -> bytes:
    """Return a second of moving noise, of a tone, or of both."""
    content = io.BytesIO()
    shown: Any = None
    heard: Any = None
    with av.open(content, "w", format=container) as output:
        if video_codec:
            shown = output.add_stream(video_codec, rate=10)
            shown.width, shown.height, shown.pix_fmt = 64, 48, "yuv420p"
        if audio_codec:
            heard = output.add_stream(audio_codec, rate=48_000)
        if video_codec:
            noise = numpy.random.default_rng(1)
            for number in range(10):
                pixels = noise.integers(0, 255, (48, 64, 3), dtype=numpy.uint8)
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 10)
                output.mux(shown.encode(frame))
            output.mux(shown.encode(None))
        if audio_codec:
            _add_tone(output, heard)
    return content.getvalue()


def _add_tone(output: av.container.OutputContainer, stream: av.AudioStream) -> None:
    wave = (numpy.sin(numpy.arange(48_000) / 20) * 9_000).astype(numpy.int16)
    frame = av.AudioFrame.from_ndarray(wave.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate, frame.pts = 48_000, 0
    resampler = av.AudioResampler(
        stream.format, stream.layout, stream.rate, frame_size=stream.frame_size or 1_024
    )
    for part in (*resampler.resample(frame), *resampler.resample(None)):
        output.mux(stream.encode(part))
    output.mux(stream.encode(None))


CASES: Final = {
    **{kind: partial(picture, kind) for kind in PICTURES},
    **{name: partial(recording, *spec) for name, spec in {**VIDEOS, **SOUNDS}.items()},
}


def damaged(rng: random.Random, content: bytes) -> bytes:
    """Return a copy of a file that is cut off, changed in places, or says wrong numbers."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 6)):
        # Most of what matters is at the beginning, or in the index at the end.
        place = rng.choice((rng.randrange(min(len(data), 400)), rng.randrange(len(data))))
        match rng.choice(("bit", "byte", "number", "number", "zeros", "repeat", "drop", "end")):
            case "bit":
                data[place] ^= 1 << rng.randrange(8)
            case "byte":
                data[place] = rng.randrange(256)
            case "number":
                width = rng.choice((2, 4, 8))
                value = rng.choice((0, 1, 2 ** (8 * width) - 1, 2 ** (8 * width - 1), 1 << 24))
                value &= 2 ** (8 * width) - 1
                data[place : place + width] = value.to_bytes(width, rng.choice(("big", "little")))
            case "zeros":
                data[place : place + 64] = bytes(64)
            case "repeat":
                data[place:place] = data[place : place + 200] * rng.choice((1, 20))
            case "drop":
                del data[place : place + rng.choice((1, 4, 100))]
            case _:
                del data[max(place, 20) :]
        data = data or bytearray(b"\0")
    return bytes(data)


def test_every_format_of_a_worker_has_a_case():
    names = {"m4a": "m4a", "mj2": "mp4", "3gp": "mp4", "3g2": "mp4", "aac": "adts"}
    opened = {names.get(name, name) for name in reading.FORMATS} - {"gif", "apng", "hevc"}
    assert opened <= set(CASES)
    assert set(images.FORMATS) <= set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_damaged_file_raises_nothing_but_our_errors(name: str, tmp_path: Path):
    for seed in SEEDS:
        content = damaged(random.Random(f"{name} {seed}"), CASES[name]())
        try_steps(content, tmp_path, f"{name} {seed}")


def test_a_whole_file_is_read_by_some_step(tmp_path: Path):
    for name, make in CASES.items():
        assert try_steps(make(), tmp_path, name), name


def try_steps(content: bytes, folder: Path, name: str) -> int:
    """Do everything that a worker does with a file; return how many steps accepted it."""
    accepted = 0
    for number, step in enumerate(STEPS):
        path = folder / f"{number}"
        path.write_bytes(content)
        try:
            accepted += bool(step(path))
        except ClipferryError as error:
            assert str(folder) not in str(error)  # noqa: PT017
        except Exception as error:
            error.add_note(f"{name}, step {number}")
            raise
    return accepted
