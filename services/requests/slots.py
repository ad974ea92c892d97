"""Slots: how many requests are fetched, converted and uploaded at the same time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Slots:
    """A first-come-first-served semaphore. Answers from the file-id cache need no slot.

    A chat has at most one running request, so the order of arrival is fair between chats.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._free = number
        #: Waiting chats, in order of arrival.
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._is_closed = False

    @asynccontextmanager
    async def one(self, chat_id: int) -> AsyncIterator[None]:
        """Wait for a slot, and hold it for the block.

        Raises:
            CancelledError: the slots are closed.
        """
        await self._enter(chat_id)
        try:
            yield
        finally:
            self._leave()

    @property
    def waiting(self) -> int:
        """Return how many requests wait for a slot."""
        return len(self._waiting)

    def place_of(self, chat_id: int) -> int | None:
        """Return a chat's place among those that wait for a slot, from 1; None if it does not."""
        for place, waiting in enumerate(self._waiting, start=1):
            if waiting == chat_id:
                return place
        return None

    def close(self) -> None:
        """Cancel all waiting requests, and all that ask for a slot from now on."""
        self._is_closed = True
        for turn in self._waiting.values():
            turn.cancel()

    async def _enter(self, chat_id: int) -> None:
        if self._is_closed:
            raise asyncio.CancelledError
        if self._free:
            self._free -= 1
            return
        turn = self._waiting[chat_id] = asyncio.get_running_loop().create_future()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()  # it was granted the slot at the moment of its cancellation
            else:
                self._waiting.pop(chat_id, None)
            raise

    def _leave(self) -> None:
        """Pass the slot to the chat that has waited longest."""
        while self._waiting:
            turn = self._waiting.pop(next(iter(self._waiting)))
            if not turn.done():  # else it was cancelled a moment ago
                turn.set_result(None)
                return
        self._free += 1
