"""Worker processes survive what kills one of them."""

import asyncio
import errno
import gc
import importlib
import os
import sys
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from core.errors import BrokenFileError, MediaTimeoutError, SpoolError
from data.config import ROOT
from media.worker_call import run_call, run_in_worker
from media.worker_pool import WorkerPool


@pytest.fixture
def worker_pool() -> Iterator[WorkerPool]:
    worker_pool = WorkerPool(1, limit_s=30, memory_mb=800)
    yield worker_pool
    worker_pool.close()


async def test_work_is_done_elsewhere(worker_pool: WorkerPool):
    assert await worker_pool.run(os.getpid) != os.getpid()
    assert await worker_pool.run(pow, 2, 10) == 1024


async def test_an_error_of_the_work_comes_back_as_it_is(worker_pool: WorkerPool):
    with pytest.raises(ZeroDivisionError):
        await worker_pool.run(divmod, 1, 0)


async def test_a_dead_worker_costs_one_picture_and_is_replaced(worker_pool: WorkerPool):
    first = await worker_pool.run(os.getpid)
    with pytest.raises(BrokenFileError):
        await worker_pool.run(os._exit, 1)
    assert await worker_pool.run(os.getpid) not in {first, os.getpid()}


async def test_work_without_end_is_ended_and_the_next_goes_on(worker_pool: WorkerPool):
    slow = WorkerPool(1, limit_s=0.5, memory_mb=800)
    try:
        with pytest.raises(MediaTimeoutError):
            await slow.run(time.sleep, 3600)
        # A new worker takes a moment to start.
        patient = WorkerPool(1, limit_s=30, memory_mb=800)
        assert await patient.run(abs, -1) == 1
        patient.close()
    finally:
        slow.close()


async def test_a_neighbour_of_what_dies_is_done_all_the_same():
    worker_pool = WorkerPool(2, limit_s=30, memory_mb=800)
    try:
        dying, other = await asyncio.gather(
            worker_pool.run(os._exit, 1), worker_pool.run(time.sleep, 0.3), return_exceptions=True
        )
        assert isinstance(dying, BrokenFileError)
        assert other is None
    finally:
        worker_pool.close()


async def test_a_worker_ends_when_the_bot_is_killed():
    """Workers hold each other's pipes open, so the end of a pipe does not tell them."""
    code = (
        "import asyncio, os\n"
        "from media.worker_pool import WorkerPool\n"
        "async def work():\n"
        "    worker_pool = WorkerPool(2, limit_s=30, memory_mb=800)\n"
        "    calls = [worker_pool.run(os.getpid) for _ in range(20)]\n"
        "    print(*set(await asyncio.gather(*calls)), flush=True)\n"
        "    await asyncio.sleep(3600)\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(work())\n"
    )
    bot = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert bot.stdout
    workers = [int(number) for number in (await bot.stdout.readline()).split()]
    assert workers
    bot.kill()
    await bot.wait()
    async with asyncio.timeout(30):
        while any(_is_alive(number) for number in workers):  # noqa: ASYNC110 - of others' processes
            await asyncio.sleep(0.05)


def _is_alive(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def _allocate(megabytes: int) -> int:
    return len(bytearray(megabytes * 1_000_000))


def _write_to_full_disk() -> None:
    with Path("/dev/full").open("wb") as file:
        file.write(b"x" * 100_000)


def _fail_because_of_full_disk() -> None:
    try:
        _write_to_full_disk()
    except OSError as error:
        raise BrokenFileError(type(error).__name__) from error


def _encode_to_full_disk() -> None:
    raise av.FFmpegError(errno.ENOSPC, "No space left on device")


async def test_a_worker_that_needs_too_much_memory_is_stopped(worker_pool: WorkerPool):
    assert await worker_pool.run(_allocate, 200) == 200_000_000
    with pytest.raises(BrokenFileError, match="too much memory"):
        await worker_pool.run(_allocate, 1_000)
    assert await worker_pool.run(_allocate, 200) == 200_000_000


@pytest.mark.parametrize(
    "work", [_write_to_full_disk, _fail_because_of_full_disk, _encode_to_full_disk]
)
async def test_a_full_disk_is_not_the_files_fault(worker_pool: WorkerPool, work):
    with pytest.raises(SpoolError):
        await worker_pool.run(work)
    with pytest.raises(SpoolError):  # and without the process around it
        run_call(work, ())


def test_a_call_keeps_its_result_and_its_other_errors():
    assert run_call(pow, (2, 10)) == run_in_worker(pow, (2, 10)) == 1024
    with pytest.raises(ZeroDivisionError):
        run_call(divmod, (1, 0))
    with pytest.raises(BrokenFileError, match="too much memory"):
        run_call(_need_memory, ())


def _need_memory() -> None:
    raise MemoryError


async def test_what_a_call_leaves_in_cycles_is_freed_before_the_next_one(worker_pool: WorkerPool):
    await worker_pool.run(_leave_a_cycle)
    assert await worker_pool.run(_is_left) is False


async def test_what_a_call_imports_is_not_looked_at_again(worker_pool: WorkerPool):
    before = await worker_pool.run(gc.get_freeze_count)
    await worker_pool.run(_import_something)
    frozen = await worker_pool.run(gc.get_freeze_count)
    assert frozen > before
    assert await worker_pool.run(gc.get_freeze_count) == frozen


def _import_something() -> None:
    importlib.import_module("colorsys")


class _Node:
    """Holds itself."""

    def __init__(self) -> None:
        self.me = self


def _leave_a_cycle() -> None:
    gc.disable()  # it may look at any time by itself
    _LEFT.append(weakref.ref(_Node()))


def _is_left() -> bool:
    return _LEFT[0]() is not None


_LEFT: "list[weakref.ref[_Node]]" = []


async def test_crashes_are_counted():
    crashes: list[int] = []
    pool = WorkerPool(1, limit_s=30, memory_mb=800, crashed=lambda: crashes.append(1))
    with pytest.raises(BrokenFileError):
        await pool.run(os._exit, 1)
    assert await pool.run(abs, -1) == 1
    assert len(crashes) == 2  # in the pool, and once more alone
    pool.close()
