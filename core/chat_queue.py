"""Request queues: each person in each chat is served in order, one request at a time."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lane:
    """What one person asks for in one chat. Lanes do not wait for each other."""

    chat_id: int
    #: A person, or a chat in whose name somebody writes.
    person_id: int


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
    """Request queues by lane. At most one request of a lane is active at any time."""

    def __init__(self) -> None:
        self._waiting: dict[Lane, deque[_Entry[T]]] = {}
        self._active: dict[Lane, _Entry[T]] = {}
        #: Number of messages by chat that still have a waiting or active request.
        self._places: Counter[int] = Counter()
        #: Number of waiting and active requests by person.
        self._by_person: Counter[int] = Counter()

    def __len__(self) -> int:
        """Return the number of waiting and active requests, over all lanes."""
        return sum(map(len, self._waiting.values())) + len(self._active)

    def of_person(self, person_id: int) -> int:
        """Return the number of a person's waiting and active requests, over all chats."""
        return self._by_person[person_id]

    def messages_of(self, chat_id: int) -> int:
        """Return the number of a chat's messages with waiting or active requests."""
        return self._places[chat_id]

    def put(self, lane: Lane, items: Sequence[T], most: int | None, order: int = 0) -> bool:
        """Queue the requests of one message.

        Return False if the chat already has `most` messages in the queue; None means no limit.
        Within a lane, the message with the smallest `order` is served first.
        """
        if most is not None and self._places[lane.chat_id] >= most:
            return False
        message = _Message(len(items))
        self._places[lane.chat_id] += 1
        self._by_person[lane.person_id] += len(items)
        queue = self._waiting.setdefault(lane, deque())
        queue.extend(_Entry(item, message, order) for item in items)
        if len(queue) > len(items) and queue[-len(items) - 1].order > order:
            self._waiting[lane] = deque(sorted(queue, key=lambda entry: entry.order))
        return True

    def take(self, lane: Lane) -> T | None:
        """Return the lane's next request, which stays active until `done` is called.

        Return None if another request of the lane is active or none is waiting.
        """
        queue = self._waiting.get(lane)
        if not queue or lane in self._active:
            return None
        entry = self._active[lane] = queue.popleft()
        if not queue:
            del self._waiting[lane]
        return entry.item

    def done(self, lane: Lane) -> None:
        """Mark the lane's active request as ended.

        Raises:
            KeyError: no request of the lane is active.
        """
        self._release(lane, self._active.pop(lane))

    def remove(self, lane: Lane, item: T) -> bool:
        """Remove a waiting request. Return False if it is not waiting, or no longer."""
        queue = self._waiting.get(lane, deque())
        entry = next((entry for entry in queue if entry.item == item), None)
        if entry is None:
            return False
        queue.remove(entry)
        if not queue:
            del self._waiting[lane]
        self._release(lane, entry)
        return True

    def place_of(self, lane: Lane, item: T) -> int:
        """Return the place of a request among the lane's waiting ones, from 1; 0 if it is not."""
        own = self._waiting.get(lane, deque())
        return next((n for n, entry in enumerate(own, start=1) if entry.item == item), 0)

    def drain(self) -> list[T]:
        """Remove and return all waiting requests, grouped by lane. Active requests stay."""
        items = [entry.item for queue in self._waiting.values() for entry in queue]
        for lane, queue in self._waiting.items():
            for entry in queue:
                self._release(lane, entry)
        self._waiting.clear()
        return items

    def _release(self, lane: Lane, entry: _Entry[T]) -> None:
        _decrement(self._by_person, lane.person_id)
        entry.message.left -= 1
        if entry.message.left == 0:
            _decrement(self._places, lane.chat_id)


def _decrement(counts: Counter[int], key: int) -> None:
    """Count one less, and keep no zero: memory follows the traffic."""
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
