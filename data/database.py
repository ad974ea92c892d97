"""Engine, sessions and schema. The only module with state of its own: the seed page asks for it.

The seed page fixes the names `engine`, `async_session`, `Base`, `initialize_database_components`,
`init_db`, `get_async_db_url` and `get_session`.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import BigInteger, Connection, Integer, Table, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import QueuePool

from core.clock import Clock, system_clock
from core.errors import NewerDatabaseError
from data.errors import DRIVER_ERRORS, storage_error

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Base(DeclarativeBase):
    """Base of all tables."""


#: A 64-bit key. SQLite numbers rows by itself only when the column is declared INTEGER.
BigIntegerKey: Final = BigInteger().with_variant(Integer, "sqlite")

engine: AsyncEngine | None = None
async_session: async_sessionmaker[AsyncSession] | None = None
#: Where "now" in the tables comes from; a test may replace it.
clock: Clock = system_clock

_runner: "_Runner | None" = None
_retired: list[tuple[AsyncEngine, "_Runner"]] = []

_EMBEDDED_FILE: Final = Path(__file__).resolve().parent.parent / "var" / "clipferry.db"
_MIGRATIONS: Final = Path(__file__).resolve().parent / "migrations"
#: Any constant will do, as long as every Clipferry uses the same one.
_MIGRATION_LOCK: Final = 0x0C11_9FE7
#: How long a writer waits for another process that holds SQLite's write lock, in milliseconds.
_BUSY_TIMEOUT_MS: Final = 30_000
#: Threads that answer questions to SQLite.
_READERS: Final = 3
#: Execution option of SQLite connections that begin no transaction.
_ONLY_ASKING: Final = "clipferry_only_asking"
_NOT_INITIALISED: Final = "Database not initialized. Call initialize_database_components() first."


def get_async_db_url(db_url: str) -> URL:
    """Give the address with the asynchronous driver of its database.

    Every `postgres…` address gets asyncpg and every `sqlite…` address aiosqlite, whatever driver it
    names. An empty address means the embedded default, an SQLite file under var/.

    Raises:
        ValueError: neither PostgreSQL nor SQLite. The message does not repeat the address.
    """
    if not db_url.strip():
        return URL.create("sqlite+aiosqlite", database=str(_EMBEDDED_FILE))
    try:
        url = make_url(db_url.strip())
    except Exception as error:  # noqa: BLE001 - SQLAlchemy's message would repeat the password
        raise ValueError(f"not a database address ({type(error).__name__})") from None
    kind = url.drivername.partition("+")[0]
    if kind in {"postgres", "postgresql"}:
        query = dict(url.query)
        if "sslmode" in query:  # libpq's word; asyncpg calls it ssl
            query["ssl"] = query.pop("sslmode")
        return url.set(drivername="postgresql+asyncpg", query=query)
    if kind == "sqlite":
        return url.set(drivername="sqlite+aiosqlite")
    raise ValueError(f"only postgresql and sqlite are supported, not {kind}")


def initialize_database_components(db_url: str) -> None:
    """Build the engine and the session factory; connects to nothing yet.

    Call it once at start, before anything else here. A second call replaces both and logs a
    warning; the old pool is closed by the next `init_db()` or `close()`.

    Raises:
        ValueError: the URL is neither PostgreSQL's nor SQLite's.
        StorageError: the folder of the SQLite file cannot be created.
    """
    global engine, async_session, _runner  # noqa: PLW0603 - the seed's contract
    url = get_async_db_url(db_url)
    if engine is not None:
        logger.warning("The database was initialised twice; the first engine is closed")
        _retire()
    if url.get_backend_name() == "sqlite":
        engine, _runner = _sqlite_engine(url), _SqliteRunner(url)
    else:
        engine = create_async_engine(url, pool_pre_ping=True, hide_parameters=True)
        _runner = _AsyncRunner(engine)
    async_session = async_sessionmaker(engine, expire_on_commit=False)
    logger.info("Database: %s", url.render_as_string(hide_password=True))


async def init_db() -> None:
    """Bring the database to the newest schema, whatever it is: fresh, the seed's own, or older.

    Safe to call twice, and by several processes at once: one works, the others wait.

    Raises:
        RuntimeError: not initialised.
        NewerDatabaseError: the database belongs to a newer Clipferry.
        StorageError: the database did not answer, or refused.
    """
    if engine is None:
        raise RuntimeError(_NOT_INITIALISED)
    await _dispose_retired()
    try:
        async with engine.begin() as connection:
            await connection.run_sync(lock_upgrades)
            await connection.run_sync(_upgrade)
    except DRIVER_ERRORS as error:
        raise storage_error(error) from error


async def get_session() -> AsyncSession:
    """Give a session for `async with await get_session() as db:`.

    It is closed at the end of the block; what was not committed is rolled back. On SQLite there is
    one writing connection, handed out in order of asking, so keep the block short.

    Raises:
        RuntimeError: not initialised.
    """
    if async_session is None:
        raise RuntimeError(_NOT_INITIALISED)
    return async_session()


async def read_one(work: Callable[[Connection], T]) -> T:
    """Read one row by its key. `work` gets a connection and must not write.

    On SQLite `work` runs in the event loop's thread: the query takes less time than a change of
    threads.

    Raises:
        RuntimeError: `initialize_database_components()` was not called.
        StorageError: the database did not answer, or refused.
    """
    runner = _initialised()
    try:
        return await runner.read_one(work)
    except DRIVER_ERRORS as error:
        raise storage_error(error) from error


async def read(work: Callable[[Connection], T]) -> T:
    """Run a query that may take long. `work` gets a connection and must not write.

    Raises:
        RuntimeError: `initialize_database_components()` was not called.
        StorageError: the database did not answer, or refused.
    """
    runner = _initialised()
    try:
        return await runner.read(work)
    except DRIVER_ERRORS as error:
        raise storage_error(error) from error


async def write(work: Callable[[Connection], T]) -> T:
    """Run `work` in a transaction; it is rolled back if `work` raises.

    `work` must do nothing but talk to the database, because it may run a second time. On SQLite,
    writers take turns in order of arrival, and those that wait together are committed together.

    Raises:
        RuntimeError: `initialize_database_components()` was not called.
        StorageError: the database did not answer, or refused.
    """
    runner = _initialised()
    try:
        return await runner.write(work)
    except DRIVER_ERRORS as error:
        raise storage_error(error) from error


def _initialised() -> "_Runner":
    if _runner is None:
        raise RuntimeError(_NOT_INITIALISED)
    return _runner


def busy() -> int:
    """Return the number of waiting writes (SQLite) or of connections in use (PostgreSQL)."""
    return _runner.busy() if _runner else 0


def table_of(model: type[Base]) -> Table:
    """Give a model's table itself, for statements that are run all the time."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


