"""/mode: send videos as playable videos or as unchanged documents."""

from aiogram import Router
from aiogram.types import Message

from data.chats import toggle_file_mode
from delivery.sender import Sender
from delivery.targets import ChatTarget
from handlers import not_allowed
from misc.filters import CommandNamed, MayChangeSettings
from misc.middlewares.registration import STORES, TURNS_AWAY, ChatView
from misc.middlewares.update_acks import UpdateAck
from misc.ui.texts import Texts


def router() -> Router:
    """Register /mode."""
    router = Router(name="mode")
    for observer in (router.message, router.channel_post):
        observer.register(on_mode, CommandNamed("mode"), MayChangeSettings(), flags=STORES)
    router.message.register(not_allowed.on_command, CommandNamed("mode"), flags=TURNS_AWAY)
    return router


async def on_mode(
    message: Message, chat: ChatView, sender: Sender, texts: Texts, ack: UpdateAck
) -> None:
    """Toggle the file mode of the chat, and confirm the new state.

    Raises:
        StorageError, DeliveryError: the mode is not changed, or the answer is not sent.
    """
    is_on = await toggle_file_mode(message.chat.id, chat.lang)
    ack.acknowledge()
    key = "mode_on" if is_on else "mode_off"
    await sender.send_text(ChatTarget.of(message), texts[chat.lang][key])
