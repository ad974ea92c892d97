"""What a worker of a fleet does for each job: it claims the requests, and serves them."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from core.clock import shared_clock
from core.concurrency import wait_for_event
from core.errors import StorageError
from data.jobs import any_open
from misc.intake import RequestIntake
from services.requests.store import StoredRequest

logger = logging.getLogger(__name__)

#: Pause before a job goes to the next worker, in seconds: until a dead owner's lease has expired,
#: nobody can serve it.
_PAUSE_S: Final = 1.0


class FleetWork:
    """Serves the requests of jobs, in this process's own queue."""

    def __init__(self, intake: RequestIntake) -> None:
        self._intake = intake
        self._store = intake.store
        self._started_at = 0
        self._seen_at = 0
        self._is_stopping = asyncio.Event()

    async def prepare(self) -> None:
        """Find out how long no process has worked: that makes waiting requests too old.

        Raises:
            StorageError: the database did not respond.
        """
        self._seen_at = await self._store.last_finished_at()
        self._started_at = int(shared_clock())

    def stop(self) -> None:
        """Hand jobs back without a pause from now on."""
        self._is_stopping.set()

    async def serve(self, rows: Sequence[int]) -> bool:
        """Serve the requests of one message; return False if the job is to be handed out again."""
        try:
            has_ended = await self._serve(rows)
        except StorageError as error:
            logger.warning(
                "Could not claim the requests of a job: %s",
                error,
                extra={"event": "requests_not_claimed"},
            )
            has_ended = False
        if not has_ended:
            await self._pause()
        return has_ended

    def cancel(self, row: int, chat_id: int, is_quiet: bool) -> None:
        """Cancel a request if it waits or runs here."""
        queue = self._intake.queue
        if is_quiet:
            queue.cancel_all(lambda item: item.stored.row == row)
        else:
            queue.cancel(row, chat_id)

    async def _serve(self, rows: Sequence[int]) -> bool:
        claimed = await self._store.claim_all(rows)
        if claimed:
            await self._intake.serve(claimed, self._age_from(claimed[0]))
        left = [stored for stored in claimed if not stored.is_finished]
        # Most jobs leave nothing, and cost no statement here.
        if left:
            await self._store.release(left)
            return False
        others = [row for row in rows if row not in {stored.row for stored in claimed}]
        return not (others and await any_open(others))

    def _age_from(self, stored: StoredRequest) -> int:
        """Return the Unix time from which the age of a request counts.

        Waiting makes no request too old, only a time in which no process has worked.
        """
        asked_at = stored.request.asked_at
        if asked_at > self._started_at:
            return int(shared_clock())
        down_s = self._started_at - max(asked_at, self._seen_at)
        return int(shared_clock()) - max(down_s, 0)

    async def _pause(self) -> None:
        await wait_for_event(self._is_stopping, _PAUSE_S)
