"""/start in private chats, and in groups if it names the bot.

`misc.middlewares.registration` welcomes new chats.
"""

from aiogram import Router
from aiogram.types import Message

from core.referrals import HELP, PRIVACY, read_payload
from delivery.sender import Sender
from handlers.help_command import on_help
from handlers.privacy import on_privacy
from misc.addressing import GROUPS
from misc.filters import AnyCommand, CommandNamed, InPrivate, StartedWith
from misc.middlewares.access_gate import OPEN_TO_ALL
from misc.middlewares.registration import TURNS_AWAY, ChatView
from misc.ui.help import BotProfile
from misc.ui.texts import Texts
from misc.utils import welcome


def router() -> Router:
    """Register /start.

    The deep link to the stored data works like /privacy: for everybody, and without storing any.
    """
    router = Router(name="start")
    router.message.register(on_privacy, StartedWith(PRIVACY), flags=TURNS_AWAY | OPEN_TO_ALL)
    router.message.register(on_start, CommandNamed("start"), InPrivate())
    router.message.register(on_start, CommandNamed("start"), AnyCommand(is_addressed=True))
    return router


async def on_start(
    message: Message, chat: ChatView, sender: Sender, texts: Texts, profile: BotProfile
) -> None:
    """Send what the deep link asks for, else the welcome message to a known chat.

    A new chat has just received the welcome message. So has a group to which a deep link has added
    the bot: Telegram sends the command with the link's payload right after the addition.
    Source: https://core.telegram.org/bots/features#deep-linking

    Raises:
        DeliveryError: what it asks for is not sent.
    """
    payload = read_payload(message.text)
    if payload == HELP:
        await on_help(message, chat, sender, texts, profile)
    elif not chat.is_new and not (payload and message.chat.type in GROUPS):
        await welcome(message, chat.lang, profile.platforms)
