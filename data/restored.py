"""What a restored database holds, for the operator."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from core.broadcasts import State
from data.database import read
from data.models import Broadcasts, Requests, Users
from data.statistics import last_download_at


@dataclass(frozen=True, slots=True)
class Contents:
    """Numbers by which an operator recognises a database, and what the next start does with it."""

    chats: int
    #: Unix time; None without any.
    last_download_at: int | None
    #: Requests that are not answered.
    waiting: int
    #: Broadcasts that have begun, or are due, and have not ended.
    broadcasts: int


async def contents() -> Contents:
    """Return what the database holds.

    Raises:
        StorageError: the database did not respond.
    """
    is_unended = Broadcasts.state.in_([str(State.RUNNING), str(State.PAUSED)])

    def work(db: Connection) -> tuple[int, int, int]:
        return (
            db.scalar(select(func.count()).select_from(Users)) or 0,
            db.scalar(select(func.count()).where(Requests.finished_at.is_(None))) or 0,
            db.scalar(select(func.count()).where(is_unended)) or 0,
        )

    chats, waiting, broadcasts = await read(work)
    return Contents(chats, await last_download_at(), waiting, broadcasts)
