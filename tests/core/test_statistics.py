"""How times are cut into points."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.statistics import (
    DAY_S,
    FINE_OUTCOMES_S,
    FINE_S,
    HOUR_S,
    MAX_POINTS,
    SLOT_S,
    Counts,
    Curve,
    Period,
    Trend,
    curve_of,
    curve_times,
    fine_from,
    slot_of,
)

NOW = 1_800_000_123
TIMES = st.integers(946_684_800, 4_000_000_000)


@pytest.mark.parametrize(
    ("period", "points", "step"),
    [(Period.DAY, 48, SLOT_S), (Period.WEEK, 168, HOUR_S), (Period.MONTH, 31, DAY_S)],
)
def test_the_usual_periods_end_with_the_running_step(period: Period, points: int, step: int):
    begin, end, step_s = curve_times(period, None, NOW)
    assert step_s == step
    assert (end - begin) // step == points + 1
    assert end - step <= NOW < end


@pytest.mark.parametrize("period", [Period.DAY, Period.WEEK, Period.MONTH])
@given(TIMES)
def test_a_curve_contains_everything_that_the_period_counts(period: Period, now: int):
    begin, end, _ = curve_times(period, None, now)
    since = period.since(now)
    assert since is not None
    assert begin <= since
    assert slot_of(now) < end


@given(TIMES, st.sampled_from(Period), st.integers(0, 60 * 365 * DAY_S))
def test_a_curve_has_whole_steps_that_end_about_now(now: int, period: Period, age: int):
    first = max(now - age, 0)
    begin, end, step = curve_times(period, first, now)
    assert begin % step == 0
    assert 1 <= -(-(end - begin) // step) <= MAX_POINTS + 2
    assert end - step <= now < end
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
    ("unix", "slot"),
    [(None, 0), (0, 0), (1_799, 0), (1_800, 1_800), (3_599, 1_800), (NOW, 1_800_000_000)],
)
def test_a_slot_begins_at_the_half_hour(unix: int | None, slot: int):
    assert slot_of(unix) == slot


@pytest.mark.parametrize(
    ("period", "length_s", "since"),
    [
        (Period.DAY, 86_400, 1_799_913_600),
        (Period.WEEK, 604_800, 1_799_395_200),
        (Period.MONTH, 2_678_400, 1_797_321_600),
        (Period.ALL, None, None),
    ],
)
def test_a_period_reaches_back_to_a_half_hour(
    period: Period, length_s: int | None, since: int | None
):
    assert period.length_s == length_s
    assert period.since(NOW) == since


@pytest.mark.parametrize(
    ("period", "span"),
    [
        (Period.DAY, (1_799_913_600 - DAY_S, 1_799_913_600)),
        (Period.WEEK, (1_799_395_200 - 7 * DAY_S, 1_799_395_200)),
        # Only days are left of what lies so far back: the span begins with the next whole one.
        (Period.MONTH, (-(-(1_797_321_600 - 31 * DAY_S) // DAY_S) * DAY_S, 1_797_321_600)),
        (Period.ALL, None),
    ],
)
def test_a_period_is_compared_with_the_span_before_it(period: Period, span: tuple[int, int] | None):
    assert period.before(NOW) == span


@pytest.mark.parametrize(
    ("number", "before", "percent"), [(112, 100, 12), (95, 100, -5), (3, 3, 0), (5, 0, None)]
)
def test_a_trend_is_a_change_in_percent(number: int, before: int, percent: int | None):
    assert Trend(Counts(posts=number), Counts(posts=before)).change("posts") == percent


def test_without_a_period_before_there_is_no_trend():
    assert Trend(Counts(posts=3)).change("posts") is None


def test_half_hours_are_kept_from_the_beginning_of_a_day():
    today = 20_833 * DAY_S  # 2027-01-15; NOW is eight hours later
    assert fine_from(NOW) == today - 40 * DAY_S
    assert fine_from(NOW, FINE_OUTCOMES_S) == today - 8 * DAY_S
    assert fine_from(today, DAY_S) == today - DAY_S
    assert fine_from(today - 1, DAY_S) == today - 2 * DAY_S


def test_counters_are_added_and_subtracted_one_by_one():
    one, other = Counts(1, 2, 3, 4, 5, 6, 7, 8), Counts(10, 20, 30, 40, 50, 60, 70, 80)
    assert one + other == Counts(11, 22, 33, 44, 55, 66, 77, 88)
    assert -one == Counts(-1, -2, -3, -4, -5, -6, -7, -8)
    assert one + -one == Counts()


SLOT = 1_800_000_000  # it begins a half-hour


@pytest.mark.parametrize(
    ("first", "now", "times"),
    [
        (None, SLOT + 123, (SLOT, SLOT + 1_800, 1_800)),
        (SLOT - 1_800, SLOT + 123, (SLOT - 1_800, SLOT + 1_800, 1_800)),
        (SLOT - 3_600, SLOT, (SLOT - 3_600, SLOT + 1_800, 1_800)),
        # The running half-hour is always the last one.
        (SLOT - 3_600, SLOT + 1, (SLOT - 3_600, SLOT + 1_800, 1_800)),
        (SLOT - 36_000, SLOT + 1_799, (SLOT - 36_000, SLOT + 1_800, 1_800)),
        # A first event in the future counts as now.
        (SLOT + 99_999, SLOT + 123, (SLOT, SLOT + 1_800, 1_800)),
    ],
)
def test_all_time_begins_with_the_first_half_hour(
    first: int | None, now: int, times: tuple[int, int, int]
):
    found = curve_times(Period.ALL, first, now)
    assert found == times


@pytest.mark.parametrize(
    ("age_s", "step_s"),
    [
        (15 * DAY_S, SLOT_S),  # 720 half-hours
        (15 * DAY_S + 1, HOUR_S),
        (30 * DAY_S, HOUR_S),  # 720 hours
        (30 * DAY_S + 1, DAY_S),
        (720 * DAY_S, DAY_S),
        (720 * DAY_S + 1, 2 * DAY_S),
        (1_440 * DAY_S + 1, 3 * DAY_S),
    ],
)
def test_all_time_has_the_finest_step_that_gives_at_most_720_points(age_s: int, step_s: int):
    assert curve_times(Period.ALL, NOW - age_s, NOW)[2] == step_s


@pytest.mark.parametrize("period", Period)
def test_times_of_a_curve_are_whole_numbers(period: Period):
    assert {type(time) for time in curve_times(period, SLOT - 36_000, NOW)} == {int}


def test_events_fall_into_the_step_that_contains_them_and_outside_ones_are_left_out():
    slots = [(999, 1), (1_000, 2), (1_009, 4), (1_010, 8), (1_020, 16), (1_021, 32)]
    assert curve_of(slots, 1_000, 1_020, 10) == Curve(1_000, 10, [6, 8])
    # The last step may be incomplete.
    assert curve_of(slots, 1_000, 1_021, 10) == Curve(1_000, 10, [6, 8, 16])
    assert curve_of([], 1_000, 1_000, 10) == Curve(1_000, 10, [])
