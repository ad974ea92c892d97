"""The buttons below an explanation: make a stored request again, or the links of a message."""

from datetime import UTC, datetime
from functools import partial

from aiogram import Bot, Router
from aiogram.types import CallbackQuery, Message

from core.clock import shared_clock
from core.request import Request
from misc.filters import Carries, MayChangeSettings
from misc.intake import RequestIntake
from misc.message_links import carried_links
from misc.middlewares.registration import STORES, ChatView
from misc.middlewares.running_buttons import RunningButtons
from misc.middlewares.update_acks import UpdateAck
from misc.ui import messages
from misc.ui.callback_data import RESEND, RETRY, read_index, read_resend
from misc.ui.texts import Texts
from platforms import Registry
from services.requests.queue import RequestHandle


def router() -> Router:
    """Register the buttons of error messages: of a stored request, and of links."""
    router = Router(name="retry")
    router.callback_query.register(on_resend, Carries(prefix=RESEND), flags=STORES)
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
    """Queue the failed links of a message again, and delete the error message.

    Requests that are not stored have this button, and those of older versions. Only the sender of
    the request may press it. Without an index, it stands for all links.
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
            await messages.delete_pressed(query)
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
    links, index = carried_links(request, registry), read_index(data)
    # The age limit of requests must count from the press, not from the old message.
    request = request.model_copy(update={"date": datetime.fromtimestamp(shared_clock(), UTC)})
    if index is None:
        return await intake.submit_again(request, links, chat, ack)
    return await intake.submit_link(request, links, index, chat, ack)


async def on_resend(
    query: CallbackQuery,
    chat: ChatView,
    texts: Texts,
    intake: RequestIntake,
    ack: UpdateAck,
    bot: Bot,
) -> None:
    """Make a request again that failed or was not confirmed, and delete the explanation.

    Only the person who asked may press the button, and in a group its administrators. Of several
    presses, one counts.

    Raises:
        StorageError: the database did not respond, so nothing is queued.
    """
    ticket = read_resend(query.data or "")
    request = await intake.store.find_ended(ticket) if ticket else None
    if ticket is None or request is None:
        await query.answer(texts[chat.lang]["button_expired"], show_alert=True)
    elif not await _may_resend(request, query, bot):
        await query.answer(texts[chat.lang]["not_yours"])
    elif not await intake.resend(ticket, ack):
        await query.answer(texts[chat.lang]["already_running"])
    else:
        await query.answer()
        await messages.delete_pressed(query)


async def _may_resend(request: Request, query: CallbackQuery, bot: Bot) -> bool:
    """Return True if a press counts. Callback data can be forged, so the chat must match, too."""
    if request.is_of(query.from_user.id):
        return True
    message = query.message
    target = request.target
    is_in_group = bool(message and message.chat.id == target.chat_id and not target.is_private)
    return is_in_group and not target.business_id and await MayChangeSettings()(query, bot)
