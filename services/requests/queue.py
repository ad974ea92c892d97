"""The request queue: one running request per person and chat, in the order of the messages."""

import asyncio
import itertools
import logging
import sys
from collections.abc import Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, Protocol, TypeVar

from core.chat_queue import ChatQueues, Lane
from core.errors import BusyError, ClipferryError, QueueFullError, RequestCancelledError
from core.progress import NotePace
from services.requests.slots import Slots

logger = logging.getLogger(__name__)

#: A chat may have any number of messages in the queue.
UNLIMITED: Final = sys.maxsize

#: A request behind more waiting ones of its own lane has no status note: ten links at once would
#: otherwise have ten.
_MAX_NOTED_PLACE: Final = 3


class QueueItem(Protocol):
    """A request, as the queue sees it."""

    @property
    def chat_id(self) -> int:
        """The chat that gets the answer."""

    @property
    def lane(self) -> Lane:
        """The queue in which it stands."""

    @property
    def position(self) -> int:
        """Smaller ones of a lane are served first."""

    @property
    def has_note(self) -> bool:
        """Whether its chat sees a status note."""

    @property
    def row(self) -> int | None:
        """The id of its row; None if it is not stored."""


Item = TypeVar("Item", bound=QueueItem)
ItemIn = TypeVar("ItemIn", bound=QueueItem, contravariant=True)


class Runner(Protocol[ItemIn]):
    """What happens to the requests of a queue. Every method handles its own failures."""

    async def run(self, item: ItemIn) -> None:
        """Serve a request."""

    async def refuse(self, item: ItemIn, error: ClipferryError, *, aloud: bool = True) -> None:
        """End a request without serving it, and explain why if `aloud`."""

    async def leave(self, item: ItemIn) -> None:
        """Leave a request to the next process."""

    async def accept(self, item: ItemIn) -> None:
        """Show that a request that waits was seen."""

    async def report(self, item: ItemIn, number: int, place: int | None) -> None:
        """Show the status note of a request, or update it.

        `number` identifies the request. `place` is its place among those that wait, from 1; None if
        it is being worked on.
        """


class RequestHandle:
    """The requests of one update: awaiting it waits until all of them have ended."""

    def __init__(self, requests: int) -> None:
        self._left = requests
        #: There were none.
        self.is_empty = not requests
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not requests:
            self._ended.set_result(None)

    @classmethod
    def of_all(cls, handles: "Sequence[RequestHandle]") -> "RequestHandle":
        """Return one handle for the requests of several."""
        whole = cls(len(handles))
        for handle in handles:
            handle.on_end(whole.one_ended)
        return whole

    def __await__(self) -> Generator[Any, None, None]:
        return asyncio.shield(self._ended).__await__()

    def on_end(self, callback: Callable[[], object]) -> None:
        """Call a function once all requests have ended."""
        self._ended.add_done_callback(lambda _: callback())

    def one_ended(self) -> None:
        """Count a request that has ended."""
        self._left -= 1
        if not self._left:
            self._ended.set_result(None)


@dataclass(slots=True, eq=False)
class _Message:
    """The requests of one message that have not ended. The first of them has the status note."""

    numbers: list[int] = field(default_factory=list)
    #: Shows the note or updates it.
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True, eq=False)
class _Entry(Generic[Item]):
    """A request that has not ended."""

    item: Item
    handle: RequestHandle
    message: _Message = field(default_factory=_Message)
    #: Set while the request is being served.
    task: asyncio.Task[None] | None = None
    is_cancelled: bool = False
    #: The chat has been told already that the request is cancelled.
    is_quiet: bool = False


