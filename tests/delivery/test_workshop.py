"""Worker processes survive what kills one of them."""

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import BrokenFileError, FileOverdueError
from data.config import ROOT
from delivery.workshop import Workshop


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    workshop = Workshop(1, limit_s=30)
    yield workshop
    workshop.close()


async def test_work_is_done_elsewhere(workshop: Workshop):
    assert await workshop.run(os.getpid) != os.getpid()
    assert await workshop.run(pow, 2, 10) == 1024


async def test_an_error_of_the_work_comes_back_as_it_is(workshop: Workshop):
    with pytest.raises(ZeroDivisionError):
        await workshop.run(divmod, 1, 0)


async def test_a_dead_worker_costs_one_picture_and_is_replaced(workshop: Workshop):
    first = await workshop.run(os.getpid)
    with pytest.raises(BrokenFileError):
        await workshop.run(os._exit, 1)
    assert await workshop.run(os.getpid) not in {first, os.getpid()}


async def test_work_without_end_is_ended_and_the_next_goes_on(workshop: Workshop):
    slow = Workshop(1, limit_s=0.5)
    try:
        with pytest.raises(FileOverdueError):
            await slow.run(time.sleep, 3600)
        # A new worker takes a moment to start.
        patient = Workshop(1, limit_s=30)
        assert await patient.run(abs, -1) == 1
        patient.close()
    finally:
        slow.close()


async def test_a_neighbour_of_what_dies_is_done_all_the_same():
    workshop = Workshop(2, limit_s=30)
    try:
        dying, other = await asyncio.gather(
            workshop.run(os._exit, 1), workshop.run(time.sleep, 0.3), return_exceptions=True
        )
        assert isinstance(dying, BrokenFileError)
        assert other is None
    finally:
        workshop.close()


async def test_a_worker_ends_when_the_bot_is_killed():
    """Workers hold each other's pipes open, so nobody else would tell them."""
    code = (
        "import asyncio, os\n"
        "from delivery.workshop import Workshop\n"
        "async def work():\n"
        "    workshop = Workshop(2, limit_s=30)\n"
        "    print(*set(await asyncio.gather(*[workshop.run(os.getpid) for _ in range(20)])), flush=True)\n"
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
