"""People whose links are not answered in groups."""

from sqlalchemy import delete, select

from data.database import read, unix_now, write
from data.models import OptOuts
from data.upserts import insert_if_missing


async def opt_out(sender_id: int) -> None:
    """Store that a sender's links are not answered; the time of the first opt-out is kept."""
    row = {"sender_id": sender_id, "made_at": unix_now()}
    await write(lambda db: insert_if_missing(db, OptOuts, row))


async def opt_in(sender_id: int) -> bool:
    """Delete the opt-out; return False if there was none."""
    statement = delete(OptOuts).where(OptOuts.sender_id == sender_id).returning(OptOuts.sender_id)
    return await write(lambda db: db.execute(statement).first()) is not None


async def opted_out() -> frozenset[int]:
    """Return the ids of all senders who do not want to be answered."""
    return frozenset(await read(lambda db: db.scalars(select(OptOuts.sender_id)).all()))
