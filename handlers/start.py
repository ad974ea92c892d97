"""/start in a private chat. `misc.middlewares.registration` welcomes new chats."""

from aiogram import Router
from aiogram.filters import CommandStart
from aiogram.types import Message

from misc.filters import InPrivate
from misc.middlewares.registration import ChatView
from misc.utils import platform_titles, welcome
from platforms import Registry


def router() -> Router:
    """Register /start."""
    router = Router(name="start")
    router.message.register(on_start, CommandStart(), InPrivate())
    return router


async def on_start(message: Message, chat: ChatView, registry: Registry) -> None:
    """Send the welcome message again to a known chat; a new chat has just received it."""
    if not chat.is_new:
        await welcome(message, chat.lang, platform_titles(registry))
