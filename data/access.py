"""The access list: people and groups that administrators allow to use the bot."""

from typing import Any, Final

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from data.database import read, unix_now, write
from data.models import AccessEntries

_INSERT: Final[dict[str, Any]] = {
    "sqlite": sqlite.insert(AccessEntries),
    "postgresql": postgresql.insert(AccessEntries),
}


async def access_entries() -> frozenset[str]:
    """Return all entries, in the form of `core.access.read_entry`."""
    query = select(AccessEntries.entry)
    return frozenset(await read(lambda db: db.execute(query).scalars().all()))


async def add_access_entry(entry: str, admin_id: int) -> bool:
    """Add an entry. Return False if it exists."""
    values = {"entry": entry, "added_by": admin_id, "added_at": unix_now()}
    return await write(
        lambda db: bool(
            db.execute(_INSERT[db.dialect.name].values(**values).on_conflict_do_nothing()).rowcount
        )
    )


async def remove_access_entry(entry: str) -> bool:
    """Remove an entry. Return False if it does not exist."""
    statement = delete(AccessEntries).where(AccessEntries.entry == entry)
    return await write(lambda db: bool(db.execute(statement).rowcount))


def move_access_entry(db: Connection, old_id: int, new_id: int) -> None:
    """Give the entry of a group its new id, inside the caller's transaction."""
    new = select(AccessEntries.entry).where(AccessEntries.entry == str(new_id))
    if db.execute(new).first() is None:
        this = AccessEntries.entry == str(old_id)
        db.execute(update(AccessEntries).where(this).values(entry=str(new_id)))
