"""The schema of a database, read without changing anything."""

import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, inspect, select
from sqlalchemy.engine import URL

from core.errors import NewerDatabaseError, StorageError
from data.backup import check_access, sqlite_path
from data.connections import postgresql_engine
from data.database import DatabaseTime, get_async_db_url, known_schemas, stored_schema
from data.errors import DRIVER_ERRORS, storage_error
from data.models import Workers

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SchemaState:
    """What a start would find."""

    #: Version of the schema; None if no version of Clipferry has set the database up.
    current: str | None
    #: The version to which a start would upgrade it.
    newest: str
    #: There are tables already, such as those of the original module.
    has_tables: bool

    @property
    def is_newest(self) -> bool:
        """True if a start would change nothing."""
        return self.current == self.newest


async def read_schema_state(db_url: str) -> SchemaState:
    """Look at a database without changing it, or creating it.

    Raises:
        ValueError: the URL is invalid.
        NewerDatabaseError: a newer version of Clipferry has upgraded the database.
        StorageError: the database cannot be reached, or cannot be used.
    """
    try:
        if path := sqlite_path(db_url):
            state = _state_of_file(path)
        else:
            state = await _ask_server(get_async_db_url(db_url), _state)
    except DRIVER_ERRORS as error:
        raise storage_error(error) from error
    if state.current is not None and state.current > state.newest:
        raise NewerDatabaseError(
            f"its schema is {state.current}, the newest known one {state.newest}"
        )
    return state


async def has_running_processes(db_url: str) -> bool:
    """Return True if processes of the bot have a valid lease in a PostgreSQL database.

    Raises:
        ValueError: the URL is invalid.
        StorageError: the database cannot be reached.
    """
    try:
        return await _ask_server(get_async_db_url(db_url), _has_leases)
    except DRIVER_ERRORS as error:
        reason = storage_error(error).detail
        raise StorageError(f"the database cannot be reached: {reason}") from error


def _has_leases(connection: Connection) -> bool:
    if not inspect(connection).has_table(Workers.__tablename__):
        return False
    alive = select(Workers.name).where(Workers.alive_until >= DatabaseTime())
    return connection.execute(alive).first() is not None


def _state_of_file(path: Path) -> SchemaState:
    if not path.exists():
        _check_folder(path)
        return SchemaState(None, known_schemas()[-1], has_tables=False)
    if path.is_dir():
        raise StorageError(f"{path} is a folder, not a file")
    check_access(path)
    # Without a log beside it, the file is complete. "immutable" then creates no files, unlike "ro".
    log = path.with_name(f"{path.name}-wal")
    mode = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    engine = create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(f"file:{quote(str(path))}?{mode}", uri=True)
    )
    try:
        with engine.connect() as connection:
            return _state(connection)
    finally:
        engine.dispose()


def _check_folder(path: Path) -> None:
    """Check that a start could create a file.

    Raises:
        StorageError: it could not.
    """
    nearest = next(folder for folder in path.absolute().parents if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise StorageError(f"{path} cannot be created in {nearest}")


async def _ask_server(url: URL, work: Callable[[Connection], T]) -> T:
    engine = postgresql_engine(url, pool_size=1).execution_options(postgresql_readonly=True)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(work)
    finally:
        await engine.dispose()


def _state(connection: Connection) -> SchemaState:
    return SchemaState(
        stored_schema(connection),
        known_schemas()[-1],
        has_tables=bool(inspect(connection).get_table_names()),
    )
