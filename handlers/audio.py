"""The buttons under a post: its sound, and its slides as one video."""

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from misc.filters import Carries
from misc.intake import RequestIntake
from misc.middlewares.registration import STORES, ChatView
from misc.middlewares.running_buttons import RunningButtons
from misc.middlewares.update_acks import UpdateAck
from misc.ui.callback_data import AUDIO_OF_TIKTOK, SLIDES, SOUND, read_post
from misc.ui.texts import Texts


def router() -> Router:
    """Build the router."""
    router = Router(name="sound")
    for prefix in (AUDIO_OF_TIKTOK, SOUND, SLIDES):
        router.callback_query.register(on_press, Carries(prefix=prefix), flags=STORES)
    return router


async def on_press(
    query: CallbackQuery,
    chat: ChatView,
    texts: Texts,
    intake: RequestIntake,
    running_buttons: RunningButtons,
    ack: UpdateAck,
) -> None:
    """Put what the button offers into the queue, once."""
    data, message = query.data or "", query.message
    post = read_post(data)
    link = intake.registry.link_to(*post) if post else None
    if not isinstance(message, Message) or link is None:
        await query.answer(texts[chat.lang]["button_expired"], show_alert=True)
        return
    at_end = running_buttons.begin((message.chat.id, message.message_id, data))
    if at_end is None:
        await query.answer(texts[chat.lang]["already_running"])
        return
    await intake.submit_press(message, link, chat, data, ack, at_end)
    await query.answer()
