"""Find a piece of a file: its packets, and the bytes that are needed for it."""

import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer

from core.choices import Part, Piece
from core.errors import PieceError
from media.boxes import Box, top_level_boxes
from media.reading import audios, open_input, packets, videos

#: What is read behind the end of a piece, in seconds: frames are stored in the order of decoding.
_MARGIN_S: Final = 1.0
#: The segment index up to its references: time scale, earliest time, offset and their number.
_INDEX: Final = struct.Struct(">8xIII2xH")
_WIDE_INDEX: Final = struct.Struct(">8xIQQ2xH")
#: Size, duration, access points.
_REFERENCE: Final = struct.Struct(">III")
#: Sizes from this on are those of further indexes.
_IS_INDEX: Final = 1 << 31


def piece_packets(
    container: InputContainer, piece: Piece, origin: Fraction, main: Any, *others: Any
) -> Iterator[Any]:
    """Yield the packets of the streams `main` and `others` that belong to a piece.

    They begin with the key frame of `main` before its start. `origin` is when playback of the file
    starts, in seconds.

    Raises:
        PieceError: the file ends before the piece starts.
    """
    start = origin + piece.start_s
    with suppress(av.FFmpegError):  # without an index, the file is read from its beginning
        container.seek(int(start * av.time_base))
    end = None if piece.end_s is None else origin + piece.end_s
    # Of the other streams, nothing before the start is needed to decode what follows.
    wanted = (
        packet
        for packet in packets(container, main, *others)
        if packet.stream is main or _end_of(packet) > start
    )
    incoming = _until(end, wanted, 1 + len(others))
    waiting: list[Any] = []
    for packet in incoming:
        if packet.stream is main and packet.is_keyframe:
            waiting.clear()
        waiting.append(packet)
        if packet.stream is main and _end_of(packet) > start:
            break
    else:
        raise PieceError(piece.start_s)
    yield from waiting
    yield from incoming


def _until(end: Fraction | None, incoming: Iterable[Any], streams: int) -> Iterator[Any]:
    """Yield packets until all streams have reached the end."""
    ended = set()
    for packet in incoming:
        if end is not None and _time_of(packet) >= end:
            ended.add(packet.stream)
            if len(ended) == streams:
                return
        elif packet.stream not in ended:
            yield packet


def _time_of(packet: Any) -> Fraction:
    """Return when a packet is decoded, in seconds; 0 if it has no time."""
    time = packet.dts if packet.dts is not None else packet.pts
    return Fraction(time or 0) * (packet.time_base or 1)


def _end_of(packet: Any) -> Fraction:
    return _time_of(packet) + Fraction(packet.duration or 1) * (packet.time_base or 1)


def needed_part(path: Path, piece: Piece) -> Part | None:
    """Return the bytes that a piece needs.

    `path` has at least the beginning of an MP4 file. Return None if that does not tell, because the
    index is elsewhere; or if there is no such piece.

    Raises:
        PlatformChangedError: the file is not readable.
    """
    boxes = list(top_level_boxes(path))
    size = path.stat().st_size
    kinds = {box.kind for box in boxes if box.end <= size}
    if "sidx" in kinds:
        return _fragments(path, next(box for box in boxes if box.kind == "sidx"), piece)
    if "moov" not in kinds or "moof" in kinds:
        return None
    with open_input(path) as container:
        streams = [*videos(container), *audios(container)]
        parts = [part for stream in streams if (part := _samples(stream, piece))]
    if len(parts) < len(streams) or not parts:
        return None
    return Part(min(part.start for part in parts), max(part.end for part in parts))


def _samples(stream: Any, piece: Piece) -> Part | None:
    """Return the bytes of a stream's samples, by the index."""
    unit = float(stream.time_base)
    entries = list(stream.index_entries)
    times = [entry.timestamp * unit for entry in entries]
    first = bisect_right(times, piece.start_s)
    before = next((e for e in reversed(entries[:first]) if e.is_keyframe), None)
    last = len(entries) if piece.end_s is None else bisect_right(times, piece.end_s + _MARGIN_S)
    needed = entries[:last]
    if before is None or not needed or first == len(entries):
        return None
    following = needed[entries.index(before) :]
    return Part(before.pos, max(entry.pos + entry.size for entry in following))


def _fragments(path: Path, box: Box, piece: Piece) -> Part | None:
    """Return the bytes of the fragments that a piece needs, by the segment index.

    Source: ISO 14496-12, 8.16.3
    """
    with path.open("rb") as file:
        file.seek(box.start + 8)
        content = file.read(box.end - box.start - 8)
    layout = _WIDE_INDEX if content[:1] == b"\x01" else _INDEX
    try:
        unit, _, offset, count = layout.unpack_from(content)
        references = content[layout.size : layout.size + count * _REFERENCE.size]
        sizes = [(size, time / unit) for size, time, _ in _REFERENCE.iter_unpack(references)]
    except (struct.error, ZeroDivisionError):
        return None
    if any(size >= _IS_INDEX for size, _ in sizes):
        return None
    end_s = float("inf") if piece.end_s is None else piece.end_s + _MARGIN_S
    needed, position, time = [], box.end + offset, 0.0
    for size, duration_s in sizes:
        if time <= end_s and time + duration_s > piece.start_s:
            needed.append((position, position + size))
        position, time = position + size, time + duration_s
    # FFmpeg trusts an index only if it describes all of the file.
    return Part(needed[0][0], needed[-1][1], position) if needed else None
