"""Periodic tasks: at once and again, whatever fails, and no longer than their block."""

import asyncio

import pytest

from app.periodic_tasks import PeriodicTask, pause_for, running_periodic_tasks
from app.stop_time import StopStep
from core.concurrency import run_uncancelled, wait_for_event
from core.errors import StorageError
from data import scheduled_backups
from tests.fakes import settle
from tests.stops import stop_begun


class Work:
    """Counts its runs; the first ones may fail."""

    def __init__(self, *failures: Exception, runs: int = 1) -> None:
        self.failures = list(failures)
        self.runs = 0
        self.wanted = runs
        self.is_done = asyncio.Event()

    async def __call__(self) -> None:
        self.runs += 1
        if self.runs == self.wanted:
            self.is_done.set()
        if self.failures:
            raise self.failures.pop(0)


async def test_every_task_runs_at_once_and_alone_from_the_others():
    works = [Work(), Work(StorageError()), Work()]
    tasks = [PeriodicTask(f"task {n}", 3_600, work) for n, work in enumerate(works)]
    async with running_periodic_tasks(tasks, stop_begun(0)):
        for work in works:
            await work.is_done.wait()
    assert [work.runs for work in works] == [1, 1, 1]


@pytest.mark.parametrize(
    ("error", "event"),
    [(StorageError(), "periodic_task_failed"), (KeyError("x"), "periodic_task_crashed")],
    ids=["database", "bug"],
)
async def test_a_task_that_fails_runs_again(
    error: Exception, event: str, caplog: pytest.LogCaptureFixture
):
    work = Work(error, runs=3)
    async with running_periodic_tasks([PeriodicTask("task", 0, work)], stop_begun(0)):
        await work.is_done.wait()
    logged = [
        record for record in caplog.records if record.name == running_periodic_tasks.__module__
    ]
    assert [getattr(record, "event", "") for record in logged] == [event]


async def test_a_task_waits_for_its_interval():
    seldom, often = Work(), Work(runs=5)
    tasks = [PeriodicTask("seldom", 3_600, seldom), PeriodicTask("often", 0, often)]
    async with running_periodic_tasks(tasks, stop_begun(0)):
        await often.is_done.wait()
    assert seldom.runs == 1


async def test_a_task_that_is_woken_runs_before_its_interval_has_passed():
    wake, work = asyncio.Event(), Work()
    async with running_periodic_tasks(
        [PeriodicTask("task", 3_600, work, wake=wake)], stop_begun(0)
    ):
        await work.is_done.wait()
        work.wanted = 2
        work.is_done.clear()
        wake.set()
        await work.is_done.wait()
    assert not wake.is_set()


async def test_what_comes_up_during_the_work_is_done_right_after_it():
    wake, is_done, seen = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        seen.append(wake.is_set())
        (wake if len(seen) == 1 else is_done).set()

    async with running_periodic_tasks(
        [PeriodicTask("task", 3_600, work, wake=wake)], stop_begun(0)
    ):
        await is_done.wait()
    assert seen == [False, False]


async def test_a_task_that_can_be_woken_keeps_its_interval():
    work = Work(runs=3)
    async with running_periodic_tasks(
        [PeriodicTask("task", 0, work, wake=asyncio.Event())], stop_begun(0)
    ):
        await work.is_done.wait()


async def test_tasks_end_with_the_block_even_in_the_middle_of_their_work():
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def block() -> None:
        async with running_periodic_tasks([PeriodicTask("task", 0, work)], stop_begun(0)):
            await begun.wait()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await block()
    assert ended.is_set()


async def test_no_tasks_are_fine():
    async with running_periodic_tasks([], stop_begun(0)):
        pass
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize(
    ("interval_s", "elapsed_s", "pause_s"),
    [
        (0, 7.25, 0),
        (0.25, 7.25, 0.25),
        (1, 7, 1),
        (1, 7.25, 0.75),
        (1, 7.75, 0.25),
        (3.75, 7, 3),
        (3.75, 7.5, 3.5),
        (60, 7.25, 59.75),
    ],
)
def test_long_intervals_end_together_and_none_is_longer_than_stated(
    interval_s: float, elapsed_s: float, pause_s: float
):
    assert pause_for(interval_s, elapsed_s) == pause_s


async def test_the_end_does_not_wait_for_a_task_that_goes_on(caplog: pytest.LogCaptureFixture):
    """A call that must not be cut off may take a minute, and the process may be killed by then."""
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def call() -> None:
        begun.set()
        await may_end.wait()

    async def work() -> None:
        try:
            await run_uncancelled(call())
        finally:
            ended.set()

    try:
        async with asyncio.timeout(60):
            async with running_periodic_tasks(
                [PeriodicTask("task", 3_600, work)], stop_begun(1_000)
            ):
                await begun.wait()
        assert not ended.is_set()
        events = [getattr(record, "event", "") for record in caplog.records]
        assert "periodic_tasks_late" in events
    finally:
        may_end.set()
        await wait_for_event(ended, 60)
        await settle()


def test_a_cancelled_backup_has_ended_before_its_cancellation_is_repeated():
    repeated_after_s = stop_begun(0).left_s(StopStep.PERIODIC_TASKS) / 2
    assert repeated_after_s > scheduled_backups._END_S
