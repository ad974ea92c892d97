"""Select the packets of a piece of a file, without decoding them."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer

from core.choices import Piece
from core.errors import PieceError
from media.reading import packets


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
    incoming = _until(end, packets(container, main, *others), 1 + len(others))
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
