"""/access, /allow and /disallow, for administrators: who may use the bot."""

from dataclasses import dataclass
from html import escape
from typing import Final

from aiogram import Router
from aiogram.filters import CommandObject
from aiogram.types import (
    Message,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginUser,
)

from core.access import read_entry
from delivery.sender import Sender
from delivery.targets import ChatTarget
from handlers.admin.menu import Press, Screen
from misc.filters import CommandNamed, FromAdmin
from misc.middlewares.registration import TURNS_AWAY, ChatView
from misc.ui.texts import Texts
from services.access import AccessPolicy

#: Entries that /access shows; a message has 4 096 characters.
_SHOWN: Final = 100


def router(admins: frozenset[int]) -> Router:
    """Register the commands, also in groups: there they can answer somebody's message."""
    router = Router(name="access")
    router.message.filter(FromAdmin(admins))
    router.message.register(on_access, CommandNamed("access"), flags=TURNS_AWAY)
    router.message.register(on_allow, CommandNamed("allow"), flags=TURNS_AWAY)
    router.message.register(on_disallow, CommandNamed("disallow"), flags=TURNS_AWAY)
    return router


async def on_access(
    message: Message, chat: ChatView, access: AccessPolicy, sender: Sender, texts: Texts
) -> None:
    """Show the mode and the list.

    Raises:
        StorageError, DeliveryError: they are not shown.
    """
    await access.refresh()
    await sender.send_text(ChatTarget.of(message), _report(access, texts, chat.lang))


async def on_allow(
    message: Message,
    command: CommandObject,
    chat: ChatView,
    access: AccessPolicy,
    sender: Sender,
    texts: Texts,
) -> None:
    """Add a person or group to the list, and report the result.

    Raises:
        StorageError, DeliveryError: the list is not changed, or the result is not reported.
    """
    entry, key = _entry_of(message, command), "allow_usage"
    if entry:
        admin = message.from_user.id if message.from_user else 0
        key = "allow_added" if await access.add(entry, admin) else "allow_known"
    await sender.send_text(ChatTarget.of(message), texts(chat.lang, key, who=entry or ""))


async def on_disallow(
    message: Message,
    command: CommandObject,
    chat: ChatView,
    access: AccessPolicy,
    sender: Sender,
    texts: Texts,
) -> None:
    """Remove a person or group from the list, and report the result.

    Raises:
        StorageError, DeliveryError: the list is not changed, or the result is not reported.
    """
    entry, key = _entry_of(message, command), "allow_usage"
    if entry in access.fixed:
        key = "allow_fixed"
    elif entry:
        key = "allow_removed" if await access.remove(entry) else "allow_missing"
    await sender.send_text(ChatTarget.of(message), texts(chat.lang, key, who=entry or ""))


@dataclass(frozen=True, slots=True)
class AccessSection:
    """The section of the admin menu that shows mode and list."""

    texts: Texts
    access: AccessPolicy

    async def section(self, press: Press) -> Screen:
        """Return mode and list, and how to change the list."""
        report = _report(self.access, self.texts, press.lang)
        return Screen(f"{report}\n\n{self.texts[press.lang]['allow_usage']}")


def _entry_of(message: Message, command: CommandObject) -> str | None:
    """Return the entry that a command is about: its argument, or whoever it answers."""
    if command.args:
        return read_entry(command.args)
    author_id = message.reply_to_message and _author_of(message.reply_to_message)
    return str(author_id) if author_id else None


def _author_of(message: Message) -> int | None:
    """Return who wrote a message; None for bots, hidden authors and anonymous administrators."""
    match message.forward_origin:
        case MessageOriginUser() as origin:
            return origin.sender_user.id
        case MessageOriginChat() as origin:
            return origin.sender_chat.id
        case MessageOriginChannel() as origin:
            return origin.chat.id
        case None if message.sender_chat:
            return message.sender_chat.id if message.sender_chat.id != message.chat.id else None
        case None if message.from_user and not message.from_user.is_bot:
            return message.from_user.id
        case _:
            return None


def _report(access: AccessPolicy, texts: Texts, lang: str) -> str:
    """Return mode and list (Telegram HTML)."""
    if access.mode == "members":
        mode = texts(lang, "access_mode_members", channels=tuple(access.channels))
    else:
        mode = texts[lang][f"access_mode_{access.mode}"]
    entries = sorted(access.entries)
    if not entries:
        return f"{mode}\n\n{texts[lang]['access_list_empty']}"
    lines = [f"<code>{escape(entry)}</code>" for entry in entries[:_SHOWN]]
    more = ["…"] if len(entries) > _SHOWN else []
    title = texts(lang, "access_list", count=len(entries))
    return "\n".join([mode, "", title, *lines, *more])
