"""An index that is moved to the front: the same content is found, or nothing is written."""

import struct
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.playback import Step, next_step
from media.encoding import move_index
from media.index import write_index_first
from media.video import measure
from simulator.samples import SampleStore, VideoSpec

MB = 1_000_000
LATE = VideoSpec(is_fast_start=False)
FTYP = b"\0\0\0\x10ftypisom\0\0\0\1"


def box(kind: str, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return struct.pack(">I", len(content) + 8) + kind.encode() + content


def table(kind: str, *positions: int) -> bytes:
    entries = struct.pack(f">{len(positions)}{'Q' if kind == 'co64' else 'I'}", *positions)
    return box(kind, struct.pack(">II", 0, len(positions)), entries)


def index(*tables: bytes, more: bytes = b"") -> bytes:
    """Return an index with one track for each table."""
    tracks = [
        box("trak", box("tkhd", bytes(84)), box("mdia", box("minf", box("stbl", each))))
        for each in tables
    ]
    return box("moov", box("mvhd", bytes(100)), *tracks, more)


def packets(path: Path) -> list[tuple[object, ...]]:
    """Return number of the stream, times and content of each packet."""
    with av.open(str(path)) as container:
        return [(p.stream_index, p.pts, p.dts, bytes(p)) for p in container.demux() if p.size]


def test_everything_but_the_order_stays(samples: SampleStore, tmp_path: Path):
    source = tmp_path / "v.mp4"
    source.write_bytes(samples.video(LATE).read_bytes())
    assert next_step(measure(source), 50 * MB) is Step.MOVE_INDEX
    target = move_index(source)
    assert next_step(measure(target), 50 * MB) is Step.NOTHING
    assert target.stat().st_size == source.stat().st_size
    assert packets(target) == packets(source)


def test_a_file_with_other_positions_is_remuxed(samples: SampleStore, tmp_path: Path):
    source = tmp_path / "v.mp4"
    source.write_bytes(samples.video(LATE).read_bytes() + box("uuid", bytes(16)))
    assert not write_index_first(source, tmp_path / "target")
    assert next_step(measure(move_index(source)), 50 * MB) is Step.NOTHING


def test_each_position_finds_the_same_content(tmp_path: Path):
    start = len(FTYP) + len(box("free", b"abc"))
    first = box("mdat", b"0123456789")
    length = len(index(table("stco", 0, 0, 0), table("co64", 0, 0)))
    second = start + len(first) + length + len(box("wide"))
    positions = [start + 8, start + 12, second + 8, start + 9, second + 9]
    content = [
        *(FTYP, box("free", b"abc"), first),
        index(table("stco", *positions[:3]), table("co64", *positions[3:])),
        *(box("wide"), box("mdat", b"abcdef"), box("skip", b"rest")),
    ]
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"".join(content))
    assert write_index_first(source, target)
    moved = [p + length if p < second else p for p in positions]
    content[2], content[3] = index(table("stco", *moved[:3]), table("co64", *moved[3:])), first
    assert target.read_bytes() == b"".join(content)
    before, after = source.read_bytes(), target.read_bytes()
    assert [after[p] for p in moved] == [before[p] for p in positions] == list(b"04a1b")


MDAT = box("mdat", b"0123456789")
START = len(FTYP) + 8


def late(*tables: bytes, more: bytes = b"", rest: bytes = b"") -> bytes:
    return FTYP + MDAT + index(*tables, more=more) + rest


GOOD = late(table("stco", START))
LONG = struct.pack(">II", 0, 2**32 - 1)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(FTYP + MDAT, id="no index"),
        pytest.param(FTYP + index() + MDAT, id="index first"),
        pytest.param(GOOD + index(), id="two indexes"),
        pytest.param(GOOD + box("moof"), id="fragment"),
        pytest.param(GOOD + box("meta"), id="items"),
        pytest.param(GOOD + b"rest of no box", id="rest"),
        pytest.param(GOOD + bytes(20), id="padding"),
        pytest.param(GOOD[:-5], id="cut off"),
        pytest.param(
            GOOD.replace(struct.pack(">I", len(index(table("stco", 0)))), bytes(4)), id="open"
        ),
        pytest.param(late(more=box("cmov", bytes(8))), id="compressed"),
        pytest.param(late(more=box("mvex", bytes(8))), id="fragments follow"),
        pytest.param(late(box("saio", bytes(8))), id="encrypted"),
        pytest.param(late(more=box("meta", bytes(4), box("iloc"))), id="items in the index"),
        pytest.param(late(table("stco", 0)), id="before the content"),
        pytest.param(late(table("stco", START + 20)), id="in the index"),
        pytest.param(late(table("stco", 2**32 - 1)), id="behind the file"),
        pytest.param(late(table("co64", 2**64 - 1)), id="far behind the file"),
        pytest.param(late(box("stco", LONG)), id="more entries than fit"),
        pytest.param(late(box("stco", b"\0\0")), id="no number of entries"),
        pytest.param(late(more=b"\0\0\0\1free"), id="a long box"),
        pytest.param(late(more=b"\0\0\0\x40free"), id="a box beyond the index"),
        pytest.param(late(more=b"\0\0"), id="half a header"),
    ],
)
def test_what_is_not_plain_is_left_alone(content: bytes, tmp_path: Path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content)
    assert not write_index_first(source, target)
    assert not target.exists()


def test_a_position_that_no_longer_fits_is_left_alone(tmp_path: Path):
    """A table of 32 bits holds positions up to 4 GiB; the last chunk begins just before."""
    source, target = tmp_path / "source", tmp_path / "target"
    size = 2**32
    with source.open("wb") as file:
        file.write(FTYP + struct.pack(">I4sQ", 1, b"mdat", size - len(FTYP)))
        file.truncate(size)  # a hole, which takes no room
        file.seek(size)
        file.write(index(table("stco", START + 8, size - 10)))
    assert not write_index_first(source, target)
    assert not target.exists()


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_any_wrong_byte_is_survived(tmp_path_factory: pytest.TempPathFactory, at: int, byte: int):
    folder = tmp_path_factory.mktemp("wrong")
    source = folder / "source"
    source.write_bytes(GOOD[:at] + bytes([byte]) + GOOD[at + 1 :])
    assert write_index_first(source, folder / "target") is (folder / "target").exists()
