"""Structured concurrency: what is started in a block or a call has ended when that is left."""

import asyncio
import math
from collections.abc import AsyncIterator, Collection, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeVar

T = TypeVar("T")

#: Interval at which a cancellation is repeated, in seconds; no clean-up takes as long.
CANCEL_AGAIN_S: Final = 10.0


async def wait_for_event(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, at most `seconds`; return True if it is set.

    `asyncio.wait_for` would lose a cancellation that comes together with the event: on Python 3.11
    it returns instead, and the task that has cancelled the caller waits for it forever.
    Source: https://github.com/python/cpython/issues/86296
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


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
    """Run a coroutine, which must not raise, beside the block; leaving the block waits for it.

    If the block is cancelled, so is the coroutine. A block's own error is always the one that is
    raised; a cancellation that follows it is delivered at the caller's next await.
    """
    task = asyncio.create_task(work)  # noqa: TID251 - ends with the block
    try:
        yield
    except Exception:  # raised again: the call must not overtake what explains the failure
        await _end_of(task, is_left=False)
        raise
    except BaseException:  # cancelled: nobody waits for the coroutine's result any more
        await _cancel(task)
        raise
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        await _cancel(task)
        raise
    task.result()


@asynccontextmanager
async def during(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a coroutine beside the block; it is cancelled, and has ended, at the block's end.

    A cancellation during that end is delivered at the caller's next await: the block has its
    result.
    """
    task = asyncio.create_task(work)  # noqa: TID251 - ends with the block
    is_left = False
    try:
        yield
    except asyncio.CancelledError:
        is_left = True
        raise
    finally:
        await _end_of(task, is_left=is_left, cancels=True)


async def run_uncancelled(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end and return its result, also if the caller is cancelled meanwhile.

    The cancellation is raised after that end, and instead of an error. For what must not be left in
    the middle, such as a request whose effect could come after that of a later one.
    """
    task = asyncio.create_task(work)  # noqa: TID251 - ends with the call
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        await _end_of(task)
        raise
    return task.result()


async def run_cancellable(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine and return its result; it has ended if the caller is cancelled meanwhile.

    For libraries that lose a cancellation: the caller does not, and it is repeated for them.
    """
    task = asyncio.create_task(work)  # noqa: TID251 - ends with the call
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        await _cancel(task)
        raise
    return task.result()


async def run_until(event: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end, or until an event is set: then it is cancelled."""
    task = asyncio.create_task(work)  # noqa: TID251 - ends with the call
    try:
        async with during(_cancel_at(event, task)):
            await asyncio.wait([task])
    finally:
        await _cancel(task)
    if not task.cancelled():
        task.result()


async def _cancel_at(event: asyncio.Event, task: asyncio.Task[None]) -> None:
    await event.wait()
    await _cancel(task)


async def cancel_all(tasks: Collection[asyncio.Task[Any]], seconds: float) -> bool:
    """Cancel tasks, and once more at half of the time; return False if one runs after `seconds`.

    For the end of the process: what is `run_uncancelled` may take longer than the process has left.
    """
    running = set(tasks)
    for _ in range(2):
        for task in running:
            task.cancel()
        if running:
            _, running = await asyncio.wait(running, timeout=seconds / 2)
    return all(task.done() for task in tasks)


async def _cancel(task: asyncio.Task[Any]) -> None:
    await _end_of(task, cancels=True)


async def _end_of(task: asyncio.Task[Any], *, is_left: bool = True, cancels: bool = False) -> None:
    """Wait for the end of a task, however often the caller is cancelled meanwhile.

    With `cancels`, it is cancelled, and again at intervals: libraries lose a cancellation now and
    then, as aiohappyeyeballs does while it gives up a slower attempt to connect. A caller that is
    being left by a cancellation needs no further one (`is_left`). Another one is cancelled where it
    waits next: no cancellation may be lost.
    """
    is_cancelled = False
    now = asyncio.get_running_loop().time
    again_at = now() if cancels else math.inf
    while not task.done():
        if now() >= again_at:
            task.cancel()
            again_at += CANCEL_AGAIN_S
        try:
            # Who is cancelled meanwhile does not wait anew: the repetition would never come.
            await asyncio.wait([task], timeout=again_at - now() if cancels else None)
        except asyncio.CancelledError:
            is_cancelled = True
    if not task.cancelled():
        task.exception()  # marks it as seen: what is raised already comes first
    caller = asyncio.current_task()
    if is_cancelled and not is_left and caller:
        caller.uncancel()  # it is the same cancellation, not another one
        caller.cancel()
