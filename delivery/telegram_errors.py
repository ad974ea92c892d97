"""What aiogram's errors mean: the table behind `delivery.client`, which translates every call."""

from aiogram import exceptions as aiogram_errors
from aiohttp import ClientConnectorError

from core.errors import (
    ChatForbiddenError,
    ChatMovedError,
    DeliveryError,
    FileRejectedError,
    FileUnknownError,
    FloodError,
    SourceGoneError,
    TelegramUnreachableError,
    TokenRejectedError,
    TooLargeError,
    UnchangedError,
    UnknownOutcomeError,
)
from core.limits import PUBLIC_UPLOAD_BYTES

#: Phrases of a 400 response that mean the same as a 403.
_CLOSED_CHAT = (
    "chat not found",
    "not enough rights",
    "have no rights",
    "need administrator rights",
    "chat_write_forbidden",
    "chat_restricted",
    "topic_closed",
    "user is deactivated",
    "group chat was deactivated",
    "peer_id_invalid",
)
#: Phrases of a 400 response about the message to copy.
_NO_SOURCE = ("message to copy not found", "message to forward not found")
#: Phrases of a 400 response about a file id.
_UNKNOWN_FILE = (
    "wrong file identifier",
    "wrong remote file identifier",
    "wrong type of the file",
    "can't use file of type",
    "file_reference_",
    "file is temporarily unavailable",
)


def translate(
    error: aiogram_errors.AiogramError, ceiling_bytes: int = PUBLIC_UPLOAD_BYTES
) -> DeliveryError | TooLargeError:
    """Return the error that an aiogram error means for the request that was sent.

    `ceiling_bytes` is the largest upload that the server takes.
    """
    match error:
        case aiogram_errors.TelegramRetryAfter():
            return FloodError(error.retry_after)
        case aiogram_errors.TelegramMigrateToChat():
            return ChatMovedError(error.migrate_to_chat_id)
        case aiogram_errors.TelegramUnauthorizedError() | aiogram_errors.TelegramNotFound():
            # A wrong token is a 401, or a 404 when it does not even look like one.
            return TokenRejectedError(error.message)
        case aiogram_errors.TelegramForbiddenError():
            return ChatForbiddenError(error.message)
        case aiogram_errors.TelegramEntityTooLarge():
            return TooLargeError(None, ceiling_bytes)
        case aiogram_errors.TelegramNetworkError():
            return _network(error)
        case aiogram_errors.TelegramServerError() | aiogram_errors.ClientDecodeError():
            # A 5xx may come before or after the message was made.
            return UnknownOutcomeError(type(error).__name__)
        case aiogram_errors.TelegramBadRequest():
            return _bad_request(error.message)
        case _:
            return FileRejectedError(getattr(error, "message", type(error).__name__))


def _network(error: aiogram_errors.TelegramNetworkError) -> DeliveryError:
    """A connection that was never established carried nothing; any other may have."""
    if isinstance(error.__cause__, ClientConnectorError):
        return TelegramUnreachableError(type(error.__cause__).__name__)
    return UnknownOutcomeError(type(error.__cause__).__name__)


def _bad_request(message: str) -> DeliveryError:
    """Classify a 400 by its text: it may be about the chat, a file id, or the content."""
    said = message.lower()
    if any(words in said for words in _CLOSED_CHAT):
        return ChatForbiddenError(message)
    if "message is not modified" in said:
        return UnchangedError(message)
    if any(words in said for words in _NO_SOURCE):
        return SourceGoneError(message)
    if any(words in said for words in _UNKNOWN_FILE):
        return FileUnknownError(message)
    return FileRejectedError(message)
