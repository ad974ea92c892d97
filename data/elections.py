"""Elections: of the processes that share a database, one does a task for all."""

from sqlalchemy import Connection, case, delete, or_, update

from data.database import write
from data.models import Elections, KeyValues
from data.upserts import insert_into
from data.workers import conflicting, is_alive


async def elect(name: str, owner: str) -> int:
    """Elect a worker for a task, unless another live worker has it.

    Return the epoch, which grows with each change of the worker; 0 while another one has the task.
    The worker keeps it as long as its lease is valid.
    """
    return await write(lambda db: elect_in(db, name, owner))


def elect_in(db: Connection, name: str, owner: str) -> int:
    """Elect a worker inside the caller's transaction; see `elect`."""
    same = Elections.owner == owner
    statement = (
        insert_into(db, Elections)
        .values(name=name, owner=owner, epoch=1)
        .on_conflict_do_update(
            index_elements=["name"],
            set_={
                "owner": owner,
                "epoch": case((same, Elections.epoch), else_=Elections.epoch + 1),
            },
            where=or_(same, ~is_alive(conflicting(Elections.owner))),
        )
        .returning(Elections.epoch)
    )
    return db.execute(statement).scalar() or 0


async def resign(name: str, owner: str) -> None:
    """Leave a task to another worker at once; do nothing if another one has it."""
    await write(lambda db: resign_in(db, name, owner))


def resign_in(db: Connection, name: str, owner: str) -> None:
    """Resign inside the caller's transaction. The row stays, so that the epoch goes on."""
    mine = (Elections.name == name) & (Elections.owner == owner)
    db.execute(update(Elections).where(mine).values(owner=""))


async def claim_polling(bot_id: int, owner: str) -> int:
    """Claim the right to poll for a worker.

    Return the epoch, or 0 while another live worker has it. Releases before elections know the
    key-value row only, and run side by side with this one during an upgrade.
    """
    name = _polling(bot_id)

    def work(db: Connection) -> int:
        statement = insert_into(db, KeyValues).values(name=name, value=owner)
        statement = statement.on_conflict_do_update(
            index_elements=["name"],
            set_={"value": owner},
            where=or_(KeyValues.value == owner, ~is_alive(conflicting(KeyValues.value))),
        )
        return elect_in(db, name, owner) if db.execute(statement).rowcount else 0

    return await write(work)


async def release_polling(bot_id: int, owner: str) -> None:
    """Release the right to poll; do nothing if another worker has it."""
    name = _polling(bot_id)

    def work(db: Connection) -> None:
        resign_in(db, name, owner)
        db.execute(delete(KeyValues).where(KeyValues.name == name, KeyValues.value == owner))

    await write(work)


def _polling(bot_id: int) -> str:
    return f"polling/{bot_id}"
