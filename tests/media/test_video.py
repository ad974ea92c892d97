"""Measuring videos and making their pictures."""

from pathlib import Path

import av
import pytest
from av.audio.resampler import AudioResampler
from PIL import Image

from core.errors import PlatformChangedError
from core.media import VideoFile
from media.video import make_video_file
from simulator.samples import SampleStore, VideoSpec
from tests.media.test_mutated_files import recording


async def prepared(path: Path, still: Path | None = None) -> VideoFile:
    return make_video_file(path, still)


def copy(source: Path, folder: Path) -> Path:
    target = folder / source.name
    target.write_bytes(source.read_bytes())
    return target


@pytest.mark.parametrize(("width", "height"), [(576, 1024), (854, 480)])
async def test_sizes_and_pictures_are_right(
    samples: SampleStore, tmp_path: Path, width: int, height: int
):
    path = copy(samples.video(VideoSpec(width=width, height=height)), tmp_path)
    video = await prepared(path)
    assert (video.width, video.height, video.duration_s) == (width, height, 3)
    assert video.size_bytes == path.stat().st_size
    assert video.thumbnail is not None
    assert video.cover is not None
    with Image.open(video.thumbnail) as thumbnail, Image.open(video.cover) as cover:
        assert (thumbnail.format, max(thumbnail.size)) == ("JPEG", 320)
        assert cover.size == (width, height)
    assert video.thumbnail.stat().st_size < 200_000


async def test_a_rotated_video_is_measured_as_it_is_shown(samples: SampleStore, tmp_path: Path):
    """A phone's upright video is stored lying, with a note that turns it."""
    source = copy(samples.video(VideoSpec(width=854, height=480)), tmp_path)
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(turn(source.read_bytes()))
    with av.open(str(turned)) as container:
        assert next(container.decode(video=0)).rotation % 180 == 90
    video = await prepared(turned)
    assert (video.width, video.height) == (480, 854)
    assert video.cover is not None
    with Image.open(video.cover) as cover:
        assert cover.size == (480, 854)


def turn(content: bytes) -> bytes:
    """Turn the video track by 90 degrees: write the matrix of its header (ISO 14496-12, 8.3.2)."""
    start = content.index(b"tkhd") + 4
    assert content[start] == 0  # version 0: the matrix is 40 bytes after the version
    matrix = start + 40
    numbers = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    packed = b"".join(number.to_bytes(4, "big", signed=True) for number in numbers)
    return content[:matrix] + packed + content[matrix + 36 :]


async def test_the_still_of_the_site_is_sent_as_it_is(samples: SampleStore, tmp_path: Path):
    path = copy(samples.video(VideoSpec()), tmp_path)
    still = copy(samples.picture(576, 1024, "still"), tmp_path)
    video = await prepared(path, still)
    assert video.cover
    assert video.cover.read_bytes() == still.read_bytes()
    assert video.cover != still
    assert video.thumbnail
    with Image.open(video.thumbnail) as thumbnail:
        assert thumbnail.size == (180, 320)


@pytest.mark.parametrize("trouble", ["shape", "format", "end", "turned", "size", "content"])
async def test_a_still_that_cannot_be_sent_is_not(
    samples: SampleStore, tmp_path: Path, trouble: str
):
    path = copy(samples.video(VideoSpec()), tmp_path)
    with Image.open(samples.picture(576, 1024, "still")) as opened:
        picture = opened.copy()
    still, exif = tmp_path / "still", Image.Exif()
    match trouble:
        case "shape":
            picture.resize((1024, 576)).save(still, "JPEG")
        case "format":
            picture.save(still, "WEBP")
        case "end":
            picture.save(still, "JPEG")
            still.write_bytes(still.read_bytes()[:-500])
        case "turned":
            exif[0x0112] = 3
            picture.save(still, "JPEG", exif=exif)
        case "size":
            picture.resize((2304, 4096)).save(still, "JPEG")
        case "content":
            still.write_bytes(b"<html>")
    video = await prepared(path, still)
    assert video.cover
    assert video.thumbnail
    assert video.cover.read_bytes() != still.read_bytes()
    with Image.open(video.cover) as cover:
        assert cover.format == "JPEG"
        assert cover.width < cover.height <= 2048
        cover.load()


async def test_a_video_of_zeros_is_no_video_whatever_its_still_shows(
    samples: SampleStore, tmp_path: Path
):
    content = samples.video(VideoSpec()).read_bytes()
    start = content.index(b"mdat") + 4
    path, still = tmp_path / "zeros.mp4", samples.picture(576, 1024, "still")
    path.write_bytes(content[:start] + bytes(len(content) - start))
    with pytest.raises(PlatformChangedError):
        await prepared(path, still)


async def test_without_a_usable_still_a_video_must_have_a_frame(tmp_path: Path):
    """The only key frame says that it is of no type of picture; the others depend on it."""
    content = recording("mp4", "libx264", "aac")
    start = content.index(b"\x65\x88", content.index(b"mdat"))
    path, still = tmp_path / "video.mp4", tmp_path / "still"
    path.write_bytes(content[: start + 1] + b"\x04" + content[start + 2 :])
    still.write_bytes(b"<html>")
    with pytest.raises(PlatformChangedError):
        await prepared(path)
    with pytest.raises(PlatformChangedError):
        await prepared(path, still)


async def test_what_is_no_video_is_named(tmp_path: Path):
    for name, content in (("empty.mp4", b""), ("text.mp4", b"<html>blocked</html>")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(PlatformChangedError, match="video file is not readable"):
            await prepared(path)


async def test_sound_alone_is_no_video(samples: SampleStore, tmp_path: Path):
    path = tmp_path / "sound.mp4"
    with (
        av.open("sine=duration=1", format="lavfi") as tone,
        av.open(str(path), "w") as container,
    ):
        stream = container.add_stream("aac", rate=44_100)
        assert isinstance(stream, av.AudioStream)
        resampler = AudioResampler(format="fltp", layout="mono", rate=44_100)
        for frame in tone.decode(audio=0):
            for resampled in resampler.resample(frame):
                container.mux(stream.encode(resampled))
        container.mux(stream.encode())
    with pytest.raises(PlatformChangedError):
        await prepared(path)
