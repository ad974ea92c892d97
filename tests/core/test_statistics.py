"""How times are cut into points."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.statistics import (
    DAY_S,
    FINE_S,
    HOUR_S,
    MAX_POINTS,
    SLOT_S,
    Period,
    Scope,
    curve_of,
    curve_times,
    slot_of,
)

NOW = 1_800_000_123
TIMES = st.integers(946_684_800, 4_000_000_000)


@pytest.mark.parametrize(
    ("period", "points", "step"),
    [(Period.DAY, 48, SLOT_S), (Period.WEEK, 168, HOUR_S), (Period.MONTH, 31, DAY_S)],
)
def test_the_usual_periods(period: Period, points: int, step: int):
    begin, end, step_s = curve_times(period, None, NOW)
    assert step_s == step
    assert (end - begin) // step == points
    assert end <= NOW < end + step


@given(TIMES, st.sampled_from(Period), st.integers(0, 60 * 365 * DAY_S))
def test_a_curve_has_whole_steps_that_end_about_now(now: int, period: Period, age: int):
    first = max(now - age, 0)
    begin, end, step = curve_times(period, first, now)
    assert begin % step == 0
    assert 1 <= -(-(end - begin) // step) <= MAX_POINTS + 1
    assert end <= now + SLOT_S
    if period is Period.ALL:
        assert begin <= max(first, 946_684_800)
        # What lies further back is there only by days.
        assert now - begin < FINE_S + DAY_S or step % DAY_S == 0


@given(TIMES, st.lists(st.tuples(st.integers(0, 40 * DAY_S), st.integers(0, 9))))
def test_nothing_is_lost_or_invented(begin: int, ages: list[tuple[int, int]]):
    begin = slot_of(begin)
    end = begin + 30 * DAY_S
    slots = [(begin + age, number) for age, number in ages]
    curve = curve_of(slots, begin, end, DAY_S)
    assert len(curve.values) == 30
    assert sum(curve.values) == sum(number for at, number in slots if at < end)


def test_a_young_bot_sees_its_first_half_hour():
    begin, end, step = curve_times(Period.ALL, slot_of(NOW), NOW)
    assert (begin, end, step) == (slot_of(NOW), slot_of(NOW) + SLOT_S, SLOT_S)


@pytest.mark.parametrize(
    ("scope", "private", "groups"),
    [(Scope.ALL, True, True), (Scope.PRIVATE, True, False), (Scope.GROUPS, False, True)],
)
def test_scopes(scope: Scope, private: bool, groups: bool):
    assert scope.includes(is_group=False) == private
    assert scope.includes(is_group=True) == groups
