"""Move the index (moov) of an MP4 in front of its content, byte for byte (ISO 14496-12)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from media.boxes import Box, top_level_boxes

#: Boxes at the top level that hold no positions in the file.
_PLAIN: Final = frozenset({"ftyp", "moov", "mdat", "free", "skip", "wide"})
#: Boxes that lead to the positions of the chunks; 8.1 to 8.5.
_PARENTS: Final = frozenset({b"trak", b"mdia", b"minf", b"stbl"})
#: Tables of positions, and how struct calls their entries; 8.7.5.
_TABLES: Final = {b"stco": "I", b"co64": "Q"}
#: Boxes of an index that hold other positions, or the whole index in compressed form.
_OTHERS: Final = (b"cmov", b"iloc", b"mvex", b"saio")
#: In bytes. An index of many hours is smaller; a larger one is not read into memory.
_LARGEST_INDEX: Final = 32_000_000
_COPIED_AT_ONCE: Final = 1 << 20


class _NotPlainError(Exception):
    """The file may hold more positions than those of its chunks, or wrong ones."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the parts of a file are; positions in bytes."""

    #: Start of the first box with content.
    content: int
    index: Box
    total: int

    @property
    def shift(self) -> int:
        """Return by how much the content before the index moves."""
        return self.index.end - self.index.start

    def moved(self, position: int) -> int:
        """Return the new position of a byte of content.

        Raises:
            _NotPlainError: there is no content at that position.
        """
        if self.content <= position < self.index.start:
            return position + self.shift
        if self.index.end <= position < self.total:
            return position
        raise _NotPlainError


def write_index_first(path: Path, target: Path) -> bool:
    """Write an MP4 to `target` with its index before its content, and return True.

    Return False, and write nothing, if anything but the tracks may refer to positions in the file
    (fragments, items, encryption), if a position does not fit its table, or if a box is damaged.
    """
    with path.open("rb") as source:
        try:
            layout = _layout(path)
            source.seek(layout.index.start)
            index = bytearray(source.read(layout.shift))
            _move_positions(index, layout)
        except (_NotPlainError, struct.error):
            return False
        with target.open("wb") as output:
            _copy(source, output, 0, layout.content)
            output.write(index)
            _copy(source, output, layout.content, layout.index.start)
            _copy(source, output, layout.index.end, layout.total)
    return True


def _layout(path: Path) -> _Layout:
    boxes, total = list(top_level_boxes(path)), path.stat().st_size
    index = [box for box in boxes if box.kind == "moov"]
    content = [box.start for box in boxes if box.kind == "mdat"]
    is_whole = bool(boxes) and boxes[-1].end == total
    is_plain = is_whole and _PLAIN.issuperset(box.kind for box in boxes)
    if not (is_plain and len(index) == 1 and content and content[0] < index[0].start):
        raise _NotPlainError
    if index[0].end - index[0].start > _LARGEST_INDEX:
        raise _NotPlainError
    return _Layout(content[0], index[0], total)


def _move_positions(index: bytearray, layout: _Layout) -> None:
    """Correct all positions in an index.

    Raises:
        _NotPlainError, struct.error: they are damaged, do not fit, or are not the only ones.
    """
    if any(name in index for name in _OTHERS) or _size(index, 0) != len(index):
        raise _NotPlainError
    for kind, start, end in _tables(index, 8, len(index)):
        # Version and flags come first, then the number of entries.
        (count,) = struct.unpack_from(">I", index, start + 12)
        entries = struct.Struct(f">{count}{_TABLES[kind]}") if count * 4 < end - start else None
        if entries is None or start + 16 + entries.size > end:
            raise _NotPlainError
        moved = map(layout.moved, entries.unpack_from(index, start + 16))
        entries.pack_into(index, start + 16, *moved)


def _tables(index: bytearray, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of each table of positions between two places of an index."""
    while start < end:
        kind, following = bytes(index[start + 4 : start + 8]), start + _size(index, start)
        if following > end:
            raise _NotPlainError
        if kind in _TABLES:
            yield kind, start, following
        elif kind in _PARENTS:
            yield from _tables(index, start + 8, following)
        start = following


def _size(index: bytearray, start: int) -> int:
    """Return a box's size in bytes; long and open-ended ones are not expected inside an index."""
    size: int = struct.unpack_from(">I", index, start)[0]
    if size < 8:
        raise _NotPlainError
    return size


def _copy(source: BinaryIO, target: BinaryIO, start: int, end: int) -> None:
    source.seek(start)
    while start < end and (piece := source.read(min(end - start, _COPIED_AT_ONCE))):
        target.write(piece)
        start += len(piece)
