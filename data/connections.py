"""SQLAlchemy's engines, and how they prepare the connections of each database."""

import asyncio
import math
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import asyncpg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from data.errors import storage_error
from data.keepalive import keep_alive
from data.prepared_statements import PIPELINED

#: How long a writer waits for another process that holds SQLite's write lock, in milliseconds.
_BUSY_TIMEOUT_MS: Final = 30_000
#: Longest time for a connection to PostgreSQL, in seconds.
_CONNECT_S: Final = 5.0
#: Longest wait for PostgreSQL to end a connection, in seconds.
_CLOSE_S: Final = 1.0
#: Connections to PostgreSQL for grouped calls, one for each kind of them.
_GROUP_CONNECTIONS: Final = 6
#: Longest wait of a group for a lock, in milliseconds.
_GROUP_LOCK_MS: Final = 100
#: A connection that was not used for this long is checked before it is used, in seconds.
_CHECKED_AFTER_S: Final = 1.0
_USED_AT: Final = "used_at"
#: Longest pause within a transaction, in seconds: as long as a write may take.
_IDLE_S: Final = 5
#: Execution option of SQLite connections that never begin a transaction.
READ_ONLY: Final = "clipferry_read_only"


def sqlite_engine(url: URL) -> AsyncEngine:
    """Build the engine for the seed page's sessions, with one connection, so that they queue.

    Transactions start with BEGIN IMMEDIATE: one that reads first and then writes would fail at once
    if another wrote in between, regardless of the busy timeout.

    Raises:
        StorageError: the file cannot be created.
    """
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Only its owner may read it: it says who asked for what. SQLite's files beside it get the
        # same permissions.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise storage_error(error) from error
    writer = create_async_engine(
        url, pool_size=1, max_overflow=0, pool_timeout=120, hide_parameters=True
    )
    event.listen(writer.sync_engine, "connect", _prepare_sqlite)
    event.listen(writer.sync_engine, "begin", _begin_immediate)
    return writer


def threads_engine(url: URL, threads: int) -> Engine:
    """Build the engine for the bot's own work on SQLite, which runs in that many threads."""
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        pool_size=threads,
        max_overflow=0,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # _begin_immediate begins transactions
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {_BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
        "cache_size = -16000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    if not connection.get_execution_options().get(READ_ONLY):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


class _Driver(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that does not wait for a server that has vanished."""

    def __init__(self, protocol: Any, transport: asyncio.BaseTransport, *others: Any) -> None:
        """Take what asyncpg has connected."""
        super().__init__(protocol, transport, *others)
        keep_alive(transport.get_extra_info("socket"))

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncpg's
        """Tell the server, and wait a moment for it to end the connection; then end it here."""
        with suppress(TimeoutError):
            await super().close(timeout=_CLOSE_S if timeout is None else timeout)


#: Arguments of asyncpg.
_CONNECT: Final = {"timeout": _CONNECT_S, "connection_class": _Driver}


def listening_engine(url: URL) -> AsyncEngine:
    """Build the engine for a connection to PostgreSQL that waits for notifications."""
    return create_async_engine(url, poolclass=NullPool, connect_args=_CONNECT, hide_parameters=True)


def postgresql_engine(url: URL, **options: Any) -> AsyncEngine:
    """Build an engine; `options` are SQLAlchemy's."""
    new = create_async_engine(
        url,
        pool_timeout=_CONNECT_S,
        connect_args=_CONNECT,
        hide_parameters=True,
        **options,
    )
    event.listen(new.sync_engine, "connect", _prepare_postgresql)
    event.listen(new.sync_engine, "checkin", _note_use)
    event.listen(new.sync_engine, "checkout", _check_connection)
    return new


def group_engine(url: URL) -> AsyncEngine:
    """Build the engine for grouped calls: each kind of them uses one connection at a time.

    A group never waits long for a lock: it gives up, and only those of its calls that need the lock
    wait for it, each by itself.
    """
    new = postgresql_engine(url, pool_size=_GROUP_CONNECTIONS, max_overflow=0)
    event.listen(new.sync_engine, "connect", _limit_locks)
    return new.execution_options(isolation_level="AUTOCOMMIT", **{PIPELINED: True})


def _note_use(_connection: Any, record: Any) -> None:
    record.info[_USED_AT] = time.monotonic()


def _check_connection(connection: Any, record: Any, _proxy: object) -> None:
    """Replace a connection that the server has closed; ask the server only after a pause.

    SQLAlchemy's own check costs three round trips, and was half of all. The driver knows without
    asking when the other end has closed.

    Raises:
        InvalidatePoolError: so that the pool connects again.
    """
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError("closed by the server")
    if time.monotonic() - record.info.get(_USED_AT, math.inf) > _CHECKED_AFTER_S:
        try:
            connection.ping()
        except Exception as error:
            raise InvalidatePoolError("does not answer") from error


def _limit_locks(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"SET lock_timeout = {_GROUP_LOCK_MS}")
    cursor.close()
    connection.commit()


def _prepare_postgresql(connection: Any, _record: object) -> None:
    """End transactions that stop in the middle: their process may be frozen or cut off.

    Otherwise the rows that it has locked could not be taken over.
    """
    cursor = connection.cursor()
    cursor.execute(f"SET idle_in_transaction_session_timeout = {_IDLE_S * 1_000}")
    cursor.close()
    connection.commit()
