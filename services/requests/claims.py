"""The claims of this process: those that it knows of, and those that it may have without knowing.

A claim whose answer is lost is stored all the same. Its owner is alive, so no process may claim the
request again, and this one does not serve it: it would wait until this process ends.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from weakref import WeakValueDictionary

from core.cached_post import CacheKey
from core.errors import StorageError
from data.requests import Claim, end_flight, release_requests


class Claims:
    """Releases what this process may have claimed, except what it knows to be its own."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        #: By row. A request refers to its claim, and so does an outcome that is not stored yet.
        self._known: WeakValueDictionary[int, Claim] = WeakValueDictionary()
        #: Rows to release.
        self._doubtful: set[int] = set()
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

    def begin_flight(self, key: CacheKey) -> None:
        """Note that the claim of a fetch is in use again."""
        self._ended_flights.discard(key)

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
            rows, self._doubtful = self._doubtful, set()
            if not rows:
                return
            known = [claim for row in rows if (claim := self._known.get(row))]
            try:
                await release_requests(rows, self._owner, known)
            except BaseException:
                self._doubtful |= rows
                raise
