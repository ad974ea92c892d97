"""Odd media files, as values in a table: what sites, phones and old programs really produce.

Every video flashes once, and beeps at the same instant, so that lips can be compared in a result.
Its top left quarter is red, so that a picture that lies on its side is noticed.
"""

import io
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.stream import Disposition
from PIL import Image, ImageCms
from pillow_heif import register_heif_opener

#: When the flash and the beep happen, in seconds.
FLASH_S = 0.8
#: Frames per second of all videos.
RATE = 25
_SOUND_RATE = {"libopus": 48_000, "opus": 48_000}
_FAST: dict[str, dict[str, str]] = {
    "libx264": {"preset": "ultrafast", "bf": "2", "g": "10"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=error:keyint=10"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "g": "10"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "g": "10"},
    "libsvtav1": {"preset": "12", "svtav1-params": "keyint=10"},
    "mpeg4": {"g": "10"},
}
#: H.273's code points of primaries, transfer function and matrix, and FFmpeg's range.
Tags = tuple[int, int, int, int]
PQ: Tags = (9, 16, 9, 1)
HLG: Tags = (9, 18, 9, 1)
BT709: Tags = (1, 1, 1, 1)
BT601: Tags = (6, 6, 6, 1)
FULL: Tags = (1, 1, 1, 2)


@contextmanager
def _usual_scheduling() -> Iterator[None]:
    """Take back what the AV1 encoder does to the thread that calls it.

    If root runs the tests, SVT-AV1 makes it a real-time thread of the highest priority. It would
    stay one, and so would the bots that are started from it: other tests would hardly get a core.
    """
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, priority)


