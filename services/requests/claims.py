"""The claims of this process: those that it knows of, and those that it may have without knowing.

A claim whose answer is lost is stored all the same. Its owner is alive, so no process may claim the
request again, and this one does not serve it: it would wait until this process ends.
"""

import asyncio
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Final
from weakref import WeakValueDictionary

from core.cached_post import CacheKey
from core.errors import StorageError
from data.flights import begin_flight, end_flight
from data.requests import Claim, release_requests, stored_before

#: How long rows of an update are looked for after a failure, in seconds: what the database was sent
#: before may reach it late.
_LOOKED_FOR_S: Final = 300.0


class Claims:
    """Releases what this process may have claimed, except what it knows to be its own."""

    def __init__(self, bot_id: int, owner: str) -> None:
        self._bot_id = bot_id
        self._owner = owner
        #: By row. A request refers to its claim, and so does an outcome that is not stored yet.
        self._known: WeakValueDictionary[int, Claim] = WeakValueDictionary()
        #: Rows to release.
        self._doubtful: set[int] = set()
        #: Updates that were refused, whose requests may be stored: until when rows are looked for.
        self._refused: dict[int, float] = {}
        #: Fetches that have ended without the database.
        self._ended_flights: set[CacheKey] = set()
        self._releasing = asyncio.Lock()

    def add(self, row: int, epoch: int = 0) -> Claim:
        """Return a claim that is certain; it is not released while anything refers to it."""
        claim = self._known[row] = Claim(row, self._owner, epoch)
        return claim

    @contextmanager
    def claiming(self, rows: Collection[int]) -> Iterator[None]:
        """Release rows later if the block fails or is cancelled: their claims may be stored."""
        try:
            yield
        except BaseException:
            self._doubtful.update(rows)
            raise

    def give_up(self, claims: Iterable[Claim]) -> None:
        """Release claims later."""
        for claim in claims:
            # A newer claim of the same row may be in use.
            if self._known.get(claim.row) is claim:
                del self._known[claim.row]
            self._doubtful.add(claim.row)

    def refuse(self, update_id: int) -> None:
        """Release the requests of a refused update later: their rows may be stored.

        The update comes again, but perhaps to another process, which cannot claim them.
        """
        self._refused[update_id] = time.monotonic() + _LOOKED_FOR_S

    async def take_back(self, update_id: int) -> bool:
        """Release them no more, because the update has come again; return False if it was new."""
        if update_id not in self._refused:
            return False
        async with self._releasing:  # what is being released now must not be claimed
            return self._refused.pop(update_id, None) is not None

    async def begin_flight(self, key: CacheKey) -> bool:
        """Claim a fetch; return False while another process has it.

        Raises:
            StorageError: the database did not answer.
        """
        if key in self._ended_flights:
            async with self._releasing:  # what is being released now must not be claimed
                self._ended_flights.discard(key)
        return await begin_flight(key, self._owner)

    async def end_flight(self, key: CacheKey) -> None:
        """Release the claim of a fetch, later if the database does not answer.

        Other processes that want the same post wait for that as long as this one lives.
        """
        try:
            await end_flight(key, self._owner)
        except StorageError:
            self._ended_flights.add(key)

    async def release(self) -> None:
        """Release what is doubtful, given up or ended, before anything is claimed again.

        Raises:
            StorageError: the database did not answer; a later call tries again.
        """
        # Whoever claims such a row waits here: otherwise the new claim would be released.
        async with self._releasing:
            for key in list(self._ended_flights):
                await end_flight(key, self._owner)
                self._ended_flights.discard(key)
            await self._find_refused()
            rows, self._doubtful = self._doubtful, set()
            if not rows:
                return
            known = [claim for row in rows if (claim := self._known.get(row))]
            try:
                await release_requests(rows, self._owner, known)
            except BaseException:
                self._doubtful |= rows
                raise

    async def _find_refused(self) -> None:
        if not self._refused:
            return
        now = time.monotonic()
        found = await stored_before(self._bot_id, list(self._refused), self._owner)
        self._doubtful.update(found.values())
        self._refused = {number: until for number, until in self._refused.items() if until > now}
