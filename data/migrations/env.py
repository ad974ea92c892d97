"""Alembic's entry point: runs the migrations on the connection passed by `data.database`."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import count
from typing import Any

from alembic import context
from sqlalchemy import Connection, Table, event, func, inspect, select, text
from sqlalchemy.schema import DropTable

from data.database import Base

logger = logging.getLogger("data.migrations")


def drop_leftover(table: Table, db: Connection, **_: Any) -> None:
    """Drop the table that a migration is about to create, if a restore has left it.

    pg_restore replaces only the tables that a backup has, and leaves those that later versions have
    added. Their rows are kept: the same is found where somebody has set the schema's version back.
    """
    if not _columns(table.name, db) >= set(table.columns.keys()):  # it is not ours
        return
    if rows := db.scalar(select(func.count()).select_from(table)):
        copy = _copy(table.name, db)
        logger.warning(
            "The %d rows of %s are now in %s",
            rows,
            table.name,
            copy,
            extra={"event": "leftover_kept"},
        )
    db.execute(DropTable(table))
    logger.warning("Dropped a leftover: %s", table.name, extra={"event": "leftover_dropped"})


def _copy(table: str, db: Connection) -> str:
    """Copy the rows of a table to a new one; return its name.

    A table that is renamed would keep the names of its indexes and sequences, which the new one
    needs.
    """
    names = (f"{table}_left_over_{number}" for number in count(1))
    copy = next(name for name in names if not inspect(db).has_table(name))
    db.execute(text(f"CREATE TABLE {copy} AS TABLE {table}"))
    return copy


def _columns(table: str, db: Connection) -> set[str]:
    """Return the names of a table's columns; none if there is no such table."""
    has_it = inspect(db).has_table(table)
    return {column["name"] for column in inspect(db).get_columns(table)} if has_it else set()


@contextmanager
def before_each_table(work: Callable[..., None]) -> Iterator[None]:
    """Do some work before each table that is created in the block."""
    event.listen(Table, "before_create", work)
    try:
        yield
    finally:
        event.remove(Table, "before_create", work)


connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
)
# Nothing is left over where no version of Clipferry was before, nor by a restore on SQLite, which
# replaces the whole file.
has_version = context.get_context().get_current_revision() is not None
may_have_leftovers = has_version and connection.dialect.name == "postgresql"
with before_each_table(drop_leftover) if may_have_leftovers else nullcontext():
    context.run_migrations()
