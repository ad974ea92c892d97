"""The lease of polling in the database: of the processes that share it, one polls."""

import logging
import math
import time
from typing import Final

from app.process_lock import ProcessLock
from core.errors import StorageError
from data.elections import claim_polling, release_polling
from data.workers import forget_worker
from services.requests.store import RequestStore

logger = logging.getLogger(__name__)

#: How long a lease that was taken from another process counts as new, in lengths of a lease.
_NEW_LEASES: Final = 20


class PollingLease:
    """The part of this process in the lease.

    The lock file shortens the wait after a crash: the lease of a process that has certainly ended
    need not expire.
    """

    def __init__(self, bot_id: int, store: RequestStore, lease_s: float, lock: ProcessLock) -> None:
        self._bot_id = bot_id
        self._store = store
        self._lease_s = lease_s
        self._lock = lock
        self._is_locked = False
        #: See `data.elections.elect`; 0 while the lease is not held.
        self.epoch = 0
        self._checked_at = -math.inf
        self._has_stood_by = False
        self._taken_at: float | None = None

    @property
    def is_stale(self) -> bool:
        """True if the database has not confirmed the lease for longer than it lasts."""
        return time.monotonic() - self._checked_at > self._lease_s

    @property
    def is_new(self) -> bool:
        """True if this process has stood by, and taken over not long ago."""
        if self._taken_at is None or not self._has_stood_by:
            return False
        return time.monotonic() - self._taken_at < self._lease_s * _NEW_LEASES

    async def is_held(self) -> bool:
        """Return True if this process may poll; asks the database once per third of the lease.

        While the database does not respond, nobody can take the lease, and the last answer counts.
        """
        now = time.monotonic()
        if self.epoch and now - self._checked_at < self._lease_s / 3:
            return True
        try:
            await self.forget_predecessor()
            await self._store.beat()
            self.epoch = await claim_polling(self._bot_id, self._store.name)
        except StorageError as error:
            logger.warning(
                "Could not renew the polling lease: %s", error, extra={"event": "lease_not_renewed"}
            )
        else:
            self._checked_at = now
            if not self.epoch:
                self._has_stood_by = True
            elif self._taken_at is None:
                self._taken_at = now
        return bool(self.epoch)

    async def release(self) -> None:
        """Let another process poll at once, while this one finishes its requests."""
        self.epoch = 0
        try:
            await release_polling(self._bot_id, self._store.name)
        except StorageError as error:
            logger.warning(
                "Could not release the polling lease: %s",
                error,
                extra={"event": "lease_not_released"},
            )

    def close(self) -> None:
        """Release the lock file."""
        self._lock.release()

    async def forget_predecessor(self) -> None:
        """End the lease of the process that had the lock file before, which has ended.

        Raises:
            StorageError: the database did not respond.
        """
        if self._is_locked:
            return
        try:
            previous = self._lock.acquire(self._store.name)
        except OSError as error:
            logger.warning(
                "Cannot use the lock file: %s", error.strerror, extra={"event": "lock_file_failed"}
            )
            previous = None
        else:
            self._is_locked = self._lock.is_held
        if previous:
            await forget_worker(previous)
