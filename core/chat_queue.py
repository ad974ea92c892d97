"""Whose turn it is inside a chat: first come, first served, and one at a time."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class _Place:
    """What one message has asked for; it counts once, however many links it had."""

    left: int


@dataclass(eq=False, slots=True)
class _Entry(Generic[T]):
    item: T
    place: _Place
    #: Number of the message: handlers run side by side and may come in another order.
    order: int


class ChatQueues(Generic[T]):
    """Requests of many chats. At most one of a chat is out at any time."""

    def __init__(self) -> None:
        self._waiting: dict[int, deque[_Entry[T]]] = {}
        self._out: dict[int, _Entry[T]] = {}
        self._places: dict[int, int] = {}

    def __len__(self) -> int:
        """Count what waits and what is out."""
        return sum(map(len, self._waiting.values())) + len(self._out)

    def put(self, chat_id: int, items: Sequence[T], most: int | None, order: int = 0) -> bool:
        """Queue what a message asks for; False when its chat has `most` messages in the queue.

        Of a chat's messages the one with the smallest `order` is served first.
        """
        if most is not None and self._places.get(chat_id, 0) >= most:
            return False
        place = _Place(len(items))
        self._places[chat_id] = self._places.get(chat_id, 0) + 1
        queue = self._waiting.setdefault(chat_id, deque())
        queue.extend(_Entry(item, place, order) for item in items)
        if len(queue) > len(items) and queue[-len(items) - 1].order > order:
            self._waiting[chat_id] = deque(sorted(queue, key=lambda entry: entry.order))
        return True

    def take(self, chat_id: int) -> T | None:
        """Give a chat's next one; it is out until `done`. None while another one is, or none waits."""
        queue = self._waiting.get(chat_id)
        if not queue or chat_id in self._out:
            return None
        entry = self._out[chat_id] = queue.popleft()
        if not queue:
            del self._waiting[chat_id]
        return entry.item

    def done(self, chat_id: int) -> None:
        """Note that what was out of a chat has ended."""
        self._leave(chat_id, self._out.pop(chat_id))

    def remove(self, chat_id: int, item: T) -> bool:
        """Take a waiting one out of the queue; False if it does not wait (any more)."""
        queue = self._waiting.get(chat_id, deque())
        entry = next((entry for entry in queue if entry.item == item), None)
        if entry is None:
            return False
        queue.remove(entry)
        if not queue:
            del self._waiting[chat_id]
        self._leave(chat_id, entry)
        return True

    def before(self, chat_id: int, item: T) -> int:
        """Count those of its own chat that are served before a waiting one, the one that is out too."""
        own = self._waiting.get(chat_id, deque())
        waiting = next((n for n, entry in enumerate(own) if entry.item == item), 0)
        return waiting + (chat_id in self._out)

    def drain(self) -> list[T]:
        """Take out everything that waits, oldest chat first."""
        items = [entry.item for queue in self._waiting.values() for entry in queue]
        for chat_id, queue in self._waiting.items():
            for entry in queue:
                self._leave(chat_id, entry)
        self._waiting.clear()
        return items

    def _leave(self, chat_id: int, entry: _Entry[T]) -> None:
        entry.place.left -= 1
        if entry.place.left == 0:
            self._places[chat_id] -= 1
            if not self._places[chat_id]:
                del self._places[chat_id]
