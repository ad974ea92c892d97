"""What is done again and again while the bot runs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from core.errors import StorageError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PeriodicTask:
    """Something to be done every so many seconds, the first time at once."""

    name: str
    every_s: float
    work: Callable[[], Awaitable[object]]


@asynccontextmanager
async def doing(chores: Sequence[PeriodicTask]) -> AsyncIterator[None]:
    """Do the chores for the time of the block, each in its own rhythm.

    One that fails is done again when its time has come: the bot does not stop for it.
    """
    tasks = [asyncio.create_task(_repeat(chore)) for chore in chores]  # noqa: TID251 - end with the block
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(chore: PeriodicTask) -> None:
    while True:
        try:
            await chore.work()
        except StorageError as error:
            logger.warning("%s has to wait: %s", chore.name, error)
        except Exception:  # a chore that fails today must not end those of tomorrow
            logger.exception("%s failed", chore.name)
        await asyncio.sleep(chore.every_s)
