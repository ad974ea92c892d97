"""Errors that no handler has caught."""

import logging

from aiogram import Router
from aiogram.types import CallbackQuery, ErrorEvent, Message

from core.errors import ChatForbiddenError, ClipferryError, DeliveryError, StorageError
from data.chats import mark_blocked
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
    """Explain the failure to the person, unless Telegram itself failed."""
    error = await _report(event.exception)
    origin = event.update.message or event.update.callback_query
    try:
        if isinstance(error, ChatForbiddenError) and origin:
            await mark_blocked(_chat_id(origin))
        elif not isinstance(error, DeliveryError) and origin:
            await _tell(origin, error, sender, texts)
    except (StorageError, DeliveryError) as second:
        logger.warning(
            "Could not explain an error: %s", second, extra={"event": "explanation_failed"}
        )
    return True


async def _report(exception: Exception) -> ClipferryError:
    """Return a known error as it is; report any other as a bug."""
    if not isinstance(exception, ClipferryError):
        return await report_bug(exception, "a handler")
    logger.warning("A handler failed: %s", exception, extra={"event": "handler_failed"})
    return exception


def _chat_id(origin: Message | CallbackQuery) -> int:
    message = origin if isinstance(origin, Message) else origin.message
    return message.chat.id if message else origin.from_user.id if origin.from_user else 0


async def _tell(
    origin: Message | CallbackQuery, error: ClipferryError, sender: Sender, texts: Texts
) -> None:
    """Explain the error: in a private message, or in an alert after a press; never in groups."""
    person = origin.from_user
    lang = await lang_func(_chat_id(origin), person.language_code if person else None)
    text = texts(lang, error.text_key, **error.facts)
    if isinstance(origin, CallbackQuery):
        await origin.answer(text, show_alert=True)
    elif origin.chat.type == "private":
        await sender.send_text(ChatTarget.of(origin), text)
