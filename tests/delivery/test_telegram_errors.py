"""Every error of aiogram has a name in the house."""

import socket
import ssl
from typing import Any

import pytest
from aiogram import exceptions
from aiogram.methods import SendMessage
from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientOSError,
    ServerDisconnectedError,
)
from aiohttp.client_reqrep import ConnectionKey

from core.errors import (
    ChatForbiddenError,
    ChatMovedError,
    ClipferryError,
    ContentRejectedError,
    DeliveryError,
    FileRejectedError,
    FileUnknownError,
    FloodError,
    SendingForbiddenError,
    TelegramUnreachableError,
    TokenRejectedError,
    TooLargeError,
    UnchangedError,
    UnknownOutcomeError,
)
from delivery.telegram_errors import reason_of, translate, translate_query

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
    ("message", "expected"),
    [
        ("chat not found", ChatForbiddenError),
        ("CHAT_WRITE_FORBIDDEN", ChatForbiddenError),
        ("group chat was deactivated", ChatForbiddenError),
        ("CHANNEL_PRIVATE", ChatForbiddenError),
        ("USER_BANNED_IN_CHANNEL", ChatForbiddenError),
        ("have no write access to the chat", ChatForbiddenError),
        ("PEER_ID_INVALID", ChatForbiddenError),
        # One right or one topic is not the chat.
        ("not enough rights to send videos to the chat", SendingForbiddenError),
        ("not enough rights to send text messages to the chat", SendingForbiddenError),
        ("have no rights to send a message", SendingForbiddenError),
        ("need administrator rights in the channel chat", SendingForbiddenError),
        ("CHAT_SEND_PHOTOS_FORBIDDEN", SendingForbiddenError),
        ("CHAT_SEND_PLAIN_FORBIDDEN", SendingForbiddenError),
        ("CHAT_GUEST_SEND_FORBIDDEN", SendingForbiddenError),
        ("CHAT_RESTRICTED", SendingForbiddenError),
        ("TOPIC_CLOSED", SendingForbiddenError),
        ("message thread not found", SendingForbiddenError),
        ("SLOWMODE_WAIT_30", FloodError),
        ("PHOTO_INVALID_DIMENSIONS", ContentRejectedError),
        ("IMAGE_PROCESS_FAILED", ContentRejectedError),
        ("PHOTO_EXT_INVALID", ContentRejectedError),
        ("WEBPAGE_MEDIA_EMPTY", ContentRejectedError),
        ("VIDEO_CONTENT_TYPE_INVALID", ContentRejectedError),
        ("MEDIA_EMPTY", ContentRejectedError),
        ("wrong type of the web page content", ContentRejectedError),
        ("group send failed", ContentRejectedError),
        ("wrong file identifier/HTTP URL specified", FileUnknownError),
        ("message is not modified", UnchangedError),
        ("can't parse entities: unexpected end", FileRejectedError),
        ("BUTTON_DATA_INVALID", FileRejectedError),
        ("MEDIA_CAPTION_TOO_LONG", FileRejectedError),
        ("message caption is too long", FileRejectedError),
    ],
)
@pytest.mark.parametrize("kind", [exceptions.TelegramBadRequest, exceptions.TelegramForbiddenError])
def test_the_text_of_a_refusal_tells_what_it_is_about(
    kind: type[exceptions.TelegramAPIError], message: str, expected: type[ClipferryError]
):
    error = translate(api_error(kind, f"Bad Request: {message}"))
    if kind is exceptions.TelegramForbiddenError and expected is not SendingForbiddenError:
        expected = ChatForbiddenError
    assert type(error) is expected


@pytest.mark.parametrize(
    ("message", "is_about_kind"),
    [
        ("not enough rights to send videos to the chat", True),
        ("not enough rights to send documents to the chat", True),
        ("CHAT_SEND_GIFS_FORBIDDEN", True),
        ("not enough rights to send text messages to the chat", False),
        ("CHAT_SEND_PLAIN_FORBIDDEN", False),
        ("have no rights to send a message", False),
        ("CHAT_ADMIN_REQUIRED", False),
        ("TOPIC_CLOSED", False),
        ("CHAT_RESTRICTED", False),
    ],
)
def test_another_kind_of_message_may_be_allowed(message: str, is_about_kind: bool):
    error = translate(api_error(exceptions.TelegramBadRequest, f"Bad Request: {message}"))
    assert isinstance(error, SendingForbiddenError)
    assert error.is_about_kind is is_about_kind


@pytest.mark.parametrize(
    ("message", "position"),
    [
        ('failed to send message #2 with the error message "PHOTO_INVALID_DIMENSIONS"', 2),
        ('Failed to send message #10 with the error message "IMAGE_PROCESS_FAILED"', 10),
        ("group send failed", None),
    ],
)
def test_the_refused_file_of_an_album_is_known_if_telegram_names_it(
    message: str, position: int | None
):
    error = translate(api_error(exceptions.TelegramBadRequest, f"Bad Request: {message}"))
    assert isinstance(error, ContentRejectedError)
    assert error.position == position


KEY = ConnectionKey("h", 1, False, True, None, None, None, None)


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (ClientConnectorError(KEY, OSError(111, "Connect call")), "h:1: Connection refused"),
        (ClientConnectorError(KEY, socket.gaierror(-2, "unknown name")), "h:1: unknown name"),
        # That of aiohappyeyeballs, when IPv6 and IPv4 fail in different ways.
        (
            ClientConnectorError(KEY, OSError("Multiple exceptions: a, b")),
            "h:1: Multiple exceptions: a, b",
        ),
        (
            ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError(1, "x")),
            "h:1: SSLCertVerificationError",
        ),
        (ServerDisconnectedError("https://h/bot1:hunter2"), "ServerDisconnectedError"),
    ],
)
def test_the_reason_names_what_an_operator_can_mend(cause: Exception, reason: str):
    assert reason_of(cause) == reason


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (
            ClientConnectorError(KEY, OSError("refused")),
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


@pytest.mark.parametrize(
    "error",
    [
        api_error(exceptions.TelegramServerError),
        api_error(exceptions.TelegramNetworkError),
        exceptions.ClientDecodeError("no JSON", ValueError("x"), "<html>"),
    ],
)
def test_a_query_without_a_response_never_speaks_of_something_sent(error: exceptions.AiogramError):
    unreachable = translate_query(error)
    assert type(unreachable) is TelegramUnreachableError
    assert "sent" not in str(unreachable)
    refused = api_error(exceptions.TelegramUnauthorizedError)
    assert type(translate_query(refused)) is TokenRejectedError
