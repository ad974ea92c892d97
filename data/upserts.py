"""INSERT … ON CONFLICT: both databases have it, SQLAlchemy only in the dialect of each."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from data.database import Base


def insert_into(db: Connection, table: type[Base] | Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that can say what becomes of a row that exists."""
    insert = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
    return insert(table)


def insert_if_missing(db: Connection, table: type[Base] | Table, values: Mapping[str, Any]) -> bool:
    """Insert a row, unless there is one with its key. Return True if it was inserted."""
    return bool(db.execute(insert_into(db, table).on_conflict_do_nothing(), values).rowcount)
