"""The reaction on a message: whoever comes late, the last one is that of the last state."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from aiogram.methods import SetMessageReaction

from core.errors import RequestTakenOverError
from delivery.final_status_calls import FinalStatusCalls
from delivery.sender import Sender
from delivery.status_indicator import InlineStatus, InlineStatusTexts, MessageStatus
from delivery.targets import ChatTarget
from tests.interleavings.explorer import FEW_INTERLEAVINGS, choice, explore

TARGET = ChatTarget(7, 70, is_private=True)
RUNS = 1_500


@dataclass
class Row:
    """A request: its owner, and how it has ended."""

    owner: str
    has_failed: bool | None = None


@dataclass
class World:
    """A database and a chat, each answering after a step."""

    rows: list[Row]
    reaction: str | None = None

    async def __call__(self, call: Any) -> bool:
        """Take a call of the bot: it arrives after a step, and the answer to it after another."""
        await asyncio.sleep(0)
        if isinstance(call, SetMessageReaction):
            self.reaction = cast("Any", call.reaction)[0].emoji if call.reaction else None
        await asyncio.sleep(0)
        return True

    @property
    def outcome(self) -> bool | None:
        ends = [row.has_failed for row in self.rows]
        return None if None in ends else any(ends)


@dataclass
class Worker:
    """One process: its lease ends when another one takes a row of it."""

    name: str
    world: World
    status: MessageStatus = field(init=False)

    def begin(self, *, is_shown: bool, requests: int) -> None:
        self.status = MessageStatus(
            cast("Any", self.world),
            cast("Sender", _Sender(self.world)),
            TARGET,
            self,
            requests=requests,
            is_shown=is_shown,
        )

    def may_send(self) -> bool:
        return all(row.owner == self.name for row in self.world.rows if row.has_failed is None)

    async def is_ours(self) -> bool:
        await asyncio.sleep(0)
        return self.may_send()

    async def has_message_failed(self, known: bool | None) -> bool | None:
        await asyncio.sleep(0)
        return self.world.outcome

    async def take(self, row: Row) -> bool:
        """Claim an open row of a worker that seems dead, or serve one that has failed again."""
        await asyncio.sleep(0)
        if row.has_failed is False:
            return False
        row.owner, row.has_failed = self.name, None
        return True

    async def serve(self, row: Row, *, fails: bool) -> None:
        """Serve a request as the pipeline does: the status follows the outcome."""
        try:
            await self.status.accepted()
            await self.status.working()
            await self._finish(row, fails=fails)
        except RequestTakenOverError:
            await self.status.passed_on()
        else:
            await (self.status.failed() if fails else self.status.done())

    async def _finish(self, row: Row, *, fails: bool) -> None:
        await asyncio.sleep(0)
        if row.owner != self.name or row.has_failed is not None:
            raise RequestTakenOverError
        row.has_failed = fails


class _Sender:
    def __init__(self, bot: World) -> None:
        self.final_status_calls = FinalStatusCalls(cast("Any", bot))


async def take_over(worker: Worker, row: Row, *, fails: bool) -> None:
    for _ in range(choice([1, 3, 6])):
        await asyncio.sleep(0)
    if await worker.take(row):
        worker.begin(is_shown=True, requests=1)
        await worker.serve(row, fails=fails)


def assert_shown(world: World) -> None:
    assert world.outcome is not None
    assert world.reaction == ("😢" if world.outcome else None)


def test_the_last_reaction_is_that_of_the_outcome_whoever_comes_late():
    async def scenario() -> None:
        world = World([Row("first")])
        (row,) = world.rows
        first, second = Worker("first", world), Worker("second", world)
        first.begin(is_shown=False, requests=1)
        await asyncio.gather(
            first.serve(row, fails=choice([True, False])),
            take_over(second, row, fails=choice([True, False])),
        )
        assert_shown(world)

    assert explore(scenario, RUNS) >= FEW_INTERLEAVINGS


def test_a_third_process_that_serves_a_failure_again_is_not_overtaken():
    async def scenario() -> None:
        world = World([Row("first")])
        (row,) = world.rows
        first, second, third = (Worker(name, world) for name in ("first", "second", "third"))
        first.begin(is_shown=False, requests=1)
        await asyncio.gather(
            first.serve(row, fails=True),
            take_over(second, row, fails=True),
            take_over(third, row, fails=choice([True, False])),
        )
        assert_shown(world)

    assert explore(scenario, RUNS) >= FEW_INTERLEAVINGS


def test_two_processes_that_have_requests_of_one_message_show_the_end_of_both():
    async def scenario() -> None:
        world = World([Row("first"), Row("first")])
        one, other = world.rows
        first, second = Worker("first", world), Worker("second", world)
        first.begin(is_shown=False, requests=2)
        await asyncio.gather(
            first.serve(one, fails=choice([True, False])),
            first.serve(other, fails=False),
            take_over(second, other, fails=choice([True, False])),
        )
        assert_shown(world)

    assert explore(scenario, RUNS) >= FEW_INTERLEAVINGS


class InlineChat:
    """An inline message: edits arrive after a step, and are answered after another."""

    def __init__(self) -> None:
        self.text = "card"

    async def edit_inline(self, _target: ChatTarget, text: str, _buttons: object = None) -> None:
        await asyncio.sleep(0)
        self.text = text
        await asyncio.sleep(0)


def inline_status(chat: InlineChat, right: Any) -> InlineStatus:
    def text(words: str) -> Any:
        return type("Text", (), {"caption": words, "buttons": None})()

    retrying: Callable[[int, int], Any] = lambda number, _most: text(f"attempt {number}")  # noqa: E731
    texts = InlineStatusTexts(text("working"), text("sending"), retrying)
    return InlineStatus(cast("Sender", chat), TARGET, right, texts)


def test_the_end_of_an_inline_message_stays_whoever_is_cancelled():
    async def scenario() -> None:
        chat, world = InlineChat(), World([Row("first")])
        status = inline_status(chat, Worker("first", world))

        async def work() -> None:
            await status.working()
            await status.retrying(2, 3)
            await status.sending()

        working = asyncio.create_task(work())
        late = asyncio.create_task(status.working())
        for _ in range(choice([0, 1, 2, 4])):
            await asyncio.sleep(0)
        working.cancel()
        await status.remove_note()
        await chat.edit_inline(TARGET, "the end")
        await asyncio.gather(working, late, return_exceptions=True)
        assert chat.text == "the end"

    assert explore(scenario, RUNS) >= FEW_INTERLEAVINGS
