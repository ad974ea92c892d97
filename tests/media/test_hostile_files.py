"""Files made to harm: few bytes that become many, formats that open other files, odd codecs."""

import io
import re
import subprocess
import sys
import zlib
from pathlib import Path

import av
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from core.errors import BrokenFileError, ClipferryError
from data.config import ROOT
from media import audio, encoding, images, video
from media.boxes import top_level_boxes
from media.integrity import is_truncated
from simulator.samples import SampleStore, VideoSpec

SIDE = 9_990
#: Memory that a picture of 100 megapixels may take above an idle worker. It takes 400 MB decoded.
MOST_MIB = 620

_MEASURE = """
import re, sys
from pathlib import Path
from media import images
def memory(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
images.make_thumbnail(Path(sys.argv[2]))
Path("/proc/self/clear_refs").write_text("5")
idle = memory("VmRSS")
getattr(images, sys.argv[1])(Path(sys.argv[3]))
sys.stdout.write(str(memory("VmHWM") - idle))
"""


def huge_png(path: Path, mode: str) -> Path:
    """Write a PNG of one colour: 99.8 megapixels in a few hundred kB."""
    Image.new(mode, (SIDE, SIDE)).save(path, "PNG", compress_level=9)
    assert path.stat().st_size < 500_000
    return path


