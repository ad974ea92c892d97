"""Updates from a downtime: stored a batch at a time, handled later."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from data.database import read, read_one, table_of, write
from data.models import OldUpdates
from data.prepared_statements import PreparedStatement, parameters

_TABLE: Final = table_of(OldUpdates)
_ANY: Final = PreparedStatement(
    select(_TABLE.c.update_id).where(_TABLE.c.bot_id == bindparam("bot_id")).limit(1)
)
_VALUES: Final = parameters("bot_id", "update_id", "chat_id", "content")
_STORE: Final = PreparedStatement(
    sqlite.insert(_TABLE).values(_VALUES).on_conflict_do_nothing(),
    postgresql.insert(_TABLE).values(_VALUES).on_conflict_do_nothing(),
)


@dataclass(frozen=True, slots=True)
class OldUpdate:
    """A stored update."""

    update_id: int
    chat_id: int
    #: JSON, as Telegram has sent it.
    content: str


async def store_old_updates(bot_id: int, updates: Sequence[OldUpdate]) -> None:
    """Store updates in one transaction; those that are stored already stay as they are."""
    rows = [
        {
            "bot_id": bot_id,
            "update_id": update.update_id,
            "chat_id": update.chat_id,
            "content": update.content,
        }
        for update in updates
    ]

    await write(lambda db: _STORE.run(db, rows))


async def has_old_updates(bot_id: int) -> bool:
    """Return True if updates are stored. It is asked all the time, and costs little."""
    return await read_one(lambda db: _ANY.first(db, {"bot_id": bot_id})) is not None


async def next_old_updates(bot_id: int, number: int) -> list[OldUpdate]:
    """Return the oldest stored updates, at most `number`."""
    query = (
        select(OldUpdates.update_id, OldUpdates.chat_id, OldUpdates.content)
        .where(OldUpdates.bot_id == bot_id)
        .order_by(OldUpdates.update_id)
        .limit(number)
    )
    rows = await read(lambda db: db.execute(query).all())
    return [OldUpdate(*row) for row in rows]


async def remove_old_updates(bot_id: int, update_ids: Sequence[int]) -> set[int]:
    """Delete stored updates; return the ids of those that were still there."""
    statement = (
        delete(OldUpdates)
        .where(OldUpdates.bot_id == bot_id, OldUpdates.update_id.in_(update_ids))
        .returning(OldUpdates.update_id)
    )
    return set(await write(lambda db: db.execute(statement).scalars().all()))
