"""Bounded memories: the oldest is forgotten first."""

from core.recent import RecentValues, Throttle


def test_what_was_set_the_longest_ago_is_forgotten():
    values: RecentValues[str, int] = RecentValues(2)
    for key in ("a", "b", "a", "c"):
        values[key] = len(values)
    assert [key in values for key in "abc"] == [True, False, True]
    assert (values.get("a"), values.get("b"), len(values)) == (2, None, 2)


def test_a_default_is_set_once_and_makes_room():
    values: RecentValues[str, int] = RecentValues(2)
    assert [values.setdefault(key, number) for number, key in enumerate("abac")] == [0, 1, 0, 3]
    assert [key in values for key in "abc"] == [False, True, True]


def test_a_key_is_due_once_in_an_interval():
    throttle: Throttle[int] = Throttle(2)
    asked = [(1, 0.0), (1, 59.9), (2, 59.9), (1, 60.0), (1, 60.1)]
    assert [throttle.is_due(*one, 60) for one in asked] == [True, False, True, True, False]
    assert throttle.is_due(3, 61.0, 60)
    assert throttle.is_due(2, 61.0, 60)  # forgotten: two are remembered
