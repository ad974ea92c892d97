"""The status note: sent once, edited when its text changes, deleted whatever happens."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from aiogram.methods import DeleteMessage, EditMessageText, SendMessage
from aiogram.types import InlineKeyboardMarkup

from core.errors import (
    FileRejectedError,
    FloodError,
    TelegramUnreachableError,
    UnchangedError,
    UnknownOutcomeError,
)
from delivery.api_requests import MessageOptions
from delivery.status_note import StatusNote
from delivery.targets import ChatTarget
from tests.fakes import PERSON, FakeTelegram, settle

TARGET = ChatTarget(PERSON, 70, is_private=True)
NOTE = MessageOptions("1 %", InlineKeyboardMarkup(inline_keyboard=[]))


class Bench:
    """A note, and what was stored about it."""

    def __init__(self, telegram: FakeTelegram) -> None:
        self.telegram = telegram
        self.stored: list[int | None] = []
        self.note = StatusNote(telegram.bot, telegram.sender, TARGET, self.record)

    async def record(self, message_id: int | None) -> None:
        self.stored.append(message_id)

    async def show(self, *texts: str) -> None:
        for text in texts:
            await self.note.show(replace(NOTE, caption=text))

    @property
    def edits(self) -> list[str | None]:
        return [call.text for call in self.telegram.of(EditMessageText)]

    @property
    def deleted(self) -> list[int]:
        return [call.message_id for call in self.telegram.of(DeleteMessage)]


@pytest.fixture
def bench(telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr("delivery.status_note.DELETE_AGAIN_S", (0.0, 0.0))
    return Bench(telegram)


async def test_it_is_sent_silently_and_edited_only_when_its_text_changes(bench: Bench):
    await bench.show("1 %", "1 %", "2 %", "2 %", "3 %")
    (sent,) = bench.telegram.of(SendMessage)
    assert (sent.text, sent.reply_markup, sent.disable_notification) == ("1 %", NOTE.buttons, True)
    assert bench.edits == ["2 %", "3 %"]
    assert {call.message_id for call in bench.telegram.of(EditMessageText)} == {1_001}
    assert bench.telegram.of(EditMessageText)[0].reply_markup == NOTE.buttons


async def test_it_is_deleted_at_the_end_and_never_shown_again(bench: Bench):
    await bench.show("1 %")
    await bench.note.remove()
    await bench.show("2 %")
    assert bench.deleted == [1_001]
    assert bench.stored == [1_001, None]
    assert bench.edits == []


async def test_a_note_that_was_not_shown_is_not_deleted(bench: Bench):
    await bench.note.remove()
    await bench.show("1 %")
    assert bench.telegram.session.calls == []


async def test_a_note_that_is_still_being_sent_at_the_end_is_deleted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    may_arrive = asyncio.Event()
    send = bench.telegram.session.make_request

    async def slow(bot: Any, method: Any, timeout: int | None = None) -> Any:  # noqa: ASYNC109
        if isinstance(method, SendMessage):
            await may_arrive.wait()
        return await send(bot, method, timeout)

    monkeypatch.setattr(bench.telegram.session, "make_request", slow)
    showing = asyncio.ensure_future(bench.show("1 %"))
    await settle()
    removing = asyncio.ensure_future(bench.note.remove())
    await settle()
    assert bench.deleted == []
    may_arrive.set()
    await asyncio.gather(showing, removing)
    assert bench.deleted == [1_001]
    assert bench.stored == [1_001, None]
    await bench.show("2 %")
    assert len(bench.telegram.of(SendMessage)) == 1


async def test_a_note_whose_sending_is_cancelled_is_known_and_deleted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    has_left, may_arrive = asyncio.Event(), asyncio.Event()
    send = bench.telegram.session.make_request

    async def slow(bot: Any, method: Any, timeout: int | None = None) -> Any:  # noqa: ASYNC109
        if isinstance(method, SendMessage):
            has_left.set()
            await may_arrive.wait()
        return await send(bot, method, timeout)

    monkeypatch.setattr(bench.telegram.session, "make_request", slow)
    showing = asyncio.ensure_future(bench.show("1 %"))
    await has_left.wait()
    showing.cancel()
    may_arrive.set()
    await asyncio.wait([showing])
    await bench.note.remove()
    assert bench.deleted == [1_001]


async def test_what_does_not_fit_into_the_limits_is_tried_again(bench: Bench):
    bench.telegram.fail(SendMessage, FloodError(1))
    await bench.show("1 %", "1 %")
    assert bench.stored == [1_001]
    bench.telegram.fail(EditMessageText, FloodError(1))
    await bench.show("2 %", "2 %")
    assert bench.edits == ["2 %", "2 %"]


async def test_a_note_that_may_have_arrived_is_not_sent_twice(bench: Bench):
    bench.telegram.fail(SendMessage, UnknownOutcomeError("timeout"))
    await bench.show("1 %", "2 %")
    await bench.note.remove()
    assert len(bench.telegram.of(SendMessage)) == 1
    assert (bench.edits, bench.deleted, bench.stored) == ([], [], [])


@pytest.mark.parametrize("refusal", [UnchangedError("same"), FileRejectedError("not found")])
async def test_a_refused_edit_is_not_repeated_but_the_next_is_tried(
    bench: Bench, refusal: Exception
):
    await bench.show("1 %")
    bench.telegram.fail(EditMessageText, refusal)
    await bench.show("2 %", "2 %", "3 %")
    assert bench.edits == ["2 %", "3 %"]


@pytest.mark.parametrize(
    "hiccup", [FloodError(1), TelegramUnreachableError("refused"), UnknownOutcomeError("timeout")]
)
async def test_a_deletion_that_is_not_confirmed_is_repeated(bench: Bench, hiccup: Exception):
    await bench.show("1 %")
    bench.telegram.fail(DeleteMessage, hiccup, hiccup)
    await bench.note.remove()
    assert bench.deleted == [1_001] * 3
    bench.telegram.fail(DeleteMessage, hiccup, hiccup, hiccup)


async def test_a_deletion_that_never_succeeds_fails_nothing(bench: Bench):
    await bench.show("1 %")
    bench.telegram.fail(DeleteMessage, *[FloodError(1)] * 3)
    await bench.note.remove()
    assert bench.deleted == [1_001] * 3


async def test_a_note_that_the_user_has_deleted_is_not_deleted_again(bench: Bench):
    await bench.show("1 %")
    bench.telegram.fail(DeleteMessage, FileRejectedError("message to delete not found"))
    await bench.note.remove()
    assert bench.deleted == [1_001]
