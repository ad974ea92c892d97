"""How much of a long call in a worker process is done: one byte in a file, a percentage.

The bot chooses the file and reads it when somebody wants to know. That needs no process, thread or
pipe for a call, and works the same when a call is repeated in another worker.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: Takes the share that is done, from 0 to 1.
Meter = Callable[[float], None]


def read_share(path: Path) -> float:
    """Return the share that is done, from 0 to 1; 0 if the call has not begun."""
    try:
        return path.read_bytes()[0] / 100
    except (OSError, IndexError):
        return 0.0


@contextmanager
def share_file(path: Path | None) -> Iterator[Meter]:
    """Yield a function that writes the share to a file, at most a hundred times; None for no file.

    Raises:
        OSError: the file cannot be written.
    """
    if path is None:
        yield lambda _: None
        return
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    written = -1

    def write(share: float) -> None:
        nonlocal written
        percent = min(int(share * 100), 100)
        if percent > written:
            os.pwrite(file, bytes([percent]), 0)
            written = percent

    try:
        yield write
    finally:
        os.close(file)


def metered(packets: Iterable[Any], size_bytes: int, meter: Meter) -> Iterator[Any]:
    """Yield the packets of a file; tell `meter` which share of its bytes has been taken.

    Positions exist in every file, unlike durations.
    """
    for packet in packets:
        if packet.pos is not None:
            meter(packet.pos / size_bytes)
        yield packet
