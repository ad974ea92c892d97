"""The handler of errors that other handlers raise."""

import logging

from aiogram import Router
from aiogram.types import CallbackQuery, ErrorEvent, Message

from core.errors import (
    ChatForbiddenError,
    ChatMovedError,
    ClipferryError,
    DeliveryError,
    StorageError,
)
from data.chats import mark_blocked, move_chat
from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.ui.texts import Texts
from misc.utils import lang_func
from services.bug_reports import report_bug

logger = logging.getLogger(__name__)


def router() -> Router:
    """Register the error handler."""
    router = Router(name="errors")
    router.errors.register(on_error)
    return router


async def on_error(event: ErrorEvent, sender: Sender, texts: Texts) -> bool:
    """Log the error, and explain it to the user unless Telegram failed.

    A chat that forbids the bot to write is marked as blocked. Return True, so that aiogram does
    not raise the error again.
    """
    error = await _report(event.exception)
    origin = event.update.message or event.update.callback_query
    try:
        if isinstance(error, ChatMovedError) and origin:
            await move_chat(_chat_id(origin), error.new_chat_id)
        elif isinstance(error, ChatForbiddenError) and origin:
            await mark_blocked(_chat_id(origin))
        elif not isinstance(error, DeliveryError) and origin:
            await _explain(origin, error, sender, texts)
    except (StorageError, DeliveryError) as second:
        logger.warning(
            "Could not explain an error: %s", second, extra={"event": "explanation_failed"}
        )
    return True


async def _report(exception: Exception) -> ClipferryError:
    """Log a known error and return it; report any other as a bug and return its `BugError`."""
    if not isinstance(exception, ClipferryError):
        return await report_bug(exception, "a handler")
    logger.warning("A handler failed: %s", exception, extra={"event": "handler_failed"})
    return exception


def _chat_id(origin: Message | CallbackQuery) -> int:
    message = origin if isinstance(origin, Message) else origin.message
    return message.chat.id if message else origin.from_user.id if origin.from_user else 0


async def _explain(
    origin: Message | CallbackQuery, error: ClipferryError, sender: Sender, texts: Texts
) -> None:
    """Send the error's text: an alert after a press, a message in a private chat.

    Errors of messages in groups are not explained.
    """
    person = origin.from_user
    lang = await lang_func(_chat_id(origin), person.language_code if person else None)
    text = texts(lang, error.text_key, **error.facts)
    if isinstance(origin, CallbackQuery):
        await origin.answer(text, show_alert=True)
    elif origin.chat.type == "private":
        await sender.send_text(ChatTarget.of(origin), text)
