"""Banned users and groups."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select

from data.database import read, unix_now, write
from data.models import Bans
from data.upserts import insert_if_missing


@dataclass(frozen=True, slots=True)
class Ban:
    """A banned user or group."""

    chat_id: int
    #: Unix time.
    banned_at: int


async def list_bans(skip: int, number: int) -> tuple[list[Ban], int]:
    """Return up to `number` bans, newest first, after the first `skip`; and how many there are."""
    query = select(Bans.chat_id, Bans.banned_at).order_by(Bans.banned_at.desc(), Bans.chat_id)

    def work(db: Connection) -> tuple[list[Ban], int]:
        rows = db.execute(query.offset(skip).limit(number)).all()
        total = db.execute(select(func.count()).select_from(Bans)).scalar_one()
        return [Ban(*row) for row in rows], total

    return await read(work)


async def banned_chats() -> frozenset[int]:
    """Return the chat ids of all banned users and groups."""
    return frozenset(await read(lambda db: db.execute(select(Bans.chat_id)).scalars().all()))


async def ban(chat_id: int, admin_id: int) -> bool:
    """Ban a user or group. Return False if it is already banned."""
    values = {"chat_id": chat_id, "banned_by": admin_id, "banned_at": unix_now()}
    return await write(lambda db: insert_if_missing(db, Bans, values))


async def unban(chat_id: int) -> bool:
    """Lift a ban. Return False if the chat is not banned."""
    statement = delete(Bans).where(Bans.chat_id == chat_id)
    return await write(lambda db: bool(db.execute(statement).rowcount))


def move_ban(db: Connection, old_id: int, new_id: int) -> None:
    """Move the ban of a group, if there is one, to the id of the supergroup that it became."""
    moved = delete(Bans).where(Bans.chat_id == old_id).returning(Bans.banned_by, Bans.banned_at)
    if row := db.execute(moved).first():
        values = {"chat_id": new_id, "banned_by": row.banned_by, "banned_at": row.banned_at}
        insert_if_missing(db, Bans, values)
