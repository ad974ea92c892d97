"""Restored databases: found by a counter of starts that is kept beside the database as well."""

import os
from pathlib import Path
from typing import Final

from data.database import make_durable
from data.key_values import compare_and_set, read_value, set_value

_STARTS: Final = "starts"
_RESTORED: Final = "restored"


async def count_start(marker: Path) -> bool:
    """Count a start of the program or an hour of its life; return True if the database is a backup.

    It is if `restore` has marked it, or if the marker file has counted more starts than the
    database. The database is written first: a crash in between is no false alarm.

    Raises:
        StorageError: the database did not respond.
        OSError: the marker cannot be used.
    """
    stored = as_number(await read_value(_STARTS))
    beside = as_number(marker.read_text() if marker.exists() else None)
    is_restored = beside > stored or await read_value(_RESTORED) is not None
    number = str(max(stored, beside) + 1)
    await set_value(_STARTS, number)
    if await make_durable():
        _write_durably(marker, number)
    return is_restored


async def mark_restored() -> None:
    """Mark the database as restored from a backup; broadcasts then wait at the next start."""
    await set_value(_RESTORED, "1")


async def clear_restored() -> None:
    """Remove the mark: the broadcasts wait."""
    if await read_value(_RESTORED) is not None:
        await compare_and_set(_RESTORED, "1", None)


def as_number(text: str | None) -> int:
    """Return a counter from its text; 0 if it is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0


def _write_durably(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    new.replace(path)
