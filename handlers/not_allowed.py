"""Answers for group members without the right to change the settings."""

from aiogram.types import CallbackQuery, Message

from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.middlewares.registration import ChatView
from misc.ui.texts import Texts


async def on_command(message: Message, chat: ChatView, sender: Sender, texts: Texts) -> None:
    """Answer that only administrators of the group may use this command.

    Raises:
        DeliveryError: the answer is not sent.
    """
    await sender.send_text(ChatTarget.of(message), texts[chat.lang]["not_admin"])


async def on_press(query: CallbackQuery, chat: ChatView, texts: Texts) -> None:
    """Answer the press with the same text; only the user who pressed sees it."""
    await query.answer(texts[chat.lang]["not_admin"])
