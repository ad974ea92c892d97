"""Personal data: export and erasure of all rows about a user."""

from typing import Any, Final

from sqlalchemy import Column, Connection, delete, select

from data.database import read, table_of, write
from data.models import (
    InlineMessages,
    Lists,
    Music,
    OldUpdates,
    OptOuts,
    Recipients,
    Requests,
    Users,
    Video,
)
from data.rollups import subtract_chat_counts
from data.usernames import forget_name, name_rows

#: Columns with a user's id, child tables before parents. `bans`, `access_list` and `broadcasts` are
#: left out: a ban and a permission outlast an erasure, and broadcasts are the operator's records.
_ID_COLUMNS: Final[tuple[Column[Any], ...]] = tuple(
    table_of(model).c[name]
    for model, name in (
        (Video, "user_id"),
        (Music, "user_id"),
        (Requests, "chat_id"),
        (InlineMessages, "owner_id"),
        (Lists, "person_id"),
        (Recipients, "chat_id"),
        (OldUpdates, "chat_id"),
        (OptOuts, "sender_id"),
        (Users, "user_id"),
    )
)


async def personal_data(chat_id: int) -> dict[str, list[dict[str, Any]]]:
    """Return all rows about a user as {table name: rows}."""

    def work(db: Connection) -> dict[str, list[dict[str, Any]]]:
        rows = {
            column.table.name: [
                dict(row)
                for row in db.execute(select(column.table).where(column == chat_id)).mappings()
            ]
            for column in _ID_COLUMNS
        }
        return {**rows, "notes": name_rows(db, chat_id)}

    return await read(work)


async def erase(chat_id: int) -> None:
    """Delete all rows about a user and subtract them from the statistics, in one transaction."""

    def work(db: Connection) -> None:
        subtract_chat_counts(db, chat_id)
        forget_name(db, chat_id)
        for column in _ID_COLUMNS:
            db.execute(delete(column.table).where(column == chat_id))

    await write(work)