class RequestQueue(Generic[Item]):
    """Runs requests. Their expensive part also waits for a slot."""

    def __init__(
        self, slots: Slots, runner: Runner[Item], *, max_requests: int, patience_s: float
    ) -> None:
        """Build an empty queue.

        `max_requests` bounds all chats together. What takes longer than `patience_s` seconds gets a
        status note.
        """
        self._slots = slots
        self._runner = runner
        self._max_requests = max_requests
        #: When status notes are shown and updated.
        self.note_pace = NotePace(patience_s)
        self._numbers = itertools.count(1)
        #: Numbers of the requests, by lane.
        self._queues: ChatQueues[int] = ChatQueues()
        self._entries: dict[int, _Entry[Item]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False

    @property
    def count(self) -> int:
        """How many requests are running, waiting or being refused."""
        return max(len(self._queues), len(self._tasks))

    @property
    def running(self) -> int:
        """How many requests are being served; some of them may wait for a slot."""
        return sum(entry.task is not None for entry in self._entries.values())

    @property
    def room(self) -> int:
        """How many more requests fit into the queue."""
        return 0 if self._is_closing else max(self._max_requests - len(self._queues), 0)

    def of_person(self, person_id: int) -> int:
        """How many requests of a person are running or waiting, over all chats."""
        return self._queues.of_person(person_id)

    def messages_of(self, chat_id: int) -> int:
        """How many messages of a chat have requests that are running or waiting."""
        return self._queues.messages_of(chat_id)

    def submit(self, items: Sequence[Item], max_messages: int | None) -> RequestHandle:
        """Queue the requests of one message, one or more, all of one lane.

        `max_messages` bounds the chat's messages in the queue; None is for requests that were
        accepted by another process. What does not fit is refused at once.
        """
        lane, position = items[0].lane, items[0].position
        is_full = max_messages is not None and len(self._queues) + len(items) > self._max_requests
        if is_full and not self._is_closing:
            return self.turn_away(items, BusyError())
        handle = RequestHandle(len(items))
        message = _Message()
        entries = {self._number_of(item): _Entry(item, handle, message) for item in items}
        if self._is_closing:
            for entry in entries.values():
                self._end_with(entry, self._runner.leave(entry.item))
        elif self._queues.put(lane, list(entries), max_messages, position):
            self._entries |= entries
            message.numbers += entries
            self._schedule_note(message, self.note_pace.first_s)
            self._start_next(lane)
            for entry in entries.values():
                if entry.task is None:
                    self._start(self._runner.accept(entry.item))
        else:
            return self.turn_away(items, QueueFullError(max_messages or 0))
        return handle

    def turn_away(
        self, items: Sequence[Item], error: ClipferryError, *, aloud: bool = True
    ) -> RequestHandle:
        """Refuse the requests of one message without queueing them; explain it once if `aloud`."""
        handle = RequestHandle(len(items))
        for item in items:
            refusal = self._runner.refuse(item, error, aloud=aloud and item is items[0])
            self._end_with(_Entry(item, handle), refusal)
        return handle

    def cancel(self, number: int, chat_id: int) -> bool:
        """Cancel a request of a chat, waiting or running; False if there is none (any more)."""
        entry = self._entries.get(number)
        if entry is None or entry.item.chat_id != chat_id:
            return False
        if entry.task:
            # A second press must not undo the first: a task that has ended takes no cancellation.
            entry.is_cancelled |= entry.task.cancel()
            return entry.is_cancelled
        self._queues.remove(entry.item.lane, number)
        self._forget(number)
        self._end_with(entry, self._refuse_cancelled(entry))
        return True

    def cancel_all(self, is_meant: Callable[[Item], bool]) -> int:
        """Cancel all requests that `is_meant` picks, and return their number.

        Their chat is told by the caller.
        """
        picked = {
            number: entry
            for number, entry in self._entries.items()
            if not entry.is_cancelled and is_meant(entry.item)
        }
        for entry in picked.values():
            entry.is_quiet = True
        return sum(self.cancel(number, entry.item.chat_id) for number, entry in picked.items())

    async def drain(self, grace_s: float, cancel_s: float) -> None:
        """Start nothing new, leave what waits, and give running requests `grace_s` seconds.

        Then they are cancelled, and have `cancel_s` seconds for their end.
        """
        self._is_closing = True
        for number in self._queues.drain():
            entry = self._forget(number)
            self._end_with(entry, self._runner.leave(entry.item))
        self._slots.close()
        if self._tasks:
            logger.info(
                "Waiting for the running requests: %d",
                len(self._tasks),
                extra={"event": "queue_draining"},
            )
        await self._wait(grace_s)
        late = [entry.task for entry in self._entries.values() if entry.task]
        for task in late:
            task.cancel()
        if late:
            logger.warning(
                "%d requests did not end in time", len(late), extra={"event": "queue_drain_late"}
            )
        await self._wait(cancel_s)

    async def _wait(self, seconds: float) -> None:
        """Wait for all tasks, and for those that they start at their end."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self._tasks and (left := deadline - loop.time()) > 0:
            await asyncio.wait(self._tasks, timeout=left)

    def _start_next(self, lane: Lane) -> None:
        """Start a lane's next request, if none of its requests is running."""
        number = self._queues.take(lane)
        if number is not None:
            entry = self._entries[number]
            entry.task = self._start(self._runner.run(entry.item))
            # Not a `finally` inside the task: one that is cancelled before its first step has none.
            entry.task.add_done_callback(partial(self._run_ended, number))

    def _run_ended(self, number: int, task: asyncio.Task[None]) -> None:
        entry = self._forget(number)
        release = partial(self._release, entry.item.lane)
        if task.cancelled():
            work = (
                self._refuse_cancelled(entry)
                if entry.is_cancelled
                else self._runner.leave(entry.item)
            )
            self._end_with(entry, work).add_done_callback(release)
            return
        if bug := task.exception():
            logger.error(
                "Request %d failed", number, exc_info=bug, extra={"event": "request_crashed"}
            )
        entry.handle.one_ended()
        release()

    def _refuse_cancelled(self, entry: _Entry[Item]) -> Coroutine[Any, Any, None]:
        return self._runner.refuse(entry.item, RequestCancelledError(), aloud=not entry.is_quiet)

    def _release(self, lane: Lane, *_: object) -> None:
        self._queues.done(lane)
        self._start_next(lane)

    def _end_with(self, entry: _Entry[Item], work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run the last piece of work for a request."""
        task = self._start(work)
        task.add_done_callback(lambda _: entry.handle.one_ended())
        return task

    def _number_of(self, item: Item) -> int:
        """Return what a request is cancelled by: its row, which every process knows it by."""
        if item.row is not None and item.row not in self._entries:
            return item.row
        return next(number for number in self._numbers if number not in self._entries)

    def _forget(self, number: int) -> _Entry[Item]:
        entry = self._entries.pop(number)
        entry.message.numbers.remove(number)
        # The chat has just got an answer, so the next request may take its time again.
        self._schedule_note(entry.message, self.note_pace.first_s)
        return entry

    def _schedule_note(self, message: _Message, seconds: float) -> None:
        """Show or update the status note of a message's first request after some time."""
        if message.timer:
            message.timer.cancel()
            message.timer = None
        if message.numbers and self._entries[message.numbers[0]].item.has_note:
            loop = asyncio.get_running_loop()
            message.timer = loop.call_later(seconds, self._report, message)

    def _report(self, message: _Message) -> None:
        number = message.numbers[0]
        entry = self._entries[number]
        if self._queues.place_of(entry.item.lane, number) > _MAX_NOTED_PLACE:
            self._schedule_note(message, self.note_pace.first_s)
            return
        place = self._place_of(number, entry)
        task = self._start(self._runner.report(entry.item, number, place))
        pause_s = self.note_pace.next_s(len(self._entries), is_waiting=place is not None)
        task.add_done_callback(lambda _: self._schedule_note(message, pause_s))

    def _place_of(self, number: int, entry: _Entry[Item]) -> int | None:
        """Return a request's place among those that wait, from 1; None if it does not wait.

        One that waits for another of its lane waits for a slot after that, behind all others.
        """
        lane = entry.item.lane
        if entry.task:
            return self._slots.place_of(lane)
        return self._slots.waiting + self._queues.place_of(lane, number)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)  # noqa: TID251 - this is the place
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
