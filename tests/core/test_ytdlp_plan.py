"""Which yt-dlp is used, and when a new one is rolled back."""

import json
from dataclasses import replace

import pytest

from core.ytdlp_plan import (
    WATCHED_S,
    Counts,
    Fall,
    Plan,
    find_fall,
    in_use,
    newer_wheels,
    subtract,
    sum_by_site,
    version_of,
)
from core.ytdlp_releases import Release

WHEEL = Release("yt-dlp", "2026.11.20", "f.whl", "https://a.example/f.whl", "ab" * 32, 5, "p")
NEWER = replace(WHEEL, version="2026.12.1")
SCRIPTS = replace(WHEEL, project="yt-dlp-ejs", version="0.9.0")
FULL = Plan((SCRIPTS, NEWER), (WHEEL,), 100, {"x": (40, 2)}, {"x": (1, 0)}, ("2026.10.30",), 90)


def test_a_plan_is_stored_and_read_again():
    assert Plan.from_json(FULL.as_json()) == FULL
    assert Plan.from_json(Plan().as_json()) == Plan.from_json(None) == Plan()


@pytest.mark.parametrize(
    "stored",
    [
        *("{", "[]", "1", '{"chosen": [{"a": 1}]}', '{"before": {"x": [1]}}'),
        *('{"looked_at": "x"}', '{"refused": 1}', '{"before": []}'),
    ],
)
def test_a_plan_that_cannot_be_read_is_an_empty_one(stored: str):
    assert Plan.from_json(stored) == Plan()


def test_the_version_is_that_of_ytdlp():
    assert FULL.version == "2026.12.1"
    assert Plan().version is None
    assert version_of([SCRIPTS]) is None


def test_a_switch_remembers_what_was_before():
    plan = Plan((WHEEL,), (NEWER,), 7, {}, {}, ("2026.12.1", "2026.11.30"), 90)
    assert plan.switched((NEWER,), 100, {"x": (40, 2)}, {"x": (1, 0)}) == Plan(
        (NEWER,), (WHEEL,), 100, {"x": (40, 2)}, {"x": (1, 0)}, ("2026.11.30",), 90
    )


def test_a_version_that_is_taken_back_is_not_tried_again():
    assert FULL.rolled_back() == Plan((WHEEL,), refused=("2026.10.30", "2026.12.1"), looked_at=90)
    assert Plan(refused=("2026.1.1",)).rolled_back() == Plan(refused=("2026.1.1",))


def test_a_refused_version_is_named_once_and_the_next_one_looked_for_at_once():
    plan = Plan(refused=("2026.1.1", "2026.2.2"), looked_at=90)
    assert plan.refusing("2026.1.1") == Plan(refused=("2026.2.2", "2026.1.1"))


def test_a_version_is_watched_for_two_days():
    assert FULL.is_watched(100)
    assert FULL.is_watched(99 + WATCHED_S)
    assert not FULL.is_watched(100 + WATCHED_S)
    assert not Plan().is_watched(1)


def test_an_installed_version_that_is_newer_wins():
    assert newer_wheels((SCRIPTS, WHEEL), "2026.10.26") == (SCRIPTS, WHEEL)
    assert newer_wheels((WHEEL,), "2026.11.20") == ()
    assert newer_wheels((), "2026.11.20") == ()
    assert in_use((WHEEL,), "2026.10.26") == "2026.11.20"
    assert in_use((WHEEL,), "2026.12.1") == in_use((), "2026.12.1") == "2026.12.1"


def test_downloads_are_summed_by_site():
    assert sum_by_site({(1, "x"): (1, 2), (2, "x"): (3, 4), (2, "y"): (5, 6)}) == {
        "x": (4, 6),
        "y": (5, 6),
    }


def test_what_was_counted_before_the_switch_does_not_count():
    slots = {(1, "x"): (5, 6), (2, "x"): (1, 1), (1, "y"): (1, 0)}
    assert subtract(slots, 1, {"x": (2, 6), "z": (3, 3)}) == {
        (1, "x"): (3, 0),
        (2, "x"): (1, 1),
        (1, "y"): (1, 0),
        (1, "z"): (0, 0),
    }


GOOD: dict[str, Counts] = {"x": (90, 10), "y": (90, 10)}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # One site fails.
        (GOOD, {(1, "x"): (12, 8)}, Fall("x", 90, 60)),
        (GOOD, {(1, "x"): (12, 8), (1, "y"): (100, 0)}, Fall("x", 90, 60)),
        # The site that has fallen most is named.
        (GOOD, {(1, "x"): (12, 8), (1, "y"): (0, 20)}, Fall("y", 90, 0)),
        # Not far enough, too few, or not known from before.
        (GOOD, {(1, "x"): (13, 7)}, None),
        (GOOD, {(1, "x"): (0, 19)}, None),
        (GOOD, {(1, "z"): (0, 99)}, None),
        ({"z": (10, 9)}, {(1, "z"): (0, 99)}, None),
        ({}, {(1, "x"): (0, 99)}, None),
        (GOOD, {}, None),
        (GOOD, {(1, "x"): (0, 0)}, None),
        # It was no better before.
        ({"x": (10, 90)}, {(1, "x"): (0, 20)}, None),
        # A version that fails later: only the newest half-hours with enough downloads count.
        (GOOD, {(1, "x"): (900, 0), (2, "x"): (0, 20)}, Fall("x", 90, 0)),
        (GOOD, {(1, "x"): (900, 0), (2, "x"): (0, 19)}, None),
        (GOOD, {(1, "x"): (0, 900), (2, "x"): (20, 0)}, None),
        # All together, each by its own rate before.
        (
            {"x": (9, 1), "y": (18, 2)},
            {(1, "x"): (2, 8), (1, "y"): (7, 3)},
            Fall("x", 90, 20),
        ),
        ({"x": (9, 1), "y": (18, 2)}, {(1, "x"): (5, 5), (1, "y"): (8, 2)}, None),
        # More requests for a site that always fails are no fall.
        ({"x": (99, 1), "y": (1, 9)}, {(1, "x"): (4, 0), (1, "y"): (2, 14)}, None),
        ({"x": (9, 1)}, {(1, "x"): (0, 20)}, None),
    ],
)
def test_a_fall_of_the_success_rate(
    before: dict[str, Counts], after: dict[tuple[int, str], Counts], expected: Fall | None
):
    assert find_fall(before, after) == expected


def test_what_an_old_version_did_not_store_is_empty():
    assert Plan.from_json("{}") == Plan()
    assert Plan.from_json('{"switched_at": 7}') == Plan(switched_at=7)
    assert Plan.from_json('{"looked_at": 7}') == Plan(looked_at=7)
    assert Plan.from_json('{"refused": ["1"]}') == Plan(refused=("1",))
    assert Plan.from_json('{"before": {"x": [1, 2]}}') == Plan(before={"x": (1, 2)})
    assert Plan.from_json('{"at_switch": {"x": [1, 2]}}') == Plan(at_switch={"x": (1, 2)})


def test_the_stored_form_has_its_fields_in_a_fixed_order():
    assert list(json.loads(FULL.as_json())) == sorted(json.loads(FULL.as_json()))
