"""Which process does the work that must be done once for all of them."""

import asyncio
import logging
import math
import time
from typing import Final

from core.errors import StorageError
from data.elections import elect, resign
from services.requests.store import RequestStore

logger = logging.getLogger(__name__)

#: Longest interval between two attempts to be elected, in seconds.
_STANDBY_S: Final = 2.0


class Election:
    """The part of this process in the election for one task.

    A process that is alone is always elected.
    """

    def __init__(self, task: str, store: RequestStore, lease_s: float) -> None:
        """`task` is the name under which the processes agree."""
        self._task = task
        self._store = store
        self._lease_s = lease_s
        self._epoch = 0
        #: Also if the answer to an election was lost.
        self._may_be_elected = False
        self._asked_at = -math.inf
        self._lock = asyncio.Lock()
        self._has_resigned = False

    async def is_held(self) -> bool:
        """Return True if this process is elected; asks the database once per third of the lease.

        A process that was stopped for longer asks before it goes on, and so does one that cannot
        reach the database.

        Raises:
            StorageError: the database did not respond.
        """
        async with self._lock:
            every_s = self._lease_s / 3 if self._epoch else min(self._lease_s / 3, _STANDBY_S)
            now = time.monotonic()
            if now - self._asked_at >= every_s and not self._has_resigned:
                await self._store.beat()
                self._may_be_elected = True
                self._note(await elect(self._task, self._store.name))
                self._asked_at = now
            return self._epoch > 0 and not self._has_resigned

    async def release(self) -> None:
        """Let another process be elected at once; this one is not elected any more."""
        self._has_resigned = True
        async with self._lock:  # an election that is under way may still be won
            self._epoch = 0
            if self._may_be_elected:
                await self._resign()

    async def _resign(self) -> None:
        try:
            await resign(self._task, self._store.name)
        except StorageError as error:
            logger.warning(
                "Could not resign from %s: %s",
                self._task,
                error,
                extra={"event": "election_not_released"},
            )

    def _note(self, epoch: int) -> None:
        if epoch and not self._epoch:
            logger.info(
                "Elected for %s, epoch %d", self._task, epoch, extra={"event": "election_won"}
            )
        elif self._epoch and not epoch:
            logger.warning(
                "Another process is elected for %s", self._task, extra={"event": "election_lost"}
            )
        self._epoch, self._may_be_elected = epoch, epoch > 0
