"""Worker processes survive what kills one of them."""

import os
from collections.abc import Iterator

import pytest

from core.errors import BrokenPictureError
from delivery.workshop import Workshop


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    workshop = Workshop(1)
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
    with pytest.raises(BrokenPictureError):
        await workshop.run(os._exit, 1)
    assert await workshop.run(os.getpid) not in {first, os.getpid()}