@pytest.mark.parametrize("work", ["make_native", "make_thumbnail", "common_frame"])
@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_a_picture_of_100_megapixels_takes_bounded_memory(work: str, mode: str, tmp_path: Path):
    small = tmp_path / "small.png"
    Image.new("RGB", (10, 10)).save(small)
    path = huge_png(tmp_path / "huge.png", mode)
    process = subprocess.run(
        [sys.executable, "-c", _MEASURE, work, str(small), str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert float(process.stdout) < (60 if work == "common_frame" else MOST_MIB)


def test_a_huge_jpeg_is_decoded_small(tmp_path: Path):
    path = tmp_path / "huge.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (12_000, 8_000), "red").save(path, exif=exif)
    with Image.open(images.make_native(path)) as image:
        assert image.size == (4_000, 6_000)
    with Image.open(images.make_thumbnail(path)) as image:
        assert image.size == (213, 320)
    assert images.common_frame(path) == (854, 1280)


@pytest.mark.parametrize("mode", ["P", "1", "LA", "I;16", "CMYK"])
def test_every_colour_mode_is_shrunk(mode: str, tmp_path: Path):
    path = tmp_path / "huge.tiff"
    Image.new(mode, (11_000, 600)).save(path)
    with Image.open(images.make_native(path)) as image:
        assert image.mode == "RGB"
        assert image.width + image.height <= images.MAX_SIDES


@pytest.mark.parametrize("name", ["x.eps", "x.jpg", "x"])
def test_no_picture_runs_another_program(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / name
    Image.new("RGB", (10, 10)).save(path, "EPS")
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", pytest.fail)
    for work in (images.make_native, images.make_thumbnail, images.common_frame):
        with pytest.raises(BrokenFileError):
            work(path)


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:10,\n{}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {}\n",
        '<?xml version="1.0"?><MPD><BaseURL>file://{}</BaseURL></MPD>',
        "[playlist]\nFile1={}\n",
    ],
)
@pytest.mark.parametrize("suffix", [".mp4", ".m3u8", ".txt", ""])
def test_a_playlist_opens_no_other_file(
    text: str, suffix: str, samples: SampleStore, tmp_path: Path
):
    inner = tmp_path / "inner.mp4"
    inner.write_bytes(samples.video(VideoSpec()).read_bytes())
    path = tmp_path / f"list{suffix}"
    path.write_text(text.format(inner))
    for work in (video.measure, audio.make_native, encoding.repack):
        with pytest.raises(ClipferryError):
            work(path)


@pytest.mark.parametrize("tag", [b"xxxx", b"evc1"])
def test_a_codec_without_a_decoder_is_named(tag: bytes, samples: SampleStore, tmp_path: Path):
    path = tmp_path / "video.mp4"
    path.write_bytes(samples.video(VideoSpec()).read_bytes().replace(b"avc1", tag))
    with pytest.raises(BrokenFileError, match="no decoder for the video stream"):
        video.measure(path)


@pytest.mark.parametrize("of_stream", [False, True])
def test_titles_in_a_file_are_in_any_encoding(
    of_stream: bool, samples: SampleStore, tmp_path: Path
):
    path = tmp_path / "video.mp4"
    with av.open(str(samples.video(VideoSpec()))) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        if of_stream:
            stream.metadata["handler_name"] = "MARKER"
        else:
            target.metadata["title"] = "MARKER"
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    data = path.read_bytes()
    assert b"MARKER" in data
    path.write_bytes(data.replace(b"MARKER", b"\xff\x80\xfeKER"))
    assert video.measure(path).video.width == VideoSpec().width


@pytest.mark.parametrize("size", [b"\0\0\0\4", b"\0\0\0\7", b"\0\0\0\1", b"\0\0\0\0"])
@pytest.mark.parametrize("kind", [b"ftyp", b"moov", b"mdat", b"free"])
def test_a_box_of_an_impossible_size_has_no_end(kind: bytes, size: bytes, tmp_path: Path):
    path = tmp_path / "video.mp4"
    path.write_bytes(size + kind + bytes(40))
    assert is_truncated(path) is not (kind == b"moov" and size < b"\0\0\0\2")
    with pytest.raises(ClipferryError):
        video.measure(path)


def test_millions_of_boxes_are_not_read(tmp_path: Path):
    path = tmp_path / "video.mp4"
    path.write_bytes(b"\0\0\0\x08free" * 2_500_000)
    assert sum(1 for _ in top_level_boxes(path)) <= 10_000
    assert is_truncated(path)


@pytest.mark.parametrize("boxes", [9_999, 10_000, 10_001])
def test_a_video_of_many_fragments_is_whole(boxes: int, tmp_path: Path):
    """Its last box that is read may announce content that is not."""
    path = tmp_path / "video.mp4"
    fragment = b"\0\0\0\x08moof\0\0\0\x08mdat"
    path.write_bytes(
        b"\0\0\0\x08ftyp\0\0\0\x08moov"
        + b"\0\0\0\x08free" * (boxes % 2)
        + fragment * (boxes // 2 + 5)
    )
    assert not is_truncated(path)


class CountingFile(io.BytesIO):
    """Counts how often it is read."""

    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        return super().read(size)


@pytest.mark.parametrize(
    "content",
    [
        b"\xff" * 1_000_000,
        b"\xff\xd8" + b"\xff\xe0\0\2" * 300_000,
        b"\x89PNG\r\n\x1a\n" + bytes(4_000_000),
    ],
    ids=["padding of a JPEG", "segments without a length", "chunks without content"],
)
def test_a_picture_of_endless_parts_is_given_up(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    if content.startswith(b"\xff\xff"):
        content = b"\xff\xd8" + content
    path = tmp_path / "post_1"
    path.write_bytes(content)
    file = CountingFile(content)
    monkeypatch.setattr(Path, "open", lambda *_: file)
    assert not is_truncated(path)
    assert file.reads < 200_000


@hypothesis_settings(
    max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    head=st.sampled_from(
        [
            b"",
            b"\xff\xd8\xff",
            b"\x89PNG\r\n\x1a\n",
            b"RIFF",
            b"GIF8",
            b"\x1a\x45\xdf\xa3",
            b"\0\0\0\x08ftyp",
            b"FLV\x01\x05\0\0\0\x09",
        ]
    ),
    tail=st.binary(max_size=200),
)
def test_any_bytes_are_whole_or_truncated(head: bytes, tail: bytes, tmp_path: Path):
    path = tmp_path / "any"
    path.write_bytes(head + tail)
    assert is_truncated(path) in {True, False}


@hypothesis_settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_damaged_files_raise_nothing_but_our_errors(
    data: st.DataObject, samples: SampleStore, tmp_path: Path
):
    source = data.draw(st.sampled_from(["video", "picture", "sound"]))
    original = {
        "video": lambda: samples.video(VideoSpec()),
        "picture": lambda: samples.picture(300, 200, "x"),
        "sound": samples.sound,
    }[source]().read_bytes()
    damaged = bytearray(original[: data.draw(st.integers(1, len(original)))])
    for _ in range(data.draw(st.integers(0, 20))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / f"{zlib.crc32(damaged)}.bin"
    path.write_bytes(damaged)
    for work in (video.measure, images.make_native, images.make_thumbnail, audio.make_native):
        if not path.exists():
            break
        try:
            work(path)
        except ClipferryError as error:
            assert not re.search(str(tmp_path), str(error))  # noqa: PT017
