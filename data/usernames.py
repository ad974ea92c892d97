"""The @names of known chats, stored as keyed hashes: they can be looked up, but not read.

Both directions are rows of the key-value store, so that a chat's name is replaced and erased
without a search.
"""

from typing import Final

from sqlalchemy import Connection, delete, select

from data.database import table_of, write
from data.key_values import read_value, read_value_in, set_value_in
from data.models import KeyValues

_BY_HASH: Final = "name/"
_BY_CHAT: Final = "name-of/"


async def find_by_name(name_hash: str) -> int | None:
    """Return the id of the chat that has last used a name, or None."""
    value = await read_value(_BY_HASH + name_hash)
    return None if value is None else int(value)


async def store_name(chat_id: int, name_hash: str | None) -> None:
    """Replace the name of a chat; None means that it has none."""

    def work(db: Connection) -> None:
        if _hash_of(db, chat_id) == name_hash:
            return
        forget_name(db, chat_id)
        if name_hash is not None:
            set_value_in(db, _BY_HASH + name_hash, str(chat_id))
            set_value_in(db, f"{_BY_CHAT}{chat_id}", name_hash)

    await write(work)


def name_rows(db: Connection, chat_id: int) -> list[dict[str, str]]:
    """Return what is stored about the name of a chat."""
    query = select(table_of(KeyValues)).where(KeyValues.name == f"{_BY_CHAT}{chat_id}")
    return [dict(row) for row in db.execute(query).mappings()]


def forget_name(db: Connection, chat_id: int) -> None:
    """Delete the name of a chat, unless another chat has taken it over."""
    if name_hash := _hash_of(db, chat_id):
        own = (KeyValues.name == _BY_HASH + name_hash) & (KeyValues.value == str(chat_id))
        db.execute(delete(KeyValues).where(own))
        db.execute(delete(KeyValues).where(KeyValues.name == f"{_BY_CHAT}{chat_id}"))


def _hash_of(db: Connection, chat_id: int) -> str | None:
    return read_value_in(db, f"{_BY_CHAT}{chat_id}")
