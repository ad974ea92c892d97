"""Read the boxes of MP4, QuickTime, HEIF and AVIF files (ISO 14496-12, 4.2), without FFmpeg."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: A larger index is not read, in bytes; those of hours are smaller.
_MOST_INDEX_BYTES: Final = 16_000_000
#: Matrix of what is neither turned nor mirrored nor scaled: 16.16 numbers, the last column 2.30.
#: Source: ISO 14496-12, 8.2.2 and 8.3.2
_UPRIGHT: Final = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
#: Where the matrix begins, counted from behind the header of the box, by its version.
_MATRIX_AT: Final = {b"mvhd": {0: 36, 1: 48}, b"tkhd": {0: 40, 1: 52}}
#: Boxes of a file that are read; hours of fragments have fewer. A box may have only eight bytes.
_MOST_BOXES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Box:
    """One box of a file; positions in bytes."""

    #: Four characters, such as "moov".
    kind: str
    start: int
    #: Where the box says that it ends: behind the end of the file if data is missing.
    end: int


def top_level_boxes(path: Path) -> Iterator[Box]:
    """Yield the first boxes of a file in order, until its end or something that is no box.

    Only headers are read. A header that is cut off counts as a box that ends behind the file.
    """
    total, start = path.stat().st_size, 0
    with path.open("rb") as file:
        for _ in range(_MOST_BOXES):
            if start >= total:
                return
            file.seek(start)
            head = file.read(16)
            if not head.strip(b"\0"):
                return  # padding
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if size == 1:
                size = int.from_bytes(head[8:16], "big")
            end = total if size == 0 else start + size
            if len(head) < 8:
                end = start + 8
            elif 0 < size < 8 or not _is_name(kind):
                return
            yield Box(kind.decode("latin-1"), start, end)
            start = end


def _is_name(kind: bytes) -> bool:
    return all(0x20 <= byte < 0x7F or byte == 0xA9 for byte in kind)


def is_upright(path: Path, boxes: Iterable[Box]) -> bool:
    """Return True if a file is shown as it is stored, for all that its index says.

    `boxes` are the top-level ones. False also means that the index is missing, damaged or unusual:
    then only decoding tells.
    """
    index = next((box for box in boxes if box.kind == "moov"), None)
    if index is None or index.end - index.start > _MOST_INDEX_BYTES:
        return False
    with path.open("rb") as file:
        file.seek(index.start)
        content = file.read(index.end - index.start)
    try:
        return _has_upright_tracks(memoryview(content))
    except (ValueError, IndexError):
        return False


def _has_upright_tracks(index: memoryview) -> bool:
    """Raise ValueError or IndexError if the index is damaged."""
    found = 0
    for kind, content in _children(index[8:]):
        if kind == b"mvhd" and not _has_upright_matrix(kind, content):
            return False
        if kind == b"trak":
            headers = [inner for name, inner in _children(content) if name == b"tkhd"]
            if not all(_has_upright_matrix(b"tkhd", header) for header in headers):
                return False
            found += len(headers)
    return found > 0


def _has_upright_matrix(kind: bytes, content: memoryview) -> bool:
    start = _MATRIX_AT[kind].get(content[0])
    return start is not None and content[start : start + len(_UPRIGHT)] == _UPRIGHT


def _children(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield the name and the content of each box in a box with 32-bit sizes.

    Raises:
        ValueError: they do not fit.
    """
    while content:
        size = int.from_bytes(content[:4], "big")
        if not 8 <= size <= len(content):
            raise ValueError("a box that does not fit")
        yield bytes(content[4:8]), content[8:size]
        content = content[size:]
