"""No window is ever exceeded, whatever the network does, and every call gets its turn."""

import heapq
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.pacing import CHAT, GROUP, OVERALL, CallTicket, Pacer, shared_limits

#: Time of the call, chat, number of messages, bulk or not, how long Telegram takes
#: to accept it, and how long its answer takes from there.
CALLS = st.lists(
    st.tuples(
        st.floats(0, 20),
        st.sampled_from([1, 2, 3, 4, -1, -2]),
        st.sampled_from([1, 1, 1, 2, 10]),
        st.booleans(),
        st.floats(0, 0.5),
        st.floats(0, 0.5),
    ),
    max_size=120,
)


def play(
    calls: Iterable[tuple[float, int, int, bool, float, float]],
) -> list[tuple[float, CallTicket]]:
    """Play calls against a network; gives when each was accepted, in order."""
    pacer, now = Pacer(), 0.0
    events: list[tuple[float, int, str, Any]] = []
    for number, call in enumerate(calls):
        heapq.heappush(events, (call[0], number, "ask", call))
    network: dict[int, tuple[float, float]] = {}
    accepted: list[tuple[float, CallTicket]] = []
    serial = 10_000
    while events or pacer.waiting:
        wake = pacer.next_at(now)
        moment = min([e[0] for e in events[:1]] + ([wake] if wake is not None else []))
        assert moment < 100_000, "somebody waits for ever"
        now = max(now, moment)
        while events and events[0][0] <= now:
            _, _, kind, what = heapq.heappop(events)
            if kind == "ask":
                _, chat, weight, is_bulk, there, back = what
                ticket = pacer.ask(chat, weight, is_bulk=is_bulk, now=now)
                network[ticket.order] = (there, back)
            else:
                assert isinstance(what, CallTicket)
                pacer.answered(what, now)
        for ticket in pacer.grant(now):
            there, back = network[ticket.order]
            accepted.append((now + there, ticket))
            serial += 1
            heapq.heappush(events, (now + there + back, serial, "answer", ticket))
    return sorted(accepted, key=lambda entry: entry[0])


def worst(moments: list[tuple[float, int]], window_s: float) -> int:
    """Count the messages in the fullest window."""
    most = start = total = 0
    for moment, weight in moments:
        total += weight
        while moments[start][0] <= moment - window_s:
            total -= moments[start][1]
            start += 1
        most = max(most, total)
    return most


@settings(max_examples=150)
@given(CALLS)
def test_no_window_is_exceeded_and_everybody_gets_a_turn(calls):
    accepted = play(calls)
    assert len(accepted) == len(calls)
    assert worst([(at, t.weight) for at, t in accepted], OVERALL[1]) <= OVERALL[0]
    for chat in {t.chat_id for _, t in accepted}:
        own = [(at, t.weight) for at, t in accepted if t.chat_id == chat]
        assert worst([(at, 1) for at, _ in own], CHAT[1]) <= CHAT[0]
        if chat < 0:
            assert worst(own, GROUP[1]) <= GROUP[0]


@given(CALLS)
def test_a_chats_calls_start_in_the_order_of_asking(calls):
    pacer = Pacer()
    orders: dict[int, list[int]] = {}
    for call in calls:
        pacer.ask(call[1], call[2], is_bulk=call[3], now=0)
    now = 0.0
    while pacer.waiting:
        for ticket in pacer.grant(now):
            orders.setdefault(ticket.chat_id, []).append(ticket.order)
            pacer.answered(ticket, now)
        now = pacer.next_at(now) or now
    assert all(order == sorted(order) for order in orders.values())


def test_a_slow_chat_holds_up_nobody():
    pacer = Pacer()
    for _ in range(10):
        pacer.ask(1, 1, is_bulk=False, now=0)
    other = pacer.ask(2, 1, is_bulk=False, now=0)
    granted = pacer.grant(0)
    assert other in granted
    assert len(granted) == CHAT[0] + 1


def test_answers_go_before_bulk_and_bulk_does_not_wait_for_ever():
    pacer = Pacer()
    bulk = [pacer.ask(1_000 + n, 1, is_bulk=True, now=0) for n in range(40)]
    answers = [pacer.ask(n, 1, is_bulk=False, now=0) for n in range(1, 21)]
    granted = pacer.grant(0)
    assert granted[:20] == answers
    assert granted[20:] == bulk[:10]
    for ticket in granted:
        pacer.answered(ticket, 0)
    later = [pacer.ask(2_000 + n, 1, is_bulk=False, now=61) for n in range(40)]
    granted = pacer.grant(61)
    assert granted == bulk[10:] == granted[:30]
    assert not later[0].is_granted


