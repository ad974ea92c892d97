"""How long nobody has worked for a request that waits."""

import pytest

from core.pauses import Pause, downtime_s

NIGHT = Pause(1_000, 9_000)


@pytest.mark.parametrize(
    ("asked_at", "pauses", "expected"),
    [
        (500, [], 0),
        (500, [NIGHT], 8_000),
        (1_000, [NIGHT], 8_000),
        (3_000, [NIGHT], 6_000),
        (8_999, [NIGHT], 1),
        (9_000, [NIGHT], 0),
        (9_500, [NIGHT], 0),
        (3_000, [NIGHT, Pause(9_200, 9_900)], 6_000),
        (8_700, [NIGHT, Pause(9_200, 9_900)], 700),
        (3_000, [Pause(0, 9_000)], 6_000),
    ],
)
def test_only_the_longest_time_after_the_request_counts(
    asked_at: int, pauses: list[Pause], expected: int
):
    assert downtime_s(asked_at, pauses) == expected
