"""Structured concurrency: run several coroutines together, all or nothing."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


async def run_all(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run all coroutines concurrently and return their results in order.

    If one fails, the others are cancelled and awaited. The first error is raised by itself instead
    of inside an ExceptionGroup, because callers handle single errors.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a coroutine, which must raise nothing, beside the block, whose end waits for its end.

    If the block is cancelled, so is the coroutine.
    """
    task = asyncio.create_task(work)  # noqa: TID251 - ends with the block
    try:
        yield
    except asyncio.CancelledError:
        task.cancel()
        raise
    except Exception:  # raised again: the call must not overtake what explains the failure
        await task
        raise
    await task
