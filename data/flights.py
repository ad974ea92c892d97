"""Flights: fetches in progress, so that no two workers fetch the same post."""

from typing import Any, Final

from sqlalchemy import Table, bindparam, delete, or_
from sqlalchemy.dialects import postgresql, sqlite

from core.cached_post import CacheKey
from data.database import table_of, write
from data.models import Flights
from data.prepared_statements import PreparedStatement, parameters
from data.workers import conflicting, is_alive

_KEY: Final = ("bot_id", "platform", "post_id", "variant")
_TABLE: Final[Table] = table_of(Flights)


def _begin(insert: Any) -> Any:
    """Return the statement that inserts a flight, or takes over that of a dead worker."""
    statement = insert(_TABLE).values(parameters(*_KEY, "owner"))
    mine = _TABLE.c.owner == statement.excluded.owner
    return statement.on_conflict_do_update(
        index_elements=_KEY,
        set_={"owner": statement.excluded.owner},
        where=or_(mine, ~is_alive(conflicting(Flights.owner))),
    ).returning(_TABLE.c.owner)


# Prepared once, because they run for every post that is fetched.
_BEGIN: Final = PreparedStatement(
    *(_begin(insert) for insert in (sqlite.insert, postgresql.insert))
)
_END: Final = PreparedStatement(
    delete(_TABLE).where(*(_TABLE.c[name] == bindparam(name) for name in (*_KEY, "owner")))
)


async def begin_flight(key: CacheKey, owner: str) -> bool:
    """Claim the flight of a post for a worker. Return False while another live worker has it.

    Raises:
        StorageError: the database did not respond.
    """
    values = _values(key, owner)
    return await write(lambda db: _BEGIN.first(db, values) is not None)


async def end_flight(key: CacheKey, owner: str) -> None:
    """Release a worker's flight, so that other workers can fetch the post.

    Raises:
        StorageError: the database did not respond.
    """
    values = _values(key, owner)
    await write(lambda db: _END.first(db, values))


def _values(key: CacheKey, owner: str) -> dict[str, Any]:
    return {**{name: getattr(key, name) for name in _KEY}, "owner": owner}
