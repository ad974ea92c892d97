"""Several things at once: all results in order, or the first failure by itself."""

import asyncio

import pytest

from core.concurrency import beside, run_all


async def test_results_come_in_order():
    async def work(number: int) -> int:
        await asyncio.sleep(0.01 * (3 - number))
        return number

    assert await run_all(work(n) for n in range(3)) == [0, 1, 2]


async def test_the_first_failure_comes_alone_and_nobody_works_on():
    ended: list[str] = []

    async def fail() -> None:
        raise ZeroDivisionError

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("work")

    with pytest.raises(ZeroDivisionError):
        await run_all([work(), fail()])
    assert ended == ["work"]


async def test_what_runs_beside_the_block_delays_only_its_end():
    steps: list[str] = []
    may_end = asyncio.Event()

    async def work() -> None:
        steps.append("begun")
        await may_end.wait()
        steps.append("ended")

    async with beside(work()):
        await asyncio.sleep(0)
        steps.append("block")
        may_end.set()
    assert steps == ["begun", "block", "ended"]


@pytest.mark.parametrize("error", [ZeroDivisionError, asyncio.CancelledError])
async def test_a_block_that_fails_leaves_nothing_running(error: type[BaseException]):
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            ended.append("by itself")
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def block() -> None:
        async with beside(work()):
            await asyncio.sleep(0)
            raise error

    with pytest.raises(error):
        await block()
    await asyncio.sleep(0)
    assert ended == ["cancelled" if error is asyncio.CancelledError else "by itself"]
    assert len(asyncio.all_tasks()) == 1


async def test_who_is_cancelled_while_it_waits_cancels_it_too():
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def block() -> None:
        async with beside(work()):
            pass

    task = asyncio.ensure_future(block())
    await begun.wait()
    task.cancel()
    await ended.wait()
    with pytest.raises(asyncio.CancelledError):
        await task
