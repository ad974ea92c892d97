"""Alembic's entry point: runs the migrations on the connection passed by `data.database`."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from alembic import context
from sqlalchemy import Connection, Table, event, inspect
from sqlalchemy.schema import DropTable

from data.database import Base

logger = logging.getLogger("data.migrations")


def drop_leftover(table: Table, db: Connection, **_: Any) -> None:
    """Drop the table that a migration is about to create, if a restore has left it.

    pg_restore replaces only the tables that a backup has, and leaves those that later versions have
    added.
    """
    if _columns(table.name, db) >= set(table.columns.keys()):  # else it is not ours
        db.execute(DropTable(table))
        logger.warning("Dropped a leftover: %s", table.name, extra={"event": "leftover_dropped"})


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
# Nothing is left over where no version of Clipferry was before.
has_version = context.get_context().get_current_revision() is not None
with before_each_table(drop_leftover) if has_version else nullcontext():
    context.run_migrations()
