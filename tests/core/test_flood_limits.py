"""Time-outs to the second, and what is remembered when idle records are dropped."""

import pytest

from core.flood import Guard, TimeOut

#: The time-outs that begin with a message; None: it comes in one.
Begun = tuple[TimeOut, ...] | None
ANSWER, IGNORE = (), None
#: A sender that appears in no other role.
BROOM = 1_000_000


def judge(guard: Guard, sender: int, group: int | None, now: float) -> Begun:
    return IGNORE if guard.is_out(sender, group, now) else guard.count(sender, group, now)


def of_sender(minutes: int) -> Begun:
    return (TimeOut(1, is_group=False, minutes=minutes),)


def of_group(minutes: int) -> Begun:
    return (TimeOut(-1, is_group=True, minutes=minutes),)


def at_once(guard: Guard, number: int, at: float) -> Begun:
    """Send messages at the same moment; return what begins with the last one."""
    return [judge(guard, 1, None, at) for _ in range(number)][-1]


def sweep(guard: Guard, at: float) -> None:
    """Count a thousand messages of a sender: after as many, idle records are dropped."""
    for _ in range(1_000):
        guard.count(BROOM, None, at)


@pytest.mark.parametrize(("at", "begun"), [(4.99, of_sender(1)), (5.0, ANSWER)])
def test_a_message_counts_for_exactly_five_seconds(at: float, begun: Begun):
    guard = Guard()
    assert at_once(guard, 5, 0) == ANSWER
    assert judge(guard, 1, None, at) == begun


@pytest.mark.parametrize(("at", "begun"), [(59.99, of_group(1)), (60.0, ANSWER)])
def test_a_groups_message_counts_for_exactly_a_minute(at: float, begun: Begun):
    guard = Guard()
    assert [judge(guard, sender, -1, 0) for sender in range(20)] == [ANSWER] * 20
    assert judge(guard, 20, -1, at) == begun


@pytest.mark.parametrize(("at", "begun"), [(1_059.99, IGNORE), (1_060.0, ANSWER)])
def test_a_time_out_ends_after_exactly_a_minute(at: float, begun: Begun):
    guard = Guard()
    at_once(guard, 6, 1_000)
    assert judge(guard, 1, None, at) == begun


@pytest.mark.parametrize(("after_s", "minutes"), [(100, 5), (3_599, 5), (3_600, 1)])
def test_a_violation_is_forgiven_after_exactly_an_hour(after_s: int, minutes: int):
    guard = Guard()
    assert at_once(guard, 6, 1_800_000_000) == of_sender(1)
    assert at_once(guard, 6, 1_800_000_000 + after_s) == of_sender(minutes)


def test_a_paused_group_is_silent_however_many_write():
    guard = Guard()
    for sender in range(21):
        judge(guard, sender, -1, 0)
    assert [judge(guard, sender, -1, 30) for sender in range(100, 150)] == [IGNORE] * 50
    # What was written meanwhile does not count afterwards.
    assert [judge(guard, sender, -1, 60) for sender in range(200, 220)] == [ANSWER] * 20


@pytest.mark.parametrize(("after_s", "records"), [(3_599, 2), (3_600, 1)])
def test_a_violation_is_remembered_for_an_hour_and_then_dropped(after_s: int, records: int):
    guard = Guard()
    at_once(guard, 6, 10_000)
    sweep(guard, 10_000 + after_s)
    assert len(guard) == records


def test_a_sweep_does_not_forgive():
    guard = Guard()
    at_once(guard, 6, 10_000)
    sweep(guard, 10_100)
    assert at_once(guard, 6, 10_200) == of_sender(5)


@pytest.mark.parametrize(("after_s", "records"), [(59, 3), (60, 1)])
def test_a_sender_and_a_group_are_remembered_for_a_minute(after_s: int, records: int):
    guard = Guard()
    judge(guard, 1, -1, 10_000)
    assert len(guard) == 2
    sweep(guard, 10_000 + after_s)
    assert len(guard) == records


def test_a_sweep_does_not_forget_what_still_counts():
    guard = Guard()
    for sender in range(20):
        judge(guard, sender, -1, 10_000)
    sweep(guard, 10_030)
    assert judge(guard, 50, -1, 10_059) == of_group(1)
