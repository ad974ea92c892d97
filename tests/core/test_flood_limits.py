"""Time-outs to the second, and what is remembered when idle records are dropped."""

import pytest

from core.flood import Guard, Verdict

ANSWER, IGNORE = (Verdict.ANSWER, 0), (Verdict.IGNORE, 0)
#: A sender that appears in no other role.
BROOM = 1_000_000


def at_once(guard: Guard, number: int, at: float, sender: int = 1) -> tuple[Verdict, int]:
    """Send messages at the same moment; return the last verdict."""
    return [guard.judge(sender, None, at) for _ in range(number)][-1]


def sweep(guard: Guard, at: float) -> None:
    """Let a sender write a thousand messages: after as many, idle records are dropped."""
    at_once(guard, 1_000, at, BROOM)


@pytest.mark.parametrize(("at", "verdict"), [(4.99, (Verdict.WARN_SENDER, 1)), (5.0, ANSWER)])
def test_a_message_counts_for_exactly_five_seconds(at: float, verdict: tuple[Verdict, int]):
    guard = Guard()
    assert at_once(guard, 5, 0) == ANSWER
    assert guard.judge(1, None, at) == verdict


@pytest.mark.parametrize(("at", "verdict"), [(59.99, (Verdict.WARN_GROUP, 1)), (60.0, ANSWER)])
def test_a_groups_message_counts_for_exactly_a_minute(at: float, verdict: tuple[Verdict, int]):
    guard = Guard()
    assert [guard.judge(sender, -1, 0) for sender in range(20)] == [ANSWER] * 20
    assert guard.judge(20, -1, at) == verdict


@pytest.mark.parametrize(("at", "verdict"), [(1_059.99, IGNORE), (1_060.0, ANSWER)])
def test_a_time_out_ends_after_exactly_a_minute(at: float, verdict: tuple[Verdict, int]):
    guard = Guard()
    at_once(guard, 6, 1_000)
    assert guard.judge(1, None, at) == verdict


@pytest.mark.parametrize(("after_s", "minutes"), [(100, 5), (3_599, 5), (3_600, 1)])
def test_a_violation_is_forgiven_after_exactly_an_hour(after_s: int, minutes: int):
    guard = Guard()
    assert at_once(guard, 6, 1_800_000_000) == (Verdict.WARN_SENDER, 1)
    assert at_once(guard, 6, 1_800_000_000 + after_s) == (Verdict.WARN_SENDER, minutes)


def test_a_paused_group_is_silent_however_many_write():
    guard = Guard()
    for sender in range(21):
        guard.judge(sender, -1, 0)
    assert [guard.judge(sender, -1, 30) for sender in range(100, 150)] == [IGNORE] * 50
    # What was written meanwhile does not count afterwards.
    assert [guard.judge(sender, -1, 60) for sender in range(200, 220)] == [ANSWER] * 20


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
    assert at_once(guard, 6, 10_200) == (Verdict.WARN_SENDER, 5)


@pytest.mark.parametrize(("after_s", "records"), [(59, 3), (60, 1)])
def test_a_sender_and_a_group_are_remembered_for_a_minute(after_s: int, records: int):
    guard = Guard()
    guard.judge(1, -1, 10_000)
    assert len(guard) == 2
    sweep(guard, 10_000 + after_s)
    assert len(guard) == records


def test_a_sweep_does_not_forget_what_still_counts():
    guard = Guard()
    for sender in range(20):
        guard.judge(sender, -1, 10_000)
    sweep(guard, 10_030)
    assert guard.judge(50, -1, 10_059) == (Verdict.WARN_GROUP, 1)
