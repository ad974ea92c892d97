"""Several things at once: all results in order, or only the first failure."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from core.concurrency import (
    beside,
    cancel_all,
    during,
    run_all,
    run_cancellable,
    run_uncancelled,
    run_until,
    wait_for_event,
)
from tests.fakes import settle


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
            await asyncio.sleep(0)
            ended.append("cancelled")
            raise

    async def block() -> None:
        async with beside(work()):
            await asyncio.sleep(0)
            raise error

    with pytest.raises(error):
        await block()
    assert ended == ["cancelled" if error is asyncio.CancelledError else "by itself"]
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("helper", [beside, during])
async def test_what_is_cancelled_before_its_first_step_leaves_nothing_running(helper: Any):
    async def block() -> None:
        async with helper(asyncio.sleep(60)):
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await block()
    assert len(asyncio.all_tasks()) == 1


async def test_of_two_errors_that_of_the_block_is_raised():
    async def work() -> None:
        raise KeyError("beside")

    async def block(*, fails: bool) -> None:
        async with beside(work()):
            await asyncio.sleep(0)
            if fails:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await block(fails=True)
    with pytest.raises(KeyError):
        await block(fails=False)


async def test_a_block_ends_what_would_never_end():
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.set()

    async with during(work()):
        await begun.wait()
    assert ended.is_set()
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize(("helper", "fails"), [(during, False), (during, True), (beside, True)])
async def test_a_cancellation_during_the_end_of_the_other_is_not_lost(helper: Any, fails: bool):
    """What the block has brought is kept, and the caller goes no further than to its next wait."""
    begun, has_ended, may_end = asyncio.Event(), asyncio.Event(), asyncio.Event()
    steps: list[str] = []

    async def work() -> None:
        begun.set()
        try:
            await has_ended.wait()
        finally:
            await may_end.wait()

    async def block() -> None:
        try:
            async with helper(work()):
                await begun.wait()
                has_ended.set()
                if fails:
                    raise ZeroDivisionError
            steps.append("result")
        except ZeroDivisionError:
            steps.append("error")
        await asyncio.Event().wait()

    task = asyncio.ensure_future(block())
    await has_ended.wait()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    may_end.set()
    async with asyncio.timeout(30):
        await asyncio.wait([task])
    assert task.cancelled()
    assert steps == ["error" if fails else "result"]
    assert task.cancelling() == 1


@pytest.mark.parametrize("cancellations", [0, 1, 3])
async def test_what_must_not_be_left_in_the_middle_is_not(cancellations: int):
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def work() -> str:
        begun.set()
        await may_end.wait()
        return "done"

    task = asyncio.ensure_future(run_uncancelled(work()))
    await begun.wait()
    for _ in range(cancellations):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    may_end.set()
    await asyncio.wait([task])
    assert task.cancelled() == (cancellations > 0)
    assert cancellations or task.result() == "done"
    assert len(asyncio.all_tasks()) == 1


async def test_it_is_done_even_if_the_caller_is_cancelled_before_that():
    done: list[str] = []

    async def work() -> None:
        done.append("done")

    task = asyncio.ensure_future(run_uncancelled(work()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert done == ["done"]


async def test_an_error_is_raised_unless_a_cancellation_is():
    async def work() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run_uncancelled(work())
    task = asyncio.ensure_future(run_uncancelled(work()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_time_limit_around_it_holds_once_it_has_ended():
    may_end = asyncio.Event()

    async def limited() -> None:
        async with asyncio.timeout(0):
            asyncio.get_running_loop().call_soon(may_end.set)
            await run_uncancelled(may_end.wait())

    with pytest.raises(TimeoutError):
        await limited()
    task = asyncio.current_task()
    assert task
    assert not task.cancelling()


async def test_a_block_that_is_cancelled_at_its_end_cancels_what_runs_beside_it():
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


async def test_an_event_is_waited_for_until_it_is_set_or_the_time_is_over():
    event = asyncio.Event()
    assert not await wait_for_event(event, 0.001)
    asyncio.get_running_loop().call_later(0.001, event.set)
    assert await wait_for_event(event, 60)
    assert await wait_for_event(event, 0)


@pytest.mark.parametrize("is_cancelled_first", [False, True])
async def test_a_cancellation_that_comes_with_the_event_is_not_lost(is_cancelled_first: bool):
    event = asyncio.Event()

    async def work() -> None:
        while True:
            await wait_for_event(event, 60)
            event.clear()

    # At once in the sense of the event loop: in one step of it, and one step apart.
    for apart in (0, 1, 2):
        task = asyncio.create_task(work())
        await asyncio.sleep(0.001)
        if is_cancelled_first:
            task.cancel()
        else:
            event.set()
        for _ in range(apart):
            await asyncio.sleep(0)
        if is_cancelled_first:
            event.set()
        else:
            task.cancel()
        _done, pending = await asyncio.wait([task], timeout=10)
        task.cancel()
        assert not pending
        assert task.cancelled()
        event.clear()


async def deaf() -> None:
    """Lose one cancellation, as libraries do."""
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    await asyncio.Event().wait()


async def test_a_cancellation_on_the_way_does_not_delay_its_repetition(
    monkeypatch: pytest.MonkeyPatch,
):
    """Both waits begin anew at the same interval, and the outer one is always the first."""
    monkeypatch.setattr("core.concurrency.CANCEL_AGAIN_S", 0.01)
    async with asyncio.timeout(30):
        async with during(run_cancellable(deaf())):
            await asyncio.sleep(0)


async def test_a_cancellation_that_a_library_loses_is_repeated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("core.concurrency.CANCEL_AGAIN_S", 0.01)
    async with asyncio.timeout(30):
        async with during(deaf()):
            await asyncio.sleep(0)
        with pytest.raises(ZeroDivisionError):
            await fail_beside_deaf()
        event = asyncio.Event()
        asyncio.get_running_loop().call_soon(event.set)
        await run_until(event, deaf())
        running = asyncio.create_task(run_cancellable(deaf()))
        await settle()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_what_can_be_cancelled_has_its_result_and_its_error():
    async def fail() -> None:
        raise ZeroDivisionError

    assert await run_cancellable(asyncio.sleep(0, 3)) == 3
    with pytest.raises(ZeroDivisionError):
        await run_cancellable(fail())


async def fail_beside_deaf() -> None:
    async with during(deaf()):
        await asyncio.sleep(0)
        raise ZeroDivisionError


async def test_a_clean_up_is_not_cancelled_when_its_caller_is_cancelled_once_more():
    steps: list[str] = []
    may_end = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await may_end.wait()
            steps.append("cleaned up")

    async def run() -> None:
        async with during(work()):
            await asyncio.sleep(0)

    task = asyncio.create_task(run())
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    may_end.set()
    await asyncio.gather(task, return_exceptions=True)
    assert steps == ["cleaned up"]


async def test_tasks_that_are_cancelled_have_ended_unless_one_goes_on():
    may_end = asyncio.Event()

    async def wait() -> None:
        await may_end.wait()

    async def go_on() -> None:
        await run_uncancelled(wait())

    async with asyncio.timeout(60):
        assert await cancel_all([], 60)
        tasks = [asyncio.create_task(wait()) for _ in range(2)]
        await asyncio.sleep(0)
        assert await cancel_all(tasks, 60)
        assert [task.cancelled() for task in tasks] == [True, True]
        tasks = [asyncio.create_task(work()) for work in (wait, go_on)]
        await asyncio.sleep(0)
        assert not await cancel_all(tasks, 0.01)
        assert not tasks[1].done()
        may_end.set()
        await asyncio.wait(tasks)


async def test_the_end_of_the_process_repeats_a_cancellation_that_a_library_loses():
    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    await cancel_all([task], 0.02)
    done, _ = await asyncio.wait([task], timeout=30)
    task.cancel()
    assert done


@pytest.mark.parametrize("ends_by", ["event", "itself", "failure", "cancellation"])
async def test_work_until_an_event_has_ended_with_the_call(ends_by: str):
    event, goes_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            await goes_on.wait()
            if ends_by == "failure":
                raise ZeroDivisionError
        finally:
            ended.set()

    running = asyncio.create_task(run_until(event, work()))
    await settle()
    assert not running.done()
    if ends_by == "event":
        event.set()
    elif ends_by == "cancellation":
        running.cancel()
    else:
        goes_on.set()
    async with asyncio.timeout(60):
        await asyncio.wait([running])
    assert ended.is_set()
    assert running.cancelled() == (ends_by == "cancellation")
    if ends_by == "failure":
        assert isinstance(running.exception(), ZeroDivisionError)
    elif ends_by != "cancellation":
        running.result()
