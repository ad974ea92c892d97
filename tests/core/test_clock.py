"""The clock that the processes of several machines share."""

import time

import pytest

from core.clock import SharedClock


@pytest.mark.parametrize("ahead_s", [-600.0, 600.0])
def test_a_clock_that_is_off_is_set_by_the_databases(ahead_s: float):
    clock, now = SharedClock(), time.time()
    clock.compare(now + ahead_s + 0.1, now, now + 0.2)
    assert clock() - time.time() == pytest.approx(ahead_s, abs=0.001)
    clock.compare(now + 0.1, now, now + 0.2)  # it was set right
    assert clock.ahead_s == 0


def test_a_slow_answer_and_a_small_difference_set_no_clock():
    clock = SharedClock()
    clock.compare(1_000.0, 1_000.0, 1_030.0)
    clock.compare(1_000.9, 1_000.0, 1_000.0)
    assert clock.ahead_s == 0
