"""Cancelling requests, wherever they wait or run."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from core.request import Request
from services.requests.context import RequestContext
from services.requests.queue import RequestQueue


@runtime_checkable
class Canceller(Protocol):
    """Cancels requests."""

    async def cancel(self, number: int, chat_id: int) -> bool:
        """Cancel a request of a chat, waiting or running; False if there is none (any more).

        Raises:
            StorageError: the database did not respond.
        """

    async def cancel_all(self, chat_id: int, is_meant: Callable[[Request], bool]) -> int:
        """Cancel all requests of a chat that `is_meant` picks, and return their number.

        The chat is told by the caller.

        Raises:
            StorageError: the database did not respond.
        """


class LocalCanceller:
    """Cancels requests of this process."""

    def __init__(self, queue: RequestQueue[RequestContext]) -> None:
        self._queue = queue

    async def cancel(self, number: int, chat_id: int) -> bool:
        """Cancel a request of a chat, waiting or running; False if there is none (any more)."""
        return self._queue.cancel(number, chat_id)

    async def cancel_all(self, chat_id: int, is_meant: Callable[[Request], bool]) -> int:
        """Cancel all requests of a chat that `is_meant` picks, and return their number."""
        return self._queue.cancel_all(
            lambda item: item.chat_id == chat_id and is_meant(item.stored.request)
        )