def unix_now() -> int:
    """Give the current Unix time in whole seconds, by the database's clock."""
    return int(clock())


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
        old_runner.close()


class _Runner(Protocol):
    """Runs synchronous work on a connection, in whatever way suits the database."""

    async def read_one(self, work: Callable[[Connection], T]) -> T:
        """Run work that asks for next to nothing."""

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run work that only asks."""

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run work as one transaction."""

    def busy(self) -> int:
        """Give how much is being done, or waits."""

    def close(self) -> None:
        """Let go of everything."""


class _AsyncRunner:
    """For a database behind a socket: the work runs in the loop, as SQLAlchemy's greenlet."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._writers = engine
        self._readers = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def read_one(self, work: Callable[[Connection], T]) -> T:
        return await self.read(work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        async with self._readers.connect() as connection:
            return await connection.run_sync(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        async with self._writers.begin() as connection:
            return await connection.run_sync(work)

    def busy(self) -> int:
        pool = self._writers.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    def close(self) -> None:
        """Nothing of its own."""


class _SqliteRunner:
    """For a file: the whole work runs in a thread, one change of threads instead of one per step.

    That is several times faster than SQLAlchemy over aiosqlite (docs/decisions/0003). Writers have
    one thread, so they take turns; SQLite's own way of waiting is an unfair sleep.
    """

    def __init__(self, url: URL) -> None:
        plain = url.set(drivername="sqlite+pysqlite")
        self._writers = create_engine(
            plain, pool_size=_READERS + 2, max_overflow=0, hide_parameters=True
        )
        event.listen(self._writers, "connect", _prepare_sqlite)
        event.listen(self._writers, "begin", _begin_immediate)
        self._readers = self._writers.execution_options(**{_ONLY_ASKING: True})
        #: The loop's own connection, in which nothing ever begins a transaction.
        self._looker: Connection | None = None
        self._read_threads = ThreadPoolExecutor(_READERS, thread_name_prefix="db-read")
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="db-write")
        #: What waits to be written, with where its result goes.
        self._unwritten: list[_Change] = []
        self._handing_over = threading.Lock()

    async def read_one(self, work: Callable[[Connection], T]) -> T:
        if self._looker is None:
            self._looker = self._readers.connect()
        return work(self._looker)

    async def read(self, work: Callable[[Connection], T]) -> T:
        def run() -> T:
            with self._readers.connect() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._read_threads, run)

    async def write(self, work: Callable[[Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        change = _Change(work, loop.create_future())
        with self._handing_over:
            self._unwritten.append(change)
            is_first = len(self._unwritten) == 1
        if is_first:
            self._write_thread.submit(self._write_all, loop)
        # A change that has been handed over is made, even if nobody waits for it any more.
        result: T = await asyncio.shield(change.done)
        return result

    def _write_all(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make all changes that wait in one transaction; if one of them fails, each in its own."""
        with self._handing_over:
            changes, self._unwritten = self._unwritten, []
        try:
            with self._writers.begin() as connection:
                outcomes = [_Outcome(change.work(connection)) for change in changes]
        except Exception:  # noqa: BLE001 - whose failure it is will be seen one by one
            outcomes = [self._write_one(change) for change in changes]
        loop.call_soon_threadsafe(_deliver, changes, outcomes)

    def _write_one(self, change: "_Change") -> "_Outcome":
        try:
            with self._writers.begin() as connection:
                return _Outcome(change.work(connection))
        except Exception as error:  # noqa: BLE001 - it is raised where the change was asked for
            return _Outcome(error=error)

    def busy(self) -> int:
        return len(self._unwritten)

    def close(self) -> None:
        if self._looker is not None:
            self._looker.close()
        self._read_threads.shutdown()
        self._write_thread.shutdown()
        self._writers.dispose()


