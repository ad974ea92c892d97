"""Facts in texts: sizes choose their unit and are rounded as asked; lengths read like clocks."""

from collections.abc import Callable
from math import ceil, floor

import pytest

from core.facts import FileSize, length


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [
        (0, (0, "KB")),
        (1_240, (1.2, "KB")),
        (9_960, (10, "KB")),
        (420_000, (420, "KB")),
        (999_499, (999, "KB")),
        (999_500, (1, "MB")),
        (1_250_000, (1.2, "MB")),
        (84_000_000, (84, "MB")),
        (1_999_000_000, (2, "GB")),
        (3_500_000_000_000, (3_500, "GB")),
    ],
)
def test_a_size_is_shown_in_the_largest_unit_that_fits(
    size_bytes: int, expected: tuple[float, str]
):
    assert FileSize(size_bytes).in_unit() == expected


@pytest.mark.parametrize("limit", [999_999, 1_000_000, 50_000_000, 1_999_999_999, 2_000_000_000])
def test_a_size_over_a_limit_never_appears_to_fit(limit: int):
    shown, allowed = FileSize(limit + 1, ceil).in_unit(), FileSize(limit, floor).in_unit()
    assert shown != allowed


@pytest.mark.parametrize(
    ("rounding", "expected"), [(ceil, 51.0), (floor, 50.0), (round, 50.0)], ids=str
)
def test_a_size_is_rounded_as_asked(rounding: Callable[[float], int], expected: float):
    assert FileSize(50_400_000, rounding).in_unit() == (expected, "MB")


@pytest.mark.parametrize("rounding", [ceil, floor, round], ids=str)
@pytest.mark.parametrize("tenths", range(10, 100))
def test_a_size_that_is_exact_is_not_changed(rounding: Callable[[float], int], tenths: int):
    assert FileSize(tenths * 100_000, rounding).in_unit() == (tenths / 10, "MB")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0:00"), (59, "0:59"), (200, "3:20"), (3_599, "59:59"), (3_600, "1:00:00")],
)
def test_a_length_reads_like_a_clock(seconds: int, expected: str):
    assert length(seconds) == expected
