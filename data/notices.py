"""Unsent notices to administrators: if a process dies, another one sends them.

They are rows of the key-value store: `notice/<Unix time>-<random>/<administrator's id>`, with JSON
of the process that sends it and of the text.
"""

import json
import secrets
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from data.database import DatabaseTime, unix_now, write
from data.key_values import delete_value
from data.models import KeyValues, Workers

_PREFIX: Final = "notice/"


@dataclass(frozen=True, slots=True)
class Notice:
    """A text for one administrator."""

    #: Name of its row.
    row: str
    admin: int
    #: Telegram HTML.
    text: str
    #: Unix time.
    made_at: int

    @classmethod
    def new(cls, admin: int, text: str) -> "Notice":
        """Return a notice of this moment."""
        now = unix_now()
        return cls(f"{_PREFIX}{now}-{secrets.token_hex(6)}/{admin}", admin, text, now)


def add_notices(notices: Sequence[Notice], owner: str, db: Connection) -> None:
    """Store notices for a process, inside the caller's transaction."""
    rows = [{"name": n.row, "value": _value(owner, n.text)} for n in notices]
    if rows:
        db.execute(insert(KeyValues), rows)


async def forget_notice(notice: Notice) -> None:
    """Delete a notice that was sent, or is not to be sent.

    Raises:
        StorageError: the database did not respond.
    """
    await delete_value(notice.row)


async def take_over_notices(owner: str, known: Set[str]) -> list[Notice]:
    """Return the notices of processes that have ended, oldest first; they are this process's now.

    Its own are among them, too, unless their rows are `known` to it: they were stored by a call
    whose response was lost.

    Raises:
        StorageError: the database did not respond.
    """
    rows = select(KeyValues.name, KeyValues.value).where(KeyValues.name.startswith(_PREFIX))
    live = select(Workers.name).where(Workers.alive_until >= DatabaseTime())

    def work(db: Connection) -> list[Notice]:
        stored = db.execute(rows.order_by(KeyValues.name)).all()
        alive = set(db.execute(live).scalars()) if stored else set()
        others = [row for row in stored if row.name not in known]
        return [notice for row in others if (notice := _taken(db, row, alive - {owner}, owner))]

    return await write(work)


def _taken(db: Connection, row: Any, alive: set[str], owner: str) -> Notice | None:
    """Take one notice over, unless its process lives or another one is faster."""
    values = json.loads(row.value)
    if values["owner"] in alive:
        return None
    this = (KeyValues.name == row.name) & (KeyValues.value == row.value)
    value = _value(owner, values["text"])
    if not db.execute(update(KeyValues).where(this).values(value=value)).rowcount:
        return None
    made_at, admin = row.name.removeprefix(_PREFIX).split("/")
    return Notice(row.name, int(admin), values["text"], int(made_at.partition("-")[0]))


def _value(owner: str, text: str) -> str:
    return json.dumps({"owner": owner, "text": text}, ensure_ascii=False)
