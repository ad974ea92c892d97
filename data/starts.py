"""Restored databases: found by a counter of starts that is kept beside the database as well."""

import os
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select

from data.database import make_durable, write
from data.key_values import compare_and_set, read_value, read_value_in, set_value, set_value_in
from data.models import KeyValues

_STARTS: Final = "starts"
_RESTORED: Final = "restored"


async def count_start(marker: Path) -> bool:
    """Count a start of the program or an hour of its life; return True if the database is a backup.

    It is if it has the mark: of `restore`, or because the marker file has counted more starts than
    the database. The database is written first: a crash in between is no false alarm.

    Raises:
        StorageError: the database did not respond.
        OSError: the marker cannot be used.
    """
    beside = as_number(marker.read_text() if marker.exists() else None)
    number, is_restored = await write(lambda db: _count(db, beside))
    if await make_durable():
        _write_durably(marker, str(number))
    return is_restored


def _count(db: Connection, beside: int) -> tuple[int, bool]:
    """Count, and mark the database if it is behind; return its counter and whether it has the mark.

    Both are one change: the counters are equal afterwards, and what follows from their difference
    must survive a crash, and reach the process that does it.
    """
    counter = select(KeyValues.value).where(KeyValues.name == _STARTS).with_for_update()
    stored = as_number(db.execute(counter).scalar())
    if beside > stored:
        set_value_in(db, _RESTORED, "1")
    number = max(stored, beside) + 1
    set_value_in(db, _STARTS, str(number))
    return number, read_value_in(db, _RESTORED) is not None


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
