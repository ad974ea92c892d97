"""Worker leases: which processes are alive."""

from typing import Any

from sqlalchemy import Connection, delete, literal_column, select
from sqlalchemy.orm import InstrumentedAttribute

from data.database import DatabaseTime, compare_clocks, write
from data.models import Broadcasts, Flights, Requests, Workers
from data.upserts import insert_into


async def renew_lease(owner: str, seconds: int) -> bool:
    """Extend a worker's lease to `seconds` from now. A worker without a valid lease is dead.

    Return True if no other worker is alive. The clock of this process is compared along the way.
    """
    until = DatabaseTime() + seconds

    others = select(Workers.name).where(
        Workers.name != owner, Workers.alive_until >= DatabaseTime()
    )

    def work(db: Connection) -> bool:
        statement = insert_into(db, Workers).values(name=owner, alive_until=until)
        db.execute(
            statement.on_conflict_do_update(index_elements=["name"], set_={"alive_until": until})
        )
        compare_clocks(db)
        return db.execute(others.limit(1)).first() is None

    return await write(work)


async def forget_worker(owner: str) -> None:
    """End the lease of a worker that is known to be dead: what it held is free at once."""
    statement = delete(Workers).where(Workers.name == owner)
    await write(lambda db: db.execute(statement))


def is_alive(owner: Any) -> Any:
    """Return the condition that the worker named in a column has a valid lease."""
    is_valid = Workers.alive_until >= DatabaseTime()
    live = select(Workers.name).where(Workers.name == owner, is_valid)
    return live.correlate(Requests, Flights, Broadcasts).exists()


def conflicting(column: InstrumentedAttribute[str]) -> Any:
    """Return the column of the existing row, for a subquery of ON CONFLICT DO UPDATE.

    SQLAlchemy does not correlate a subquery there: it would look at all rows of the table, and not
    see those of transactions that have just ended.
    """
    return literal_column(f"{column.class_.__tablename__}.{column.key}")
