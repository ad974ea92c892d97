"""The clock that the processes of several machines share."""

import pytest

from core.clock import SharedClock


@pytest.mark.parametrize("ahead_s", [-600.0, 600.0])
def test_a_clock_that_is_off_is_set_by_the_databases(
    ahead_s: float, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("core.clock.time.time", lambda: 1_000.0)
    clock = SharedClock()
    clock.compare(1_000.1 + ahead_s, 1_000.0, 1_000.2)
    assert clock() == pytest.approx(1_000.0 + ahead_s)
    clock.compare(1_000.1, 1_000.0, 1_000.2)  # it was set right
    assert clock.ahead_s == 0


def test_a_slow_answer_and_a_small_difference_set_no_clock():
    clock = SharedClock()
    clock.compare(1_000.0, 1_000.0, 1_030.0)
    clock.compare(1_000.9, 1_000.0, 1_000.0)
    assert clock.ahead_s == 0
