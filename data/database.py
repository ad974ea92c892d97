"""Engine, sessions and schema. Has global state, which the seed page requires.

The seed page fixes the names `engine`, `async_session`, `Base`, `initialize_database_components`,
`init_db`, `get_async_db_url` and `get_session`.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import (
    BigInteger,
    Connection,
    Executable,
    Integer,
    Table,
    inspect,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.functions import FunctionElement

from core.clock import Clock, shared_clock
from core.errors import NewerDatabaseError
from data.connections import group_engine, postgresql_engine, sqlite_engine
from data.errors import DRIVER_ERRORS, storage_error
from data.groups import Group
from data.home import HOME
from data.runners import AsyncRunner, DatabaseRunner, SqliteRunner, has_limits
from data.url_checks import check_postgresql, check_sqlite

logger = logging.getLogger(__name__)
T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - an item of a group


class Base(DeclarativeBase):
    """Base class of all models."""


#: A 64-bit key. SQLite generates keys only for a column declared INTEGER.
BigIntegerKey: Final = BigInteger().with_variant(Integer, "sqlite")

engine: AsyncEngine | None = None
async_session: async_sessionmaker[AsyncSession] | None = None
#: Source of all timestamps in the tables; tests may replace it.
clock: Clock = shared_clock

_runner: DatabaseRunner | None = None
_retired: list[tuple[AsyncEngine, DatabaseRunner]] = []

_EMBEDDED_FILE: Final = HOME / "var" / "clipferry.db"
_MIGRATIONS: Final = Path(__file__).resolve().parent / "migrations"
#: Key of the advisory lock: any constant that all versions share.
_MIGRATION_LOCK: Final = 0x0C11_9FE7
_NOT_INITIALISED: Final = "Database not initialized. Call initialize_database_components() first."


def get_async_db_url(db_url: str) -> URL:
    """Return the URL with the asynchronous driver of its database.

    Every `postgres…` URL gets asyncpg and every `sqlite…` URL aiosqlite, whatever driver it names.
    An empty string means the default, an SQLite file under var/.

    Raises:
        ValueError: neither PostgreSQL nor a file of SQLite, or what the driver does not know. The
            message does not repeat the URL.
    """
    if not db_url.strip():
        return URL.create("sqlite+aiosqlite", database=str(_EMBEDDED_FILE))
    try:
        url = make_url(db_url.strip())
    except Exception:  # noqa: BLE001 - SQLAlchemy's message would repeat the password
        raise ValueError("not a database URL") from None
    kind = url.drivername.partition("+")[0]
    if kind in {"postgres", "postgresql"}:
        check_postgresql(url)
        query = dict(url.query)
        if "sslmode" in query:  # libpq's name; asyncpg calls it ssl
            query["ssl"] = query.pop("sslmode")
        return url.set(drivername="postgresql+asyncpg", query=query)
    if kind == "sqlite":
        check_sqlite(url)
        return url.set(drivername="sqlite+aiosqlite")
    raise ValueError(f"only postgresql and sqlite are supported, not {kind}")


def initialize_database_components(db_url: str) -> None:
    """Build the engine and the session factory without connecting.

    Call it once at start, before any other function of this module. A second call replaces both and
    logs a warning; the old pool is closed by the next `init_db()` or `close()`.

    Raises:
        ValueError: the URL is neither PostgreSQL nor a file of SQLite.
        StorageError: the folder of the SQLite file cannot be created.
    """
    global engine, async_session, _runner  # noqa: PLW0603 - the seed's contract
    url = get_async_db_url(db_url)
    shared_clock.forget()  # the database before
    if engine is not None:
        logger.warning(
            "The database was initialised twice; the first engine will be closed",
            extra={"event": "database_initialised_twice"},
        )
        _retire()
    if url.get_backend_name() == "sqlite":
        engine, _runner = sqlite_engine(url), SqliteRunner(url)
    else:
        engine = postgresql_engine(url)
        _runner = AsyncRunner(engine, group_engine(url))
    async_session = async_sessionmaker(engine, expire_on_commit=False)
    logger.info(
        "Database: %s",
        url.render_as_string(hide_password=True),
        extra={"event": "database_configured"},
    )


async def init_db() -> None:
    """Create or upgrade the schema. Databases of the original module are upgraded in place.

    Safe to call twice, and by several processes at once: one upgrades, the others wait.

    Raises:
        RuntimeError: `initialize_database_components()` was not called.
        NewerDatabaseError: a newer version of Clipferry has upgraded the database.
        StorageError: the database did not respond, or refused.
    """
    if engine is None:
        raise RuntimeError(_NOT_INITIALISED)
    await _dispose_retired()
    try:
        async with engine.begin() as connection:
            await connection.run_sync(lock_upgrades)
            await connection.run_sync(_upgrade)
            await connection.run_sync(compare_clocks)
    except DRIVER_ERRORS as error:
        raise storage_error(error) from error


async def get_session() -> AsyncSession:
    """Return a session for `async with await get_session() as db:`.

    It is closed at the end of the block; uncommitted changes are rolled back. On SQLite, sessions
    share one write connection and get it in order of request, so keep the block short.

    Raises:
        RuntimeError: `initialize_database_components()` was not called.
    """
    if async_session is None:
        raise RuntimeError(_NOT_INITIALISED)
    return async_session()


async def read_one(work: Callable[[Connection], T]) -> T:
    """Read one row by its key. `work` gets a connection and must not write.

    On SQLite `work` runs in the event loop's thread: the query takes less time than a switch to
    another thread.

    Raises:
        RuntimeError: `initialize_database_components()` was not called.
        StorageError: the database did not respond, or refused.
    """
    runner = _initialised()
    try:
        return await runner.read_one(work)
    except DRIVER_ERRORS as error:
        raise storage_error(error) from error


async def read(work: Callable[[Connection], T]) -> T:
    """Run a query that may be slow. `work` gets a connection and must not write.

    Raises:
        RuntimeError: `initialize_database_components()` was not called.
        StorageError: the database did not respond, or refused.
    """
    runner = _initialised()
    try:
        return await runner.read(work)
    except DRIVER_ERRORS as error:
        raise storage_error(error) from error


async def write(work: Callable[[Connection], T]) -> T:
    """Run `work` in a transaction; it is rolled back if `work` raises, or takes too long.

    `work` must have no side effects outside the database, because it may run a second time. On
    SQLite, writes run in order of arrival, and all waiting writes share one commit.

    Raises:
        RuntimeError: `initialize_database_components()` was not called.
        StorageError: the database did not respond, or refused.
    """
    runner = _initialised()
    try:
        return await runner.write(work)
    except DRIVER_ERRORS as error:
        raise storage_error(error) from error


async def run(group: Group[I, T], item: I) -> T:
    """Run the work of a group for one item, together with the calls that wait at the same time.

    On SQLite, a read runs like `read_one`, anything else like `write`.

    Raises:
        RuntimeError: `initialize_database_components()` was not called.
        StorageError: the database did not respond, or refused.
    """
    runner = _initialised()
    try:
        return await runner.run(group, item)
    except DRIVER_ERRORS as error:
        raise storage_error(error) from error


async def call(statement: Executable, values: Mapping[str, Any]) -> Any:
    """Execute one statement that is its own transaction, and return its first value.

    On PostgreSQL no lock is held once it has ended, even if this process is stopped: there is no
    commit that could be late.

    Raises:
        RuntimeError: `initialize_database_components()` was not called.
        StorageError: the database did not respond, or refused.
    """
    runner = _initialised()
    try:
        return await runner.call(lambda db: db.execute(statement, values).scalar())
    except DRIVER_ERRORS as error:
        raise storage_error(error) from error


def _initialised() -> DatabaseRunner:
    if _runner is None:
        raise RuntimeError(_NOT_INITIALISED)
    return _runner


@contextmanager
def without_time_limits() -> Iterator[None]:
    """Let reads and writes in the block take as long as they need."""
    token = has_limits.set(False)
    try:
        yield
    finally:
        has_limits.reset(token)


async def make_durable() -> bool:
    """Make what is committed survive a power cut; return False if that is impossible now.

    On SQLite, it is then in the database file itself. PostgreSQL does so by itself.

    Raises:
        StorageError: the database did not respond, or refused.
    """
    if engine is None or engine.dialect.name != "sqlite":
        return True
    # PASSIVE, because FULL would hold the write lock while it waits for readers.
    _, in_log, copied = await read(
        lambda db: tuple(db.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one())
    )
    return bool(in_log == copied)


def busy() -> int:
    """Return the number of waiting writes (SQLite), or of calls that wait or run (PostgreSQL)."""
    return _runner.busy() if _runner else 0


def table_of(model: type[Base]) -> Table:
    """Return the table of a model, for statements that run often."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


