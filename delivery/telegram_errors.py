"""aiogram's errors in the words of the house, in one place."""

from collections.abc import Iterator
from contextlib import contextmanager

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
    TooLargeError,
    UnchangedError,
    UnknownOutcomeError,
)
from core.limits import PUBLIC_UPLOAD_BYTES

#: Words of a 400 that mean what a 403 means.
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
#: Words of a 400 that are about the message that was to be copied.
_NO_SOURCE = ("message to copy not found", "message to forward not found")
#: Words of a 400 that are about a file id.
_UNKNOWN_FILE = (
    "wrong file identifier",
    "wrong remote file identifier",
    "wrong type of the file",
    "can't use file of type",
    "file_reference_",
    "file is temporarily unavailable",
)


@contextmanager
def translated(*, ceiling_bytes: int = PUBLIC_UPLOAD_BYTES) -> Iterator[None]:
    """Let Telegram's refusals out as `DeliveryError`s.

    Raises:
        DeliveryError, TooLargeError: see `translate`.
    """
    try:
        yield
    except aiogram_errors.AiogramError as error:
        raise translate(error, ceiling_bytes) from error


def translate(
    error: aiogram_errors.AiogramError, ceiling_bytes: int = PUBLIC_UPLOAD_BYTES
) -> DeliveryError | TooLargeError:
    """Name what an error of aiogram means for a request that was sent."""
    match error:
        case aiogram_errors.TelegramRetryAfter():
            return FloodError(error.retry_after)
        case aiogram_errors.TelegramMigrateToChat():
            return ChatMovedError(error.migrate_to_chat_id)
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
        case aiogram_errors.TelegramAPIError():
            return FileRejectedError(error.message)
        case _:
            return FileRejectedError(type(error).__name__)


def _network(error: aiogram_errors.TelegramNetworkError) -> DeliveryError:
    """A connection that never came about has carried nothing; any other may have."""
    if isinstance(error.__cause__, ClientConnectorError):
        return TelegramUnreachableError(type(error.__cause__).__name__)
    return UnknownOutcomeError(type(error.__cause__).__name__)


def _bad_request(message: str) -> DeliveryError:
    """A 400 may be about the chat, about a file id, or about what was sent."""
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
