"""The request queue: order, limits, cancelling in every moment, and the end of the process."""

import asyncio

import pytest

from core.chat_queue import Lane
from core.errors import BusyError, QueueFullError, RequestCancelledError
from core.progress import NotePace
from services.requests.queue import RequestHandle, RequestQueue
from services.requests.slots import Slots
from tests.fakes import FakeRunner, Item, settle

FIRST, SECOND, THIRD = (Item(1, position) for position in (1, 2, 3))
OTHER = Item(2, 1)


def build(
    runner: FakeRunner, *, slots: Slots | None = None, most: int = 100, patience_s: float = 60
) -> "RequestQueue[Item]":
    return RequestQueue(slots or Slots(5), runner, max_requests=most, patience_s=patience_s)


async def reported(runner: FakeRunner, number: int) -> None:
    """Wait until there have been `number` reports."""
    while len(runner.reports) < number:
        await settle()


def is_done(handle: RequestHandle) -> bool:
    """Whether a handle has ended: awaiting it does not wait then."""
    waiter = handle.__await__()
    try:
        next(waiter)
    except StopIteration:
        return True
    return False


async def test_a_chat_is_served_in_the_order_of_its_messages():
    runner = FakeRunner()
    queue = build(runner)
    handles = [queue.submit([item], 5) for item in (FIRST, THIRD, SECOND)]
    runner.let_go(FIRST, SECOND, THIRD)
    for handle in handles:
        await handle
    assert runner.ended == [FIRST, SECOND, THIRD]


async def test_a_chat_has_one_running_and_the_others_are_not_held_up():
    runner = FakeRunner()
    queue = build(runner)
    for item in (FIRST, SECOND, OTHER):
        queue.submit([item], 5)
    await settle()
    assert runner.began == [FIRST, OTHER]
    assert (queue.running, queue.count) == (2, 3)
    runner.let_go(FIRST)
    await settle()
    assert runner.began == [FIRST, OTHER, SECOND]
    runner.let_go(SECOND, OTHER)
    await settle()
    assert (queue.running, queue.count) == (0, 0)


async def test_only_a_request_that_waits_is_accepted_at_once():
    runner = FakeRunner()
    queue = build(runner)
    queue.submit([FIRST], 5)
    queue.submit([SECOND], 5)
    await settle()
    assert runner.accepted == [SECOND]
    await queue.drain(0, 10)


async def test_a_full_queue_is_explained_once_per_message():
    runner = FakeRunner()
    queue = build(runner)
    queue.submit([FIRST], 1)
    handle = queue.submit([SECOND, THIRD], 1)
    await handle
    assert [(r.item, r.aloud) for r in runner.refusals] == [(SECOND, True), (THIRD, False)]
    assert all(isinstance(refusal.error, QueueFullError) for refusal in runner.refusals)
    assert runner.refusals[0].error.facts == {"count": 1}
    runner.let_go(FIRST, SECOND)
    await settle()
    await queue.submit([SECOND], 1)
    assert runner.ended == [FIRST, SECOND]


async def test_all_chats_together_have_a_limit_which_taken_over_requests_may_exceed():
    runner = FakeRunner()
    queue = build(runner, most=2)
    queue.submit([FIRST], 5)
    refused = [Item(3, 1), Item(3, 2)]
    await queue.submit(refused, 5)
    assert [(r.item, r.aloud) for r in runner.refusals] == [(refused[0], True), (refused[1], False)]
    assert all(isinstance(refusal.error, BusyError) for refusal in runner.refusals)
    queue.submit([OTHER], 5)
    queue.submit([Item(4, 1)], None)
    await settle()
    assert runner.began == [FIRST, OTHER, Item(4, 1)]
    await queue.drain(0, 10)


async def test_a_waiting_request_can_be_cancelled_and_leaves_room():
    runner = FakeRunner()
    queue = build(runner)
    queue.submit([FIRST], 2)
    handle = queue.submit([SECOND], 2)
    await settle()
    assert not queue.cancel(2, OTHER.chat_id)
    assert queue.cancel(2, 1)
    await handle
    assert not queue.cancel(2, 1)
    assert [type(refusal.error) for refusal in runner.refusals] == [RequestCancelledError]
    last = queue.submit([THIRD], 2)
    runner.let_go(FIRST, THIRD)
    await last
    assert runner.began == [FIRST, THIRD]


async def test_the_next_begins_when_a_cancelled_one_is_explained():
    runner = FakeRunner()
    queue = build(runner)
    handle = queue.submit([FIRST], 5)
    queue.submit([SECOND], 5)
    await settle()
    runner.may_refuse.clear()
    assert queue.cancel(1, 1)
    await settle()
    assert runner.began == [FIRST]
    assert not is_done(handle)
    runner.may_refuse.set()
    await handle
    await settle()
    assert runner.began == [FIRST, SECOND]
    assert [(r.item, type(r.error)) for r in runner.refusals] == [(FIRST, RequestCancelledError)]
    await queue.drain(0, 10)


