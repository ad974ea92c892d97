"""/cancel, and the button that cancels one request."""

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from core.request import Request
from delivery.sender import Sender
from delivery.targets import ChatTarget, target_of
from misc.addressing import sender_of
from misc.filters import AnyCommand, Carries, CommandNamed
from misc.middlewares.registration import STORES, ChatView
from misc.middlewares.update_acks import UpdateAck
from misc.ui import messages
from misc.ui.callback_data import CANCEL
from misc.ui.texts import Texts
from services.requests.cancelling import Canceller


def router() -> Router:
    """Register the cancel button."""
    router = Router(name="cancel")
    router.callback_query.register(on_cancel, Carries(prefix=CANCEL))
    return router


def commands() -> Router:
    """Register /cancel.

    In the chats of a business account only a command with the bot's name is for the bot.
    """
    router = Router(name="cancel command")
    router.message.register(on_cancel_all, CommandNamed("cancel"), flags=STORES)
    router.business_message.register(
        on_business_cancel_all, CommandNamed("cancel"), AnyCommand(is_addressed=True)
    )
    return router


async def on_cancel(
    query: CallbackQuery, chat: ChatView, texts: Texts, canceller: Canceller
) -> None:
    """Cancel the request of the button; answer "expired" if it has ended already."""
    number = (query.data or "").removeprefix(CANCEL)
    message = query.message
    is_number = number.isascii() and number.isdigit()
    if message and is_number and await canceller.cancel(int(number), message.chat.id):
        await query.answer()
    else:
        await query.answer(texts[chat.lang]["button_expired"])
        await messages.delete_pressed(query)


async def on_cancel_all(
    message: Message,
    chat: ChatView,
    sender: Sender,
    texts: Texts,
    canceller: Canceller,
    ack: UpdateAck,
) -> None:
    """Cancel whatever the sender has asked for in this chat, and say how much that was.

    Raises:
        DeliveryError: it is not said.
    """
    number = await canceller.cancel_all(
        ChatTarget.of(message).chat_id, lambda request: _is_of(request, message)
    )
    ack.acknowledge()
    text = (
        texts(chat.lang, "cancelled_all", count=number)
        if number
        else texts[chat.lang]["cancelled_none"]
    )
    await sender.send_text(ChatTarget.of(message), text)


async def on_business_cancel_all(
    message: Message, sender: Sender, texts: Texts, canceller: Canceller, ack: UpdateAck
) -> None:
    """Do the same in a business account's chat, in the language of the sender.

    Raises:
        DeliveryError: it is not said.
    """
    lang = texts.closest(message.from_user.language_code if message.from_user else None)
    await on_cancel_all(message, ChatView(lang), sender, texts, canceller, ack)


def _is_of(request: Request, message: Message) -> bool:
    """Return True if the sender of a message has made a request in the same chat.

    Inline messages stand in the queue of their sender's private chat, but are in other chats.
    """
    target, asked = target_of(message), request.target
    is_here = (asked.chat_id, asked.business_id) == (target.chat_id, target.business_id)
    is_mine = target.is_private or request.asker.id == sender_of(message)
    return is_here and is_mine and asked.inline_id is None
