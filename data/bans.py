"""Banned users and groups."""

from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from data.database import read, unix_now, write
from data.models import Bans

_INSERT: Final[dict[str, Any]] = {
    "sqlite": sqlite.insert(Bans),
    "postgresql": postgresql.insert(Bans),
}


async def banned_chats() -> frozenset[int]:
    """Return the chat ids of all banned users and groups."""
    return frozenset(await read(lambda db: db.execute(select(Bans.chat_id)).scalars().all()))


async def ban(chat_id: int, admin_id: int) -> bool:
    """Ban a user or group. Return False if it is already banned."""
    values = {"chat_id": chat_id, "banned_by": admin_id, "banned_at": unix_now()}
    return await write(
        lambda db: bool(
            db.execute(_INSERT[db.dialect.name].values(**values).on_conflict_do_nothing()).rowcount
        )
    )


async def unban(chat_id: int) -> bool:
    """Lift a ban. Return False if the chat is not banned."""
    statement = delete(Bans).where(Bans.chat_id == chat_id)
    return await write(lambda db: bool(db.execute(statement).rowcount))
