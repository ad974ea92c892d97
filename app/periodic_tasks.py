"""Periodic tasks: what the bot does at intervals while it runs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from app.stop_time import StopStep, StopTime
from core.concurrency import cancel_all, wait_for_event
from core.errors import StorageError

logger = logging.getLogger(__name__)

#: Tasks with longer intervals fall due at multiples of this time since the start, in seconds: an
#: idle process that wakes up once does several of them for little more than one.
_GRID_S: Final = 1.0
#: Interval at which work that another process does is looked at again, in seconds.
_STANDBY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """Work to be done at the start, and at most `interval_s` seconds after each time."""

    #: For the log.
    name: str
    interval_s: float
    work: Callable[[], Awaitable[object]]
    #: For work that one process does for all: returns True if it is this one.
    is_mine: Callable[[], Awaitable[bool]] | None = None
    #: Set when there is work before the interval has passed; cleared before the work begins.
    wake: asyncio.Event | None = None


@asynccontextmanager
async def running_periodic_tasks(
    tasks: Sequence[PeriodicTask], stop_time: StopTime
) -> AsyncIterator[None]:
    """Run tasks side by side for the block.

    A task that fails runs again after its interval; the bot goes on. One that does not end at once
    when it is cancelled is left after a while: the process must not be killed before its own end.
    """
    began = asyncio.get_running_loop().time()
    running = [asyncio.create_task(_repeat(task, began)) for task in tasks]  # noqa: TID251 - end with the block
    try:
        yield
    finally:
        if not await cancel_all(running, stop_time.left_s(StopStep.PERIODIC_TASKS)):
            logger.warning(
                "Periodic tasks did not end in time", extra={"event": "periodic_tasks_late"}
            )


async def _repeat(task: PeriodicTask, began: float) -> None:
    loop = asyncio.get_running_loop()
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
        await _pause(pause_for(pause_s, loop.time() - began), task.wake)


def pause_for(interval_s: float, elapsed_s: float) -> float:
    """Return how long to wait for an interval, in seconds: never longer than it.

    `elapsed_s` is the time since the start of all tasks.
    """
    if interval_s < _GRID_S:
        return interval_s
    return (elapsed_s + interval_s) // _GRID_S * _GRID_S - elapsed_s


async def _pause(seconds: float, wake: asyncio.Event | None) -> None:
    """Wait for the interval, or until there is work to do."""
    if wake is None:
        await asyncio.sleep(seconds)
        return
    await wait_for_event(wake, seconds)
    wake.clear()
