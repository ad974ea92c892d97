"""What the tables hold about a person, to be handed out or erased."""

from typing import Any, Final

from sqlalchemy import Column, Connection, delete, select

from data.database import read, table_of, write
from data.models import InlineMessages, Music, Recipients, Requests, Users, Video
from data.rollups import subtract_chat_counts

#: Where a person's number stands, children before parents. `bans` and `broadcasts` are not among
#: them: who was shut out stays out, and who has written to everybody stands in the operator's books.
_WHERE: Final[tuple[Column[Any], ...]] = tuple(
    table_of(model).c[name]
    for model, name in (
        (Video, "user_id"),
        (Music, "user_id"),
        (Requests, "chat_id"),
        (InlineMessages, "owner_id"),
        (Recipients, "chat_id"),
        (Users, "user_id"),
    )
)


async def personal_data(chat_id: int) -> dict[str, list[dict[str, Any]]]:
    """Give all rows about a person, by table."""

    def work(db: Connection) -> dict[str, list[dict[str, Any]]]:
        return {
            column.table.name: [
                dict(row)
                for row in db.execute(select(column.table).where(column == chat_id)).mappings()
            ]
            for column in _WHERE
        }

    return await read(work)


async def erase(chat_id: int) -> None:
    """Delete all rows about a person, at once, and take them out of the statistics."""

    def work(db: Connection) -> None:
        subtract_chat_counts(db, chat_id)
        for column in _WHERE:
            db.execute(delete(column.table).where(column == chat_id))

    await write(work)
