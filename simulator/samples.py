"""Generate small real media files: drawn pictures, test videos and synthesised tones."""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.audio.resampler import AudioResampler
from av.container import InputContainer, OutputContainer
from PIL import Image, ImageDraw, ImageFont
from pillow_heif import register_heif_opener


@dataclass(frozen=True, slots=True)
class VideoSpec:
    """Properties of a generated video; sizes in pixels, bit rate in bits per second."""

    width: int = 576
    height: int = 1024
    seconds: int = 3
    #: FFmpeg's name of the video encoder.
    encoder: str = "libx264"
    bit_rate: int = 900_000
    #: FFmpeg's name of the container.
    container: str = "mp4"
    has_sound: bool = True
    #: Put the index (moov) before the media data.
    is_fast_start: bool = True
    #: Cover the picture with noise, which hardly compresses: about 0.3 MB per frame.
    is_noise: bool = False
    #: Pad the file to this size, in bytes; 0 adds no padding.
    padded_bytes: int = 0


class SampleStore:
    """Creates each sample file once and keeps it in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def video(self, spec: VideoSpec) -> Path:
        """Return a video with a moving test picture and, unless silent, a tone."""
        traits = zip(
            ("silent", "slow", "noisy"),
            (not spec.has_sound, not spec.is_fast_start, spec.is_noise),
            strict=True,
        )
        name = "-".join(
            [
                f"{spec.encoder}-{spec.width}x{spec.height}-{spec.seconds}s-{spec.bit_rate}",
                *(trait for trait, is_so in traits if is_so),
            ]
        )
        path = self._folder / f"{name}.{spec.container}"
        if not path.exists():
            with _written(path) as partial:
                _encode(partial, spec)
        if not spec.padded_bytes:
            return path
        padded = self._folder / f"{name}-{spec.padded_bytes}.mp4"
        if not padded.exists():
            with _written(padded) as partial:
                _pad(path, partial, spec.padded_bytes)
        return padded

    def picture(self, width: int, height: int, label: str) -> Path:
        """Return a JPEG of a boat under a sky whose colour depends on the label."""
        path = self._folder / f"scene-{width}x{height}-{label}.jpg"
        if not path.exists():
            with _written(path) as partial:
                _scene(width, height, label).save(partial, quality=85)
        return path

    def thumbnail(self, side: int, label: str) -> Path:
        """Return the same picture as a small square without the label: nobody could read it."""
        path = self._folder / f"thumbnail-{side}-{label}.jpg"
        if not path.exists():
            with _written(path) as partial:
                _scene(side, side, label, has_text=False).save(partial, quality=85)
        return path

    def sound(self, seconds: int = 3, encoder: str = "libmp3lame", kind: str = "mp3") -> Path:
        """Return a tone as MP3, or as M4A with `aac` and `mp4`."""
        path = self._folder / f"tone-{seconds}s.{kind}"
        if not path.exists():
            tone = f"sine=frequency=440:sample_rate=44100:duration={seconds}"
            with (
                _written(path) as partial,
                av.open(tone, format="lavfi") as tones,
                av.open(str(partial), "w", format=kind) as target,
            ):
                _add_tone(tones, target, target.add_stream(encoder, rate=44_100))
        return path

    def gif(self, width: int, height: int) -> Path:
        """Return an animated GIF."""
        path = self._folder / f"loop-{width}x{height}.gif"
        if not path.exists():
            frames = [Image.new("RGB", (width, height), (40 * n, 80, 200)) for n in range(5)]
            with _written(path) as partial:
                frames[0].save(
                    partial, save_all=True, append_images=frames[1:], duration=100, loop=0
                )
        return path

    def heic(self, width: int, height: int, label: str) -> Path:
        """Return the same picture as HEIC, which Telegram does not accept as a photo."""
        path = self._folder / f"scene-{width}x{height}-{label}.heic"
        if not path.exists():
            register_heif_opener()
            with _written(path) as partial, Image.open(self.picture(width, height, label)) as image:
                image.save(partial, quality=80)
        return path


@contextmanager
def _written(path: Path) -> Iterator[Path]:
    """Yield a path to write to, which becomes `path`: other processes see only whole files."""
    partial = path.with_stem(f"{path.stem}-{os.getpid()}-part")
    yield partial
    partial.replace(path)


def _scene(width: int, height: int, label: str, *, has_text: bool = True) -> Image.Image:
    hue = zlib.crc32(label.encode()) % 360
    size, unit = (width, height), min(width, height) / 20
    sky = Image.composite(
        Image.new("RGB", size, f"hsl({(hue + 50) % 360}, 75%, 82%)"),
        Image.new("RGB", size, f"hsl({hue}, 55%, 52%)"),
        Image.linear_gradient("L").resize(size),
    )
    draw, sea = ImageDraw.Draw(sky), height * 0.7
    draw.rectangle((0, sea, width, height), fill="hsl(205, 45%, 34%)")
    left, right = width / 2 - 6 * unit, width / 2 + 6 * unit
    hull = [
        (left, sea - unit),
        (right, sea - unit),
        (right - unit, sea + unit),
        (left + unit, sea + unit),
    ]
    draw.polygon(hull, fill="#fdfcf7")
    cabin = (left + 2 * unit, sea - 3 * unit, right - 3 * unit, sea - unit)
    draw.rectangle(cabin, fill="#f2d7a0")
    for number in range(4):
        x = left + (3 + 1.4 * number) * unit
        draw.ellipse((x, sea - 2.5 * unit, x + unit, sea - 1.5 * unit), fill="#30485c")
    if has_text:
        font = ImageFont.load_default(size=max(unit * 1.6, 6))
        draw.text((width / 2, height / 5), label, fill="#fdfcf7", font=font, anchor="mm")
    return sky


def _encode(path: Path, spec: VideoSpec) -> None:
    picture = f"testsrc2=size={spec.width}x{spec.height}:rate=30:duration={spec.seconds}"
    if spec.is_noise:
        picture += ",geq='lum(X,Y)/2+random(1)*127':'cb(X,Y)':'cr(X,Y)'"
    tone = f"sine=frequency=440:sample_rate=44100:duration={spec.seconds}"
    muxing = {"movflags": "+faststart"} if spec.is_fast_start and spec.container == "mp4" else {}
    with (
        av.open(picture, format="lavfi") as pictures,
        av.open(tone, format="lavfi") as tones,
        av.open(
            str(path), "w", format=_FORMATS.get(spec.container, spec.container), options=muxing
        ) as target,
    ):
        options = dict(_OPTIONS[spec.encoder])
        if spec.is_noise:
            options |= {"qp": "1", "preset": "ultrafast", "g": "30"}
        video = target.add_stream(spec.encoder, rate=30, options=options)
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = spec.width, spec.height, "yuv420p"
        video.bit_rate = spec.bit_rate
        audio = None
        if spec.has_sound:
            is_webm = spec.container == "webm"
            audio = target.add_stream(
                "libopus" if is_webm else "aac", rate=48_000 if is_webm else 44_100
            )
        for picture_frame in pictures.decode(video=0):
            target.mux(video.encode(picture_frame.reformat(format="yuv420p")))
        target.mux(video.encode())
        if audio:
            _add_tone(tones, target, audio)


_FORMATS = {"mkv": "matroska", "ts": "mpegts"}
_OPTIONS = {
    "libx264": {"preset": "veryfast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=error"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "mpeg4": {},
}


def _add_tone(tones: InputContainer, target: OutputContainer, stream: Any) -> None:
    context = stream.codec_context
    resampler = AudioResampler(
        format=context.format or "fltp", layout="stereo", rate=context.sample_rate
    )
    for frame in tones.decode(audio=0):
        for resampled in resampler.resample(frame):
            target.mux(stream.encode(resampled))
    target.mux(stream.encode())


def _pad(source: Path, target: Path, size: int) -> None:
    """Append a `free` box (ISO 14496-12, 8.1.2), which players skip, up to `size` bytes.

    Raises:
        ValueError: the file has no space left for the box header.
    """
    content = source.read_bytes()
    padding = size - len(content)
    if padding < 8:
        raise ValueError(f"{source.name} already has {len(content)} bytes")
    with target.open("wb") as file:
        file.write(content)
        file.write(padding.to_bytes(4, "big") + b"free")
        file.truncate(size)
