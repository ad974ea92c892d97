"""Engine, sessions and schema. The only module with global state, which the seed page requires.

The seed page fixes the names `engine`, `async_session`, `Base`, `initialize_database_components`,
`init_db`, `get_async_db_url` and `get_session`.
"""

import asyncio
import logging
import math
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import (
    BigInteger,
    Connection,
    Executable,
    Integer,
    Table,
    create_engine,
    event,
    inspect,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql.functions import FunctionElement

from core.clock import Clock, system_clock
from core.errors import NewerDatabaseError
from data.errors import DRIVER_ERRORS, storage_error
from data.groups import Group, GroupQueue, Kind
from data.home import HOME
from data.prepared_statements import PIPELINED

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
clock: Clock = system_clock

#: False for work that may take minutes, such as folding old statistics.
_has_limits: ContextVar[bool] = ContextVar("has_limits", default=True)

_runner: "_Runner | None" = None
_retired: list[tuple[AsyncEngine, "_Runner"]] = []

_EMBEDDED_FILE: Final = HOME / "var" / "clipferry.db"
_MIGRATIONS: Final = Path(__file__).resolve().parent / "migrations"
#: Key of the advisory lock: any constant that all versions share.
_MIGRATION_LOCK: Final = 0x0C11_9FE7
#: How long a writer waits for another process that holds SQLite's write lock, in milliseconds.
_BUSY_TIMEOUT_MS: Final = 30_000
#: The same for reads in the event loop's thread, which must not stop.
_LOOP_BUSY_TIMEOUT_MS: Final = 500
#: Longest time for a write or for one row, and for a query that may be slow, in seconds.
WRITE_S: Final = 5.0
_READ_S: Final = 60.0
#: The same while the database is stuck: the answers to users must not wait for it again and again.
STUCK_S: Final = 0.5
#: Longest time for a connection to PostgreSQL, in seconds.
_CONNECT_S: Final = 5.0
#: Connections to PostgreSQL for grouped calls, one for each kind of them.
_GROUP_CONNECTIONS: Final = 6
#: Longest wait of a group for a lock, in milliseconds.
_GROUP_LOCK_MS: Final = 100
#: A connection that was not used for this long is checked before it is used, in seconds.
_CHECKED_AFTER_S: Final = 1.0
_USED_AT: Final = "used_at"
#: Number of threads that read from SQLite.
_READERS: Final = 3
#: Execution option of SQLite connections that never begin a transaction.
_READ_ONLY: Final = "clipferry_read_only"
_NOT_INITIALISED: Final = "Database not initialized. Call initialize_database_components() first."


def get_async_db_url(db_url: str) -> URL:
    """Return the URL with the asynchronous driver of its database.

    Every `postgres…` URL gets asyncpg and every `sqlite…` URL aiosqlite, whatever driver it names.
    An empty string means the default, an SQLite file under var/.

    Raises:
        ValueError: neither PostgreSQL nor SQLite. The message does not repeat the URL.
    """
    if not db_url.strip():
        return URL.create("sqlite+aiosqlite", database=str(_EMBEDDED_FILE))
    try:
        url = make_url(db_url.strip())
    except Exception as error:  # noqa: BLE001 - SQLAlchemy's message would repeat the password
        raise ValueError(f"not a database URL ({type(error).__name__})") from None
    kind = url.drivername.partition("+")[0]
    if kind in {"postgres", "postgresql"}:
        query = dict(url.query)
        if "sslmode" in query:  # libpq's name; asyncpg calls it ssl
            query["ssl"] = query.pop("sslmode")
        return url.set(drivername="postgresql+asyncpg", query=query)
    if kind == "sqlite":
        return url.set(drivername="sqlite+aiosqlite")
    raise ValueError(f"only postgresql and sqlite are supported, not {kind}")


def initialize_database_components(db_url: str) -> None:
    """Build the engine and the session factory without connecting.

    Call it once at start, before any other function of this module. A second call replaces both and
    logs a warning; the old pool is closed by the next `init_db()` or `close()`.

    Raises:
        ValueError: the URL is neither PostgreSQL nor SQLite.
        StorageError: the folder of the SQLite file cannot be created.
    """
    global engine, async_session, _runner  # noqa: PLW0603 - the seed's contract
    url = get_async_db_url(db_url)
    if engine is not None:
        logger.warning(
            "The database was initialised twice; the first engine will be closed",
            extra={"event": "database_initialised_twice"},
        )
        _retire()
    if url.get_backend_name() == "sqlite":
        engine, _runner = _sqlite_engine(url), _SqliteRunner(url)
    else:
        engine = _postgresql_engine(url)
        _runner = _AsyncRunner(engine, _group_engine(url))
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


def _initialised() -> "_Runner":
    if _runner is None:
        raise RuntimeError(_NOT_INITIALISED)
    return _runner


@contextmanager
def without_time_limits() -> Iterator[None]:
    """Let reads and writes in the block take as long as they need."""
    token = _has_limits.set(False)
    try:
        yield
    finally:
        _has_limits.reset(token)


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
    """Return the number of waiting writes (SQLite) or of connections in use (PostgreSQL)."""
    return _runner.busy() if _runner else 0


def table_of(model: type[Base]) -> Table:
    """Return the table of a model, for statements that run often."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


def unix_now() -> int:
    """Return the current Unix time in whole seconds, from `clock`."""
    return int(clock())


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


class _Runner(Protocol):
    """Runs synchronous work on a connection, in the way that suits the database."""

    async def read_one(self, work: Callable[[Connection], T]) -> T:
        """Run a query for one row by its key."""

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a query that may be slow."""

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run work in a transaction."""

    async def call(self, work: Callable[[Connection], T]) -> T:
        """Run one statement as its own transaction."""

    async def run(self, group: Group[I, T], item: I) -> T:
        """Run the work of a group for one item."""

    def busy(self) -> int:
        """Return the number of waiting writes or of connections in use."""

    async def close(self) -> None:
        """Close all connections and threads."""


class _Patience:
    """Time limits of calls: short ones while the database is stuck."""

    def __init__(self) -> None:
        self._is_stuck = False

    def limit_s(self, limit_s: float) -> float | None:
        """Return the limit of the next call, in seconds; None for no limit."""
        if not _has_limits.get():
            return None
        return min(limit_s, STUCK_S) if self._is_stuck else limit_s

    def succeeded(self) -> None:
        """Record that a call ended in time."""
        if self._is_stuck:
            logger.info("The database answers again", extra={"event": "database_recovered"})
        self._is_stuck = False

    def gave_up(self) -> None:
        """Record that a call took too long."""
        if not self._is_stuck:
            logger.error("The database does not answer in time", extra={"event": "database_stuck"})
        self._is_stuck = True


class _AsyncRunner:
    """For PostgreSQL: work runs in the event loop, in a greenlet of SQLAlchemy."""

    def __init__(self, engine: AsyncEngine, groups: AsyncEngine) -> None:
        """`engine` is for calls of their own, `groups` for those that are grouped."""
        self._groups = groups
        self._queues: dict[Group[Any, Any], GroupQueue] = {}
        self._writers = engine
        self._readers = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._patience = _Patience()

    async def read_one(self, work: Callable[[Connection], T]) -> T:
        async with self._limited(WRITE_S), self._readers.connect() as connection:
            return await connection.run_sync(work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        async with self._limited(_READ_S), self._readers.connect() as connection:
            return await connection.run_sync(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        async with self._limited(WRITE_S), self._writers.begin() as connection:
            return await connection.run_sync(work)

    async def call(self, work: Callable[[Connection], T]) -> T:
        return await self.read_one(work)  # its connections commit each statement

    async def run(self, group: Group[I, T], item: I) -> T:
        queue = self._queues.get(group)
        if queue is None:
            alone = self.read_one if group.kind is Kind.READ else self.write
            queue = GroupQueue(
                group,
                self._connect_for_group,
                lambda item: alone(lambda db: group.work(db, [item])[0]),
            )
            self._queues[group] = queue
        result: T = await queue.call(item, self._patience.limit_s(WRITE_S))
        return result

    @asynccontextmanager
    async def _connect_for_group(self) -> AsyncIterator[AsyncConnection]:
        async with self._limited(WRITE_S), self._groups.connect() as connection:
            yield connection

    @asynccontextmanager
    async def _limited(self, limit_s: float) -> AsyncIterator[None]:
        """Limit the time for the block.

        Raises:
            TimeoutError: the block took too long.
        """
        limit = self._patience.limit_s(limit_s)
        try:
            async with asyncio.timeout(limit):
                yield
        except TimeoutError:
            self._patience.gave_up()
            raise TimeoutError(f"no answer within {limit} s") from None
        self._patience.succeeded()

    def busy(self) -> int:
        pools = [engine.pool for engine in (self._writers, self._groups)]
        return sum(pool.checkedout() for pool in pools if isinstance(pool, QueuePool))

    async def close(self) -> None:
        """Close the connections for groups; the engine owns the others."""
        await self._groups.dispose()


class _SqliteRunner:
    """For SQLite: each piece of work runs in a thread as a whole, with one switch of threads.

    That is several times faster than SQLAlchemy over aiosqlite, which switches threads at every
    step (docs/decisions/0003). All writes run in one thread, in order of arrival, because SQLite's
    own lock waits by sleeping and is not fair.
    """

    def __init__(self, url: URL) -> None:
        sync_url = url.set(drivername="sqlite+pysqlite")
        self._writers = create_engine(
            sync_url, pool_size=_READERS + 2, max_overflow=0, hide_parameters=True
        )
        event.listen(self._writers, "connect", _prepare_sqlite)
        event.listen(self._writers, "begin", _begin_immediate)
        self._readers = self._writers.execution_options(**{_READ_ONLY: True})
        #: Connection for `read_one` in the event loop's thread; it never begins a transaction.
        self._loop_reader: Connection | None = None
        self._read_threads = ThreadPoolExecutor(_READERS, thread_name_prefix="db-read")
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="db-write")
        #: Queued writes, oldest first.
        self._pending: list[_Change] = []
        self._pending_lock = threading.Lock()
        self._patience = _Patience()

    async def read_one(self, work: Callable[[Connection], T]) -> T:
        if self._loop_reader is None:
            self._loop_reader = self._readers.connect()
            timeout = f"PRAGMA busy_timeout = {_LOOP_BUSY_TIMEOUT_MS}"
            self._loop_reader.exec_driver_sql(timeout)
        return work(self._loop_reader)

    async def read(self, work: Callable[[Connection], T]) -> T:
        def run() -> T:
            with self._readers.connect() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._read_threads, run)

    async def write(self, work: Callable[[Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        change = _Change(work, loop.create_future())
        with self._pending_lock:
            self._pending.append(change)
            is_first = len(self._pending) == 1
        if is_first:
            self._write_thread.submit(self._write_all, loop)
        limit = self._patience.limit_s(WRITE_S)
        timer = loop.call_later(limit, self._give_up, change, limit) if limit else None
        try:
            # A queued write runs even if the caller is cancelled.
            result: T = await change.done
        finally:
            if timer:
                timer.cancel()
        self._patience.succeeded()
        return result

    def _give_up(self, change: "_Change", limit: float) -> None:
        """Let a write fail that has not begun in time; one that has begun is waited for."""
        if not change.done.done() and change.abandon():
            self._patience.gave_up()
            change.done.set_exception(TimeoutError(f"no answer within {limit} s"))

    async def call(self, work: Callable[[Connection], T]) -> T:
        return await self.write(work)

    async def run(self, group: Group[I, T], item: I) -> T:
        run = self.read_one if group.kind is Kind.READ else self.write
        return await run(lambda db: group.work(db, [item])[0])

    def _write_all(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run all queued writes in one transaction; if one fails, rerun each in its own."""
        with self._pending_lock:
            changes, self._pending = self._pending, []
        try:
            with self._writers.begin() as connection:
                # Only now the write lock is held. What was abandoned before is left out.
                changes = [change for change in changes if change.start()]
                outcomes = [_Outcome(change.work(connection)) for change in changes]
        except Exception:  # noqa: BLE001 - the rerun shows which write failed
            outcomes = [self._write_one(change) for change in changes]
        loop.call_soon_threadsafe(_deliver, changes, outcomes)

    def _write_one(self, change: "_Change") -> "_Outcome":
        if change.is_abandoned:  # waiting for the lock again would be for nobody
            return _Outcome()
        try:
            with self._writers.begin() as connection:
                if not change.start():
                    return _Outcome()
                return _Outcome(change.work(connection))
        except Exception as error:  # noqa: BLE001 - raised again in the caller of write()
            return _Outcome(error=error)

    def busy(self) -> int:
        return len(self._pending)

    async def close(self) -> None:
        if self._loop_reader is not None:
            self._loop_reader.close()
        self._read_threads.shutdown()
        self._write_thread.shutdown()
        self._writers.dispose()


@dataclass(slots=True, eq=False)
class _Change:
    """A queued write, and the future for its result.

    Either the writer starts it or the caller abandons it: what a caller was told to have failed
    never happens later.
    """

    work: Callable[[Connection], Any]
    done: "asyncio.Future[Any]"
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_started: bool = False
    #: True once the caller has given up.
    is_abandoned: bool = False

    def start(self) -> bool:
        """Return True if the write may run; a second call, for a rerun, returns the same."""
        with self._lock:
            self._is_started = not self.is_abandoned
            return self._is_started

    def abandon(self) -> bool:
        """Return True if the write has not started; it never will."""
        with self._lock:
            self.is_abandoned = not self._is_started
            return self.is_abandoned


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Result of a write, or the error that it raised."""

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
    """Build the engine for the seed page's sessions, with one connection, so that they queue.

    Transactions start with BEGIN IMMEDIATE: one that reads first and then writes would fail at once
    if another wrote in between, regardless of the busy timeout.

    Raises:
        StorageError: the file cannot be created.
    """
    if url.database and url.database != ":memory:" and not url.database.startswith("file:"):
        try:
            path = Path(url.database)
            path.parent.mkdir(parents=True, exist_ok=True)
            # Only its owner may read it: it says who asked for what. SQLite's files beside it get
            # the same permissions.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise storage_error(error) from error
    writer = create_async_engine(
        url, pool_size=1, max_overflow=0, pool_timeout=120, hide_parameters=True
    )
    event.listen(writer.sync_engine, "connect", _prepare_sqlite)
    event.listen(writer.sync_engine, "begin", _begin_immediate)
    return writer


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


def _postgresql_engine(url: URL, **options: Any) -> AsyncEngine:
    new = create_async_engine(
        url,
        pool_timeout=_CONNECT_S,
        connect_args={"timeout": _CONNECT_S},
        hide_parameters=True,
        **options,
    )
    event.listen(new.sync_engine, "connect", _prepare_postgresql)
    event.listen(new.sync_engine, "checkin", _note_use)
    event.listen(new.sync_engine, "checkout", _check_connection)
    return new


def _group_engine(url: URL) -> AsyncEngine:
    """Build the engine for grouped calls: each kind of them uses one connection at a time.

    A group never waits long for a lock: it gives up, and only those of its calls that need the lock
    wait for it, each by itself.
    """
    new = _postgresql_engine(url, pool_size=_GROUP_CONNECTIONS, max_overflow=0)
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
    cursor.execute(f"SET idle_in_transaction_session_timeout = {int(WRITE_S * 1_000)}")
    cursor.close()
    connection.commit()


def _begin_immediate(connection: Connection) -> None:
    if not connection.get_execution_options().get(_READ_ONLY):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


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
