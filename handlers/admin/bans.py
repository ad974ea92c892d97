"""Bans, for administrators: /ban, /unban and the list."""

from dataclasses import dataclass
from typing import Final

from aiogram import Router
from aiogram.filters import CommandObject
from aiogram.types import InlineKeyboardButton, Message

from core.chat_reference import read_reference
from data.bans import list_bans
from delivery.sender import Sender
from delivery.targets import ChatTarget
from handlers.admin.menu import AdminScreen, Press, button
from misc.chat_lookup import ChatLookup, Unresolved
from misc.filters import CommandNamed, FromAdmin, InPrivate
from misc.middlewares.ban_list import BanList
from misc.middlewares.registration import ChatView
from misc.ui import dates
from misc.ui.texts import Texts

#: Number of bans on a page of the list.
_PAGE: Final = 8


@dataclass(frozen=True, slots=True)
class BanMenu:
    """Bans and unbans chats, and lists the bans."""

    sender: Sender
    texts: Texts
    bans: BanList
    lookup: ChatLookup

    async def on_ban(self, message: Message, command: CommandObject, chat: ChatView) -> None:
        """Ban or unban the chat that the command names or replies to, and report the result.

        Raises:
            StorageError, DeliveryError: the ban is not changed, or the result is not reported.
        """
        found = await self.lookup.of_command(message, (command.args or "").strip())
        if isinstance(found, Unresolved):
            text = found.text(self.texts, chat.lang, "ban_usage", command=command.command)
        else:
            key = await change_ban(self.bans, command.command, found, message.chat.id)
            text = self.texts(chat.lang, key, id=found)
        await self.sender.send_text(ChatTarget.of(message), text)

    async def section(self, press: Press) -> AdminScreen:
        """Return a page of the list, after lifting a ban if the button does that.

        Raises:
            StorageError: the database did not respond.
        """
        action, _, word = press.page.partition("=")
        number = read_reference(word)
        if not isinstance(number, int):
            return await self._list(0, press.lang)
        if action != "unban":
            return await self._list(max(number, 0), press.lang)
        key = await change_ban(self.bans, action, number, press.admin_id)
        return await self._list(0, press.lang, self.texts.plain(press.lang, key, id=number))

    async def _list(self, page: int, lang: str, notice: str | None = None) -> AdminScreen:
        bans, total = await list_bans(page * _PAGE, _PAGE)
        if not total:
            return AdminScreen(self.texts[lang]["admin_bans_none"], notice=notice)
        rows = [
            [
                button(
                    f"{ban.chat_id} · {dates.day(ban.banned_at, lang)}",
                    f"bans/unban={ban.chat_id}",
                )
            ]
            for ban in bans
        ]
        if arrows := _arrows(page, total):
            rows.append(arrows)
        return AdminScreen(self.texts(lang, "admin_bans_list", count=total), rows, notice)


def commands(bans: BanMenu, admins: frozenset[int]) -> Router:
    """Register /ban and /unban."""
    router = Router(name="bans")
    allowed = (FromAdmin(admins), InPrivate())
    router.message.register(bans.on_ban, CommandNamed("ban", "unban"), *allowed)
    return router


async def change_ban(bans: BanList, action: str, chat_id: int, admin_id: int) -> str:
    """Ban or unban a chat; return the key of the text about the result.

    Raises:
        StorageError: the database did not respond.
    """
    if action == "ban":
        return "banned" if await bans.add(chat_id, admin_id) else "ban_idle"
    return "unbanned" if await bans.remove(chat_id) else "ban_idle"


def _arrows(page: int, total: int) -> list[InlineKeyboardButton]:
    arrows = [button("◀️", f"bans/page={page - 1}")] if page else []
    if (page + 1) * _PAGE < total:
        arrows.append(button("▶️", f"bans/page={page + 1}"))
    return arrows
