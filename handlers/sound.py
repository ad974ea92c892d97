"""The sound button under a post."""

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from misc.callbacks import SOUND
from misc.filters import Carries
from misc.middlewares import ChatView
from misc.orders import OrderDesk
from misc.presses import Presses
from misc.texts import Texts
from services.jobs import Jobs
from services.serving import OrderJob
from services.sounds import Sounds


def router() -> Router:
    """Build the router."""
    router = Router(name="sound")
    router.callback_query.register(on_sound, Carries(prefix=SOUND))
    return router


async def on_sound(
    query: CallbackQuery,
    chat: ChatView,
    texts: Texts,
    orders: OrderDesk,
    presses: Presses,
    sounds: Sounds,
    jobs: Jobs,
) -> None:
    """Put the sound of the post into the queue, once."""
    post_id = (query.data or "").removeprefix(SOUND)
    message = query.message
    if not isinstance(message, Message) or not (post_id.isascii() and post_id.isdigit()):
        await query.answer(texts[chat.lang]["button_expired"], show_alert=True)
        return
    at_end = presses.begin((message.chat.id, message.message_id, post_id))
    if at_end is None:
        await query.answer(texts[chat.lang]["sound_running"])
        return
    jobs.submit(OrderJob(sounds, orders.sound_order(message, post_id, chat), at_end))
    await query.answer()