async def test_one_cancelled_before_its_first_step_is_explained_and_blocks_nothing():
    runner = FakeRunner()
    queue = build(runner)
    first, second = queue.submit([FIRST], 5), queue.submit([SECOND], 5)
    assert queue.cancel(1, 1)  # its task has not run yet
    runner.let_go(SECOND)
    await first
    await second
    assert runner.began == runner.ended == [SECOND]
    assert [(r.item, type(r.error)) for r in runner.refusals] == [(FIRST, RequestCancelledError)]
    assert queue.count == 0


async def test_the_next_is_cancelled_at_the_last_step_of_the_one_before():
    runner = FakeRunner()
    queue = build(runner)
    handles = [queue.submit([item], 5) for item in (FIRST, SECOND, THIRD)]
    runner.at_end[FIRST] = lambda: queue.cancel(2, 1)
    runner.let_go(FIRST, SECOND, THIRD)
    for handle in handles:
        await handle
    assert runner.ended == [FIRST, THIRD]
    assert [refusal.item for refusal in runner.refusals] == [SECOND]
    assert queue.count == 0


async def test_the_next_is_cancelled_in_the_tick_in_which_the_one_before_has_ended():
    runner = FakeRunner()
    queue = build(runner)
    handles = [queue.submit([item], 5) for item in (FIRST, SECOND, THIRD)]
    answers: list[bool] = []
    # Called when the second one has been started, and has not made its first step.
    handles[0].on_end(lambda: answers.append(queue.cancel(2, 1)))
    runner.let_go(FIRST, SECOND, THIRD)
    for handle in handles:
        await handle
    assert answers == [True]
    assert runner.began == runner.ended == [FIRST, THIRD]
    assert [refusal.item for refusal in runner.refusals] == [SECOND]
    assert queue.count == 0


async def test_a_crash_is_logged_and_the_next_begins(caplog: pytest.LogCaptureFixture):
    runner = FakeRunner()
    queue = build(runner)
    first, second = queue.submit([FIRST], 5), queue.submit([SECOND], 5)
    runner.crashing.add(FIRST)
    runner.let_go(FIRST, SECOND)
    await first
    await second
    assert runner.ended == [SECOND]
    assert [r.exc_info is not None for r in caplog.records if r.levelname == "ERROR"] == [True]


async def test_draining_leaves_what_waits_and_lets_the_running_end():
    runner, slots = FakeRunner(), Slots(1)
    queue = build(runner, slots=slots)
    handles = [queue.submit([item], 5) for item in (FIRST, SECOND)]
    await settle()
    draining = asyncio.ensure_future(queue.drain(60, 10))
    await settle()
    assert runner.left == [SECOND]
    late = queue.submit([OTHER], 5)
    await late
    assert runner.left == [SECOND, OTHER]
    with pytest.raises(asyncio.CancelledError):
        async with slots.one(Lane(9, 9)):
            raise AssertionError("a slot was granted")
    assert not draining.done()
    runner.let_go(FIRST)
    await draining
    assert runner.ended == [FIRST]
    assert runner.refusals == []
    assert all(is_done(handle) for handle in handles)


async def test_what_does_not_end_in_time_is_left_to_the_next_process():
    runner = FakeRunner()
    queue = build(runner)
    handle = queue.submit([FIRST], 5)
    await settle()
    await queue.drain(0, 10)
    assert runner.left == [FIRST]
    assert runner.refusals == []
    assert is_done(handle)
    assert queue.count == 0


async def test_a_cancelled_request_is_explained_even_while_draining():
    runner = FakeRunner()
    queue = build(runner)
    queue.submit([FIRST], 5)
    await settle()
    assert queue.cancel(1, 1)
    await queue.drain(60, 10)
    assert [type(refusal.error) for refusal in runner.refusals] == [RequestCancelledError]
    assert runner.left == []


async def test_a_report_has_the_place_among_those_that_wait():
    slots = Slots(1)
    runner = FakeRunner(slots)
    queue = build(runner, slots=slots, patience_s=0)
    for item in (FIRST, SECOND, OTHER):
        queue.submit([item], 5)
    await settle()
    # The first one runs, the other chat's waits for its slot, and the second for both.
    assert sorted(runner.reports, key=lambda report: report[1]) == [
        (FIRST, 1, None),
        (SECOND, 2, 2),
        (OTHER, 3, 1),
    ]
    await queue.drain(0, 10)


async def test_reports_go_on_until_the_end():
    runner = FakeRunner()
    queue = build(runner, patience_s=0)
    queue.note_pace = NotePace(0, 0)
    handle = queue.submit([FIRST], 5)
    await reported(runner, 3)
    assert set(runner.reports) == {(FIRST, 1, None)}
    runner.let_go(FIRST)
    await handle
    await settle()
    number = len(runner.reports)
    await settle()
    assert len(runner.reports) == number


