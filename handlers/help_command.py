"""/help and /about in private chats, groups and the chats of business accounts."""

from aiogram import Router
from aiogram.types import Message

from core.referrals import HELP
from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.addressing import GROUPS
from misc.filters import AnyCommand, CommandNamed
from misc.middlewares.access_gate import OPEN_TO_ALL
from misc.middlewares.registration import TURNS_AWAY, ChatView
from misc.ui import keyboards
from misc.ui.help import BotProfile, about, private_help
from misc.ui.texts import Texts


def router() -> Router:
    """Register /help and /about.

    In the chats of a business account only a command with the bot's name is for the bot.
    """
    router = Router(name="help")
    router.message.register(on_help, CommandNamed("help"))
    router.message.register(on_about, CommandNamed("about"), flags=TURNS_AWAY | OPEN_TO_ALL)
    router.business_message.register(
        on_business_help, CommandNamed("help"), AnyCommand(is_addressed=True)
    )
    return router


async def on_help(
    message: Message, chat: ChatView, sender: Sender, texts: Texts, profile: BotProfile
) -> None:
    """Explain everything in a private chat; in a group what matters there, with a link to the rest.

    Raises:
        DeliveryError: the help is not sent.
    """
    if message.chat.type in GROUPS:
        text = texts(chat.lang, "help_in_group", platforms=profile.platforms)
        button = keyboards.link_button(texts[chat.lang]["help_more_button"], profile.url_of(HELP))
    else:
        text, button = private_help(texts, chat.lang, profile), None
    await sender.send_text(ChatTarget.of(message), text, button)


async def on_business_help(
    message: Message, sender: Sender, texts: Texts, profile: BotProfile
) -> None:
    """Explain in the sender's language what the bot does in a business account's chat.

    Raises:
        DeliveryError: the help is not sent.
    """
    lang = texts.closest(message.from_user.language_code if message.from_user else None)
    text = texts(lang, "help_in_business", platforms=profile.platforms)
    await sender.send_text(ChatTarget.of(message), text)


async def on_about(
    message: Message, chat: ChatView, sender: Sender, texts: Texts, profile: BotProfile
) -> None:
    """Say what the bot is, under which license, and who runs it.

    Raises:
        DeliveryError: it is not sent.
    """
    await sender.send_text(ChatTarget.of(message), about(texts, chat.lang, profile))
