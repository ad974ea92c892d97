"""Whether the database takes what is written, said within a limited time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from core.errors import StorageError

#: Longest time for an answer, in seconds. /readyz is to answer within two.
ANSWER_S: Final = 1.5


class WriteCheck:
    """Checks the database for several callers, who share the check that runs.

    A check that takes too long is not cancelled: to leave a call to a server that does not answer
    can take longer than the call. It ends by the limits of `data.runners`.
    """

    def __init__(self, check: Callable[[], Awaitable[None]]) -> None:
        """`check` raises a `StorageError` if nothing can be written."""
        self._check = check
        self._running: asyncio.Task[StorageError | None] | None = None

    async def run(self) -> None:
        """Check the database.

        Raises:
            StorageError: it did not respond in time, or refused.
        """
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._failure())  # noqa: TID251 - has its own limit
        running = self._running
        await asyncio.wait([running], timeout=ANSWER_S)
        if not running.done():
            raise StorageError(f"no answer within {ANSWER_S} s")
        if failure := running.result():
            raise failure

    async def _failure(self) -> StorageError | None:
        try:
            await self._check()
        except StorageError as error:
            return error
        return None