def unix_now() -> int:
    """Return the current Unix time in whole seconds, from `clock`."""
    return int(clock())


def compare_clocks(db: Connection) -> None:
    """Set the clock of this process by the database's; on SQLite, both are the machine's."""
    if db.dialect.name != "postgresql":
        return
    was_off, began = bool(shared_clock.ahead_s), time.time()
    theirs = db.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one()
    shared_clock.compare(float(theirs), began, time.time())
    if shared_clock.ahead_s and not was_off:
        logger.warning(
            "The database's clock is %+.0f s from this machine's, and is used instead",
            shared_clock.ahead_s,
            extra={"event": "machine_clock_off"},
        )


class DatabaseTime(FunctionElement[int]):
    """The current Unix time in whole seconds by the clock of the database, in SQL.

    Leases are decided by it: the clocks of two machines may differ by more than a lease lasts.
    """

    type = BigInteger()
    inherit_cache = True


@compiles(DatabaseTime, "postgresql")
def _postgresql_time(*_: object, **_options: object) -> str:
    return "CAST(floor(extract(epoch FROM now())) AS BIGINT)"


@compiles(DatabaseTime, "sqlite")
def _sqlite_time(*_: object, **_options: object) -> str:
    return "CAST(strftime('%s', 'now') AS INTEGER)"


