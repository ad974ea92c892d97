"""Worker processes survive what kills one of them."""

import asyncio
import os
import time
from collections.abc import Iterator

import pytest

from core.errors import BrokenFileError, FileOverdueError
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
