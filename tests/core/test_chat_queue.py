"""Order inside a chat: one at a time, and every request is served."""

from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from core.chat_queue import ChatQueues, Lane

T = TypeVar("T")


def lane(chat_id: int, person_id: int = 0) -> Lane:
    return Lane(chat_id, person_id or chat_id)


def filled(*chats: str, most: int = 10) -> ChatQueues[str]:
    """Queue words: each letter is a request, each word a chat."""
    queues: ChatQueues[str] = ChatQueues()
    for number, word in enumerate(chats):
        for letter in word:
            queues.put(lane(number), [letter], most)
    return queues


def served(queues: ChatQueues[str], chat: int = 0) -> str:
    """Serve everything of a chat; gives the order."""
    order = ""
    while letter := queues.take(lane(chat)):
        order += letter
        queues.done(lane(chat))
    return order


def has_all_its_room(queues: ChatQueues[T], chat: int, item: T) -> bool:
    """Whether nothing is left of a chat's earlier messages: one fits under a limit of one."""
    return queues.put(lane(chat), [item], 1) and not queues.put(lane(chat), [item], 1)


def test_one_chat_has_one_out_and_others_do_not_mind():
    queues = filled("abc", "1")
    assert [
        queues.take(lane(0)),
        queues.take(lane(0)),
        queues.take(lane(1)),
        queues.take(lane(2)),
    ] == [
        "a",
        None,
        "1",
        None,
    ]
    queues.done(lane(0))
    assert queues.take(lane(0)) == "b"


def test_a_message_counts_once_however_many_links_it_has():
    queues: ChatQueues[str] = ChatQueues()
    assert queues.put(lane(1), ["a", "b", "c"], 2)
    assert queues.put(lane(1), ["d"], 2)
    assert not queues.put(lane(1), ["e"], 2)
    assert queues.put(lane(2), ["f"], 2)
    for _ in range(2):
        queues.take(lane(1))
        queues.done(lane(1))
    assert not queues.put(lane(1), ["e"], 2)  # the first message still has one link left
    assert served(queues, 1) == "cd"
    assert queues.put(lane(1), ["e"], 2)


def test_what_was_taken_before_finds_room_in_a_full_queue():
    queues = filled("abc", most=3)
    assert not queues.put(lane(0), ["d"], 3)
    assert queues.put(lane(0), ["d"], None)
    assert served(queues) == "abcd"


@given(st.lists(st.text("abc", max_size=6), max_size=8), st.data())
def test_everything_is_served_once_and_in_order(words: list[str], data: st.DataObject):
    queues: ChatQueues[tuple[int, int]] = ChatQueues()
    for chat, word in enumerate(words):
        for n in range(len(word)):
            queues.put(lane(chat), [(chat, n)], 100)
    order: list[tuple[int, int]] = []
    out: set[int] = set()
    while len(queues):
        chat = data.draw(st.integers(0, len(words) - 1))
        if (item := queues.take(lane(chat))) is not None:
            assert chat not in out
            out.add(chat)
            order.append(item)
        elif out:
            done = data.draw(st.sampled_from(sorted(out)))
            out.remove(done)
            queues.done(lane(done))
    assert sorted(order) == [(c, n) for c, word in enumerate(words) for n in range(len(word))]
    for chat in range(len(words)):
        assert [n for c, n in order if c == chat] == list(range(len(words[chat])))
        assert has_all_its_room(queues, chat, (chat, 0))


def test_a_waiting_request_has_a_place_in_its_queue():
    queues = filled("abc")
    assert [queues.place_of(lane(0), letter) for letter in "abc"] == [1, 2, 3]
    queues.take(lane(0))
    assert [queues.place_of(lane(0), letter) for letter in "abc"] == [0, 1, 2]


def test_one_can_be_taken_out_and_the_rest_goes_on():
    queues = filled("abc", "1")
    assert queues.remove(lane(0), "b")
    assert not queues.remove(lane(0), "b")
    assert queues.remove(lane(1), "1")
    assert served(queues) == "ac"
    assert has_all_its_room(queues, 0, "d")
    assert has_all_its_room(queues, 1, "2")


def test_at_the_end_everything_that_waits_comes_out():
    queues = filled("abc", "1")
    queues.take(lane(0))
    assert queues.drain() == ["b", "c", "1"]
    queues.done(lane(0))
    assert len(queues) == 0
    assert queues.take(lane(0)) is None


def test_handlers_that_come_out_of_order_do_not_change_it():
    queues: ChatQueues[str] = ChatQueues()
    for number, letter in ((1, "a"), (4, "d"), (2, "b"), (3, "c")):
        queues.put(lane(0), [letter, letter.upper()], 9, number)
    assert served(queues) == "aAbBcCdD"


def test_the_people_of_a_chat_do_not_wait_for_each_other():
    queues: ChatQueues[str] = ChatQueues()
    ada, bo = lane(-1, 7), lane(-1, 8)
    for letter in "abc":
        queues.put(ada, [letter], None)
    queues.put(bo, ["1"], None)
    assert [queues.take(ada), queues.take(bo), queues.take(ada)] == ["a", "1", None]
    assert queues.place_of(ada, "c") == 2


def test_a_person_is_counted_over_all_chats():
    queues: ChatQueues[str] = ChatQueues()
    home, crew = lane(7), lane(-1, 7)
    queues.put(home, ["a", "b"], None)
    queues.put(crew, ["c"], None)
    queues.put(lane(-1, 8), ["1"], None)
    assert [queues.of_person(person) for person in (7, 8, 9)] == [3, 1, 0]
    queues.take(home)
    queues.remove(home, "b")
    assert queues.of_person(7) == 2
    queues.drain()
    queues.done(home)
    assert [queues.of_person(person) for person in (7, 8)] == [0, 0]


def test_the_limit_of_a_chat_counts_the_messages_of_all_its_people():
    queues: ChatQueues[str] = ChatQueues()
    assert queues.put(lane(-1, 7), ["a"], 2)
    assert queues.put(lane(-1, 8), ["b"], 2)
    assert not queues.put(lane(-1, 9), ["c"], 2)
    assert queues.put(lane(-2, 7), ["d"], 2)
