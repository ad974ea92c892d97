"""A bounded memory: what was added last is known, what was added long ago is not."""

from core.recent import RecentKeys


def test_a_key_is_known_once_it_was_added():
    keys = RecentKeys[int](3)
    assert 1 not in keys
    assert keys.add(1)
    assert 1 in keys
    assert not keys.add(1)


def test_the_oldest_key_makes_room_for_one_more():
    keys = RecentKeys[int](3)
    assert [keys.add(number) for number in (1, 2, 3)] == [True] * 3
    assert not keys.add(1)  # which does not make it newer
    assert keys.add(4)
    assert [number in keys for number in (1, 2, 3, 4)] == [False, True, True, True]
    assert keys.add(1)
    assert 2 not in keys
