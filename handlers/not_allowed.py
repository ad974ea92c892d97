"""The answer to members of a group who may not change its settings."""

from aiogram.types import CallbackQuery, Message

from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.middlewares.registration import ChatView
from misc.ui.texts import Texts


async def on_command(message: Message, chat: ChatView, sender: Sender, texts: Texts) -> None:
    """Explain who may."""
    await sender.send_text(ChatTarget.of(message), texts[chat.lang]["not_admin"])


async def on_press(query: CallbackQuery, chat: ChatView, texts: Texts) -> None:
    """Explain who may, to the person who pressed only."""
    await query.answer(texts[chat.lang]["not_admin"])
