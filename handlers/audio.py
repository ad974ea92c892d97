"""The buttons below a post that send its audio, its slides as one video, or its files as a ZIP."""

from functools import partial

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from misc.filters import Carries
from misc.intake import RequestIntake
from misc.middlewares.registration import STORES, ChatView
from misc.middlewares.running_buttons import RunningButtons
from misc.middlewares.update_acks import UpdateAck
from misc.ui.callback_data import ARCHIVE, AUDIO_OF_TIKTOK, SLIDES, SOUND, read_post
from misc.ui.texts import Texts
from platforms import Registry


def router() -> Router:
    """Register the buttons for the audio, the slideshow and the archive below a post."""
    router = Router(name="audio")
    for prefix in (AUDIO_OF_TIKTOK, SOUND, SLIDES, ARCHIVE):
        router.callback_query.register(on_press, Carries(prefix=prefix), flags=STORES)
    return router


async def on_press(
    query: CallbackQuery,
    chat: ChatView,
    texts: Texts,
    intake: RequestIntake,
    running_buttons: RunningButtons,
    registry: Registry,
    ack: UpdateAck,
) -> None:
    """Queue the request of the button, unless it is running already."""
    message, words = query.message, texts[chat.lang]
    post = read_post(query.data or "")
    link = registry.link_to(*post) if post else None
    if not isinstance(message, Message) or link is None:
        await query.answer(words["button_expired"], show_alert=True)
        return
    submit = partial(intake.submit_press, query, message, link, chat, ack)
    await running_buttons.answer(query, submit, words)
