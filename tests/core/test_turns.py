"""Fairness: order inside a chat, turns between chats, and nobody is forgotten."""

from hypothesis import given
from hypothesis import strategies as st

from core.turns import FairQueue


def filled(*chats: str, most: int = 10) -> FairQueue[str]:
    """Queue words: each letter is a request, each word a chat."""
    queue: FairQueue[str] = FairQueue()
    for number, word in enumerate(chats):
        for letter in word:
            queue.put(number, [letter], most)
    return queue


def served(queue: FairQueue[str], at_once: int = 1) -> str:
    """Serve everything with so many hands; gives the order of starting."""
    order = ""
    out: list[int] = []
    while True:
        while len(out) < at_once and (taken := queue.take()):
            out.append(taken[0])
            order += taken[1]
        if not out:
            return order
        queue.done(out.pop(0))


def test_chats_take_turns():
    assert served(filled("abcd", "12", "x")) == "a1xb2cd"


def test_one_chat_has_one_out_however_many_hands_there_are():
    queue = filled("abc", "1")
    assert [queue.take(), queue.take(), queue.take()] == [(0, "a"), (1, "1"), None]
    queue.done(0)
    assert queue.take() == (0, "b")


def test_a_message_counts_once_however_many_links_it_has():
    queue: FairQueue[str] = FairQueue()
    assert queue.put(1, ["a", "b", "c"], 2)
    assert queue.put(1, ["d"], 2)
    assert not queue.put(1, ["e"], 2)
    assert queue.put(2, ["f"], 2)
    for _ in range(3):
        queue.take()
        queue.done(1) if queue._out.get(1) else queue.done(2)
    assert not queue.put(1, ["e"], 2)  # the first message still has one link left
    assert served(queue)
    assert queue.put(1, ["e"], 2)


@given(st.lists(st.text("abc", max_size=6), max_size=8), st.integers(1, 5))
def test_everything_is_served_once_and_in_order(words: list[str], hands: int):
    queue: FairQueue[tuple[int, int]] = FairQueue()
    for chat, word in enumerate(words):
        for n in range(len(word)):
            queue.put(chat, [(chat, n)], 100)
    order: list[tuple[int, int]] = []
    out: list[int] = []
    while True:
        while len(out) < hands and (taken := queue.take()):
            out.append(taken[0])
            order.append(taken[1])
        if not out:
            break
        queue.done(out.pop())
    assert sorted(order) == [(c, n) for c, word in enumerate(words) for n in range(len(word))]
    for chat in range(len(words)):
        assert [n for c, n in order if c == chat] == list(range(len(words[chat])))
    assert len(queue) == 0
    assert queue._places == {}


def test_who_waits_knows_how_many_are_ahead():
    queue = filled("abc", "12", "x")
    assert [queue.ahead_of(0, letter) for letter in "abc"] == [2, 4, 5]
    queue.take()
    assert queue.ahead_of(1, "2") == 1 + 1 + 2 + 1


def test_one_can_be_taken_out_and_the_rest_goes_on():
    queue = filled("abc", "1")
    assert queue.remove(0, "b")
    assert not queue.remove(0, "b")
    assert queue.remove(1, "1")
    assert served(queue) == "ac"
    assert queue._places == {}


def test_at_the_end_everything_that_waits_comes_out():
    queue = filled("abc", "1")
    queue.take()
    assert queue.drain() == ["b", "c", "1"]
    queue.done(0)
    assert len(queue) == 0
    assert queue.take() is None


def test_handlers_that_come_out_of_order_do_not_change_it():
    queue: FairQueue[str] = FairQueue()
    for number, letter in ((1, "a"), (4, "d"), (2, "b"), (3, "c")):
        queue.put(1, [letter, letter.upper()], 9, number)
    assert served(queue) == "aAbBcCdD"
