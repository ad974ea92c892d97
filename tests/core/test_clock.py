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


@pytest.mark.parametrize("ahead_s", [0.0, 10.0, 600.0])
def test_a_slow_answer_does_not_replace_what_an_exact_one_has_told(ahead_s: float):
    clock = SharedClock()
    clock.compare(1_000.0 + ahead_s, 1_000.0, 1_000.0)
    clock.compare(1_050.0 + ahead_s, 1_020.0, 1_050.0)  # it took 30 s on its way to the database
    assert clock.ahead_s == ahead_s
    clock.compare(1_060.5 + ahead_s, 1_060.0, 1_060.0)  # the clocks drift apart
    assert clock.ahead_s == pytest.approx(ahead_s and ahead_s + 0.5)


def test_a_slow_answer_is_believed_if_a_clock_was_set_meanwhile():
    clock = SharedClock()
    clock.compare(1_600.0, 1_000.0, 1_000.0)
    clock.compare(1_010.0, 1_000.0, 1_020.0)
    assert clock.ahead_s == 0


def test_knowledge_of_long_ago_is_worth_less_than_a_slow_answer():
    clock, days_s = SharedClock(), 3 * 86_400.0
    clock.compare(600.0, 0.0, 0.0)
    clock.compare(days_s + 610.0, days_s - 15.0, days_s + 15.0)
    assert clock.ahead_s == 610


def test_another_database_has_another_clock():
    clock = SharedClock()
    clock.compare(1_600.0, 1_000.0, 1_000.0)
    clock.forget()
    assert clock.ahead_s == 0
