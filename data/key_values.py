"""A key-value store for state that must survive a restart and be changed by one process only."""

import secrets
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from data.database import read, write
from data.models import KeyValues
from data.upserts import insert_into

#: What is done in the transaction of a change, so that both are stored or neither.
Along = Callable[[Connection], None]

#: The names of `check_writable`'s rows begin like this; the first version of it left a row with
#: this name.
_CHECK: Final = "readyz"
#: The length of such a row's value: more than fits into a page of a table.
_CHECK_BYTES: Final = 8_192


async def read_value(name: str) -> str | None:
    """Return a value by its name, or None if it is not set."""
    return await read(lambda db: read_value_in(db, name))


async def set_value(name: str, value: str) -> None:
    """Store a value by its name, in place of an earlier one."""
    await write(lambda db: set_value_in(db, name, value))


def read_value_in(db: Connection, name: str) -> str | None:
    """Return a value inside the caller's transaction; see `read_value`."""
    return db.execute(select(KeyValues.value).where(KeyValues.name == name)).scalar()


def set_value_in(db: Connection, name: str, value: str) -> None:
    """Set a value inside the caller's transaction."""
    statement = insert_into(db, KeyValues).values(name=name, value=value)
    db.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


async def check_writable() -> None:
    """Write a row, and delete it: a locked, full or read-only database still answers reads.

    The row needs pages of its own. On a full disk a database still takes what fits into the pages
    that it has, such as a new value of the same length. And it needs a name of its own: processes
    that check at the same time would wait for each other. No other transaction ever sees it.

    Raises:
        StorageError: the database did not respond, or refused.
    """
    name = f"{_CHECK}/{secrets.token_hex(16)}"
    value = secrets.token_hex(_CHECK_BYTES // 2)  # PostgreSQL would compress a repeated character

    def work(db: Connection) -> None:
        db.execute(insert(KeyValues).values(name=name, value=value))
        db.execute(delete(KeyValues).where(KeyValues.name.in_((name, _CHECK))))

    await write(work)


async def delete_value(name: str) -> None:
    """Delete a value, if it is set."""
    statement = delete(KeyValues).where(KeyValues.name == name)
    await write(lambda db: db.execute(statement))


async def compare_and_set(
    name: str, old: str | None, new: str | None, along: Along | None = None
) -> bool:
    """Set a value only if it still equals `old`; None means "not set". Return True on success.

    Of several processes that make the same change, exactly one gets True. It performs the action
    that belongs to the change, so that the action happens once. What it stores goes `along`.
    """

    def work(db: Connection) -> bool:
        is_set = _compare_and_set(db, name, old, new)
        if is_set and along:
            along(db)
        return is_set

    return await write(work)


def _compare_and_set(db: Connection, name: str, old: str | None, new: str | None) -> bool:
    this = KeyValues.name == name
    if old is None:
        if new is None or db.execute(select(KeyValues.name).where(this)).first():
            return new is None
        db.execute(insert(KeyValues).values(name=name, value=new))
        return True
    same = KeyValues.value == old
    statement = (
        delete(KeyValues).where(this, same)
        if new is None
        else update(KeyValues).where(this, same).values(value=new)
    )
    return bool(db.execute(statement).rowcount)
