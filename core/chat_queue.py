"""Chat queues: each chat is served first come, first served, one request at a time."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class _Message:
    """A queued message. It counts once against the chat's limit, however many links it has."""

    #: Requests of the message that have not ended yet.
    left: int


@dataclass(eq=False, slots=True)
class _Entry(Generic[T]):
    item: T
    message: _Message
    #: Sort key from the message: handlers run concurrently and may finish out of order.
    order: int


class ChatQueues(Generic[T]):
    """Request queues by chat. At most one request of a chat is active at any time."""

    def __init__(self) -> None:
        self._waiting: dict[int, deque[_Entry[T]]] = {}
        self._active: dict[int, _Entry[T]] = {}
        #: Number of messages by chat that still have a waiting or active request.
        self._places: dict[int, int] = {}

    def __len__(self) -> int:
        """Return the number of waiting and active requests, over all chats."""
        return sum(map(len, self._waiting.values())) + len(self._active)

    def put(self, chat_id: int, items: Sequence[T], most: int | None, order: int = 0) -> bool:
        """Queue the requests of one message.

        Return False if the chat already has `most` messages in the queue; None means no limit.
        Within a chat, the message with the smallest `order` is served first.
        """
        if most is not None and self._places.get(chat_id, 0) >= most:
            return False
        message = _Message(len(items))
        self._places[chat_id] = self._places.get(chat_id, 0) + 1
        queue = self._waiting.setdefault(chat_id, deque())
        queue.extend(_Entry(item, message, order) for item in items)
        if len(queue) > len(items) and queue[-len(items) - 1].order > order:
            self._waiting[chat_id] = deque(sorted(queue, key=lambda entry: entry.order))
        return True

    def take(self, chat_id: int) -> T | None:
        """Return the chat's next request, which stays active until `done` is called.

        Return None if another request of the chat is active or none is waiting.
        """
        queue = self._waiting.get(chat_id)
        if not queue or chat_id in self._active:
            return None
        entry = self._active[chat_id] = queue.popleft()
        if not queue:
            del self._waiting[chat_id]
        return entry.item

    def done(self, chat_id: int) -> None:
        """Mark the chat's active request as ended.

        Raises:
            KeyError: no request of the chat is active.
        """
        self._release(chat_id, self._active.pop(chat_id))

    def remove(self, chat_id: int, item: T) -> bool:
        """Remove a waiting request. Return False if it is not waiting, or no longer."""
        queue = self._waiting.get(chat_id, deque())
        entry = next((entry for entry in queue if entry.item == item), None)
        if entry is None:
            return False
        queue.remove(entry)
        if not queue:
            del self._waiting[chat_id]
        self._release(chat_id, entry)
        return True

    def place_of(self, chat_id: int, item: T) -> int:
        """Return the place of a request among the chat's waiting ones, from 1; 0 if it is not."""
        own = self._waiting.get(chat_id, deque())
        return next((n for n, entry in enumerate(own, start=1) if entry.item == item), 0)

    def drain(self) -> list[T]:
        """Remove and return all waiting requests, grouped by chat. Active requests stay."""
        items = [entry.item for queue in self._waiting.values() for entry in queue]
        for chat_id, queue in self._waiting.items():
            for entry in queue:
                self._release(chat_id, entry)
        self._waiting.clear()
        return items

    def _release(self, chat_id: int, entry: _Entry[T]) -> None:
        entry.message.left -= 1
        if entry.message.left == 0:
            self._places[chat_id] -= 1
            if not self._places[chat_id]:
                del self._places[chat_id]
