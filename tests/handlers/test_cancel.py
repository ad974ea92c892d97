"""The cancel button: ends a request of its own chat, and says so when it is too late."""

from typing import cast

import pytest
from aiogram.methods import DeleteMessage

from core.errors import FileRejectedError
from handlers.cancel import on_cancel
from misc.middlewares.registration import ChatView
from misc.ui.texts import load_texts
from services.requests.context import RequestContext
from services.requests.queue import RequestQueue
from services.requests.slots import Slots
from tests.fakes import GONE, PERSON, FakeRunner, FakeTelegram, Item, settle

TEXTS = load_texts()
ITEM = Item(PERSON, 1)


async def press(telegram: FakeTelegram, data: str, chat_id: int = PERSON) -> FakeRunner:
    """Press a button while request 1 of the person's chat runs."""
    runner = FakeRunner()
    queue: RequestQueue[Item] = RequestQueue(Slots(1), runner, max_requests=9, patience_s=60)
    queue.submit([ITEM], 5)
    await settle()
    query = telegram.query(data, telegram.message("note", chat_id=chat_id))
    contexts = cast("RequestQueue[RequestContext]", queue)
    await on_cancel(query, ChatView("en"), TEXTS, contexts)
    await settle()
    await queue.drain(0)
    return runner


async def test_the_request_is_cancelled_and_the_press_answered(telegram: FakeTelegram):
    runner = await press(telegram, "cancel/1")
    assert [refusal.item for refusal in runner.refusals] == [ITEM]
    assert telegram.alerts == [(None, False)]
    assert telegram.of(DeleteMessage) == []  # the pipeline deletes the note


async def test_a_note_that_a_crash_has_left_is_deleted(telegram: FakeTelegram):
    await press(telegram, "cancel/2")
    assert [call.message_id for call in telegram.of(DeleteMessage)] == [70]


async def test_a_note_that_cannot_be_deleted_fails_nothing(telegram: FakeTelegram):
    telegram.fail(DeleteMessage, FileRejectedError("message can't be deleted"))
    await press(telegram, "cancel/2")
    assert telegram.alerts == [(TEXTS["en"]["button_expired"], False)]


@pytest.mark.parametrize("data", ["cancel/2", "cancel/", "cancel/²", "cancel/-1", "cancel/x"])
async def test_a_button_without_a_request_has_expired(telegram: FakeTelegram, data: str):
    runner = await press(telegram, data)
    assert runner.refusals == []
    assert telegram.alerts == [(TEXTS["en"]["button_expired"], False)]


async def test_another_chat_cannot_cancel_it(telegram: FakeTelegram):
    runner = await press(telegram, "cancel/1", chat_id=8)
    assert runner.refusals == []
    assert telegram.alerts == [(TEXTS["en"]["button_expired"], False)]


async def test_an_old_message_knows_its_chat_too(telegram: FakeTelegram):
    runner = FakeRunner()
    queue: RequestQueue[Item] = RequestQueue(Slots(1), runner, max_requests=9, patience_s=60)
    handle = queue.submit([ITEM], 5)
    contexts = cast("RequestQueue[RequestContext]", queue)
    await on_cancel(telegram.query("cancel/1", GONE), ChatView("en"), TEXTS, contexts)
    await handle
    assert [refusal.item for refusal in runner.refusals] == [ITEM]
