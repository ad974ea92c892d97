"""How much is fetched, made and uploaded at the same time: first come, first served."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Slots:
    """A bound for the work that costs. What Telegram has already needs no slot.

    A chat has one request at work, so to be served in order of coming is to be served in turn.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._free = number
        #: Chats that wait, in order.
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._is_closed = False

    @asynccontextmanager
    async def one(self, chat_id: int) -> AsyncIterator[None]:
        """Wait for a slot, and have it for the time of the block.

        Raises:
            CancelledError: there are none any more.
        """
        await self._enter(chat_id)
        try:
            yield
        finally:
            self._leave()

    def ahead_of(self, chat_id: int) -> int | None:
        """Count those who are at work and those who come before a chat; None if it does not wait."""
        for place, waiting in enumerate(self._waiting):
            if waiting == chat_id:
                return self._number + place
        return None

    def close(self) -> None:
        """Give no slots any more: who waits for one, or comes for one, is cancelled."""
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
                self._leave()  # it was called up in the very moment in which it gave up
            else:
                self._waiting.pop(chat_id, None)
            raise

    def _leave(self) -> None:
        """Hand the slot to whoever has waited longest."""
        while self._waiting:
            turn = self._waiting.pop(next(iter(self._waiting)))
            if not turn.done():  # else it has just given up
                turn.set_result(None)
                return
        self._free += 1
