"""Whose turn it is: first come, first served inside a chat, and the chats one after the other."""

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


class FairQueue(Generic[T]):
    """Requests of many chats. At most one of a chat is out at any time."""

    def __init__(self) -> None:
        self._waiting: dict[int, deque[_Entry[T]]] = {}
        self._out: dict[int, _Entry[T]] = {}
        #: Chats whose turn comes, in order: they wait, and have nothing out.
        self._ring: deque[int] = deque()
        self._places: dict[int, int] = {}

    def __len__(self) -> int:
        """Count what waits and what is out."""
        return sum(map(len, self._waiting.values())) + len(self._out)

    def put(self, chat_id: int, items: Sequence[T], most: int, order: int = 0) -> bool:
        """Queue what a message asks for; False when its chat has `most` messages in the queue.

        Of a chat's messages the one with the smallest `order` is served first.
        """
        if self._places.get(chat_id, 0) >= most:
            return False
        place = _Place(len(items))
        self._places[chat_id] = self._places.get(chat_id, 0) + 1
        queue = self._waiting.setdefault(chat_id, deque())
        if not queue and chat_id not in self._out:
            self._ring.append(chat_id)
        queue.extend(_Entry(item, place, order) for item in items)
        if len(queue) > len(items) and queue[-len(items) - 1].order > order:
            self._waiting[chat_id] = deque(sorted(queue, key=lambda entry: entry.order))
        return True

    def take(self) -> tuple[int, T] | None:
        """Give the next one and its chat; it is out until `done`."""
        if not self._ring:
            return None
        chat_id = self._ring.popleft()
        entry = self._waiting[chat_id].popleft()
        self._out[chat_id] = entry
        return chat_id, entry.item

    def done(self, chat_id: int) -> None:
        """Note that what was out of a chat has ended: its next one lines up behind the other chats."""
        self._leave(chat_id, self._out.pop(chat_id))
        if self._waiting.get(chat_id):
            self._ring.append(chat_id)
        else:
            self._waiting.pop(chat_id, None)

    def remove(self, chat_id: int, item: T) -> bool:
        """Take a waiting one out of the queue; False if it does not wait (any more)."""
        queue = self._waiting.get(chat_id, deque())
        entry = next((entry for entry in queue if entry.item == item), None)
        if entry is None:
            return False
        queue.remove(entry)
        self._leave(chat_id, entry)
        if not queue:
            del self._waiting[chat_id]
            if chat_id in self._ring:
                self._ring.remove(chat_id)
        return True

    def ahead_of(self, chat_id: int, item: T) -> int:
        """Count those who are out, and those whose turn comes before a waiting one's."""
        own = self._waiting.get(chat_id, deque())
        rounds = next((n for n, entry in enumerate(own) if entry.item == item), 0)
        others = sum(
            min(len(queue), rounds + 1) for chat, queue in self._waiting.items() if chat != chat_id
        )
        return len(self._out) + rounds + others

    def drain(self) -> list[T]:
        """Take out everything that waits, oldest chat first."""
        items = [entry.item for queue in self._waiting.values() for entry in queue]
        for chat_id, queue in self._waiting.items():
            for entry in queue:
                self._leave(chat_id, entry)
        self._waiting.clear()
        self._ring.clear()
        return items

    def _leave(self, chat_id: int, entry: _Entry[T]) -> None:
        entry.place.left -= 1
        if entry.place.left == 0:
            self._places[chat_id] -= 1
            if not self._places[chat_id]:
                del self._places[chat_id]
