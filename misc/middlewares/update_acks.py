"""When Telegram may forget an update: not before what it asks for is stored."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import TelegramObject, Update


class UpdateAcks(BaseMiddleware):
    """The updates for which no receipt was given yet. The next getUpdates, which tells Telegram to
    forget them, waits for that.

    Outermost of all middlewares: it gives handlers `ack: UpdateAck`, and gives the receipt itself
    at their end.
    """

    def __init__(self, counted: Callable[[str], None] = lambda _: None) -> None:
        #: Told of what kind each update is.
        self._counted = counted
        self._open: set[int] = set()
        #: Id of the newest update; None before the first one.
        self.last: int | None = None
        self._is_complete = asyncio.Event()
        self._is_complete.set()

    def expect(self, updates: Iterable[Update]) -> None:
        """Note that updates have come."""
        for update in updates:
            self._open.add(update.update_id)
            self.last = update.update_id
            self._is_complete.clear()

    def give(self, update_id: int) -> None:
        """Note that an update may be forgotten."""
        self._open.discard(update_id)
        if not self._open:
            self._is_complete.set()

    async def complete(self) -> None:
        """Wait until all updates that have come may be forgotten."""
        await self._is_complete.wait()

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Give the receipt when the update was handled, if nobody has given it before."""
        assert isinstance(event, Update)
        self._counted(event.event_type)
        ack = data["ack"] = UpdateAck(event.update_id, self)
        try:
            return await handler(event, data)
        finally:
            ack.give()


class UpdateAck:
    """One update's."""

    def __init__(self, update_id: int, update_acks: UpdateAcks) -> None:
        self.update_id = update_id
        self._update_acks = update_acks

    def give(self) -> None:
        """Say that Telegram may forget the update."""
        self._update_acks.give(self.update_id)
