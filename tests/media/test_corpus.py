"""Odd media files become what every app shows: whole, upright, in step and in the right colours.

Each file goes through the same steps as a download. Then the result is checked twice: as the
simulated Bot API server does it, and by looking at its pictures and listening to its sound.
"""

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from PIL import Image

from core.errors import BrokenFileError, MediaTimeoutError, PlatformChangedError
from core.media import AudioFile, DocumentFile, PhotoFile, VideoFile
from core.playback import Step, next_step
from media.encoding import extract_audio, repack, show_slides
from media.integrity import is_truncated
from media.processor import MediaProcessor
from media.video import examine, measure
from media.worker_call import run_call
from media.worker_pool import WorkerPool
from simulator.telegram.files import FileStore, Upload
from tests.media.corpus import (
    BT601,
    BT709,
    DASH,
    FAST,
    FULL,
    NO_XING,
    PICTURES,
    RATE,
    VIDEOS,
    Picture,
    Sound,
    Video,
    damaged,
    replaced,
    save_animation,
    scene,
    truncated,
)

pytestmark = pytest.mark.simulator

MB = 1_000_000


class InlinePool:
    """Runs the work of a worker pool at once, in this process."""

    async def run(self, work: Any, *args: Any) -> Any:
        return run_call(work, args)


class SlowPool:
    """A pool in which every call takes too long, or fails in another way."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error or MediaTimeoutError("over 1 s")

    async def run(self, work: Any, *args: Any) -> Any:
        raise self._error


PROCESSOR = MediaProcessor(
    worker_pool=cast("WorkerPool", InlinePool()),
    encoder_pool=cast("WorkerPool", InlinePool()),
    ceiling_bytes=50 * MB,
    may_split=False,
)


@dataclass(frozen=True, slots=True)
class View:
    """What somebody sees and hears; times in seconds, from the start of playback."""

    frames: int
    length_s: float
    flash_s: float | None
    beep_s: float | None
    #: Mean red, green and blue of the top left quarter, and the mean level of the bottom right one,
    #: in a frame that is shown before the flash.
    corner: tuple[float, float, float]
    level: float
    has_sound: bool
    #: Primaries, transfer function, matrix, range.
    tags: tuple[int, int, int, int]
    codec: str
    tag: str

    @property
    def delay_s(self) -> float:
        """Return by how much the beep comes after the flash."""
        assert self.flash_s is not None
        assert self.beep_s is not None
        return self.beep_s - self.flash_s


def look(path: Path) -> View:
    """Decode a whole file and describe it. Damaged packets are skipped."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pictures = [_seen(frame) for frame in decoded(container, stream)]
        context = stream.codec_context
        tags = (
            int(context.color_primaries),
            int(context.color_trc),
            int(context.colorspace),
            int(context.color_range),
        )
        codec, tag = context.codec.canonical_name, context.codec_tag
    sounds = list(heard(path))
    starts = [pictures[0][0], *(sounds[:1] and [sounds[0][0]])]
    start = min(starts)
    ends = [pictures[-1][0] + 1 / RATE, *(sounds[-1:] and [sounds[-1][1]])]
    plain = next(picture for picture in pictures if picture[3] < 180)
    return View(
        frames=len(pictures),
        length_s=max(ends) - start,
        flash_s=next((p[0] - start for p in pictures if p[3] > 180), None),
        beep_s=next((beep - start for _, _, beep in sounds if beep is not None), None),
        corner=plain[1],
        level=plain[2],
        has_sound=bool(sounds),
        tags=tags,
        codec=codec,
        tag=tag,
    )


def decoded(container: Any, stream: Any) -> Any:
    """Yield the frames of a stream; what cannot be decoded is left out."""
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.FFmpegError:
            continue


