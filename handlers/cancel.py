"""The button that cancels a request."""

from contextlib import suppress

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from core.errors import DeliveryError
from misc.filters import Carries
from misc.middlewares.registration import ChatView
from misc.ui.callback_data import CANCEL
from misc.ui.texts import Texts
from services.requests.context import RequestContext
from services.requests.queue import RequestQueue


def router() -> Router:
    """Register the cancel button."""
    router = Router(name="cancel")
    router.callback_query.register(on_cancel, Carries(prefix=CANCEL))
    return router


async def on_cancel(
    query: CallbackQuery, chat: ChatView, texts: Texts, request_queue: RequestQueue[RequestContext]
) -> None:
    """Cancel the request of the button; answer "expired" if it has ended already."""
    number = (query.data or "").removeprefix(CANCEL)
    message = query.message
    is_number = number.isascii() and number.isdigit()
    if message and is_number and request_queue.cancel(int(number), message.chat.id):
        await query.answer()
    else:
        await query.answer(texts[chat.lang]["button_expired"])
        if isinstance(message, Message):
            await _remove(message)


async def _remove(note: Message) -> None:
    """Delete a status note that is left from a crash."""
    with suppress(DeliveryError):
        await note.delete()
