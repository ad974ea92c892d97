"""News of changed tables: PostgreSQL tells every process (triggers of migration 0015)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from core.errors import StorageError
from data import database
from data.errors import DRIVER_ERRORS, storage_error

_CHANNEL: Final = "clipferry"
#: Interval at which a silent connection is checked, and longest wait for its answer, in seconds.
_CHECK_S: Final = 10.0
_ANSWER_S: Final = 5.0
#: What is put into the queue when the connection has ended.
_END: Final = ""


async def follow_changes(loaders: Mapping[str, Callable[[], Awaitable[object]]]) -> None:
    """Call a table's loader after each change of the table, until the connection ends.

    Each loader is called once at the beginning: nothing was heard before.

    Raises:
        StorageError: the connection has ended, or a loader failed.
    """
    async with _notifications() as (connection, heard):
        for load in loaders.values():
            await load()
        while True:
            try:
                table = await asyncio.wait_for(heard.get(), _CHECK_S)
            except TimeoutError:
                await connection.execute("SELECT 1", timeout=_ANSWER_S)
                continue
            if table == _END:
                raise StorageError("the connection for notifications has ended")
            if table in loaders:
                await loaders[table]()


@asynccontextmanager
async def _notifications() -> AsyncIterator[tuple[Any, "asyncio.Queue[str]"]]:
    """Listen on a connection of its own; yield it with the names of the tables that change.

    Raises:
        StorageError: the database cannot be reached, or the connection has ended.
    """
    assert database.engine
    heard: asyncio.Queue[str] = asyncio.Queue()
    engine = create_async_engine(database.engine.url, poolclass=NullPool, hide_parameters=True)
    try:
        async with engine.connect() as pooled:
            driver: Any = (await pooled.get_raw_connection()).driver_connection
            driver.add_termination_listener(lambda _: heard.put_nowait(_END))
            await driver.add_listener(_CHANNEL, lambda *event: heard.put_nowait(event[-1]))
            yield driver, heard
    except DRIVER_ERRORS as error:
        raise storage_error(error) from error
    finally:
        await engine.dispose()