def test_a_heavy_call_is_not_starved_by_light_ones():
    pacer = Pacer()
    light = [pacer.ask(n, 1, is_bulk=False, now=0) for n in range(1, 26)]
    assert pacer.grant(0) == light
    heavy = pacer.ask(100, 10, is_bulk=False, now=0)
    pacer.ask(101, 1, is_bulk=False, now=0)
    assert pacer.grant(0) == []  # the room that is left is kept for the heavy one
    for ticket in light:
        pacer.answered(ticket, 0.5)
    assert pacer.grant(1.6)[0] is heavy


def test_an_album_is_one_turn_of_its_chat():
    pacer = Pacer()
    albums = [pacer.ask(1, 10, is_bulk=False, now=0) for _ in range(3)]
    assert pacer.grant(0) == albums


def test_a_token_comes_back_after_the_answer_not_after_the_send():
    pacer = Pacer()
    tickets = [pacer.ask(n, 1, is_bulk=False, now=0) for n in range(1, 32)]
    assert pacer.grant(0) == tickets[:30]
    assert pacer.next_at(0) is None  # it depends on an answer
    pacer.answered(tickets[0], 5)
    assert pacer.grant(6) == []
    again = pacer.next_at(6)
    assert again is not None
    assert 6 < again < 6.1
    assert pacer.grant(again) == tickets[30:]


def test_a_flood_stops_its_chat_and_under_load_everybody():
    quiet = Pacer()
    first = quiet.ask(1, 1, is_bulk=False, now=0)
    quiet.grant(0)
    quiet.answered(first, 0)
    quiet.flooded(first, 7, 0)
    same, other = (quiet.ask(chat, 1, is_bulk=False, now=0) for chat in (1, 2))
    assert quiet.grant(0) == [other]
    assert quiet.grant(6.9) == []
    assert quiet.grant(7) == [same]

    busy = Pacer()
    tickets = [busy.ask(n, 1, is_bulk=False, now=0) for n in range(1, 26)]
    busy.grant(0)
    busy.flooded(tickets[0], 7, 0)
    busy.ask(99, 1, is_bulk=False, now=0)
    for ticket in tickets:
        busy.answered(ticket, 0)
    assert busy.grant(6.9) == []
    assert len(busy.grant(7)) == 1


def test_a_withdrawn_call_delays_no_other():
    pacer = Pacer()
    first, second = (pacer.ask(1, 1, is_bulk=False, now=0) for _ in range(2))
    pacer.withdraw(first)
    assert pacer.grant(0) == [second]
    pacer.withdraw(second)  # too late, and harmless
    assert pacer.waiting == 0


def test_memory_follows_the_traffic():
    pacer = Pacer()
    for chat in range(10_000):
        now = chat * 0.1
        ticket = pacer.ask(chat, 1, is_bulk=False, now=now)
        assert pacer.grant(now) == [ticket]
        pacer.answered(ticket, now)
    assert 1 < pacer.buckets < 2_100


def test_a_group_has_a_bucket_of_its_own_besides_that_of_every_chat():
    pacer = Pacer()
    pacer.ask(1, 1, is_bulk=False, now=0)
    pacer.ask(-1, 1, is_bulk=False, now=0)
    pacer.grant(0)
    assert pacer.buckets == 3


def bulk_tickets(pacer: Pacer, chats: int) -> list[CallTicket]:
    tickets = [pacer.ask(chat, 1, is_bulk=True, now=0) for chat in range(1, chats + 1)]
    assert pacer.grant(0) == tickets
    return tickets


def test_one_refusal_in_a_broadcast_pauses_its_chat_only():
    pacer = Pacer()
    tickets = bulk_tickets(pacer, 28)
    pacer.flooded(tickets[0], 300, 0)
    assert pacer.paused_for(1, 0) == 300
    assert pacer.paused_for(1, 299) == 1
    assert pacer.paused_for(1, 301) == pacer.paused_for(2, 0) == pacer.paused_for(99, 0) == 0
    for ticket in tickets:
        pacer.answered(ticket, 0)
    first, second = (pacer.ask(chat, 1, is_bulk=True, now=2) for chat in (1, 2))
    assert pacer.grant(2) == [second]
    assert pacer.grant(301) == [first]


