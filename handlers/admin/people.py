"""People, for administrators: /user, and the section with counts, recent activity and a search."""

from dataclasses import dataclass
from typing import Final

from aiogram import Router
from aiogram.filters import CommandObject
from aiogram.types import InlineKeyboardButton, Message

from core.chat_reference import read_reference
from core.pseudonyms import Pseudonyms
from core.statistics import Scope
from data.database import unix_now
from data.exports import ChatDetails, chat_details
from data.people import recently_active
from data.statistics import active_people, counts_since
from delivery.sender import Sender
from delivery.targets import ChatTarget
from handlers.admin.bans import change_ban
from handlers.admin.menu import AdminScreen, Press, button
from handlers.admin.waiting import AwaitsReference, stop_waiting, wait_for_reference
from handlers.statistics.screens import active_text, amount
from misc.chat_lookup import ChatLookup, Unresolved
from misc.filters import CommandNamed, FromAdmin, InPrivate, LooksLikeCommand
from misc.middlewares.ban_list import BanList
from misc.middlewares.registration import ChatView
from misc.ui import dates
from misc.ui.callback_data import HISTORY
from misc.ui.texts import Texts
from services.statistics import Statistics

#: Number of recently active chats that are listed.
_LISTED: Final = 8


@dataclass(frozen=True, slots=True)
class PeopleMenu:
    """Looks up chats and shows them."""

    sender: Sender
    texts: Texts
    statistics: Statistics
    bans: BanList
    lookup: ChatLookup
    pseudonyms: Pseudonyms

    async def on_user(self, message: Message, command: CommandObject, chat: ChatView) -> None:
        """Show what is stored about the chat that the command names or replies to.

        Raises:
            StorageError, DeliveryError: it cannot be shown.
        """
        found = await self.lookup.of_command(message, (command.args or "").strip())
        await self._show(message, found, chat.lang)

    async def take_reference(self, message: Message, chat: ChatView) -> None:
        """Show the chat that a message names or was forwarded from; ask again if there is none.

        Raises:
            StorageError, DeliveryError: it cannot be shown.
        """
        found = await self.lookup.of_message(message)
        if not isinstance(found, Unresolved):
            await stop_waiting(message.chat.id)
        await self._show(message, found, chat.lang)

    async def section(self, press: Press) -> AdminScreen:
        """Return the screen of a page: counts, the search, a chat, or a chat that is now banned.

        Raises:
            StorageError: the database did not respond.
        """
        action, _, word = press.page.partition("=")
        chat_id = read_reference(word)
        if action == "find":
            await wait_for_reference(press.admin_id)
            return AdminScreen(self.texts[press.lang]["user_find_prompt"], back="people")
        if not isinstance(chat_id, int):
            return await self._counts(press.lang)
        notice = None
        if action in {"ban", "unban"}:
            key = await change_ban(self.bans, action, chat_id, press.admin_id)
            notice = self.texts.plain(press.lang, key, id=chat_id)
        return await self._card(chat_id, press.lang, notice)

    async def _show(self, message: Message, found: int | Unresolved, lang: str) -> None:
        if isinstance(found, Unresolved):
            text = found.text(self.texts, lang, "user_usage")
            screen = AdminScreen(text, back="people")
        else:
            screen = await self._card(found, lang)
        markup = screen.markup(self.texts, lang)
        await self.sender.send_text(ChatTarget.of(message), screen.text, markup)

    async def _card(self, chat_id: int, lang: str, notice: str | None = None) -> AdminScreen:
        found = await chat_details(chat_id)
        is_banned = found.is_banned if found else self.bans.is_banned(chat_id)
        action = "unban" if is_banned else "ban"
        rows = [[button(self.texts[lang][f"user_{action}"], f"people/{action}={chat_id}")]]
        if found is None:
            text = self.texts(lang, "user_unknown", id=chat_id)
            return AdminScreen(text, rows, notice, back="people")
        label, data = self.texts[lang]["stats_history"], f"{HISTORY}{chat_id}"
        rows.insert(0, [InlineKeyboardButton(text=label, callback_data=data)])
        return AdminScreen(self._details(found, lang), rows, notice, back="people")

    def _details(self, details: ChatDetails, lang: str) -> str:
        """Return the text (Telegram HTML) about a chat; "–" stands for a missing value."""
        texts, chat = self.texts, details.chat
        known = texts[chat.lang]["language_name"] if chat.lang in texts else chat.lang
        return texts(
            lang,
            "user_card",
            id=chat.chat_id,
            name=self.pseudonyms.of(chat.chat_id),
            lang=known,
            registered=_minute(chat.registered_at, lang),
            referral=chat.referral or "–",
            last=_minute(chat.last_at, lang),
            posts=amount(details.posts),
            slideshows=amount(details.slideshows),
            sounds=amount(details.sounds),
            files="✅" if details.file_mode else "–",
            blocked=_minute(details.blocked_at, lang),
            banned="✅" if details.is_banned else "–",
        )

    async def _counts(self, lang: str) -> AdminScreen:
        """Return the counts of chats and the recently active ones, with a button for each."""
        texts, now = self.texts, unix_now()
        ever, tops = await counts_since(None), await self.statistics.tops()
        recent = await recently_active(_LISTED)
        text = "\n\n".join(
            (
                texts(
                    lang,
                    "user_counts",
                    private=amount(ever[Scope.PRIVATE].chats),
                    groups=amount(ever[Scope.GROUPS].chats),
                    blocked=amount(tops.blocked),
                ),
                active_text(await active_people(now), tops.people_before, texts, lang),
                texts[lang]["user_recent"] if recent else texts[lang]["stats_nothing"],
            )
        )
        rows = [
            [button(f"{chat_id} · {_minute(at, lang)}", f"people/show={chat_id}")]
            for chat_id, at in recent
        ]
        rows.append([button(texts[lang]["user_find"], "people/find")])
        return AdminScreen(text, rows)


def commands(people: PeopleMenu, admins: frozenset[int]) -> Router:
    """Register /user."""
    router = Router(name="people commands")
    router.message.register(people.on_user, CommandNamed("user"), FromAdmin(admins), InPrivate())
    return router


def router(people: PeopleMenu, admins: frozenset[int]) -> Router:
    """Register the messages that name a chat to look up. Include it before the link handlers."""
    router = Router(name="people")
    router.message.register(
        people.take_reference,
        FromAdmin(admins),
        InPrivate(),
        ~LooksLikeCommand(),
        AwaitsReference(),
    )
    return router


def _minute(unix: int | None, lang: str) -> str:
    return dates.minute(unix, lang) if unix else "–"