async def close() -> None:
    """Close all connections. Afterwards the database may be initialised again."""
    global engine, async_session, _runner  # noqa: PLW0603 - the seed's contract
    _retire()
    engine = async_session = _runner = None
    await _dispose_retired()


def _retire() -> None:
    if engine is not None and _runner is not None:
        _retired.append((engine, _runner))


async def _dispose_retired() -> None:
    while _retired:
        old_engine, old_runner = _retired.pop()
        await old_engine.dispose()
        await old_runner.close()


def lock_upgrades(db: Connection) -> None:
    """Lock out upgrades by other processes until the end of this transaction.

    SQLite needs no extra lock: its transactions begin with BEGIN IMMEDIATE.
    """
    if db.dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})


def known_schemas() -> list[str]:
    """Return the schema versions that this version of the program knows, oldest first."""
    return sorted(path.name[:4] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def stored_schema(connection: Connection) -> str | None:
    """Return the version of a database's schema; None if no version of Clipferry has set it up."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    """Run the missing migrations; import Alembic only if there are any.

    Raises:
        NewerDatabaseError: the database has a schema that this version does not know.
    """
    known, current = known_schemas(), stored_schema(connection)
    if current == known[-1]:
        return
    if current is not None and current not in known:
        raise NewerDatabaseError(f"its schema is {current}, the newest known one {known[-1]}")
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    logger.info(
        "Upgraded the database from schema %s to %s",
        current or "none",
        known[-1],
        extra={"event": "database_upgraded"},
    )