def test_several_refusals_at_once_pause_everybody():
    pacer = Pacer()
    tickets = bulk_tickets(pacer, 3)
    for number, ticket in enumerate(tickets):
        pacer.flooded(ticket, 30, number)
    another = pacer.ask(9, 1, is_bulk=False, now=3)
    assert pacer.grant(3) == []
    assert pacer.grant(31.9) == []
    assert pacer.grant(32) == [another]


def test_refusals_far_apart_are_those_of_single_chats():
    pacer = Pacer()
    tickets = bulk_tickets(pacer, 3)
    for number, ticket in enumerate(tickets):
        pacer.flooded(ticket, 30, number * 6)
    another = pacer.ask(9, 1, is_bulk=False, now=13)
    assert pacer.grant(13) == [another]


def test_the_same_chat_refused_again_and_again_is_still_one_chat():
    pacer = Pacer()
    (ticket,) = bulk_tickets(pacer, 1)
    for _ in range(5):
        pacer.flooded(ticket, 30, 0)
    another = pacer.ask(9, 1, is_bulk=False, now=0)
    assert pacer.grant(0) == [another]


# --- calls that may as well not be made -----------------------------------------------------------


def with_calls(number: int, chat_id: int = 1) -> Pacer:
    """Return a pacer with calls on their way, to one chat or (0) to one chat each."""
    pacer = Pacer()
    for chat in range(1, number + 1):
        pacer.ask(chat_id or chat, 1, is_bulk=False, now=0)
    assert len(pacer.grant(0)) == number
    return pacer


def test_a_chat_keeps_two_tokens_for_answers():
    assert with_calls(2).has_spare(1, 0)
    assert not with_calls(3).has_spare(1, 0)
    assert with_calls(3).has_spare(2, 0)


def test_a_group_keeps_two_tokens_for_answers():
    pacer = Pacer()
    for _ in range(2):
        (ticket,) = [pacer.ask(-1, 9, is_bulk=False, now=0)]
        pacer.grant(0)
        pacer.answered(ticket, 0)
    assert not pacer.has_spare(-1, 10)
    assert pacer.has_spare(-2, 10)
    assert pacer.has_spare(-1, 61)


def test_a_third_of_all_tokens_is_kept_for_answers():
    assert with_calls(19, chat_id=0).has_spare(100, 0)
    assert not with_calls(20, chat_id=0).has_spare(100, 0)


def test_nothing_is_spare_while_an_answer_waits():
    pacer = with_calls(5)
    assert pacer.has_spare(2, 0)
    pacer.ask(1, 1, is_bulk=False, now=0)
    assert not pacer.has_spare(2, 0)


def test_bulk_messages_give_way():
    pacer = Pacer()
    for chat in range(1, 41):
        pacer.ask(chat, 1, is_bulk=True, now=0)
    pacer.grant(0)
    assert pacer.waiting == 10
    assert pacer.has_spare(100, 0)
    ticket = pacer.ask(100, 1, is_bulk=False, now=0)
    pacer.answered(ticket, 0)
    # One that has waited for a minute has the priority of an answer.
    assert not pacer.has_spare(101, 60)


def test_nothing_is_spare_while_telegram_wants_a_pause():
    pacer = Pacer()
    pacer.ask(50, 1, is_bulk=True, now=0)
    for chat in (1, 2, 3):
        ticket = pacer.ask(chat, 1, is_bulk=False, now=0)
        pacer.flooded(ticket, 5, 0)
    for chat in (1, 2, 3):
        pacer.withdraw(pacer.ask(chat, 1, is_bulk=False, now=0))
    assert not pacer.has_spare(9, 0)


# --- uploads, which wait for their chat before they begin -----------------------------------------