@dataclass(frozen=True, slots=True)
class _Change:
    """Something to be written."""

    work: Callable[[Connection], Any]
    done: "asyncio.Future[Any]"


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of a change."""

    result: Any = None
    error: Exception | None = None


def _deliver(changes: Sequence[_Change], outcomes: Sequence[_Outcome]) -> None:
    for change, outcome in zip(changes, outcomes, strict=True):
        if change.done.done():
            continue
        if outcome.error:
            change.done.set_exception(outcome.error)
        else:
            change.done.set_result(outcome.result)


def _sqlite_engine(url: URL) -> AsyncEngine:
    """The seed page's engine, with one connection, so that its sessions take turns.

    BEGIN IMMEDIATE, because a transaction that begins by reading and then wants to write fails at
    once if somebody wrote in between, whatever the busy timeout says.
    """
    if url.database:
        try:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(error) from error
    writer = create_async_engine(
        url, pool_size=1, max_overflow=0, pool_timeout=120, hide_parameters=True
    )
    event.listen(writer.sync_engine, "connect", _prepare_sqlite)
    event.listen(writer.sync_engine, "begin", _begin_immediate)
    return writer


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are ours to begin, see _begin_immediate
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
    if not connection.get_execution_options().get(_ONLY_ASKING):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def lock_upgrades(db: Connection) -> None:
    """Let no other process upgrade the database until the end of this transaction.

    SQLite needs no lock of its own: its transactions begin with BEGIN IMMEDIATE.
    """
    if db.dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})


def _upgrade(connection: Connection) -> None:
    """Run the missing migrations; imports Alembic only when there are any."""
    known = sorted(path.name[:4] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
    current = None
    if inspect(connection).has_table("alembic_version"):
        current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
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
    logger.info("The database now has schema %s (before: %s)", known[-1], current or "none")