@dataclass(frozen=True, slots=True)
class Video:
    """A generated video; sizes in stored pixels, times in seconds."""

    name: str
    encoder: str = "libx264"
    #: FFmpeg's name of the container.
    container: str = "mp4"
    width: int = 160
    height: int = 120
    seconds: float = 1.6
    pixel_format: str = "yuv420p"
    #: FFmpeg's name of the audio encoder; empty for silence.
    sound: str = "aac"
    #: Start of the pictures and of the sound. Before zero, an edit list hides the rest.
    video_start_s: float = 0.0
    sound_start_s: float = 0.0
    pixel_aspect: Fraction | None = None
    #: Counterclockwise, as the display matrix has it.
    rotation: int = 0
    tags: Tags | None = None
    muxing: dict[str, str] = field(default_factory=dict)
    encoding: dict[str, str] = field(default_factory=dict)
    #: Changes the finished file.
    edit: Callable[[bytes], bytes] = lambda content: content
    #: Size in which the second half is encoded, for streams that change midway.
    second_size: tuple[int, int] | None = None
    #: Brightness of a frame of one colour that the video begins with; None for none.
    opening: int | None = None
    #: Not everything can be shown; the length and the sync of the rest are as before.
    is_damaged: bool = False
    #: Width and height as displayed.
    shown: tuple[int, int] = (160, 120)

    def make(self, path: Path) -> None:
        """Write the file."""
        if self.second_size:
            self._make_joined(path, self.second_size)
            return
        with (
            _usual_scheduling(),
            av.open(str(path), "w", format=self.container, options=self.muxing) as target,
        ):
            stream = self._add_video(target)
            sound = None
            if self.sound:
                rate = _SOUND_RATE.get(self.sound, 44_100)
                sound = target.add_stream(self.sound, rate=rate, bit_rate=96_000)
            for number in range(round(self.seconds * RATE)):
                for packet in stream.encode(self._picture(number)):
                    target.mux(packet)
            target.mux(stream.encode(None))
            if sound:
                self._add_sound(target, sound)
        path.write_bytes(self.edit(path.read_bytes()))

    def _make_joined(self, path: Path, second_size: tuple[int, int]) -> None:
        """Write two halves of different sizes one after the other, as MPEG-TS allows."""
        half = replace(self, seconds=self.seconds / 2, second_size=None)
        width, height = second_size
        start = half.seconds + 0.1  # the first part's end comes later than its frames say
        later = replace(half, width=width, height=height, video_start_s=start, sound_start_s=start)
        content = b""
        for part in (half, later):
            part.make(path)
            content += path.read_bytes()
        path.write_bytes(content)

    def _add_video(self, target: Any) -> Any:
        options = {**_FAST.get(self.encoder, {}), **self.encoding}
        stream = target.add_stream(self.encoder, rate=RATE, options=options)
        stream.width, stream.height = self.width, self.height
        stream.pix_fmt = self.pixel_format
        context = stream.codec_context
        if self.pixel_aspect:
            context.sample_aspect_ratio = self.pixel_aspect
        if self.rotation:
            stream.set_display_rotation(self.rotation)
        if self.tags:
            context.color_primaries, context.color_trc, context.colorspace = self.tags[:3]
            context.color_range = self.tags[3]
        return stream

    def _picture(self, number: int) -> Any:
        time = number / RATE + self.video_start_s
        is_flash = abs(time - FLASH_S) < 0.5 / RATE
        stored = np.full((self.height, self.width, 3), 255 if is_flash else 40, np.uint8)
        upright = np.rot90(stored, self.rotation // 90)
        if self.opening is not None and not number:
            stored[:] = self.opening
        elif not is_flash:
            height, width = upright.shape[:2]
            upright[: height // 2, : width // 2] = (200, 30, 30)
        pixels = np.ascontiguousarray(np.rot90(upright, -self.rotation // 90))
        frame = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(format=self.pixel_format)
        frame.pts, frame.time_base = round(time * 90_000), Fraction(1, 90_000)
        if self.encoder in {
            "mpeg4",
            "flv",
            "wmv2",
            "mpeg2video",
            "mjpeg",
            "prores_ks",
            "msmpeg4v3",
        }:
            frame.pts, frame.time_base = round(time * RATE), Fraction(1, RATE)
        return frame

    def _add_sound(self, target: Any, stream: Any) -> None:
        add_beep(target, stream, self.seconds, self.sound_start_s, FLASH_S)


def add_beep(target: Any, stream: Any, seconds: float, start_s: float, beep_s: float) -> None:
    """Add silence with one beep of a tenth of a second to a file."""
    context = stream.codec_context
    rate = context.sample_rate
    times = np.arange(round(seconds * rate)) / rate + start_s
    is_beep = (times >= beep_s) & (times < beep_s + 0.1)
    samples = np.where(is_beep, 0.8 * np.cos(6283 * (times - beep_s)), 0).astype("f4")
    resampler = AudioResampler(format=context.format, layout=context.layout, rate=rate)
    for start in range(0, len(samples), 1024):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], "flt", "mono")
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = start + round(start_s * rate)
        for resampled in resampler.resample(frame):
            target.mux(stream.encode(resampled))
    for resampled in resampler.resample(None):
        target.mux(stream.encode(resampled))
    target.mux(stream.encode(None))


@dataclass(frozen=True, slots=True)
class Sound:
    """A generated file without video, with a beep at its start."""

    name: str
    encoder: str
    #: FFmpeg's name of the container.
    container: str
    muxing: dict[str, str] = field(default_factory=dict)
    #: A picture of one frame in a video stream of its own.
    has_cover: bool = False
    #: The container says that the picture is a cover.
    is_marked: bool = True
    seconds: int = 4

    def make(self, path: Path) -> None:
        """Write the file."""
        with av.open(str(path), "w", format=self.container, options=self.muxing) as target:
            options = {"q": "2"} if self.muxing == NO_XING else {}
            rate = _SOUND_RATE.get(self.encoder, 44_100)
            stream = target.add_stream(self.encoder, rate=rate, options=options)
            cover = self._cover(target) if self.has_cover else None
            if cover:
                frame = av.VideoFrame.from_image(scene((64, 64))).reformat(format="yuvj420p")
                target.mux([*cover.encode(frame), *cover.encode(None)])
            add_beep(target, stream, self.seconds, 0.0, 0.0)

    def _cover(self, target: Any) -> Any:
        cover = target.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        if self.is_marked:
            cover.disposition = Disposition.attached_pic
        return cover


# --- changes of a finished file -------------------------------------------------------------------


def damaged(share: float, count: int = 300) -> Callable[[bytes], bytes]:
    """Return a change that overwrites bytes with noise, at a place in the media data."""

    def edit(content: bytes) -> bytes:
        media = content.find(b"mdat") + 8 if b"mdat" in content else 0
        index = content.rfind(b"moov") if content.rfind(b"moov") > media else len(content)
        start = media + int((index - media) * share)
        noise = np.random.default_rng(7).integers(0, 256, count, np.uint8).tobytes()
        return content[:start] + noise + content[start + count :]

    return edit


def truncated(share: float) -> Callable[[bytes], bytes]:
    """Return a change that cuts off the end."""
    return lambda content: content[: int(len(content) * share)]


def replaced(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """Return a change of some bytes that must be there."""

    def edit(content: bytes) -> bytes:
        assert old in content
        return content.replace(old, new)

    return edit


#: Without the header that names the number of frames.
NO_XING = {"write_xing": "0", "id3v2_version": "0"}
FAST = {"movflags": "+faststart"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
DASH = {"movflags": "dash+global_sidx"}

#: The table. `shown` is the size that players show.
VIDEOS = [
    # codecs and containers
    Video("h264 fast", muxing=FAST),
    Video("h264 index at the end"),
    Video("h264 mov", container="mov", muxing=FAST),
    Video("h264 mkv", container="matroska"),
    Video("h264 ts", container="mpegts"),
    Video("h264 flv", container="flv"),
    Video("h264 avi with b-frames", container="avi", sound="libmp3lame"),
    Video("h264 baseline", encoding={"profile": "baseline", "bf": "0"}, muxing=FAST),
    Video("h264 10 bit", pixel_format="yuv420p10le"),
    Video("h264 4:2:2", pixel_format="yuv422p"),
    Video("h264 4:4:4", pixel_format="yuv444p", container="matroska"),
    Video("h264 odd height", height=122, shown=(160, 122), muxing=FAST),
    Video("h264 silent", sound="", muxing=FAST),
    Video("hevc hev1", encoder="libx265"),
    Video("hevc hvc1", encoder="libx265", edit=replaced(b"hev1", b"hvc1")),
    Video("hevc mkv", encoder="libx265", container="matroska"),
    Video("hevc ts", encoder="libx265", container="mpegts"),
    Video("hevc 10 bit", encoder="libx265", pixel_format="yuv420p10le"),
    Video("vp9 webm", encoder="libvpx-vp9", container="webm", sound="libopus"),
    Video("vp9 mp4", encoder="libvpx-vp9"),
    Video("vp8 webm", encoder="libvpx", container="webm", sound="libopus"),
    Video("av1 mp4", encoder="libsvtav1"),
    Video("av1 webm", encoder="libsvtav1", container="webm", sound="libopus"),
    Video("mpeg4 avi", encoder="mpeg4", container="avi", sound="libmp3lame"),
    Video("mpeg4 mp4", encoder="mpeg4"),
    Video("msmpeg4 avi", encoder="msmpeg4v3", container="avi", sound="libmp3lame"),
    Video(
        "mjpeg mov", encoder="mjpeg", container="mov", pixel_format="yuvj420p", sound="pcm_s16le"
    ),
    Video(
        "prores mov",
        encoder="prores_ks",
        container="mov",
        pixel_format="yuv422p10le",
        sound="pcm_s16le",
    ),
    Video("flv1 flv", encoder="flv", container="flv", sound="libmp3lame"),
    Video("mpeg2 ts", encoder="mpeg2video", container="mpegts", sound="mp2"),
    Video(
        "interlaced mpeg2",
        encoder="mpeg2video",
        container="mpegts",
        sound="mp2",
        encoding={"flags": "+ildct+ilme"},
    ),
    Video("wmv2 asf", encoder="wmv2", container="asf", sound="wmav2"),
    Video("ffv1 mkv", encoder="ffv1", container="matroska", sound="flac"),
    Video("gif", encoder="gif", container="gif", pixel_format="rgb8", sound=""),
    # sounds
    Video("mp3 sound", sound="libmp3lame", muxing=FAST),
    Video("opus sound", sound="libopus"),
    Video("ac3 sound", sound="ac3"),
    Video("alac sound in mov", sound="alac", container="mov"),
    Video("flac sound in mkv", sound="flac", container="matroska"),
    # shapes
    Video("wide pixels", pixel_aspect=Fraction(64, 45), shown=(228, 120), muxing=FAST),
    Video("wide pixels in hevc", encoder="libx265", pixel_aspect=Fraction(4, 3), shown=(213, 120)),
    Video("narrow pixels in ts", container="mpegts", pixel_aspect=Fraction(3, 4), shown=(120, 120)),
    Video(
        "wide pixels of the container only",
        encoder="libvpx-vp9",
        pixel_aspect=Fraction(2),
        shown=(320, 120),
    ),
    Video("absurd pixels", pixel_aspect=Fraction(1, 255), muxing=FAST),
    Video("on its side", rotation=90, shown=(120, 160), muxing=FAST),
    Video("on its side in hevc", encoder="libx265", rotation=-90, shown=(120, 160)),
    Video("on its head in av1", encoder="libsvtav1", rotation=180),
    Video(
        "on its side with wide pixels",
        encoder="libx265",
        rotation=90,
        pixel_aspect=Fraction(4, 3),
        shown=(120, 213),
    ),
    Video(
        "on its side with wide pixels, copied",
        rotation=-90,
        pixel_aspect=Fraction(4, 3),
        shown=(120, 213),
    ),
    # colours
    Video("bt709", tags=BT709),
    Video("bt601 in vp9", encoder="libvpx-vp9", tags=BT601),
    Video("full range", pixel_format="yuvj420p", tags=FULL, muxing=FAST),
    Video("full range in hevc", encoder="libx265", pixel_format="yuvj420p", tags=FULL),
    Video("pq in hevc", encoder="libx265", pixel_format="yuv420p10le", tags=PQ),
    Video("hlg in hevc", encoder="libx265", pixel_format="yuv420p10le", tags=HLG),
    Video("pq in 8 bit h264", tags=PQ, muxing=FAST),
    # times
    Video("fragments", muxing=FRAGMENTS),
    Video("dash fragments", muxing=DASH),
    Video("fragments of hevc", encoder="libx265", muxing=FRAGMENTS),
    Video("late sound", sound_start_s=0.5),
    Video("late pictures", video_start_s=0.48),
    Video("trimmed sound", sound_start_s=-0.5),
    Video("trimmed pictures", video_start_s=-0.4),
    Video("trimmed pictures in hevc", encoder="libx265", video_start_s=-0.4),
    Video("late sound in mkv", container="matroska", sound="libopus", sound_start_s=0.5),
    Video("late sound in ts", container="mpegts", sound_start_s=0.4),
    Video("late sound in vp9", encoder="libvpx-vp9", sound_start_s=0.5),
    Video("start at 0.7 s in mkv", container="matroska", video_start_s=0.7, sound_start_s=0.7),
    Video("start at 0.7 s in flv", container="flv", video_start_s=0.7, sound_start_s=0.7),
    Video(
        "live webm without a duration",
        encoder="libvpx-vp9",
        container="webm",
        sound="libopus",
        muxing={"live": "1"},
    ),
    Video("size changes", container="mpegts", seconds=2.4, second_size=(200, 100)),
    Video(
        "size changes in hevc",
        encoder="libx265",
        container="mpegts",
        seconds=2.4,
        second_size=(96, 160),
    ),
    # damage
    Video("damaged h264", edit=damaged(0.6), is_damaged=True, muxing=FAST),
    Video("damaged h264 in ts", container="mpegts", edit=damaged(0.5), is_damaged=True),
    Video("damaged hevc", encoder="libx265", edit=damaged(0.6), is_damaged=True),
    Video("damaged start of hevc", encoder="libx265", edit=damaged(0.02, 60), is_damaged=True),
    Video(
        "damaged vp9",
        encoder="libvpx-vp9",
        container="webm",
        sound="libopus",
        edit=damaged(0.6),
        is_damaged=True,
    ),
]


# --- pictures -------------------------------------------------------------------------------------

RED, BLUE, WHITE = (200, 40, 40), (40, 40, 200), (255, 255, 255)
register_heif_opener()


def scene(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    """Draw a picture that is red on its left and blue on its right."""
    image = Image.new("RGB", size, BLUE)
    image.paste(RED, (0, 0, size[0] // 2, size[1]))
    return image.convert(mode)


@dataclass(frozen=True, slots=True)
class Picture:
    """A generated picture and what is shown of it: size, left and right colour."""

    name: str
    make: Callable[[Path], None]
    shown: tuple[int, int] = (300, 200)
    left: tuple[int, int, int] = RED
    right: tuple[int, int, int] = BLUE


def saved(kind: str, mode: str = "RGB", **options: Any) -> Callable[[Path], None]:
    return lambda path: scene((300, 200), mode).save(path, kind, **options)


def sized(kind: str, *size: int) -> Callable[[Path], None]:
    return lambda path: scene((size[0], size[1])).save(path, kind)


def turned(kind: str) -> Callable[[Path], None]:
    """Return a function that saves the picture on its side, with the EXIF tag that says so."""

    def make(path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        scene((300, 200)).transpose(Image.Transpose.ROTATE_90).save(path, kind, exif=exif)

    return make


def _xyz(*values: float) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65_536) for value in values))


def _profile(space: bytes, curves: list[bytes], primaries: dict[bytes, bytes]) -> bytes:
    """Return a colour profile with a gamma of 2.2 (ICC.1:2022, 7 to 10)."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(2.2 * 256)) + bytes(2)
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 2) + b"x\0" + bytes(79),
        b"wtpt": _xyz(0.9642, 1.0, 0.8249),
        **primaries,
        **dict.fromkeys(curves, curve),
    }
    table, content = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        start = 128 + 4 + 12 * len(tags) + len(content)
        table += name + struct.pack(">II", start, len(data))
        content += data + bytes(-len(data) % 4)
    size = 128 + len(table) + len(content)
    header = struct.pack(">I4xI4s4s4s", size, 0x02400000, b"mntr", space, b"XYZ ") + bytes(12)
    header += b"acsp" + bytes(28) + struct.pack(">3i", 63_190, 65_536, 54_061) + bytes(48)
    return header + table + content


_GREY_PROFILE = _profile(b"GRAY", [b"kTRC"], {})
#: The primaries of Display P3.
_P3_PROFILE = _profile(
    b"RGB ",
    [b"rTRC", b"gTRC", b"bTRC"],
    {
        b"rXYZ": _xyz(0.51512, 0.24120, -0.00105),
        b"gXYZ": _xyz(0.29198, 0.69225, 0.04189),
        b"bXYZ": _xyz(0.15710, 0.06657, 0.78407),
    },
)


def wide_gamut(kind: str, mode: str = "RGB") -> Callable[[Path], None]:
    """Return a function that saves the picture in Display P3, with the profile that says so."""

    def make(path: Path) -> None:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(_P3_PROFILE))
        image = ImageCms.profileToProfile(
            scene((300, 200), mode), ImageCms.createProfile("sRGB"), profile
        )
        assert image
        image.save(path, kind, icc_profile=_P3_PROFILE)

    return make


def save_animation(path: Path, kind: str) -> None:
    """Save an animation of two frames, of half a second each."""
    frames = [scene((300, 200)), scene((300, 200)).rotate(180)]
    frames[0].save(path, kind, save_all=True, append_images=frames[1:], duration=500)


def transparent(kind: str) -> Callable[[Path], None]:
    """Return a function that saves the picture without its right half."""

    def make(path: Path) -> None:
        image = Image.new("RGBA", (300, 200), (0, 0, 0, 0))
        image.paste((*RED, 255), (0, 0, 150, 200))
        image.save(path, kind)

    return make


def grey_16_bit(path: Path) -> None:
    levels = np.full((200, 300), 10_000, np.uint16)
    levels[:, 150:] = 50_000
    Image.fromarray(levels).save(path, "PNG")


PICTURES = [
    Picture("jpeg", saved("JPEG")),
    Picture("progressive jpeg", saved("JPEG", progressive=True)),
    Picture("cmyk jpeg", saved("JPEG", "CMYK")),
    Picture("grey jpeg", saved("JPEG", "L"), left=(88, 88, 88), right=(58, 58, 58)),
    Picture(
        "grey jpeg with a grey profile",
        saved("JPEG", "L", icc_profile=_GREY_PROFILE),
        left=(88, 88, 88),
        right=(58, 58, 58),
    ),
    Picture("rgb jpeg with a grey profile", saved("JPEG", icc_profile=_GREY_PROFILE)),
    Picture("jpeg with a damaged profile", saved("JPEG", icc_profile=b"no profile" * 20)),
    Picture("tiff with a damaged profile", saved("TIFF", icc_profile=b"no profile" * 20)),
    Picture("png", saved("PNG")),
    Picture("palette png", saved("PNG", "P")),
    Picture("16 bit grey png", grey_16_bit, left=(39, 39, 39), right=(195, 195, 195)),
    Picture("webp", saved("WEBP", lossless=True)),
    Picture("avif", saved("AVIF", quality=90)),
    Picture("heic", saved("HEIF", quality=90)),
    Picture("tiff", saved("TIFF")),
    Picture("cmyk tiff", saved("TIFF", "CMYK")),
    Picture("bmp", saved("BMP")),
    Picture("jpeg 2000", saved("JPEG2000")),
    Picture("still gif", saved("GIF")),
    Picture("mpo", lambda path: scene((300, 200)).save(path, "MPO", save_all=True)),
    Picture("transparent gif", transparent("GIF"), right=WHITE),
    Picture("transparent tiff", transparent("TIFF"), right=WHITE),
    Picture("transparent avif", transparent("AVIF"), right=WHITE),
    Picture("jpeg on its side", turned("JPEG")),
    Picture("png on its side", turned("PNG")),
    Picture("webp on its side", turned("WEBP")),
    Picture("display p3 jpeg", wide_gamut("JPEG")),
    Picture("display p3 png", wide_gamut("PNG")),
    Picture("display p3 webp", wide_gamut("WEBP")),
    Picture("display p3 avif", wide_gamut("AVIF")),
    Picture("one pixel", sized("PNG", 2, 2), shown=(2, 2)),
    Picture("very wide", sized("PNG", 3000, 100), shown=(3000, 150)),
    Picture("very large", sized("PNG", 9000, 3000), shown=(7500, 2500)),
]
