"""/access, /allow and /disallow, for administrators: who may use the bot."""

from dataclasses import dataclass
from html import escape
from typing import Final

from aiogram import Router
from aiogram.filters import CommandObject
from aiogram.types import Message

from delivery.sender import Sender
from delivery.targets import ChatTarget
from handlers.admin.menu import AdminScreen, Press
from misc.chat_lookup import Unresolved, referred
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
    router.message.register(on_change, CommandNamed("allow", "disallow"), flags=TURNS_AWAY)
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


async def on_change(
    message: Message,
    command: CommandObject,
    chat: ChatView,
    access: AccessPolicy,
    sender: Sender,
    texts: Texts,
) -> None:
    """Add a person or group to the list or remove one, and report the result.

    A name is stored as it is, whether the bot knows its owner or not.

    Raises:
        StorageError, DeliveryError: the list is not changed, or the result is not reported.
    """
    reference = referred(message, (command.args or "").strip())
    if isinstance(reference, Unresolved):
        text = reference.text(texts, chat.lang, "allow_usage")
    else:
        entry, admin_id = str(reference), message.from_user.id if message.from_user else 0
        key = await _change(access, command.command, entry, admin_id)
        text = texts(chat.lang, key, who=entry)
    await sender.send_text(ChatTarget.of(message), text)


@dataclass(frozen=True, slots=True)
class AccessMenu:
    """The section of the admin menu that shows mode and list."""

    texts: Texts
    access: AccessPolicy

    async def section(self, press: Press) -> AdminScreen:
        """Return mode and list, and how to change the list."""
        report = _report(self.access, self.texts, press.lang)
        return AdminScreen(f"{report}\n\n{self.texts[press.lang]['allow_usage']}")


async def _change(access: AccessPolicy, action: str, entry: str, admin_id: int) -> str:
    """Change the list; return the key of the text about the result."""
    if action == "allow":
        return "allow_added" if await access.add(entry, admin_id) else "allow_known"
    if entry in access.fixed:
        return "allow_fixed"
    return "allow_removed" if await access.remove(entry) else "allow_missing"


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
