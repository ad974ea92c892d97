"""Grouped calls: on PostgreSQL, calls of one kind that wait at the same time share round trips.

A call is a statement or a short transaction on one item. While one group is on its way, the next
one gathers. Its statements are pipelined on one connection and committed at once, as SQLite's
writes are (docs/performance.md).
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

I = TypeVar("I")  # noqa: E741 - an item
R = TypeVar("R")

#: Most calls of a group: a longer transaction would hold its locks for too long.
_MAX_CALLS: Final = 200


class Kind(Enum):
    """What the work of a group does."""

    #: It reads one row by its key; calls with equal keys share the answer.
    READ = "read"
    #: It executes one statement, which commits itself. The work must not raise errors of its own.
    STATEMENT = "statement"
    #: It executes several statements, which are committed together.
    TRANSACTION = "transaction"


@dataclass(frozen=True, eq=False)
class Group(Generic[I, R]):
    """Work that can be done for several items at once."""

    #: Returns one result for each item.
    work: Callable[[Connection, Sequence[I]], Sequence[R]]
    #: No two items of a group have the same key.
    key: Callable[[I], Hashable]
    kind: Kind


class _RefusedError(Exception):
    """The database, or the work, has refused a group; nothing of it is stored."""


@dataclass(slots=True, eq=False)
class _Call:
    item: Any
    done: "asyncio.Future[Any]"


class GroupQueue:
    """The waiting calls of one group."""

    def __init__(
        self,
        group: Group[Any, Any],
        connect: Callable[[], AbstractAsyncContextManager[AsyncConnection]],
        alone: Callable[[Any], Awaitable[Any]],
    ) -> None:
        """`connect` opens a connection that commits each statement, for a limited time.

        `alone` runs a call by itself, after its group was refused.
        """
        self._group = group
        self._connect = connect
        self._alone = alone
        self._waiting: list[_Call] = []
        self._runner: asyncio.Task[None] | None = None
        self._reruns: set[asyncio.Task[None]] = set()
        self._open = 0

    def __len__(self) -> int:
        """Return the number of calls that wait or run."""
        return self._open

    async def call(self, item: Any, limit_s: float | None) -> Any:
        """Run the work for one item, with all others that wait.

        Raises:
            TimeoutError: it has not begun within the limit, and never will.
        """
        self._open += 1
        try:
            return await self._call(item, limit_s)
        finally:
            self._open -= 1

    async def _call(self, item: Any, limit_s: float | None) -> Any:
        call = _Call(item, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())  # noqa: TID251 - the queue's own
        # Not cancelled: a queued call runs even if its caller is cancelled.
        await asyncio.wait([call.done], timeout=limit_s)
        if call in self._waiting:
            self._waiting.remove(call)
            raise TimeoutError(f"no answer within {limit_s} s")
        return await asyncio.shield(call.done)

    async def _run(self) -> None:
        while self._waiting:
            await self._serve(self._take())

    async def _serve(self, calls: Sequence[_Call]) -> None:
        """Run a group; a refused one is divided until only the calls to blame are left."""
        key = self._group.key
        items = {key(call.item): call.item for call in calls}
        try:
            results = await self._execute(list(items.values()))
        except _RefusedError:
            await self._divide(calls)
        except Exception as error:  # noqa: BLE001 - raised again in the callers
            _fail(calls, error)
        except BaseException:  # cancelled: whoever waits for the calls must not wait for ever
            _fail(calls, TimeoutError("the program is ending"))
            raise
        else:
            by_key = dict(zip(items, results, strict=True))
            for call in calls:
                call.done.set_result(by_key[key(call.item)])

    async def _divide(self, calls: Sequence[_Call]) -> None:
        if len(calls) > 1:
            middle = len(calls) // 2
            await self._serve(calls[:middle])
            await self._serve(calls[middle:])
            return
        # Not awaited, because it may wait for a lock.
        rerun = asyncio.create_task(self._rerun(calls[0]))  # noqa: TID251 - kept in _reruns
        self._reruns.add(rerun)
        rerun.add_done_callback(self._reruns.discard)

    def _take(self) -> list[_Call]:
        """Take the next calls; of several writes with the same key, the later ones stay."""
        taken: list[_Call] = []
        left: list[_Call] = []
        keys: set[Hashable] = set()
        for call in self._waiting:
            key = self._group.key(call.item)
            is_free = self._group.kind is Kind.READ or key not in keys
            (taken if is_free and len(taken) < _MAX_CALLS else left).append(call)
            keys.add(key)
        self._waiting = left
        return taken

    async def _execute(self, items: Sequence[Any]) -> Sequence[Any]:
        async with self._connect() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            try:
                return await self._execute_on(connection, raw, items)
            except Exception as error:
                # An error with the connection intact: what it was about is rolled back.
                if raw.is_closed():
                    raise
                if raw.is_in_transaction():
                    await raw.execute("ROLLBACK")
                raise _RefusedError from error
            except BaseException:  # out of time: the connection is in the middle of something
                raw.terminate()
                await connection.invalidate()
                raise

    async def _execute_on(
        self, connection: AsyncConnection, raw: Any, items: Sequence[Any]
    ) -> Sequence[Any]:
        if self._group.kind is not Kind.TRANSACTION:
            return await connection.run_sync(self._group.work, items)
        await raw.execute("BEGIN")
        results = await connection.run_sync(self._group.work, items)
        await raw.execute("COMMIT")
        return results

    async def _rerun(self, call: _Call) -> None:
        try:
            result = await self._alone(call.item)
        except Exception as error:  # noqa: BLE001 - raised again in the caller
            _fail([call], error)
        except BaseException:  # cancelled: whoever waits for the calls must not wait for ever
            _fail([call], TimeoutError("the program is ending"))
            raise
        else:
            call.done.set_result(result)


def _fail(calls: Sequence[_Call], error: Exception) -> None:
    for call in calls:
        call.done.set_exception(error)
        call.done.exception()  # marks it as seen: its caller may be cancelled
