"""A request that is cancelled, or left when the process stops, at any moment: it ends once."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from core.errors import NotAvailableError, RequestCancelledError
from core.request import Progress
from data.requests import DELIVERED, Claim
from services.metrics import Metrics
from services.requests.context import Delivered, RequestContext
from services.requests.pipeline import RequestPipeline
from services.requests.queue import RequestQueue
from services.requests.slots import Slots
from tests.fakes import PERSON, FakeRequest, fake_request, make_post, make_request
from tests.interleavings.explorer import FEW_INTERLEAVINGS, choice, explore, invariant

RUNS = 1_500


@dataclass
class World:
    """A database, a site and a chat, each answering after a step."""

    outcomes: dict[int, list[str]] = field(default_factory=dict)
    sent: Counter[int] = field(default_factory=Counter)

    async def store_progress(self, claim: Claim, progress: Progress) -> None:
        await asyncio.sleep(0)

    async def finish_request(self, claim: Claim, progress: Progress, outcome: str) -> None:
        await asyncio.sleep(0)
        self.outcomes.setdefault(claim.row, []).append(outcome)

    async def deliver(self, context: RequestContext) -> Delivered:
        await asyncio.sleep(0)
        if choice([False, False, True]):
            raise NotAvailableError
        assert context.row
        self.sent[context.row] += 1
        context.stored.progress = Progress(sent=(11,), total=1)
        await asyncio.sleep(0)
        return Delivered(make_post(), is_processed=False, is_known=False, chat_id=PERSON)

    async def record(self, context: RequestContext, delivered: Delivered) -> bool:
        await asyncio.sleep(0)
        return choice([True, False])


def slow(one: FakeRequest) -> FakeRequest:
    """Let what the chat sees take a step."""

    def after_a_step(act: Any) -> Any:
        async def call(*arguments: Any) -> None:
            await asyncio.sleep(0)
            await act(*arguments)

        return call

    status: Any = one.status
    for name in ("done", "failed", "cancelled", "passed_on", "remove_note"):
        setattr(status, name, after_a_step(getattr(status, name)))
    presenter: Any = one.presenter
    for name in ("explain", "show_ad"):
        setattr(presenter, name, after_a_step(getattr(presenter, name)))
    return one


def assert_ended_once(world: World, requests: list[FakeRequest], *, is_stopped: bool) -> None:
    for one in requests:
        row = one.context.row
        assert row
        outcomes, told = world.outcomes.get(row, []), [type(e) for e in one.presenter.explained]
        # What was left to the next process has no outcome.
        assert len(outcomes) == 1 or (is_stopped and not outcomes)
        ends = [each for each in one.status.shown if each != "accepted"]
        assert len(ends) + one.status.left == 1
        assert one.status.left == (not outcomes)
        if world.sent[row]:
            assert outcomes in ([DELIVERED], [])
            assert told == []
        elif outcomes == [RequestCancelledError.code]:
            assert told[-1] is RequestCancelledError
        elif outcomes:
            assert NotAvailableError in told


async def run(acts: list[Coroutine[Any, Any, None]], queue: Any, requests: Any) -> None:
    handles = [queue.submit([one.context], 9) for one in requests]
    await asyncio.gather(*acts)
    for handle in handles:
        await handle
    await queue.drain(0.0, 10)
    callbacks_ran = asyncio.Event()  # those of the last task may still be due
    asyncio.get_running_loop().call_soon(callbacks_ran.set)
    await callbacks_ran.wait()
    assert queue.count == 0


def build(monkeypatch: pytest.MonkeyPatch) -> tuple[World, Any, list[FakeRequest]]:
    world, module = World(), "services.requests.store"
    for name in ("store_progress", "finish_request"):
        monkeypatch.setattr(f"{module}.{name}", getattr(world, name))
    invariant(lambda: all(n <= 1 for n in world.sent.values()), "sent once")
    pipeline = RequestPipeline({"post": world}, Metrics())
    queue: RequestQueue[RequestContext] = RequestQueue(
        Slots(2), pipeline, max_requests=9, patience_s=60
    )
    requests = []
    for row in (1, 2, 3):
        one = slow(fake_request(make_request(chat_id=7 if row < 3 else 8), row=row))
        requests.append(one)
    return world, queue, requests


async def steps(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


def test_a_request_that_is_cancelled_at_any_moment_ends_once(monkeypatch: pytest.MonkeyPatch):
    async def scenario() -> None:
        world, queue, requests = build(monkeypatch)

        async def cancel(row: int) -> None:
            await steps(choice([0, 1, 2, 3, 5, 7, 9]))
            queue.cancel(row, requests[row - 1].context.chat_id)

        await run([cancel(1), cancel(2), cancel(1)], queue, requests)
        assert_ended_once(world, requests, is_stopped=False)

    assert explore(scenario, RUNS) >= FEW_INTERLEAVINGS


def test_a_request_that_is_left_or_cancelled_while_the_process_stops_ends_once(
    monkeypatch: pytest.MonkeyPatch,
):
    async def scenario() -> None:
        world, queue, requests = build(monkeypatch)

        async def cancel() -> None:
            await steps(choice([0, 2, 4, 6]))
            queue.cancel(1, 7)

        async def drain() -> None:
            await steps(choice([0, 1, 2, 3, 5, 7, 9]))
            await queue.drain(0.0, 10)

        await run([cancel(), drain()], queue, requests)
        assert_ended_once(world, requests, is_stopped=True)

    assert explore(scenario, RUNS) >= FEW_INTERLEAVINGS
