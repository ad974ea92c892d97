"""What aiogram's errors mean: the table behind `delivery.client`, which translates every call."""

import os
import re
import ssl

from aiogram import exceptions as aiogram_errors
from aiohttp import ClientConnectorError

from core.causes import words_for
from core.errors import (
    ChatForbiddenError,
    ChatMovedError,
    ContentRejectedError,
    DeliveryError,
    FileRejectedError,
    FileUnknownError,
    FloodError,
    SendingForbiddenError,
    SourceGoneError,
    TelegramUnreachableError,
    TokenRejectedError,
    TooLargeError,
    UnchangedError,
    UnknownOutcomeError,
)
from core.limits import PUBLIC_UPLOAD_BYTES
from delivery.request_body import IncompleteBodyError

#: Phrases of a 400 response that mean the same as a 403.
_CLOSED_CHAT = (
    "chat not found",
    "chat_write_forbidden",
    "channel_private",
    "user_banned_in_channel",
    "no write access to the chat",
    "user is deactivated",
    "group chat was deactivated",
    "peer_id_invalid",
)
#: What an error says if the chat is open to the bot, but not for this message.
_FORBIDDEN_HERE = re.compile(
    r"not enough rights|have no rights|need administrator rights|chat_admin_required"
    r"|chat_\w*send\w*_forbidden"
    r"|chat_restricted|topic_closed|topic_deleted|message thread not found"
)
#: The same, if another kind of message may be allowed.
_FORBIDDEN_KIND = re.compile(
    r"rights to send (?!text|a message|messages)|chat_send_(?!plain)\w+_forbidden"
)
#: Slow mode of a group, for bots that are no administrators; seconds to wait.
_SLOW_MODE = re.compile(r"slowmode_wait_(\d+)")
#: What an error says about an upload that Telegram cannot process.
_REJECTED_CONTENT = re.compile(
    r"\b(?:photo|video|gif|media|audio|document|webpage|file|image)_[a-z_]+|wrong type of"
    r"|wrong file|invalid file|group send failed|failed to get http url"
)
#: Names the rejected file of an album.
_POSITION = re.compile(r"message #(\d+)")
#: Phrases of a 400 response about the message to copy.
_NO_SOURCE = (
    "message to copy not found",
    "message to forward not found",
    "no messages to copy",
    "no messages to forward",
)
#: Phrases of a 400 response about a file id.
_UNKNOWN_FILE = (
    "wrong file identifier",
    "wrong remote file identifier",
    "wrong type of the file",
    "can't use file of type",
    "file_reference_",
    "file is temporarily unavailable",
)
#: Phrases of a 400 response about the press of a button whose loading animation has ended.
_LATE_ANSWER = ("query is too old", "query id is invalid")


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
            return _not_found(error.message)
        case aiogram_errors.TelegramForbiddenError():
            return _forbidden_here(error.message) or ChatForbiddenError(error.message)
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


def translate_query(error: aiogram_errors.AiogramError) -> DeliveryError | TooLargeError:
    """Return the error that an aiogram error means for a request that only asks for something.

    Without a usable response, nothing can have arrived in a chat.
    """
    match error:
        case aiogram_errors.TelegramNetworkError():
            cause = error.__cause__
            words = words_for(cause) if isinstance(cause, TimeoutError) else str(cause)
            return TelegramUnreachableError(words or type(cause).__name__)
        case aiogram_errors.TelegramServerError():
            return TelegramUnreachableError(error.message)
        case aiogram_errors.ClientDecodeError():
            return TelegramUnreachableError("the response is not that of a Bot API server")
        case _:
            return translate(error)


def _not_found(message: str) -> DeliveryError:
    """A wrong token is a 401, or a 404 when it does not even look like one.

    Another 404 is that of a server which is older than the method.
    """
    if "method not found" in message.lower():
        return ContentRejectedError(message)
    return TokenRejectedError(message)


def _network(error: aiogram_errors.TelegramNetworkError) -> DeliveryError:
    """Return the error that says whether a request without a response may have been carried out."""
    cause = error.__cause__
    if is_not_sent(error):
        return TelegramUnreachableError(str(cause) or type(cause).__name__)
    return UnknownOutcomeError(type(cause).__name__)


def reason_of(cause: BaseException | None) -> str:
    """Return why a request failed, in words where an operator can do something about it.

    Other messages may repeat the address, which contains the token.
    """
    if not isinstance(cause, ClientConnectorError):
        return type(cause).__name__
    error = getattr(cause, "certificate_error", None) or cause.os_error
    if isinstance(error, ssl.SSLError):
        names = (getattr(error, name, None) for name in ("verify_message", "reason"))
        what = next(filter(None, names), type(error).__name__)
    else:  # negative numbers are those of name servers
        number = error.errno or 0
        # Different errors of several addresses have neither a number nor words of their own.
        what = os.strerror(number) if number > 0 else error.strerror or str(error)
    return f"{cause.host}:{cause.port}: {what}"


def is_not_sent(error: aiogram_errors.TelegramNetworkError) -> bool:
    """Return True if Telegram cannot have carried out a request.

    There was no connection, or it ended before the last byte of the body was handed to it. Nothing
    else is certain: a connection that ended later, or a time-out, may have lost the response only.
    """
    return isinstance(error.__cause__, ClientConnectorError | IncompleteBodyError)


def is_late_answer(error: aiogram_errors.AiogramError) -> bool:
    """Return True if an error means that the press of a button was answered too late.

    It may have waited for a site, for the database, or for the bot to start.
    """
    if not isinstance(error, aiogram_errors.TelegramBadRequest):
        return False
    return any(words in error.message.lower() for words in _LATE_ANSWER)


def may_pass(error: DeliveryError) -> bool:
    """Return True if a call that failed may succeed later, or may have been carried out."""
    return isinstance(error, FloodError | TelegramUnreachableError | UnknownOutcomeError)


def _bad_request(message: str) -> DeliveryError:
    """Classify a 400 by its text: it may be about the chat, a file id, or the content."""
    said = message.lower()
    if any(words in said for words in _CLOSED_CHAT):
        return ChatForbiddenError(message)
    if forbidden := _forbidden_here(message):
        return forbidden
    if slow_mode := _SLOW_MODE.search(said):
        return FloodError(int(slow_mode[1]))
    if "message is not modified" in said:
        return UnchangedError(message)
    if any(words in said for words in _NO_SOURCE):
        return SourceGoneError(message)
    if any(words in said for words in _UNKNOWN_FILE):
        return FileUnknownError(message)
    if _REJECTED_CONTENT.search(said) and "caption" not in said:
        position = _POSITION.search(said)
        return ContentRejectedError(message, int(position[1]) if position else None)
    return FileRejectedError(message)


def _forbidden_here(message: str) -> SendingForbiddenError | None:
    said = message.lower()
    if not _FORBIDDEN_HERE.search(said):
        return None
    return SendingForbiddenError(message, is_about_kind=bool(_FORBIDDEN_KIND.search(said)))
