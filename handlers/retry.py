"""The retry button below an error message."""

from datetime import UTC, datetime
from functools import partial

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from misc.filters import Carries, links_of
from misc.intake import RequestIntake
from misc.middlewares.registration import STORES, ChatView
from misc.middlewares.running_buttons import RunningButtons
from misc.middlewares.update_acks import UpdateAck
from misc.ui import messages
from misc.ui.callback_data import RETRY, read_index
from misc.ui.texts import Texts
from platforms import Registry
from services.requests.queue import RequestHandle


def router() -> Router:
    """Register the retry button."""
    router = Router(name="retry")
    router.callback_query.register(on_retry, Carries(prefix=RETRY), flags=STORES)
    return router


async def on_retry(
    query: CallbackQuery,
    chat: ChatView,
    texts: Texts,
    intake: RequestIntake,
    running_buttons: RunningButtons,
    registry: Registry,
    ack: UpdateAck,
) -> None:
    """Queue the failed request again, and delete the error message.

    Only the sender of the request may press the button. Without an index, it stands for all links.
    """
    message = query.message
    request = message.reply_to_message if isinstance(message, Message) else None
    if not isinstance(message, Message) or request is None:
        await query.answer(texts[chat.lang]["button_expired"], show_alert=True)
    elif request.from_user is None or request.from_user.id != query.from_user.id:
        await query.answer(texts[chat.lang]["not_yours"])
    else:
        press = (message.chat.id, message.message_id, query.data)
        submit = partial(_submit_again, query.data or "", request, chat, intake, registry, ack)
        if await running_buttons.run(press, submit):
            await messages.delete(message)
        await query.answer()


async def _submit_again(
    data: str,
    request: Message,
    chat: ChatView,
    intake: RequestIntake,
    registry: Registry,
    ack: UpdateAck,
) -> RequestHandle:
    """Submit the link of the button, or all links of the message."""
    links, index = links_of(request, registry), read_index(data)
    # The age limit of requests must count from the press, not from the old message.
    request = request.model_copy(update={"date": datetime.now(UTC)})
    if index is None:
        return await intake.submit_again(request, links, chat, ack)
    return await intake.submit_link(request, links, index, chat, ack)
