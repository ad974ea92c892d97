"""What the boxes of an MP4 say about how it is shown."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.boxes import is_upright, top_level_boxes

ONE = 1 << 16
UPRIGHT = (ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30)
TURNED = (0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30)
MIRRORED = (-ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30)


def box(kind: str, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return struct.pack(">I", len(content) + 8) + kind.encode() + content


def movie(matrix: tuple[int, ...] = UPRIGHT, version: int = 0) -> bytes:
    """ISO 14496-12, 8.2.2."""
    return box("mvhd", bytes([version]), bytes(47 if version else 35), struct.pack(">9i", *matrix))


def track(matrix: tuple[int, ...] = UPRIGHT, version: int = 0) -> bytes:
    """ISO 14496-12, 8.3.2."""
    head = bytes([version]) + bytes(51 if version else 39)
    return box("trak", box("tkhd", head, struct.pack(">9i", *matrix), bytes(8)), box("mdia"))


def upright(path: Path, content: bytes) -> bool:
    path.write_bytes(content)
    return is_upright(path, list(top_level_boxes(path)))


FTYP = box("ftyp", b"isom", bytes(4))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (FTYP + box("moov", movie(), track(), track()) + box("mdat", b"x"), True),
        (FTYP + box("mdat", b"x") + box("moov", movie(version=1), track(version=1)), True),
        (FTYP + box("moov", movie(), track(), track(TURNED)), False),
        (FTYP + box("moov", movie(), track(TURNED, 1)), False),
        (FTYP + box("moov", movie(MIRRORED), track()), False),
        (FTYP + box("moov", movie(MIRRORED, 1), track()), False),
        (FTYP + box("moov", movie()), False),
        (FTYP + box("moov", movie(version=2), track()), False),
        (FTYP + box("moov", box("mvhd"), track()), False),
        (FTYP + box("moov", movie(), track()[:-20]), False),
        (FTYP + (box("moov", movie(), track()))[:-30], False),
        (FTYP + struct.pack(">I4sQ", 1, b"moov", 24) + bytes(8), False),
        (FTYP, False),
        (b"", False),
    ],
)
def test_only_what_no_box_turns_is_upright(content: bytes, expected: bool, tmp_path: Path):
    assert upright(tmp_path / "video", content) is expected


@given(st.binary(max_size=200))
def test_any_index_gets_an_answer(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    path = tmp_path_factory.getbasetemp() / "index"
    upright(path, FTYP + box("moov", content))
