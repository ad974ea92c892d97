"""Slots: never more holders than slots, and none is lost by a cancellation."""

import asyncio

from core.chat_queue import Lane
from services.requests.slots import Slots
from tests.interleavings.explorer import INTERLEAVINGS, choice, explore, invariant


def lane(chat_id: int) -> Lane:
    return Lane(chat_id, chat_id)


def test_no_slot_is_lost_or_given_twice():
    async def scenario() -> None:
        slots = Slots(2)
        holders: set[int] = set()
        invariant(lambda: len(holders) <= 2, "two slots have two holders at most")

        async def work(chat_id: int) -> None:
            async with slots.one(lane(chat_id)):
                holders.add(chat_id)
                try:
                    await asyncio.sleep(0)
                finally:
                    holders.discard(chat_id)

        tasks = [asyncio.create_task(work(chat_id)) for chat_id in range(5)]
        for victim in (choice([0, 1, 2]), choice([2, 3, 4])):
            for _ in range(choice([0, 1, 2])):
                await asyncio.sleep(0)
            tasks[victim].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert all(task.cancelled() or task.exception() is None for task in tasks)
        async with slots.one(lane(6)), slots.one(lane(7)):
            assert slots.place_of(lane(6)) is None

    assert explore(scenario) >= INTERLEAVINGS


def test_closing_ends_all_that_wait():
    async def scenario() -> None:
        slots = Slots(1)
        done: list[int] = []

        async def work(chat_id: int) -> None:
            async with slots.one(lane(chat_id)):
                await asyncio.sleep(0)
                done.append(chat_id)

        tasks = [asyncio.create_task(work(chat_id)) for chat_id in range(4)]
        for _ in range(choice([0, 1, 2, 3])):
            await asyncio.sleep(0)
        slots.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert len(done) == sum(not task.cancelled() for task in tasks)

    explore(scenario)
