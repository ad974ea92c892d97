"""Notifications of changed tables and of time-outs to every process (LISTEN and NOTIFY).

Triggers of migration 0015 announce the tables.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import text

from core.errors import StorageError
from core.flood import TimeOut
from data import database
from data.connections import listening_engine
from data.errors import DRIVER_ERRORS, storage_error

_TABLES: Final = "clipferry"
_TIME_OUTS: Final = "clipferry_time_outs"
#: Interval at which a silent connection is checked, and longest wait for its answer, in seconds.
_CHECK_S: Final = 10.0
_ANSWER_S: Final = 5.0
#: The channel of what is put into the queue when the connection has ended.
_END: Final = ""


async def announce_time_out(time_out: TimeOut) -> None:
    """Tell all processes, this one too, about a time-out of the flood guard.

    Raises:
        StorageError: the database did not respond.
    """
    values = {"channel": _TIME_OUTS, "what": json.dumps(asdict(time_out))}
    await database.write(lambda db: db.execute(text("SELECT pg_notify(:channel, :what)"), values))


async def follow_changes(
    loaders: Mapping[str, Callable[[], Awaitable[object]]],
    on_time_out: Callable[[TimeOut], object],
) -> None:
    """Call a table's loader after each change of the table, until the connection ends.

    Each loader is called once at the beginning: nothing was heard before. `on_time_out` is called
    with each time-out that a process announces.

    Raises:
        StorageError: the connection has ended, or a loader failed.
    """
    async with _notifications() as (connection, heard):
        for load in loaders.values():
            await load()
        while True:
            try:
                async with asyncio.timeout(_CHECK_S):
                    channel, what = await heard.get()
            except TimeoutError:
                await connection.execute("SELECT 1", timeout=_ANSWER_S)
                continue
            if channel == _END:
                raise StorageError("the connection for notifications has ended")
            if channel == _TIME_OUTS:
                on_time_out(TimeOut(**json.loads(what)))
            elif what in loaders:
                await loaders[what]()


@asynccontextmanager
async def _notifications() -> AsyncIterator[tuple[Any, "asyncio.Queue[tuple[str, str]]"]]:
    """Listen on a connection of its own; yield it with what is heard: channel, payload.

    Raises:
        StorageError: the database cannot be reached, or the connection has ended.
    """
    assert database.engine
    heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    engine = listening_engine(database.engine.url)
    try:
        async with engine.connect() as pooled:
            driver: Any = (await pooled.get_raw_connection()).driver_connection
            driver.add_termination_listener(lambda _: heard.put_nowait((_END, "")))
            for channel in (_TABLES, _TIME_OUTS):
                await driver.add_listener(channel, lambda *event: heard.put_nowait(event[-2:]))
            yield driver, heard
    except DRIVER_ERRORS as error:
        raise storage_error(error) from error
    finally:
        await engine.dispose()
