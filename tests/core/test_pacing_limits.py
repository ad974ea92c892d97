"""The pacer at exact limits: groups, pauses, patience, and when to ask again."""

import pytest

from core.pacing import CallTicket, Pacer


def ask(pacer: Pacer, chat: int, now: float = 0, weight: int = 1) -> CallTicket:
    return pacer.ask(chat, weight, is_bulk=False, now=now)


def send(pacer: Pacer, chat: int, number: int, now: float) -> None:
    """Send messages to one chat, all answered at once."""
    tickets = [ask(pacer, chat, now) for _ in range(number)]
    assert pacer.grant(now) == tickets
    for ticket in tickets:
        pacer.answered(ticket, now)


def hold(pacer: Pacer, number: int, now: float = 0) -> list[CallTicket]:
    """Grant calls to as many other chats and leave them without an answer."""
    tickets = [ask(pacer, 1_000 + n, now) for n in range(number)]
    assert pacer.grant(now) == tickets
    return tickets


def test_over_all_chats_calls_are_granted_in_the_order_of_asking():
    pacer = Pacer()
    tickets = [ask(pacer, chat) for chat in (1, 2, 1, 3, 2, 1)]
    assert pacer.grant(0) == tickets
    assert all(ticket.is_granted is True for ticket in tickets)


def test_a_group_gets_twenty_messages_a_minute_and_a_private_chat_more():
    pacer = Pacer()
    for chat in (-1, 1):
        for now in (0, 10):
            album = ask(pacer, chat, now, weight=10)
            assert pacer.grant(now) == [album]
            pacer.answered(album, now)
    group, private = ask(pacer, -1, 20), ask(pacer, 1, 20)
    assert pacer.grant(20) == [private]
    assert pacer.grant(60) == []
    assert pacer.grant(60.02) == [group]


def test_a_call_that_is_heavier_than_a_groups_limit_is_sent_all_the_same():
    pacer = Pacer()
    heavy = ask(pacer, -1, weight=25)
    assert pacer.grant(0) == [heavy]
    pacer.answered(heavy, 0)
    assert ask(pacer, -1, 1).weight == 1
    assert pacer.grant(1) == []  # it has used the whole minute up


@pytest.mark.parametrize(("busy", "is_for_all"), [(19, False), (20, True), (21, True)])
def test_a_flood_pauses_all_chats_if_at_most_a_third_of_the_tokens_is_free(
    busy: int, is_for_all: bool
):
    pacer = Pacer()
    tickets = hold(pacer, busy)
    pacer.flooded(tickets[0], 7, 0)
    other = ask(pacer, 1)
    assert pacer.grant(6.9) == ([] if is_for_all else [other])


def test_a_shorter_pause_does_not_end_a_longer_one():
    pacer = Pacer()
    tickets = hold(pacer, 25)
    pacer.flooded(tickets[0], 7, 0)
    pacer.flooded(tickets[0], 3, 0)
    for ticket in tickets:
        pacer.answered(ticket, 0)
    same, other = ask(pacer, tickets[0].chat_id, 4), ask(pacer, 1, 4)
    assert pacer.grant(6.9) == []
    assert pacer.grant(7) == [same, other]


def test_while_all_chats_are_paused_the_end_of_a_chats_own_pause_does_not_matter():
    pacer = Pacer()
    tickets = hold(pacer, 25)
    pacer.flooded(tickets[0], 7, 0)
    pacer.flooded(tickets[1], 3, 0)
    ask(pacer, tickets[1].chat_id)
    assert pacer.next_at(0) == 7


def test_with_one_token_left_it_is_the_chat_that_decides_when_to_ask_again():
    pacer = Pacer()
    send(pacer, 1, 5, now=0)
    hold(pacer, 29, now=2)
    ask(pacer, 1, 2)
    assert pacer.grant(2) == []
    assert pacer.next_at(2) == pytest.approx(5, abs=0.1)


def test_the_chat_that_is_ready_first_decides_when_to_ask_again():
    pacer = Pacer()
    send(pacer, 1, 5, now=0)
    send(pacer, 2, 5, now=1)
    first, second = ask(pacer, 1, 3), ask(pacer, 2, 3)
    assert pacer.grant(3) == []
    assert pacer.next_at(3) == pytest.approx(5, abs=0.1)
    assert pacer.grant(5.1) == [first]
    assert pacer.next_at(5.1) == pytest.approx(6, abs=0.1)
    assert pacer.grant(6.1) == [second]


def test_there_is_no_time_to_ask_again_if_nobody_waits_or_an_answer_must_come_first():
    pacer = Pacer()
    assert pacer.next_at(0) is None
    tickets = [ask(pacer, 1) for _ in range(6)]
    assert pacer.grant(0) == tickets[:5]
    assert pacer.next_at(0) is None
    pacer.answered(tickets[0], 1)
    assert pacer.next_at(1.5) == pytest.approx(2, abs=0.1)  # the first of all tokens to return
    assert pacer.next_at(3) == pytest.approx(6, abs=0.1)


@pytest.mark.parametrize(("waited_s", "is_bulk_first"), [(0, False), (59.9, False), (60, True)])
def test_after_exactly_a_minute_a_bulk_message_is_as_urgent_as_an_answer(
    waited_s: float, is_bulk_first: bool
):
    pacer = Pacer()
    bulk = pacer.ask(1, 1, is_bulk=True, now=10_000)
    answer = ask(pacer, 2, 10_000)
    assert pacer.grant(10_000 + waited_s) == ([bulk, answer] if is_bulk_first else [answer, bulk])


def test_memory_follows_the_traffic_of_groups():
    pacer = Pacer()
    for number in range(5_000):
        now = number * 0.1
        ticket = ask(pacer, -1 - number, now)
        assert pacer.grant(now) == [ticket]
        pacer.answered(ticket, now)
    assert 600 <= pacer.buckets < 2_100  # those of the last minute still count
