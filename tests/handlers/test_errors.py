"""What a handler could not foresee: named, stored, and told where it helps."""

from typing import Any

import pytest
from aiogram.methods import AnswerCallbackQuery, SendMessage
from aiogram.types import ErrorEvent, InlineQuery, Update

from core.errors import (
    ChatForbiddenError,
    ChatMovedError,
    FloodError,
    StorageError,
    TelegramUnreachableError,
)
from data.chats import find_chat, register_chat, set_language
from data.error_reports import find_report, recent_reports
from handlers.errors import on_error
from misc.ui.texts import load_texts
from tests.fakes import GONE, PERSON, FakeTelegram, make_user

TEXTS = load_texts()
pytestmark = pytest.mark.usefixtures("sqlite_db")


async def fail(telegram: FakeTelegram, error: Exception, **origin: Any) -> bool:
    update = Update(update_id=1, **(origin or {"message": telegram.message("hello")}))
    event = ErrorEvent(update=update, exception=error)
    return await on_error(event, telegram.sender, TEXTS)


async def test_a_bug_is_stored_under_the_code_in_the_message(telegram: FakeTelegram):
    assert await fail(telegram, ZeroDivisionError("planted"))
    (text,) = telegram.texts
    (report,) = await recent_reports(5)
    assert text == TEXTS("en", "error", code=report.code)
    stored = await find_report(report.code)
    assert stored
    assert "ZeroDivisionError: planted" in stored.traceback


async def test_an_expected_error_is_explained_in_the_chats_language_and_not_stored(
    telegram: FakeTelegram,
):
    await set_language(PERSON, "uk")
    assert await fail(telegram, StorageError())
    assert telegram.texts == [TEXTS["uk"]["busy"]]
    assert await recent_reports(5) == []


async def test_a_press_is_answered_with_an_alert(telegram: FakeTelegram):
    query = telegram.query("x", telegram.message("menu", chat_id=-7))
    await fail(telegram, StorageError(), callback_query=query)
    assert telegram.alerts == [(TEXTS["en"]["busy"], True)]
    assert telegram.texts == []


@pytest.mark.parametrize("message", [None, GONE])
async def test_a_press_below_an_old_message_is_answered_too(telegram: FakeTelegram, message: Any):
    await fail(telegram, StorageError(), callback_query=telegram.query("x", message))
    assert telegram.alerts == [(TEXTS["en"]["busy"], True)]


async def test_a_group_gets_no_message(telegram: FakeTelegram):
    assert await fail(telegram, KeyError("x"), message=telegram.message("/mode", chat_id=-7))
    assert telegram.session.calls == []
    assert len(await recent_reports(5)) == 1


@pytest.mark.parametrize("error", [FloodError(5), TelegramUnreachableError()])
async def test_if_telegram_has_failed_nothing_is_sent(telegram: FakeTelegram, error: Exception):
    assert await fail(telegram, error)
    assert telegram.session.calls == []


async def test_a_closed_chat_is_marked(telegram: FakeTelegram):
    await register_chat(PERSON, "en")
    await fail(telegram, ChatForbiddenError())
    record = await find_chat(PERSON)
    assert record
    assert record.is_blocked
    assert telegram.session.calls == []


async def test_a_moved_group_is_not_blocked(telegram: FakeTelegram):
    await register_chat(-7, "en")
    await fail(telegram, ChatMovedError(-1007), message=telegram.message("/mode", chat_id=-7))
    record = await find_chat(-1007)
    assert record
    assert not record.is_blocked
    assert await find_chat(-7) is None


async def test_an_update_without_an_answer_is_only_logged(telegram: FakeTelegram):
    query = InlineQuery(id="1", from_user=make_user(), query="x", offset="")
    assert await fail(telegram, KeyError("x"), inline_query=query)
    assert telegram.session.calls == []
    assert len(await recent_reports(5)) == 1


async def test_a_second_failure_ends_here(telegram: FakeTelegram):
    telegram.fail(SendMessage, ChatForbiddenError())
    telegram.fail(AnswerCallbackQuery, TelegramUnreachableError())
    assert await fail(telegram, StorageError())
    assert await fail(telegram, StorageError(), callback_query=telegram.query("x"))
    assert len(telegram.session.calls) == 2


async def test_a_database_failure_is_explained_in_the_persons_language(
    telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
):
    async def failing(*_: object) -> None:
        raise StorageError

    monkeypatch.setattr("misc.utils.get_user_settings", failing)
    monkeypatch.setattr("handlers.errors.mark_blocked", failing)
    message = telegram.message("x", from_user=make_user(language_code="uk"))
    assert await fail(telegram, StorageError(), message=message)
    assert telegram.texts == [TEXTS["uk"]["busy"]]
    assert await fail(telegram, ChatForbiddenError())
