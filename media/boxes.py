"""Read the top-level boxes of MP4, QuickTime, HEIF and AVIF files (ISO 14496-12, 4.2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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
