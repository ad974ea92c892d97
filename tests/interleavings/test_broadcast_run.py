"""A broadcast that is stopped: what has not begun never begins, and what has begun ends."""

import asyncio
from collections import Counter

from services.broadcast_run import StopSignal
from tests.interleavings.explorer import FEW_INTERLEAVINGS, choice, explore


def test_what_waits_is_interrupted_and_what_has_begun_ends():
    async def scenario() -> None:
        stop, begun, ended = StopSignal(), Counter[int](), Counter[int]()
        turns = asyncio.Semaphore(1)
        stopped: list[bool] = []

        async def send(number: int) -> None:
            """As a broadcast does: wait for a turn, record the start, and send."""
            with stop.interruptible():
                async with turns:
                    await asyncio.sleep(0)
                    stop.started()
                    assert not stopped
                    begun[number] += 1
                    await asyncio.sleep(0)  # nothing interrupts it any more
                    await asyncio.sleep(0)
                    ended[number] += 1

        async def send_all(first: int) -> None:
            for number in (first, first + 1):
                try:
                    await send(number)
                except asyncio.CancelledError:
                    if not stop.has_interrupted():
                        raise
                    task = asyncio.current_task()
                    assert task
                    assert not task.cancelling()
                    return

        async def end() -> None:
            for _ in range(choice([0, 1, 2, 3, 5, 8])):
                await asyncio.sleep(0)
            stop.set()
            stopped.append(True)
            stop.set()

        await asyncio.gather(send_all(1), send_all(3), send_all(5), end())
        assert begun == ended
        assert not turns.locked()

    assert explore(scenario, 1_500) >= FEW_INTERLEAVINGS


async def test_nothing_begins_after_the_stop_even_if_its_turn_has_come():
    """The recipient would be stored as one to whom something was on its way."""
    stop, begun = StopSignal(), []

    async def send() -> bool:
        try:
            with stop.interruptible():
                stop.started()
                begun.append("stored")
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            return stop.has_interrupted()
        return False

    stop.set()
    assert await asyncio.create_task(send())
    assert begun == []
