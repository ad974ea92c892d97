"""Engine, sessions and schema. The only module of the house that keeps state of its own.

The seed page fixes the names `engine`, `async_session`, `Base`, `initialize_database_components`,
`init_db`, `get_async_db_url` and `get_session`.
"""

import logging
from pathlib import Path
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Integer, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase

from core.clock import Clock, system_clock

logger = logging.getLogger(__name__)


class Base(DeclarativeBase):
    """Base of all tables."""


#: A 64-bit key. SQLite numbers rows by itself only when the column is declared INTEGER.
BigIntegerKey: Final = BigInteger().with_variant(Integer, "sqlite")

engine: AsyncEngine | None = None
async_session: async_sessionmaker[AsyncSession] | None = None
#: Where "now" in the tables comes from; a test may replace it.
clock: Clock = system_clock

_readers: async_sessionmaker[AsyncSession] | None = None
_single_writers: async_sessionmaker[AsyncSession] | None = None
_open: list[AsyncEngine] = []
_retired: list[AsyncEngine] = []

_EMBEDDED_FILE: Final = Path(__file__).resolve().parent.parent / "var" / "clipferry.db"
_MIGRATIONS: Final = Path(__file__).resolve().parent / "migrations"
#: Any constant will do, as long as every Clipferry uses the same one.
_MIGRATION_LOCK: Final = 0x0C11_9FE7
#: How long a writer waits for another process that holds SQLite's write lock, in milliseconds.
_BUSY_TIMEOUT_MS: Final = 30_000
#: Execution option of a connection whose statements commit by themselves (SQLite).
_SINGLE_STATEMENT: Final = "clipferry_single_statement"


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
        ValueError: the address is neither PostgreSQL's nor SQLite's.
    """
    global engine, async_session, _readers, _single_writers  # noqa: PLW0603 - the seed's contract
    url = get_async_db_url(db_url)
    if engine is not None:
        logger.warning("The database was initialised twice; the first engine is closed")
        _retire_open()
    if url.get_backend_name() == "sqlite":
        engine, readers = _sqlite_writer(url), _sqlite_readers(url)
        single = engine.execution_options(**{_SINGLE_STATEMENT: True})
        _open.extend((engine, readers))
    else:
        engine = create_async_engine(url, pool_pre_ping=True)
        single = readers = engine.execution_options(isolation_level="AUTOCOMMIT")
        _open.append(engine)
    async_session = async_sessionmaker(engine, expire_on_commit=False)
    _readers = async_sessionmaker(readers, expire_on_commit=False)
    _single_writers = async_sessionmaker(single, expire_on_commit=False)
    logger.info("Database: %s", url.render_as_string(hide_password=True))


async def init_db() -> None:
    """Bring the database to the newest schema, whatever it is: fresh, the seed's own, or older.

    Safe to call twice, and by several processes at once: one works, the others wait.

    Raises:
        RuntimeError: not initialised, or the database belongs to a newer Clipferry.
    """
    if engine is None:
        raise RuntimeError(
            "Database engine not initialized. Call initialize_database_components first."
        )
    await _dispose_retired()
    async with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(
                text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK}
            )
        await connection.run_sync(_upgrade)


async def get_session() -> AsyncSession:
    """Give a session for `async with await get_session() as db:`.

    It is closed at the end of the block; what was not committed is rolled back. On SQLite there is
    one writing connection, handed out in order of asking, so keep the block short.

    Raises:
        RuntimeError: not initialised.
    """
    return _ready(async_session)()


def read_session() -> AsyncSession:
    """Give a session for questions. On SQLite it does not wait for writers.

    Raises:
        RuntimeError: not initialised.
    """
    return _ready(_readers)()


def single_write_session() -> AsyncSession:
    """Give a session in which every statement is a transaction of its own, committed at once.

    For writes of one statement it saves the round trips of BEGIN and COMMIT.

    Raises:
        RuntimeError: not initialised.
    """
    return _ready(_single_writers)()


def unix_now() -> int:
    """Give the current Unix time in whole seconds, by the database's clock."""
    return int(clock())


async def close() -> None:
    """Close all connections. Afterwards the database may be initialised again."""
    global engine, async_session, _readers, _single_writers  # noqa: PLW0603 - the seed's contract
    _retire_open()
    engine = async_session = _readers = _single_writers = None
    await _dispose_retired()


def _ready(
    factory: async_sessionmaker[AsyncSession] | None,
) -> async_sessionmaker[AsyncSession]:
    if factory is None:
        raise RuntimeError(
            "Database session factory not initialized. Call initialize_database_components first."
        )
    return factory


def _retire_open() -> None:
    _retired.extend(_open)
    _open.clear()


async def _dispose_retired() -> None:
    while _retired:
        await _retired.pop().dispose()


def _sqlite_writer(url: URL) -> AsyncEngine:
    """One connection for all writers.

    SQLite lets one writer in at a time; its own waiting is an unfair sleep, while the pool's queue
    is first come, first served. BEGIN IMMEDIATE, because a transaction that begins by reading and
    then wants to write fails at once if somebody wrote in between, whatever the busy timeout says.
    """
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    writer = create_async_engine(url, pool_size=1, max_overflow=0, pool_timeout=120)
    event.listen(writer.sync_engine, "connect", _prepare_sqlite)
    event.listen(writer.sync_engine, "begin", _begin_immediate)
    return writer


def _sqlite_readers(url: URL) -> AsyncEngine:
    readers = create_async_engine(
        url,
        pool_size=4,
        max_overflow=0,
        pool_timeout=120,
        pool_reset_on_return=None,
        isolation_level="AUTOCOMMIT",
    )
    event.listen(readers.sync_engine, "connect", _prepare_sqlite)
    return readers


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
    if not connection.get_execution_options().get(_SINGLE_STATEMENT):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _upgrade(connection: Connection) -> None:
    """Run the missing migrations; imports Alembic only when there are any."""
    known = sorted(path.name[:4] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
    current = None
    if inspect(connection).has_table("alembic_version"):
        current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if current == known[-1]:
        return
    if current is not None and current not in known:
        raise RuntimeError(
            f"The database has schema {current}, which this Clipferry does not know: "
            "it was made by a newer one."
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    logger.info("The database now has schema %s (before: %s)", known[-1], current or "none")
