"""The edges of chat queues: exact limits, equal orders, and unknown chats."""

import pytest

from core.chat_queue import ChatQueues, Lane


def lane(chat_id: int, person_id: int = 0) -> Lane:
    return Lane(chat_id, person_id or chat_id)


def take_all(queues: ChatQueues[str], chat: int) -> list[str]:
    order = []
    while (item := queues.take(lane(chat))) is not None:
        order.append(item)
        queues.done(lane(chat))
    return order


def test_a_limit_of_one_lets_one_message_in_and_a_limit_of_none_lets_none():
    queues: ChatQueues[str] = ChatQueues()
    assert not queues.put(lane(1), ["a"], 0)
    assert queues.put(lane(1), ["a"], 1)
    assert not queues.put(lane(1), ["b"], 1)
    assert take_all(queues, 1) == ["a"]
    assert queues.put(lane(1), ["b"], 1)


def test_a_refused_message_leaves_nothing_behind():
    queues: ChatQueues[str] = ChatQueues()
    queues.put(lane(1), ["a"], 1)
    queues.put(lane(1), ["b", "c"], 1)
    assert len(queues) == 1
    assert take_all(queues, 1) == ["a"]


def test_an_active_message_still_takes_its_place():
    queues: ChatQueues[str] = ChatQueues()
    queues.put(lane(1), ["a"], 1)
    assert queues.take(lane(1)) == "a"
    assert len(queues) == 1
    assert not queues.put(lane(1), ["b"], 1)
    queues.done(lane(1))
    assert len(queues) == 0
    assert queues.put(lane(1), ["b"], 1)


def test_messages_of_the_same_order_are_served_as_they_came():
    queues: ChatQueues[str] = ChatQueues()
    for name in "abc":
        queues.put(lane(1), [name], None, 7)
    assert take_all(queues, 1) == ["a", "b", "c"]


def test_a_message_without_an_order_has_the_order_zero():
    queues: ChatQueues[str] = ChatQueues()
    queues.put(lane(1), ["first"], None)
    queues.put(lane(1), ["second"], None, 0)
    queues.put(lane(1), ["before all"], None, -1)
    assert take_all(queues, 1) == ["before all", "first", "second"]


def test_a_late_message_goes_ahead_with_all_its_links():
    queues: ChatQueues[str] = ChatQueues()
    queues.put(lane(1), ["c", "d"], None, 2)
    queues.put(lane(1), ["a", "b"], None, 1)
    assert [queues.place_of(lane(1), item) for item in "abcd"] == [1, 2, 3, 4]
    assert take_all(queues, 1) == ["a", "b", "c", "d"]


def test_a_chat_without_requests_has_nothing_to_take_remove_or_count():
    queues: ChatQueues[str] = ChatQueues()
    assert queues.take(lane(1)) is None
    assert queues.remove(lane(1), "a") is False
    assert queues.place_of(lane(1), "a") == 0
    with pytest.raises(KeyError):
        queues.done(lane(1))


def test_a_request_that_does_not_wait_has_no_place():
    queues: ChatQueues[str] = ChatQueues()
    queues.put(lane(1), ["a", "b"], None)
    assert queues.place_of(lane(1), "unknown") == 0
    queues.take(lane(1))
    assert queues.place_of(lane(1), "a") == 0
    assert queues.place_of(lane(2), "b") == 0
    assert not queues.remove(lane(1), "a")  # it is active, not waiting


def test_after_everything_is_drained_each_chat_has_all_its_room():
    queues: ChatQueues[str] = ChatQueues()
    queues.put(lane(1), ["a", "b"], 1)
    queues.put(lane(2), ["c"], 1)
    queues.take(lane(1))
    assert queues.drain() == ["b", "c"]
    assert len(queues) == 1
    assert not queues.put(lane(1), ["d"], 1)  # one link of the message is still active
    assert queues.put(lane(2), ["e"], 1)
    queues.done(lane(1))
    assert queues.put(lane(1), ["d"], 1)


def test_a_message_gives_up_its_place_with_the_last_link_that_is_removed():
    queues: ChatQueues[str] = ChatQueues()
    queues.put(lane(1), ["a", "b"], 1)
    assert queues.remove(lane(1), "a")
    assert not queues.put(lane(1), ["c"], 1)
    assert queues.remove(lane(1), "b")
    assert queues.put(lane(1), ["c"], 1)
