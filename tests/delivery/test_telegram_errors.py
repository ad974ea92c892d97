"""Every error of aiogram has a name in the house."""

from typing import Any

import pytest
from aiogram import exceptions
from aiogram.methods import SendMessage
from aiohttp import ClientConnectorError, ClientOSError, ServerDisconnectedError
from aiohttp.client_reqrep import ConnectionKey

from core.errors import (
    ChatForbiddenError,
    ChatMovedError,
    ClipferryError,
    DeliveryError,
    FileRejectedError,
    FloodError,
    TelegramUnreachableError,
    TokenRejectedError,
    TooLargeError,
    UnknownOutcomeError,
)
from delivery.telegram_errors import translate

METHOD: Any = SendMessage(chat_id=1, text="x")


def api_error(
    kind: type[exceptions.TelegramAPIError], message: str = "x"
) -> exceptions.AiogramError:
    if kind is exceptions.TelegramRetryAfter:
        return exceptions.TelegramRetryAfter(METHOD, message, 7)
    if kind is exceptions.TelegramMigrateToChat:
        return exceptions.TelegramMigrateToChat(METHOD, message, -100)
    return kind(METHOD, message)


def all_kinds(kind: type[Any] = exceptions.TelegramAPIError) -> list[type[Any]]:
    below: list[type[Any]] = kind.__subclasses__()
    return [kind, *(found for sub in below for found in all_kinds(sub))]


EXPECTED = {
    exceptions.TelegramAPIError: FileRejectedError,
    exceptions.TelegramNetworkError: UnknownOutcomeError,
    exceptions.TelegramRetryAfter: FloodError,
    exceptions.TelegramMigrateToChat: ChatMovedError,
    exceptions.TelegramBadRequest: FileRejectedError,
    exceptions.TelegramNotFound: TokenRejectedError,
    exceptions.TelegramConflictError: FileRejectedError,
    exceptions.TelegramUnauthorizedError: TokenRejectedError,
    exceptions.TelegramForbiddenError: ChatForbiddenError,
    exceptions.TelegramServerError: UnknownOutcomeError,
    exceptions.RestartingTelegram: UnknownOutcomeError,
    exceptions.TelegramEntityTooLarge: TooLargeError,
}


def test_the_table_knows_every_error_of_the_installed_aiogram():
    assert set(all_kinds()) == set(EXPECTED)


@pytest.mark.parametrize(("kind", "expected"), EXPECTED.items())
def test_every_error_is_translated(kind: type, expected: type[ClipferryError]):
    assert type(translate(api_error(kind))) is expected


def test_what_is_not_about_the_api_is_translated_too():
    unreadable = exceptions.ClientDecodeError("no JSON", ValueError("x"), "<html>")
    assert isinstance(translate(unreadable), UnknownOutcomeError)
    assert isinstance(translate(exceptions.AiogramError("x")), DeliveryError)


@pytest.mark.parametrize(
    "message",
    [
        "Bad Request: chat not found",
        "Bad Request: not enough rights to send videos to the chat",
        "Bad Request: need administrator rights in the channel chat",
        "Bad Request: CHAT_WRITE_FORBIDDEN",
        "Bad Request: TOPIC_CLOSED",
    ],
)
def test_a_closed_chat_hides_behind_a_400(message: str):
    error = api_error(exceptions.TelegramBadRequest, message)
    assert isinstance(translate(error), ChatForbiddenError)


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (
            ClientConnectorError(
                ConnectionKey("h", 1, False, True, None, None, None, None), OSError("refused")
            ),
            TelegramUnreachableError,
        ),
        (ServerDisconnectedError(), UnknownOutcomeError),
        (ClientOSError(104, "reset"), UnknownOutcomeError),
        (TimeoutError(), UnknownOutcomeError),
    ],
)
def test_only_a_connection_that_never_was_is_known_to_have_sent_nothing(
    cause: Exception, expected: type[DeliveryError]
):
    error = api_error(exceptions.TelegramNetworkError)
    error.__cause__ = cause
    assert type(translate(error)) is expected
