"""/cancel and the cancel button: they end requests of their own chat, or say that none runs."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiogram.methods import DeleteMessage
from aiogram.types import Chat

from core.chat_queue import Lane
from core.errors import FileRejectedError
from core.request import Asker
from delivery.targets import ChatTarget
from handlers.cancel import on_business_cancel_all, on_cancel, on_cancel_all
from misc.middlewares.registration import ChatView
from misc.ui.keyboards import one_button
from misc.ui.texts import load_texts
from services.requests.cancelling import LocalCanceller
from services.requests.context import RequestContext
from services.requests.queue import RequestQueue
from services.requests.slots import Slots
from tests.fakes import (
    GONE,
    PERSON,
    FakeRunner,
    FakeTelegram,
    Item,
    make_ack,
    make_request,
    settle,
)

TEXTS = load_texts()
ITEM = Item(PERSON, 1)


async def press(
    telegram: FakeTelegram, data: str, chat_id: int = PERSON, shown: str = ""
) -> FakeRunner:
    """Press a button while request 1 of the person's chat runs.

    The message shows a button with other data if `shown` is not empty.
    """
    runner = FakeRunner()
    queue: RequestQueue[Item] = RequestQueue(Slots(1), runner, max_requests=9, patience_s=60)
    queue.submit([ITEM], 5)
    await settle()
    note = telegram.message("note", chat_id=chat_id, reply_markup=one_button("✖️", shown or data))
    query = telegram.query(data, note)
    contexts = LocalCanceller(cast("RequestQueue[RequestContext]", queue))
    await on_cancel(query, ChatView("en"), TEXTS, contexts)
    await settle()
    await queue.drain(0, 10)
    return runner


async def test_the_request_is_cancelled_and_the_press_answered(telegram: FakeTelegram):
    runner = await press(telegram, "cancel/1")
    assert [refusal.item for refusal in runner.refusals] == [ITEM]
    assert telegram.alerts == [(None, False)]
    assert telegram.of(DeleteMessage) == []  # the pipeline deletes the note


async def test_a_note_that_a_crash_has_left_is_deleted(telegram: FakeTelegram):
    await press(telegram, "cancel/2")
    assert [call.message_id for call in telegram.of(DeleteMessage)] == [70]


async def test_a_message_without_the_button_stays(telegram: FakeTelegram):
    """Callback data can be forged, for any message of the bot."""
    await press(telegram, "cancel/2", shown="cancel/3")
    assert telegram.alerts == [(TEXTS["en"]["button_expired"], False)]
    assert telegram.of(DeleteMessage) == []


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
    contexts = LocalCanceller(cast("RequestQueue[RequestContext]", queue))
    await on_cancel(telegram.query("cancel/1", GONE), ChatView("en"), TEXTS, contexts)
    await handle
    assert [refusal.item for refusal in runner.refusals] == [ITEM]


# --- /cancel --------------------------------------------------------------------------------------


def context_of(**values: Any) -> RequestContext:
    request = make_request(**values)
    return cast(
        "RequestContext",
        SimpleNamespace(
            chat_id=request.chat_id,
            position=request.target.message_id,
            lane=Lane(request.chat_id, request.person_id),
            target=ChatTarget.of_request(request),
            stored=SimpleNamespace(request=request),
            has_note=False,
            row=None,
        ),
    )


GROUP: dict[str, Any] = {"chat_id": -7, "is_private": False}


@pytest.mark.parametrize(
    ("values", "request_values", "is_mine"),
    [
        ({}, {}, True),
        ({}, {"kind": "sound"}, True),
        ({}, {"chat_id": 8}, False),
        ({}, {"inline_id": "im-1"}, False),
        ({}, {"business_id": "b", "is_private": False, "asker": Asker(PERSON)}, False),
        ({"chat_id": -7}, {**GROUP, "asker": Asker(PERSON)}, True),
        ({"chat_id": -7}, {**GROUP, "asker": Asker(8)}, False),
        ({"chat_id": -7}, GROUP, False),
        (
            {"chat_id": -7, "sender_chat": Chat(id=-7, type="supergroup")},
            {**GROUP, "asker": Asker(-7)},
            True,
        ),
        (
            {"business_connection_id": "b"},
            {"business_id": "b", "is_private": False, "asker": Asker(PERSON)},
            True,
        ),
        ({"business_connection_id": "b"}, {}, False),
    ],
)
async def test_everything_of_mine_here_is_cancelled(
    telegram: FakeTelegram,
    values: dict[str, Any],
    request_values: dict[str, Any],
    is_mine: bool,
):
    runner = FakeRunner()
    queue: RequestQueue[Item] = RequestQueue(Slots(9), runner, max_requests=9, patience_s=60)
    contexts = cast("RequestQueue[RequestContext]", queue)
    contexts.submit([context_of(**request_values)], 5)
    message = telegram.message("/cancel", **values)
    command = on_cancel_all if "business_connection_id" not in values else None
    if command:
        canceller = LocalCanceller(contexts)
        await command(message, ChatView("en"), telegram.sender, TEXTS, canceller, make_ack()[0])
    else:
        canceller = LocalCanceller(contexts)
        await on_business_cancel_all(message, telegram.sender, TEXTS, canceller, make_ack()[0])
    assert telegram.texts == [
        TEXTS("en", "cancelled_all", count=1) if is_mine else TEXTS["en"]["cancelled_none"]
    ]
    await settle()
    await queue.drain(0, 10)
