"""The client: every way of calling Telegram fails with our own errors."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiogram import Bot
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import AiogramError, TelegramBadRequest, TelegramEntityTooLarge
from aiogram.methods import SendDocument, SendMessage, TelegramMethod
from aiogram.types import (
    CallbackQuery,
    Chat,
    FSInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQuery,
    Message,
    User,
)

from core.errors import ChatForbiddenError, FileRejectedError, TooLargeError
from delivery.client import TelegramClient, TolerantSession, make_bot

TOKEN = "42:" + "a" * 35
ADA = User(id=1, is_bot=False, first_name="Ada")
MESSAGE = Message(message_id=1, date=datetime.now(UTC), chat=Chat(id=1, type="private"))


class RefusingSession(BaseSession):
    """Answers every request with one error."""

    def __init__(self, error: AiogramError) -> None:
        super().__init__()
        self._error = error

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[Any],
        timeout: int | None = None,  # noqa: ASYNC109 - the base class asks for it
    ) -> Any:
        raise self._error

    async def close(self) -> None:
        pass

    async def stream_content(self, *_: Any, **__: Any) -> AsyncGenerator[bytes, None]:
        yield b""


Call = Callable[[Bot], Awaitable[Any]]
CALLS: dict[str, Call] = {
    "a method": lambda bot: bot(SendMessage(chat_id=1, text="x")),
    "a shortcut of the client": lambda bot: bot.send_message(1, "x"),
    "a shortcut of a message": lambda bot: MESSAGE.as_(bot).answer("x"),
    "the answer to a button": lambda bot: (
        CallbackQuery(id="1", from_user=ADA, chat_instance="1", message=MESSAGE)
        .as_(bot)
        .answer("x")
    ),
    "the answer to an inline query": lambda bot: (
        InlineQuery(id="1", from_user=ADA, query="", offset="").as_(bot).answer([])
    ),
    "polling": lambda bot: bot.get_updates(),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_every_call_fails_with_our_own_error(call: Call):
    refusal = TelegramBadRequest(SendMessage(chat_id=1, text="x"), "Bad Request: chat not found")
    bot = TelegramClient(TOKEN, ceiling_bytes=7, session=RefusingSession(refusal))
    with pytest.raises(ChatForbiddenError) as caught:
        await call(bot)
    assert caught.value.__cause__ is refusal


async def test_the_answer_to_a_press_that_comes_too_late_is_no_failure():
    press = CallbackQuery(id="1", from_user=ADA, chat_instance="1", message=MESSAGE)
    expired = "Bad Request: query is too old and response timeout expired or query ID is invalid"
    refusal = TelegramBadRequest(press.answer("x"), expired)
    bot = TelegramClient(TOKEN, ceiling_bytes=7, session=RefusingSession(refusal))
    assert await press.as_(bot).answer("x") is False
    with pytest.raises(FileRejectedError):
        await InlineQuery(id="1", from_user=ADA, query="", offset="").as_(bot).answer([])


async def test_the_explanation_of_a_too_large_file_names_the_servers_limit():
    refusal = TelegramEntityTooLarge(SendMessage(chat_id=1, text="x"), "too large")
    bot = TelegramClient(TOKEN, ceiling_bytes=7_000_000, session=RefusingSession(refusal))
    with pytest.raises(TooLargeError) as caught:
        await bot.send_message(1, "x")
    assert caught.value.limit_bytes == 7_000_000


async def test_a_call_without_files_is_json_with_a_string_for_each_field(tmp_path: Path):
    bot = make_bot(TOKEN, server="http://127.0.0.1:1", connections=1)
    session = bot.session
    assert isinstance(session, TolerantSession)
    button = InlineKeyboardButton(text="Á & b", callback_data="x")
    method = SendMessage(
        chat_id=-7,
        text="1 & 2 = 👀",
        disable_notification=True,
        reply_markup=InlineKeyboardMarkup(inline_keyboard=[[button]]),
    )
    body = session.build_form_data(bot, method)
    assert body.headers["Content-Type"] == "application/json"
    fields = json.loads(body.decode())
    markup = json.loads(fields.pop("reply_markup"))
    assert markup == {"inline_keyboard": [[{"text": "Á & b", "callback_data": "x"}]]}
    assert json.loads(fields.pop("link_preview_options")) == {"is_disabled": True}
    assert fields == {
        "chat_id": "-7",
        "text": "1 & 2 = 👀",
        "parse_mode": "HTML",
        "disable_notification": "true",
    }
    upload = SendDocument(chat_id=-7, document=FSInputFile(tmp_path / "a.bin"))
    form = session.build_form_data(bot, upload)
    assert form.headers["Content-Type"].startswith("multipart/form-data")
    await session.close()