async def test_no_report_begins_before_the_last_one_has_ended():
    runner = FakeRunner()
    runner.may_report.clear()
    queue = build(runner, patience_s=0)
    queue.note_pace = NotePace(0, 0)
    queue.submit([FIRST], 5)
    await reported(runner, 1)
    await settle()
    assert len(runner.reports) == 1
    runner.may_report.set()
    await reported(runner, 2)
    await queue.drain(0, 10)


async def test_only_the_first_request_of_a_message_is_reported():
    runner = FakeRunner()
    queue = build(runner, patience_s=0)
    queue.note_pace = NotePace(0, 0)
    queue.submit([FIRST, SECOND, THIRD], 5)
    await reported(runner, 2)
    assert {item for item, *_ in runner.reports} == {FIRST}
    runner.reports.clear()
    assert queue.cancel(2, 1)
    runner.let_go(FIRST)
    await reported(runner, 2)
    assert {item for item, *_ in runner.reports if item != FIRST} == {THIRD}
    await queue.drain(0, 10)


async def test_a_chat_without_notes_gets_no_report():
    runner = FakeRunner()
    queue = build(runner, patience_s=0)
    queue.submit([Item(1, 1, has_note=False)], 5)
    await settle()
    assert runner.reports == []
    await queue.drain(0, 10)


async def test_a_request_that_has_ended_is_not_reported():
    runner = FakeRunner()
    queue = build(runner, patience_s=0)
    queue.submit([FIRST], 5)
    handle = queue.submit([SECOND], 5)
    queue.cancel(2, 1)
    await handle
    await settle()
    assert [item for item, *_ in runner.reports] == [FIRST]
    await queue.drain(0, 10)


async def test_a_handle_waits_for_all_requests_of_its_message():
    runner = FakeRunner()
    queue = build(runner)
    ends: list[str] = []
    handle = queue.submit([FIRST, SECOND], 1)
    handle.on_end(lambda: ends.append("all"))
    runner.let_go(FIRST)
    await settle()
    assert runner.began == [FIRST, SECOND]
    assert ends == []
    assert not is_done(handle)
    runner.let_go(SECOND)
    await handle
    await settle()
    assert ends == ["all"]


async def test_a_handle_of_no_requests_has_ended():
    ends: list[str] = []
    handle = RequestHandle(0)
    handle.on_end(lambda: ends.append("all"))
    await handle
    await settle()
    assert ends == ["all"]


async def test_cancelling_the_wait_for_a_handle_cancels_no_request():
    runner = FakeRunner()
    queue = build(runner)
    handle = queue.submit([FIRST], 5)

    async def wait() -> None:
        await handle

    waiting = asyncio.ensure_future(wait())
    await settle()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not is_done(handle)
    runner.let_go(FIRST)
    await handle
    assert runner.ended == [FIRST]


async def test_all_requests_that_are_picked_end_without_a_word():
    runner = FakeRunner()
    queue = build(runner)
    mine, others = [Item(3, n) for n in (1, 2, 3)], [Item(3, 4), Item(4, 1)]
    handles = [queue.submit([item], 9) for item in (*mine, *others)]
    await settle()
    assert queue.cancel_all(lambda item: item in mine) == 3
    assert queue.cancel_all(lambda item: item in mine) == 0  # the running one has not ended yet
    for handle in handles[:3]:
        await handle
    assert sorted((r.item.position, r.aloud) for r in runner.refusals) == [
        *((1, False), (2, False), (3, False)),
    ]
    runner.let_go(*others)
    for handle in handles[3:]:
        await handle
    assert sorted(runner.ended, key=lambda item: item.chat_id) == others


async def test_people_in_a_group_do_not_wait_for_each_other():
    runner = FakeRunner()
    queue = build(runner)
    flood = [Item(-1, position, person_id=7) for position in range(3)]
    other = Item(-1, 9, person_id=8)
    for item in (*flood, other):
        queue.submit([item], None)
    await settle()
    assert runner.began == [flood[0], other]
    assert [queue.of_person(person) for person in (7, 8)] == [3, 1]
    await queue.drain(0, 10)


async def test_of_many_links_only_the_next_ones_have_a_note():
    runner = FakeRunner()
    queue = build(runner, patience_s=0)
    items = [Item(1, position) for position in range(8)]
    handles = [queue.submit([item], None) for item in items]
    await settle()
    assert {item.position for item, *_ in runner.reports} == {0, 1, 2, 3}
    runner.let_go(*items[:4])
    await settle()
    assert {item.position for item, *_ in runner.reports} == {0, 1, 2, 3, 4, 5, 6, 7}
    runner.let_go(*items)
    for handle in handles:
        await handle


async def test_handles_are_joined():
    ends: list[str] = []
    runner = FakeRunner()
    queue = build(runner)
    whole = RequestHandle.of_all([queue.submit([item], None) for item in (FIRST, OTHER)])
    whole.on_end(lambda: ends.append("all"))
    runner.let_go(FIRST)
    await settle()
    assert ends == []
    runner.let_go(OTHER)
    await whole
    await settle()
    assert ends == ["all"]
