"""The access list: people and groups that administrators allow to use the bot."""

from sqlalchemy import Connection, delete, select, update

from data.database import read, unix_now, write
from data.models import AccessEntries
from data.upserts import insert_if_missing


async def access_entries() -> frozenset[str]:
    """Return all entries, in the form of `core.access.read_entry`."""
    query = select(AccessEntries.entry)
    return frozenset(await read(lambda db: db.execute(query).scalars().all()))


async def add_access_entry(entry: str, admin_id: int) -> bool:
    """Add an entry. Return False if it exists."""
    values = {"entry": entry, "added_by": admin_id, "added_at": unix_now()}
    return await write(lambda db: insert_if_missing(db, AccessEntries, values))


async def remove_access_entry(entry: str) -> bool:
    """Remove an entry. Return False if it does not exist."""
    statement = delete(AccessEntries).where(AccessEntries.entry == entry)
    return await write(lambda db: bool(db.execute(statement).rowcount))


def move_access_entry(db: Connection, old_id: int, new_id: int) -> None:
    """Move the entry of a group, if there is one, to the id of the supergroup that it became."""
    new = select(AccessEntries.entry).where(AccessEntries.entry == str(new_id))
    if db.execute(new).first() is None:
        this = AccessEntries.entry == str(old_id)
        db.execute(update(AccessEntries).where(this).values(entry=str(new_id)))
