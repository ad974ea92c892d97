"""/ban and /unban, for administrators."""

import re

from aiogram import Router
from aiogram.filters import CommandObject
from aiogram.types import Message

from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.filters import CommandNamed, FromAdmin, InPrivate
from misc.middlewares.ban_list import BanList
from misc.middlewares.registration import ChatView
from misc.ui.texts import Texts


def router(admins: frozenset[int]) -> Router:
    """Register /ban and /unban."""
    router = Router(name="bans")
    allowed = (FromAdmin(admins), InPrivate())
    router.message.register(on_ban, CommandNamed("ban", "unban"), *allowed)
    return router


async def on_ban(
    message: Message,
    command: CommandObject,
    chat: ChatView,
    bans: BanList,
    sender: Sender,
    texts: Texts,
) -> None:
    """Ban or unban the chat (a person or a group) with the given id, and report the result.

    Raises:
        StorageError, DeliveryError: the ban is not changed, or the result is not reported.
    """
    number = re.fullmatch(r"-?\d{1,18}", (command.args or "").strip(), re.ASCII)
    if number is None:
        key, chat_id = "ban_usage", 0
    elif command.command.lower() == "ban":
        chat_id = int(number[0])
        key = "banned" if await bans.add(chat_id, message.chat.id) else "ban_idle"
    else:
        chat_id = int(number[0])
        key = "unbanned" if await bans.remove(chat_id) else "ban_idle"
    await sender.send_text(ChatTarget.of(message), texts(chat.lang, key, id=chat_id))
