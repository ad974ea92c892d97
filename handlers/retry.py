"""The try-again button under an explanation."""

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from core.errors import DeliveryError
from delivery.telegram_errors import translated
from misc.callbacks import RETRY
from misc.filters import Carries, links_of
from misc.middlewares import ChatView
from misc.orders import OrderDesk
from misc.presses import Presses
from misc.texts import Texts
from platforms import Registry


def router() -> Router:
    """Build the router."""
    router = Router(name="retry")
    router.callback_query.register(on_retry, Carries(one_of=(RETRY,)))
    return router


async def on_retry(
    query: CallbackQuery,
    chat: ChatView,
    texts: Texts,
    orders: OrderDesk,
    presses: Presses,
    registry: Registry,
) -> None:
    """Put the links of the message to which ours is a reply into the queue once more."""
    message = query.message
    request = message.reply_to_message if isinstance(message, Message) else None
    if not isinstance(message, Message) or request is None:
        await query.answer(texts[chat.lang]["button_expired"], show_alert=True)
    elif request.from_user is None or request.from_user.id != query.from_user.id:
        await query.answer(texts[chat.lang]["not_yours"])
    elif presses.begin((message.chat.id, message.message_id, RETRY)) is None:
        await query.answer()
    else:
        await query.answer()
        orders.submit_links(request, links_of(request, registry), chat)
        await _take_away(message)


async def _take_away(message: Message) -> None:
    """Remove the explanation, which is no longer true; one that stays does no harm."""
    try:
        with translated():
            await message.delete()
    except DeliveryError:
        return
