"""The rules of time-outs, one by one, and memory that follows the traffic."""

from core.flood import Guard, TimeOut

#: No time-out begins; or the message comes in one.
ANSWER, IGNORE = (), None


def judge(
    guard: Guard, sender: int, group: int | None, now: float
) -> tuple[tuple[str, int], ...] | None:
    """Return whose time-outs begin with a message, and how many minutes each takes."""
    if guard.is_out(sender, group, now):
        return IGNORE
    begun = guard.count(sender, group, now)
    assert all(one.chat_id == (group if one.is_group else sender) for one in begun)
    return tuple(("group" if one.is_group else "sender", one.minutes) for one in begun)


def burst(guard: Guard, number: int, at: float, sender: int = 1, group: int | None = None):
    return [judge(guard, sender, group, at + n * 0.01) for n in range(number)]


def test_five_pass_the_sixth_is_warned_and_then_there_is_silence():
    guard = Guard()
    assert burst(guard, 8, 0) == [ANSWER] * 5 + [(("sender", 1),)] + [IGNORE] * 2
    assert judge(guard, 1, None, 59) == IGNORE
    assert judge(guard, 2, None, 59) == ANSWER
    assert judge(guard, 1, None, 61) == ANSWER


def test_six_in_more_than_five_seconds_are_no_spam():
    guard = Guard()
    assert [judge(guard, 1, None, n * 1.01) for n in range(60)] == [ANSWER] * 60


def test_the_second_time_it_is_five_minutes_and_after_an_hour_one_again():
    guard = Guard()
    burst(guard, 6, 0)
    assert burst(guard, 6, 100)[-1] == (("sender", 5),)
    assert judge(guard, 1, None, 399) == IGNORE
    assert burst(guard, 6, 100 + 3_601)[-1] == (("sender", 1),)


def test_a_sender_is_known_in_all_chats():
    guard = Guard()
    burst(guard, 3, 0, group=-1)
    burst(guard, 2, 0.1)
    assert judge(guard, 1, -2, 0.2) == (("sender", 1),)
    assert judge(guard, 1, -1, 0.3) == IGNORE


def test_the_twenty_first_request_pauses_a_group_for_all():
    guard = Guard()
    verdicts = [judge(guard, sender, -1, sender) for sender in range(1, 23)]
    assert verdicts == [ANSWER] * 20 + [(("group", 1),), IGNORE]
    assert judge(guard, 99, -2, 22) == ANSWER
    assert judge(guard, 99, -1, 82) == ANSWER


def test_a_sender_in_a_time_out_does_not_count_for_the_group():
    guard = Guard()
    burst(guard, 30, 0, group=-1)
    others = [judge(guard, sender, -1, 1) for sender in range(2, 16)]
    assert others == [ANSWER] * 14


def test_a_sender_in_a_paused_group_gets_no_time_out_of_its_own():
    """Nobody would be told of it, and the other chats of the sender would fall silent."""
    guard = Guard()
    guard.begin(TimeOut(-1, is_group=True, minutes=1), 0)
    assert burst(guard, 30, 1, group=-1) == [IGNORE] * 30
    assert burst(guard, 5, 2) == [ANSWER] * 5


def test_when_both_limits_are_reached_both_time_outs_begin_and_both_are_said():
    guard = Guard()
    for sender in range(2, 17):
        judge(guard, sender, -1, 0)
    assert burst(guard, 6, 1, group=-1)[-1] == (("group", 1), ("sender", 1))
    assert judge(guard, 1, None, 2) == IGNORE
    assert judge(guard, 50, -1, 2) == IGNORE


def test_memory_follows_the_traffic():
    guard = Guard()
    for sender in range(50_000):
        judge(guard, sender, -sender - 1, sender * 1.0)
    assert 100 < len(guard) < 5_000


def test_what_is_not_counted_is_ignored_in_a_time_out_only():
    guard = Guard()
    assert not guard.is_out(1, -1, 0)
    burst(guard, 6, 0)
    for _ in range(20):
        assert guard.is_out(1, None, 59)
        assert not guard.is_out(2, -1, 59)
    assert not guard.is_out(1, None, 61)
    for sender in range(10, 32):
        judge(guard, sender, -1, 100)
    assert guard.is_out(2, -1, 101)


def test_a_time_out_of_another_process_counts_here_and_makes_the_next_one_a_repetition():
    guard = Guard()
    burst(guard, 3, 0)
    guard.begin(TimeOut(1, is_group=False, minutes=1), 0.1)
    guard.begin(TimeOut(-1, is_group=True, minutes=1), 0.1)
    assert judge(guard, 1, None, 60) == IGNORE
    assert judge(guard, 2, -1, 60) == IGNORE
    assert judge(guard, 2, -2, 60) == ANSWER
    assert burst(guard, 6, 61)[-1] == (("sender", 5),)


def test_time_outs_of_other_processes_are_forgotten_where_nothing_is_judged():
    """A worker of a fleet reads no messages, but hears of all time-outs."""
    guard = Guard()
    for sender in range(50_000):
        guard.begin(TimeOut(sender, is_group=bool(sender % 2), minutes=1), sender * 1.0)
    assert 100 < len(guard) < 10_000
    assert judge(guard, 49_998, None, 50_000) == IGNORE