def test_an_upload_waits_only_for_what_certainly_delays_it():
    pacer = Pacer()
    for _ in range(2):
        pacer.ask(-1, 10, is_bulk=False, now=0.0)
    for ticket in pacer.grant(0.0):
        pacer.answered(ticket, 1.0)
    for chat_id in range(1, 11):
        pacer.ask(chat_id, 1, is_bulk=False, now=1.0)
    pacer.grant(1.0)
    assert pacer.delay_of(-1, 1, 1.0) == pytest.approx(60.0, abs=0.1)
    assert pacer.delay_of(5, 1, 1.0) <= 0  # the bot's own tokens may come back in the meantime


def test_an_upload_waits_for_the_end_of_a_pause():
    pacer = Pacer()
    pacer.pause(7.0)
    assert pacer.delay_of(5, 1, 2.0) == pytest.approx(5.0)


# --- several processes that share the limits ------------------------------------------------------


def test_a_turn_that_another_process_has_goes_back_to_the_front():
    pacer = Pacer()
    first, second = (pacer.ask(1, 1, is_bulk=False, now=0) for _ in range(2))
    assert pacer.grant(0) == [first, second]
    for ticket in (second, first):
        pacer.put_back(ticket, 0, wait_s=0)
    assert not first.is_granted
    assert pacer.waiting == 2
    assert pacer.grant(0) == [first, second]


def test_a_chat_waits_as_long_as_the_other_processes_say():
    pacer = Pacer()
    ticket = pacer.ask(1, 1, is_bulk=False, now=0)
    pacer.grant(0)
    pacer.put_back(ticket, 0, wait_s=3)
    other = pacer.ask(2, 1, is_bulk=False, now=0)
    assert pacer.grant(0) == [other]
    assert pacer.grant(2.9) == []
    assert pacer.grant(3) == [ticket]


def test_what_was_put_back_holds_no_tokens():
    pacer = Pacer()
    for _ in range(5):
        (ticket,) = pacer.grant(0) or [pacer.ask(-1, 20, is_bulk=False, now=0)]
        pacer.grant(0)
        pacer.put_back(ticket, 0, wait_s=0)
        assert pacer.has_spare(2, 0) is False  # it waits
        pacer.withdraw(ticket)
        assert pacer.has_spare(-1, 0)
    full = [pacer.ask(chat, 1, is_bulk=False, now=0) for chat in range(1, 31)]
    assert pacer.grant(0) == full


def test_each_of_several_processes_keeps_to_its_share():
    pacer = Pacer()
    before = pacer.ask(1, 1, is_bulk=False, now=0)
    pacer.grant(0)
    pacer.answered(before, 0)
    pacer.share_with(3)
    for chat in range(2, 40):
        pacer.ask(chat, 1, is_bulk=False, now=10)
    assert len(pacer.grant(10)) == 10
    single = Pacer()
    single.share_with(3)
    calls = [single.ask(1, 1, is_bulk=False, now=0) for _ in range(3)]
    assert single.grant(0) == calls[:1]  # a third of five
    single.share_with(1)
    assert single.grant(0) == calls[1:]


def test_a_share_is_never_nothing():
    pacer = Pacer()
    pacer.share_with(1_000)
    calls = [pacer.ask(chat, 1, is_bulk=False, now=0) for chat in (1, 2)]
    assert pacer.grant(0) == calls[:1]


def test_what_other_processes_send_leaves_less_to_spare():
    pacer = with_calls(5, chat_id=0)
    pacer.note_elsewhere(19, 0)  # with the five
    assert pacer.has_spare(100, 0)
    pacer.note_elsewhere(20, 0)
    assert not pacer.has_spare(100, 0)
    assert not pacer.has_spare(100, 0.9)
    assert pacer.has_spare(100, 1)  # that was a second ago


def test_an_album_waits_for_as_many_tokens_of_its_group():
    pacer = Pacer()
    ticket = pacer.ask(-1, 15, is_bulk=False, now=0)
    pacer.grant(0)
    pacer.answered(ticket, 0)
    assert pacer.delay_of(-1, 5, 0) <= 0
    assert pacer.delay_of(-1, 6, 0) == pytest.approx(60, abs=0.1)
    fresh = Pacer()
    assert fresh.delay_of(-1, 99, 0) <= 0  # no album is heavier than all tokens of a group


def test_the_database_knows_the_same_limits():
    assert shared_limits() == {
        "overall": (30, 1.01),
        "chat": (5, 5.01),
        "group": (20, 60.01),
        "hold": 15.0,
        "busy": 10,
        "refusals": (3, 5.0),
    }
