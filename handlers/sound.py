"""The buttons under a post: its sound, and its slides as one video."""

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from misc.callbacks import SLIDES, SOUND, SOUND_OF_TIKTOK, read_post
from misc.filters import Carries
from misc.middlewares import STORES, ChatView
from misc.orders import OrderDesk
from misc.presses import Presses
from misc.receipts import Receipt
from misc.texts import Texts


def router() -> Router:
    """Build the router."""
    router = Router(name="sound")
    for prefix in (SOUND_OF_TIKTOK, SOUND, SLIDES):
        router.callback_query.register(on_press, Carries(prefix=prefix), flags=STORES)
    return router


async def on_press(
    query: CallbackQuery,
    chat: ChatView,
    texts: Texts,
    orders: OrderDesk,
    presses: Presses,
    receipt: Receipt,
) -> None:
    """Put what the button offers into the queue, once."""
    data, message = query.data or "", query.message
    post = read_post(data)
    link = orders.registry.link_to(*post) if post else None
    if not isinstance(message, Message) or link is None:
        await query.answer(texts[chat.lang]["button_expired"], show_alert=True)
        return
    at_end = presses.begin((message.chat.id, message.message_id, data))
    if at_end is None:
        await query.answer(texts[chat.lang]["already_running"])
        return
    await orders.submit_press(message, link, chat, data, receipt, at_end)
    await query.answer()
