"""/admin: administrators write to everybody. Whoever else says or presses the same is nobody special."""

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from core.errors import CardReplyError
from delivery.sender import Sender
from delivery.targets import ChatTarget
from handlers.admin.broadcasts import BroadcastMenu
from misc.filters import (
    AnswersCard,
    Carries,
    Composing,
    FromAdmin,
    InPrivate,
    LooksLikeCommand,
)
from misc.middlewares.registration import ChatView
from misc.ui.callback_data import BROADCAST
from misc.ui.texts import Texts


def commands(admins: frozenset[int]) -> Router:
    """Build the router of the commands."""
    router = Router(name="broadcast commands")
    router.message.register(on_admin, Command("admin"), FromAdmin(admins), InPrivate())
    return router


def router(admins: frozenset[int]) -> Router:
    """Build the router of everything else; it is asked before those that look for links."""
    router = Router(name="broadcasts")
    router.message.filter(FromAdmin(admins), InPrivate(), ~LooksLikeCommand())
    router.callback_query.filter(FromAdmin(admins))
    router.message.register(on_content, Composing())
    router.message.register(on_note, AnswersCard())
    router.callback_query.register(on_press, Carries(prefix=BROADCAST))
    return router


async def on_admin(message: Message, chat: ChatView, broadcasts: BroadcastMenu) -> None:
    """Show what can be done."""
    await broadcasts.open_menu(message, chat.lang)


async def on_content(
    message: Message, broadcast: int, chat: ChatView, broadcasts: BroadcastMenu
) -> None:
    """Take the message."""
    await broadcasts.take_content(message, broadcast, chat.lang)


async def on_note(
    message: Message,
    broadcast: int,
    chat: ChatView,
    broadcasts: BroadcastMenu,
    sender: Sender,
    texts: Texts,
) -> None:
    """Take buttons or a time."""
    try:
        await broadcasts.take_note(message, broadcast, chat.lang)
    except CardReplyError as error:
        await sender.send_text(ChatTarget.of(message), texts[chat.lang][error.text_key])


async def on_press(query: CallbackQuery, chat: ChatView, broadcasts: BroadcastMenu) -> None:
    """Do what a button says."""
    await broadcasts.press(query, chat.lang)
