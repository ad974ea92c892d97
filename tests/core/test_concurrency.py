"""Several things at once: all results in order, or the first failure by itself."""

import asyncio

import pytest

from core.concurrency import run_all


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
