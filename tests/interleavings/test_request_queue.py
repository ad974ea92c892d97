"""The request queue: one request of a chat at a time, and every request ends exactly once."""

import asyncio
from collections import Counter
from dataclasses import dataclass

from core.chat_queue import Lane
from core.errors import ClipferryError
from services.requests.queue import RequestHandle, RequestQueue
from services.requests.slots import Slots
from tests.interleavings.explorer import INTERLEAVINGS, choice, explore, invariant


@dataclass(frozen=True)
class Item:
    chat_id: int
    position: int
    has_note: bool = True
    row: int | None = None

    @property
    def lane(self) -> Lane:
        return Lane(self.chat_id, self.chat_id)


class Runner:
    """Takes a few steps for everything, and notes what happens."""

    def __init__(self) -> None:
        self.running: Counter[int] = Counter()
        self.ended: Counter[Item] = Counter()

    async def run(self, item: Item) -> None:
        self.running[item.chat_id] += 1
        try:
            for _ in range(2):
                await asyncio.sleep(0)
            self.ended[item] += 1
        finally:
            self.running[item.chat_id] -= 1

    async def refuse(self, item: Item, error: ClipferryError, *, aloud: bool = True) -> None:
        await asyncio.sleep(0)
        self.ended[item] += 1

    async def leave(self, item: Item) -> None:
        await asyncio.sleep(0)
        self.ended[item] += 1

    async def accept(self, item: Item) -> None:
        await asyncio.sleep(0)

    async def report(self, item: Item, number: int, place: int | None) -> None:
        await asyncio.sleep(0)


def build() -> tuple[Runner, "RequestQueue[Item]"]:
    runner = Runner()
    queue = RequestQueue(Slots(1), runner, max_requests=10, patience_s=60)
    invariant(lambda: max(runner.running.values(), default=0) <= 1, "one request of a chat runs")
    invariant(lambda: max(runner.ended.values(), default=0) <= 1, "a request ends once")
    return runner, queue


async def wait_for_all(handles: list[RequestHandle]) -> None:
    for handle in handles:
        await handle


def test_cancelling_leaves_no_chat_stuck():
    async def scenario() -> None:
        runner, queue = build()
        items = [Item(1, 1), Item(1, 2), Item(1, 3), Item(2, 4)]
        handles = [queue.submit([item], 5) for item in items]

        async def cancel(number: int) -> None:
            for _ in range(choice([0, 1, 2, 3])):
                await asyncio.sleep(0)
            queue.cancel(number, items[number - 1].chat_id)

        await asyncio.gather(cancel(1), cancel(2), cancel(3))
        await wait_for_all(handles)
        assert set(runner.ended) == set(items)
        again = queue.submit([Item(1, 9)], 1)  # the chat has room, and its turn comes
        await again
        assert runner.ended[Item(1, 9)] == 1

    assert explore(scenario) >= INTERLEAVINGS


def test_draining_ends_every_request():
    async def scenario() -> None:
        runner, queue = build()
        items = [Item(1, 1), Item(1, 2), Item(2, 3)]
        handles = [queue.submit([item], 5) for item in items]
        late = Item(3, 4)

        async def drain() -> None:
            for _ in range(choice([0, 1, 2])):
                await asyncio.sleep(0)
            await queue.drain(choice([0.0, 1.0]), 10)

        async def submit_late() -> None:
            await asyncio.sleep(0)
            handles.append(queue.submit([late], 5))

        await asyncio.gather(drain(), submit_late())
        await wait_for_all(handles)
        assert set(runner.ended) == {*items, late}
        assert queue.count == 0

    explore(scenario)
