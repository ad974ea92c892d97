"""Slots: how many requests are fetched, converted and uploaded at the same time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.chat_queue import Lane


class Slots:
    """A semaphore that is fair between people. Answers from the file-id cache need no slot.

    A free slot goes to the person who holds the fewest, and among equals to the one who has waited
    longest, so that a person who asks in many chats at once does not delay others.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._free = number
        #: Whose turns are waited for, in order of arrival.
        self._waiting: dict[asyncio.Future[None], Lane] = {}
        #: Number of slots by person.
        self._held: Counter[int] = Counter()
        self._is_closed = False

    @asynccontextmanager
    async def one(self, lane: Lane) -> AsyncIterator[None]:
        """Wait for a slot, and hold it for the block.

        Raises:
            CancelledError: the slots are closed.
        """
        await self._enter(lane)
        try:
            yield
        finally:
            self._leave(lane)

    @property
    def waiting(self) -> int:
        """Return how many requests wait for a slot."""
        return len(self._waiting)

    def place_of(self, lane: Lane) -> int | None:
        """Return a lane's place among those that wait for a slot, from 1; None if it does not."""
        for place, waiting in enumerate(self._waiting.values(), start=1):
            if waiting == lane:
                return place
        return None

    def close(self) -> None:
        """Cancel all waiting requests, and all that ask for a slot from now on."""
        self._is_closed = True
        for turn in self._waiting:
            turn.cancel()

    async def _enter(self, lane: Lane) -> None:
        if self._is_closed:
            raise asyncio.CancelledError
        if self._free:
            self._free -= 1
            self._held[lane.person_id] += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[turn] = lane
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(lane)  # it was granted the slot at the moment of its cancellation
            else:
                self._waiting.pop(turn, None)
            raise

    def _leave(self, lane: Lane) -> None:
        """Give up a lane's slot, and pass it on."""
        self._held[lane.person_id] -= 1
        if not self._held[lane.person_id]:
            del self._held[lane.person_id]
        while self._waiting:
            # The first of several in order of arrival.
            turn = min(self._waiting, key=lambda turn: self._held[self._waiting[turn].person_id])
            following = self._waiting.pop(turn)
            if not turn.done():  # else it was cancelled a moment ago
                self._held[following.person_id] += 1
                turn.set_result(None)
                return
        self._free += 1
