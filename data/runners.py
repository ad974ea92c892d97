"""How work runs on a connection: in the event loop for PostgreSQL, in threads for SQLite."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from data.connections import READ_ONLY, threads_engine
from data.groups import Group, GroupQueue, Kind

logger = logging.getLogger(__name__)
T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - an item of a group

#: False for work that may take minutes, such as folding old statistics.
has_limits: ContextVar[bool] = ContextVar("has_limits", default=True)

#: Longest time for a write or for one row, and for a query that may be slow, in seconds.
WRITE_S: Final = 5.0
_READ_S: Final = 60.0
#: The same while the database is stuck: the answers to users must not wait for it again and again.
STUCK_S: Final = 0.5
#: How long a read in the event loop's thread, which must not stop, waits for SQLite's lock, in
#: milliseconds.
_LOOP_BUSY_TIMEOUT_MS: Final = 500
#: Number of threads that read from SQLite.
_READERS: Final = 3


class DatabaseRunner(Protocol):
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
        """Return the number of waiting writes (SQLite), or of calls that wait or run."""

    async def close(self) -> None:
        """Close all connections and threads."""


class _Patience:
    """Time limits of calls: short ones while the database is stuck."""

    def __init__(self) -> None:
        self._is_stuck = False

    def limit_s(self, limit_s: float) -> float | None:
        """Return the limit of the next call, in seconds; None for no limit."""
        if not has_limits.get():
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


class AsyncRunner:
    """For PostgreSQL: work runs in the event loop, in a greenlet of SQLAlchemy."""

    def __init__(self, engine: AsyncEngine, groups: AsyncEngine) -> None:
        """`engine` is for calls of their own, `groups` for those that are grouped."""
        self._groups = groups
        self._queues: dict[Group[Any, Any], GroupQueue] = {}
        self._writers = engine
        self._readers = engine.execution_options(isolation_level="AUTOCOMMIT")
        #: Calls of their own that use a connection, or wait for one.
        self._begun = 0
        self._patience = _Patience()

    async def read_one(self, work: Callable[[Connection], T]) -> T:
        async with self._counted(WRITE_S), self._readers.connect() as connection:
            return await connection.run_sync(work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        async with self._counted(_READ_S), self._readers.connect() as connection:
            return await connection.run_sync(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        async with self._counted(WRITE_S), self._writers.begin() as connection:
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
    async def _counted(self, limit_s: float) -> AsyncIterator[None]:
        """Count the block as a call of its own, and limit its time.

        Raises:
            TimeoutError: the block took too long.
        """
        self._begun += 1
        try:
            async with self._limited(limit_s):
                yield
        finally:
            self._begun -= 1

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
        return self._begun + sum(map(len, self._queues.values()))

    async def close(self) -> None:
        """Close the connections for groups; the engine owns the others."""
        await self._groups.dispose()


class SqliteRunner:
    """For SQLite: each piece of work runs in a thread as a whole, with one switch of threads.

    That is several times faster than SQLAlchemy over aiosqlite, which switches threads at every
    step (docs/decisions/0003). All writes run in one thread, in order of arrival, because SQLite's
    own lock waits by sleeping and is not fair.
    """

    def __init__(self, url: URL) -> None:
        # One more for the writers' thread, and one for the event loop's.
        self._writers = threads_engine(url, _READERS + 2)
        self._readers = self._writers.execution_options(**{READ_ONLY: True})
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