def _seen(frame: Any) -> tuple[float, tuple[float, float, float], float, float]:
    """Return the time of a frame, its corner, its level and its brightness."""
    turned = np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90)
    height, width = turned.shape[:2]
    corner = turned[height // 8 : height * 3 // 8, width // 8 : width * 3 // 8].mean((0, 1))
    level = float(turned[height * 5 // 8 : height * 7 // 8, width * 5 // 8 : width * 7 // 8].mean())
    return float(frame.time or 0), tuple(corner), level, float(turned.mean())


def heard(path: Path) -> Any:
    """Yield the start, the end and the first loud moment (or None) of each audio frame."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return
        resampler = av.AudioResampler(format="flt", layout="mono")
        for frame in decoded(container, container.streams.audio[0]):
            start = float(frame.time or 0)
            samples = np.concatenate([r.to_ndarray()[0] for r in resampler.resample(frame)])
            loud = np.flatnonzero(np.abs(samples) > 0.2)
            beep = start + loud[0] / frame.sample_rate if len(loud) else None
            yield start, start + frame.samples / frame.sample_rate, beep


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the generated files, one per name."""
    return tmp_path_factory.mktemp("corpus")


def source_of(video: Video, folder: Path) -> Path:
    """Return a video of the corpus; it is generated once."""
    path = folder / video.name
    if not path.exists():
        video.make(path)
    return path


async def sent(path: Path, folder: Path, processor: MediaProcessor = PROCESSOR) -> VideoFile:
    """Process a copy of a file like a download, and upload it to the simulator's strict check."""
    copy = Path(shutil.copy(path, folder / "post.mp4"))
    (file,) = await processor.video(copy, None)
    assert isinstance(file, VideoFile)
    upload = Upload(file.path, file.path.name, "video/mp4", file.path.stat().st_size)
    stored = FileStore(folder / "server", 1).keep(upload, "video")
    assert stored.trouble == ""
    assert (stored.width, stored.height) == (file.width, file.height)
    assert abs(stored.duration - file.duration_s) <= 1
    return file


def named(videos: list[Video]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("video", videos, ids=[video.name for video in videos])


@named(VIDEOS)
async def test_an_odd_video_is_shown_everywhere(video: Video, sources: Path, tmp_path: Path):
    source = source_of(video, sources)
    file = await sent(source, tmp_path)
    before, after = look(source), look(file.path)

    assert abs(file.width - video.shown[0]) <= 2
    assert abs(file.height - video.shown[1]) <= 2
    assert abs(before.length_s - after.length_s) < 0.1
    assert after.has_sound is before.has_sound is bool(video.sound)
    if not video.is_damaged:
        assert after.frames >= before.frames - 1
        red, green, blue = after.corner
        assert red > 140 > 70 > max(green, blue), "not upright, or in wrong colours"
    else:
        assert after.frames >= before.frames * 0.8
    if video.sound and None not in (before.flash_s, before.beep_s):
        assert abs(after.delay_s - before.delay_s) <= 0.04
    if video.sound and not video.is_damaged:
        assert abs(before.delay_s) <= 0.05, "the sample itself is out of step"


@named([v for v in VIDEOS if v.shown != (160, 120)])
async def test_the_pictures_of_a_video_have_its_shape(video: Video, sources: Path, tmp_path: Path):
    file = await sent(source_of(video, sources), tmp_path)
    assert file.cover
    assert file.thumbnail
    for path in (file.cover, file.thumbnail):
        with Image.open(path) as image:
            shape = image.width / image.height
        assert abs(shape - video.shown[0] / video.shown[1]) < 0.03


@named(VIDEOS)
def test_what_is_known_without_decoding_is_what_decoding_tells(
    video: Video, sources: Path, tmp_path: Path
):
    """The site's still saves the decoding of a frame; nothing else may change by that."""
    path = Path(shutil.copy(source_of(video, sources), tmp_path / "post.mp4"))
    still = tmp_path / "still"
    scene(video.shown).save(still, "JPEG")
    decoded, examined = measure(path), examine(path, still, 50 * MB)
    if next_step(decoded, 50 * MB) is not Step.NOTHING:
        assert examined == decoded
        return
    assert isinstance(examined, VideoFile)
    assert (examined.width, examined.height) == (decoded.video.width, decoded.video.height)
    assert examined.duration_s == max(round(decoded.duration_s), 1)
    assert examined.cover
    assert examined.cover.read_bytes() == still.read_bytes()


@pytest.mark.parametrize("opening", [0, 12, 128, 255])
async def test_the_still_is_not_the_plain_frame_of_a_fade_in(opening: int, tmp_path: Path):
    """The flash is at half the length, far from any key frame."""
    source = tmp_path / "source"
    Video("", encoding={"g": "250"}, muxing=FAST, opening=opening).make(source)
    cover = (await sent(source, tmp_path)).cover
    assert cover
    with Image.open(cover) as image:
        assert np.asarray(image).mean() > 240


async def test_the_still_is_the_first_frame_if_that_shows_something(tmp_path: Path):
    source = tmp_path / "source"
    Video("", encoding={"g": "250"}, muxing=FAST).make(source)
    cover = (await sent(source, tmp_path)).cover
    assert cover
    with Image.open(cover) as image:
        pixels = np.asarray(image.convert("RGB"))
    assert pixels[0, 0, 0] > 150 > pixels[0, -1, 0]


# --- tags and colours -----------------------------------------------------------------------------


def case(name: str) -> Video:
    return next(video for video in VIDEOS if video.name == name)


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("bt709", BT709),
        ("bt601 in vp9", BT601),
        ("full range", FULL),
        ("full range in hevc", BT709),
        ("pq in hevc", BT709),
        ("hlg in hevc", BT709),
        ("pq in 8 bit h264", BT709),
        ("prores mov", (2, 2, 2, 0)),
    ],
)
async def test_colours_are_tagged_as_they_are_encoded(
    name: str, tags: tuple[int, ...], sources: Path, tmp_path: Path
):
    file = await sent(source_of(case(name), sources), tmp_path)
    assert look(file.path).tags == tags


@pytest.mark.parametrize(
    ("name", "darker"), [("pq in hevc", 8), ("hlg in hevc", 0), ("pq in 8 bit h264", 8)]
)
async def test_hdr_is_not_shown_washed_out(name: str, darker: int, sources: Path, tmp_path: Path):
    """Shadows of PQ look grey on a screen that takes them for SDR; HLG's are nearly the same."""
    source = source_of(case(name), sources)
    before, after = look(source), look((await sent(source, tmp_path)).path)
    assert after.level < before.level - darker
    # The same red, seen as one of BT.2020, is stronger in BT.709.
    assert after.corner[0] > 150 > 60 > max(after.corner[1:])
    assert min(after.corner[1:]) < min(before.corner[1:])


@pytest.mark.parametrize(
    "name", ["hevc hev1", "hevc hvc1", "hevc mkv", "hevc ts", "fragments of hevc", "pq in hevc"]
)
async def test_h265_that_is_not_encoded_in_time_is_tagged_for_apple(
    name: str, sources: Path, tmp_path: Path
):
    video = case(name)
    source = source_of(video, sources)
    slow = replace(PROCESSOR, encoder_pool=cast("WorkerPool", SlowPool()))
    file = await sent(source, tmp_path, slow)
    before, after = look(source), look(file.path)
    assert (after.codec, after.tag, after.frames) == ("hevc", "hvc1", before.frames)
    assert after.tags[:3] == before.tags[:3] == (video.tags or (2, 2, 2))[:3]
    assert abs(after.delay_s - before.delay_s) <= 0.04


@pytest.mark.parametrize("name", ["vp9 mp4", "av1 mp4", "mpeg4 avi", "h264 avi with b-frames"])
async def test_what_cannot_be_copied_is_a_document_if_encoding_fails(
    name: str, sources: Path, tmp_path: Path
):
    copy = Path(shutil.copy(source_of(case(name), sources), tmp_path / "post.mp4"))
    slow = replace(PROCESSOR, encoder_pool=cast("WorkerPool", SlowPool()))
    assert await slow.video(copy, None) == [DocumentFile(copy)]


@pytest.mark.parametrize(
    "name", ["av1 mp4", "vp9 webm", "hevc mkv", "h264 ts", "mpeg4 avi", "vp8 webm", "prores mov"]
)
async def test_a_video_of_any_codec_is_joined_with_its_separate_audio(
    name: str, sources: Path, tmp_path: Path
):
    """Sites with DASH serve pictures and sound as two files."""
    sound = source_of(case("h264 fast"), sources)
    copy = Path(shutil.copy(source_of(case(name), sources), tmp_path / "post.mp4"))
    joined = await PROCESSOR.joined(copy, sound)
    before, after = look(source_of(case(name), sources)), look(joined)
    assert (after.codec, after.frames) == (before.codec, before.frames)
    assert after.has_sound
    assert abs(after.delay_s) <= 0.1
    shown = look((await sent(joined, tmp_path)).path)
    assert (shown.codec, shown.frames) == ("h264", before.frames)
    assert abs(shown.delay_s) <= 0.1


@pytest.mark.parametrize("is_audio", [False, True])
async def test_nothing_is_joined_with_a_damaged_file(is_audio: bool, sources: Path, tmp_path: Path):
    damaged_file, whole = tmp_path / "damaged", source_of(case("vp8 webm"), sources)
    damaged_file.write_bytes(b"<html>" * 100)
    pair = (whole, damaged_file) if is_audio else (damaged_file, whole)
    with pytest.raises(PlatformChangedError):
        await PROCESSOR.joined(*pair)


def test_a_video_of_which_no_packet_can_be_read_is_damaged(sources: Path, tmp_path: Path):
    """PyAV creates no file then."""
    content = source_of(case("h264 fast"), sources).read_bytes()
    path = tmp_path / "post.mp4"
    path.write_bytes(content[: content.index(b"mdat") + 4])
    for work in (repack, extract_audio):
        with pytest.raises(PlatformChangedError):
            work(path)


def test_slides_over_a_sound_without_a_decoder_are_refused(sources: Path, tmp_path: Path):
    content = source_of(case("h264 fast"), sources).read_bytes()
    path, picture = tmp_path / "sound.mp4", tmp_path / "slide.jpg"
    path.write_bytes(replaced(b"esds", b"xxxx")(replaced(b"mp4a", b"xxxx")(content)))
    scene((64, 64)).save(picture)
    with pytest.raises(BrokenFileError):
        show_slides([picture], path, (64, 64), 2.5)


@pytest.mark.parametrize("name", ["vp8 webm", "flv1 flv", "prores mov", "gif"])
def test_what_mp4_cannot_hold_is_not_remuxed(name: str, sources: Path):
    with pytest.raises(PlatformChangedError):
        repack(source_of(case(name), sources))


@pytest.mark.parametrize("error", [BrokenFileError(), PlatformChangedError()])
async def test_an_encoder_that_fails_does_not_lose_the_video(
    error: Exception, sources: Path, tmp_path: Path
):
    copy = Path(shutil.copy(source_of(case("vp9 mp4"), sources), tmp_path / "post.mp4"))
    failing = replace(PROCESSOR, encoder_pool=cast("WorkerPool", SlowPool(error)))
    assert await failing.video(copy, None) == [DocumentFile(copy)]


async def test_what_is_hardly_readable_is_refused(sources: Path, tmp_path: Path):
    content = source_of(case("h264 ts"), sources).read_bytes()
    copy = tmp_path / "post.mp4"
    copy.write_bytes(damaged(0.0, len(content))(content))
    with pytest.raises(PlatformChangedError):
        await PROCESSOR.video(copy, None)


# --- audio ----------------------------------------------------------------------------------------

SOUNDS = [
    Sound("aac in mp4", "aac", "mp4"),
    Sound("fragments of aac", "aac", "mp4", muxing=DASH),
    Sound("aac with a cover", "aac", "mp4", has_cover=True),
    Sound("aac with one picture", "aac", "mp4", has_cover=True, is_marked=False),
    Sound("mp3", "libmp3lame", "mp3"),
    Sound("mp3 of a variable bit rate without a header", "libmp3lame", "mp3", muxing=NO_XING),
    Sound("adts", "aac", "adts"),
    Sound("opus in webm", "libopus", "webm"),
    Sound("opus in ogg", "libopus", "ogg"),
    Sound("opus in mp4", "libopus", "mp4"),
    Sound("flac", "flac", "flac"),
    Sound("wav", "pcm_s16le", "wav"),
]


@pytest.mark.parametrize("sound", SOUNDS, ids=[sound.name for sound in SOUNDS])
async def test_a_file_without_video_is_sent_as_audio(sound: Sound, tmp_path: Path):
    path = tmp_path / "post.mp4"
    sound.make(path)
    (file,) = await PROCESSOR.video(path, None)
    assert isinstance(file, AudioFile)
    assert file.path.suffix in {".mp3", ".m4a"}
    assert file.duration_s == sound.seconds
    upload = Upload(file.path, file.path.name, "audio/mp4", file.path.stat().st_size)
    stored = FileStore(tmp_path / "server", 1).keep(upload, "audio")
    assert stored.codec in {"aac", "mp3", "mp3float"}
    spans = list(heard(file.path))
    assert abs(spans[-1][1] - spans[0][0] - sound.seconds) < 0.1
    assert next(beep for _, _, beep in spans if beep is not None) - spans[0][0] < 0.06


# --- files that are cut off -----------------------------------------------------------------------

CUT = [
    video
    for name in (
        "h264 fast",
        "h264 index at the end",
        "fragments",
        "dash fragments",
        "h264 mkv",
        "h264 flv",
        "mpeg4 avi",
        "vp9 webm",
        "gif",
    )
    for video in [case(name)]
]


@named(VIDEOS)
def test_no_whole_video_is_taken_for_cut_off(video: Video, sources: Path):
    assert not is_truncated(source_of(video, sources))


@pytest.mark.parametrize("share", [0.35, 0.8])
@named(CUT)
def test_a_cut_off_video_is_recognised(video: Video, share: float, sources: Path, tmp_path: Path):
    path = tmp_path / "cut"
    path.write_bytes(truncated(share)(source_of(video, sources).read_bytes()))
    is_short = video.container == "flv" and share > 0.5  # less than a second is missing
    assert is_truncated(path) is not is_short


async def test_a_cut_off_video_is_sent_with_the_length_that_is_there(sources: Path, tmp_path: Path):
    path = tmp_path / "source.mp4"
    video = Video("long", seconds=6, muxing=FAST)
    video.make(path)
    path.write_bytes(truncated(0.5)(path.read_bytes()))
    assert await PROCESSOR.is_truncated(path)
    file = await sent(path, tmp_path)
    assert abs(look(file.path).length_s - file.duration_s) <= 0.5
    assert file.duration_s < 5


# --- pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("picture", PICTURES, ids=[picture.name for picture in PICTURES])
async def test_an_odd_picture_is_shown_everywhere(picture: Picture, tmp_path: Path):
    path = tmp_path / "post_1"
    picture.make(path)
    assert not is_truncated(path)
    file = await PROCESSOR.picture(path)
    assert isinstance(file, PhotoFile)
    upload = Upload(file.path, file.path.name, "image/jpeg", file.path.stat().st_size)
    stored = FileStore(tmp_path / "server", 1).keep(upload, "photo")
    assert (stored.width, stored.height) == picture.shown
    assert stored.codec in {"jpeg", "png", "webp"}
    with Image.open(file.path) as image:
        shown = image.convert("RGB")
    width, height = shown.size
    for share, colour in ((0.25, picture.left), (0.75, picture.right)):
        pixel = cast("tuple[int, ...]", shown.getpixel((int(width * share), height // 4)))
        assert max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) <= 12, pixel


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "AVIF", "GIF"])
async def test_an_animated_picture_becomes_an_animation(kind: str, tmp_path: Path):
    path = tmp_path / "post_1"
    save_animation(path, kind)
    file = await PROCESSOR.picture(path)
    assert isinstance(file, VideoFile)
    assert (file.width, file.height, file.duration_s, file.is_animation) == (300, 200, 1, True)
    with av.open(str(file.path)) as container:
        frames = [(f.time, f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
    reds = {0 if (time or 0) < 0.5 else 1: pixels[100, 75, 0] for time, pixels in frames}
    assert reds[0] > 150 > 100 > reds[1]
    assert 0.9 < (frames[-1][0] or 0) < 1.0 or kind == "GIF"


async def test_an_animation_that_cannot_be_encoded_is_a_still(tmp_path: Path):
    path = tmp_path / "post_1"
    save_animation(path, "WEBP")
    slow = replace(PROCESSOR, encoder_pool=cast("WorkerPool", SlowPool()))
    file = await slow.picture(path)
    assert isinstance(file, PhotoFile)
    with Image.open(file.path) as image:
        assert (image.format, image.size) == ("JPEG", (300, 200))


@pytest.mark.parametrize(
    ("kind", "step", "error"),
    [
        ("GIF", "media.video.examine", PlatformChangedError()),
        ("GIF", "media.video.examine", BrokenFileError()),
        ("PNG", "PIL.Image.Image.resize", RuntimeError("Failed to decode frame 1")),
        ("WEBP", "PIL.Image.Image.resize", IndexError()),
        ("AVIF", "media.encoding.moving_frames", ValueError()),
    ],
)
async def test_an_animation_with_a_damaged_frame_is_a_still(
    kind: str, step: str, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "post_1"
    save_animation(path, kind)

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(step, fail)
    file = await PROCESSOR.picture(path)
    assert isinstance(file, PhotoFile)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
def test_a_cut_off_picture_is_recognised(kind: str, tmp_path: Path):
    path = tmp_path / "post_1"
    scene((300, 200)).save(path, kind)
    path.write_bytes(truncated(0.7)(path.read_bytes()))
    assert is_truncated(path)


@pytest.mark.parametrize(
    ("options", "share", "is_shown"),
    [
        ({}, 0.3, False),
        ({}, 0.7, True),
        ({"progressive": True}, 0.6, True),
        ({"progressive": True}, 0.02, False),
    ],
)
async def test_most_of_a_jpeg_is_shown_and_less_is_refused(
    options: dict[str, Any], share: float, is_shown: bool, tmp_path: Path
):
    path = tmp_path / "post_1"
    Image.effect_noise((300, 200), 90).convert("RGB").save(path, **options, format="JPEG")
    path.write_bytes(truncated(share)(path.read_bytes()))
    if not is_shown:
        with pytest.raises(BrokenFileError):
            await PROCESSOR.picture(path)
        return
    file = await PROCESSOR.picture(path)
    with Image.open(file.path) as image:
        image.load()
    assert image.size == (300, 200)
    assert not is_truncated(file.path)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
async def test_damaged_pictures_of_other_kinds_are_refused(kind: str, tmp_path: Path):
    path = tmp_path / "post_1"
    Image.effect_noise((300, 200), 90).convert("RGB").save(path, kind)
    path.write_bytes(truncated(0.5)(path.read_bytes()))
    with pytest.raises(BrokenFileError):
        await PROCESSOR.picture(path)


def test_making_a_file_leaves_the_scheduling_of_the_tests_as_it_is(tmp_path: Path):
    """See `_usual_scheduling`; only root could see a change."""
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
    case("av1 mp4").make(tmp_path / "video.mp4")
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
