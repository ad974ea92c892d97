"""Periodic tasks: what the bot does at intervals while it runs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from core.errors import StorageError

logger = logging.getLogger(__name__)

#: Interval at which work that another process does is looked at again, in seconds.
_STANDBY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """Work to be done at the start, and `interval_s` seconds after each time."""

    #: For the log.
    name: str
    interval_s: float
    work: Callable[[], Awaitable[object]]
    #: For work that one process does for all: returns True if it is this one.
    is_mine: Callable[[], Awaitable[bool]] | None = None
    #: Set when there is work before the interval has passed; cleared before the work begins.
    wake: asyncio.Event | None = None


@asynccontextmanager
async def running_periodic_tasks(tasks: Sequence[PeriodicTask]) -> AsyncIterator[None]:
    """Run tasks side by side for the block.

    A task that fails runs again after its interval; the bot goes on.
    """
    running = [asyncio.create_task(_repeat(task)) for task in tasks]  # noqa: TID251 - end with the block
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _repeat(task: PeriodicTask) -> None:
    while True:
        pause_s = task.interval_s
        try:
            if task.is_mine is None or await task.is_mine():
                await task.work()
            else:
                pause_s = min(pause_s, _STANDBY_S)
        except StorageError as error:
            logger.warning(
                "Periodic task %s failed, retrying in %d s: %s",
                task.name,
                pause_s,
                error,
                extra={"event": "periodic_task_failed"},
            )
        except Exception:  # a task that fails now must run again later
            logger.exception(
                "Periodic task %s failed", task.name, extra={"event": "periodic_task_crashed"}
            )
        await _pause(pause_s, task.wake)


async def _pause(seconds: float, wake: asyncio.Event | None) -> None:
    """Wait for the interval, or until there is work to do."""
    if wake is None:
        await asyncio.sleep(seconds)
        return
    with suppress(TimeoutError):
        await asyncio.wait_for(wake.wait(), seconds)
    wake.clear()
