"""Accounts of the sites, for administrators: the list, and cookie files sent as documents."""

import logging
from dataclasses import dataclass
from typing import Final

from aiogram import Bot, Router
from aiogram.types import Document, InlineKeyboardButton, Message

from core.errors import CookieFileError, CookiesTooLargeError, DeliveryError
from core.facts import FileSize
from core.identities import MAX_FILE_BYTES, Identity, IdentityState, is_name
from delivery.documents import read_document
from delivery.sender import Sender
from delivery.targets import ChatTarget
from handlers.admin.menu import AdminScreen, Press, Rows, button
from handlers.admin.waiting import AwaitedCookies, AwaitsCookies, stop_waiting, wait_for_cookies
from misc.filters import FromAdmin, InPrivate
from misc.middlewares.registration import ChatView
from misc.ui import dates
from misc.ui.texts import Texts
from platforms import Identities, Platform, Registry

logger = logging.getLogger(__name__)

#: Number of identities that the list shows; Telegram allows 100 buttons.
_LISTED: Final = 60
_COLUMNS: Final = 2
#: Page of the choice "any proxy"; others have the number of a proxy.
_ANY_EXIT: Final = "any"


@dataclass(frozen=True, slots=True)
class IdentityMenu:
    """Shows the identities, and changes them. Cookies are never shown."""

    bot: Bot
    sender: Sender
    texts: Texts
    registry: Registry
    identities: Identities
    #: Name of this machine, whose identities these are, if there may be others; otherwise "".
    machine: str = ""

    # --- the section of the menu ------------------------------------------------------------------

    async def section(self, press: Press) -> AdminScreen:
        """Return the screen of a page: the list, the steps to a new identity, or an identity.

        Raises:
            StorageError: the database did not respond.
        """
        action, _, words = press.page.partition("=")
        site, _, name = words.partition("/")
        platform = self.registry.by_name.get(site)
        if action == "add":
            return await self._add(press, platform, name)
        found = self.identities.find(platform, name) if platform else None
        if platform is None or found is None:
            return self._list(press.lang)
        return await self._change(action, press, platform, found)

    async def _change(
        self, action: str, press: Press, platform: Platform, identity: Identity
    ) -> AdminScreen:
        """Do what a button of an identity does, and return the screen that follows."""
        lang = press.lang
        match action:
            case "rest":
                self.identities.rest(identity)
            case "wake":
                self.identities.wake(identity)
            case "renew" if not identity.is_fixed:
                awaited = AwaitedCookies(platform.name, identity.name, identity.exit)
                return await self._ask_for_file(press, platform, awaited)
            case "ask" if not identity.is_fixed:
                return self._ask_to_remove(platform, identity, lang)
            case "remove" if not identity.is_fixed:
                self.identities.remove(identity)
                return self._list(lang, self.texts[lang]["identity_removed"])
        latest = self.identities.find(platform, identity.name) or identity
        return self._card(platform, latest, lang)

    def _list(self, lang: str, notice: str | None = None) -> AdminScreen:
        found = [
            (platform, identity)
            for platform in self.registry.by_name.values()
            for identity in self.identities.listed(platform)
        ]
        texts = self.texts
        title = texts(lang, "identities_list", number=len(found))
        lines = [texts[lang]["identities_about"]] if not found else []
        if self.machine:
            lines.append(texts(lang, "identities_machine", machine=self.machine))
        rows = [
            [button(self._label(platform, one), f"identities/show={one.site}/{one.name}")]
            for platform, one in found[:_LISTED]
        ]
        rows.append([button(texts[lang]["identity_add"], "identities/add")])
        return AdminScreen("\n\n".join([title, *lines]), rows, notice)

    def _label(self, platform: Platform, identity: Identity) -> str:
        sign = "🟢" if self.identities.state(identity) is IdentityState.READY else "🔴"
        return f"{sign} {platform.title} · {identity.name}"

    def _card(self, platform: Platform, identity: Identity, lang: str) -> AdminScreen:
        texts, health = self.texts, identity.health
        state = self.identities.state(identity)
        text = texts(
            lang,
            "identity_card",
            site=platform.title,
            name=identity.name,
            exit=identity.exit or texts[lang]["identity_any_exit"],
            added=dates.day(int(identity.added_at), lang),
            used=_minute(health.used_at, lang),
            worked=_minute(health.worked_at, lang),
            state=self._state(identity, state, lang),
        )
        key = f"{identity.site}/{identity.name}"
        action = "wake" if state is IdentityState.RESTS else "rest"
        rows = [[button(texts[lang][f"identity_{action}"], f"identities/{action}={key}")]]
        if not identity.is_fixed:
            rows.append([button(texts[lang]["identity_renew"], f"identities/renew={key}")])
            rows.append([button(texts[lang]["identity_remove"], f"identities/ask={key}")])
        return AdminScreen(text, rows, back="identities")

    def _state(self, identity: Identity, state: IdentityState, lang: str) -> str:
        if state is not IdentityState.RESTS:
            return self.texts[lang][f"identity_is_{state}"]
        reason = self.texts[lang][f"identity_why_{identity.health.reason}"]
        until = identity.health.rests_until
        if until is None:
            return self.texts.plain(lang, "identity_rests", reason=reason)
        time = _minute(until, lang)
        return self.texts.plain(lang, "identity_rests_until", reason=reason, time=time)

    def _ask_to_remove(self, platform: Platform, identity: Identity, lang: str) -> AdminScreen:
        key = f"{identity.site}/{identity.name}"
        yes = button(self.texts[lang]["identity_remove_yes"], f"identities/remove={key}")
        text = self.texts(lang, "identity_remove_sure", site=platform.title, name=identity.name)
        return AdminScreen(text, [[yes]], back=f"identities/show={key}")

    # --- a new identity ---------------------------------------------------------------------------

    async def _add(self, press: Press, platform: Platform | None, choice: str) -> AdminScreen:
        """Return the next step: the site, its proxy if there are several, then the file."""
        lang, exits = press.lang, self.identities.exits
        if platform is None:
            return AdminScreen(
                self.texts[lang]["identity_choose_site"], self._sites(), back="identities"
            )
        if choice.isdecimal() and int(choice) < len(exits):
            awaited = AwaitedCookies(platform.name, exit=exits[int(choice)])
            return await self._ask_for_file(press, platform, awaited)
        if choice == _ANY_EXIT or len(exits) == 1:
            return await self._ask_for_file(press, platform, AwaitedCookies(platform.name))
        text = self.texts(lang, "identity_choose_exit", site=platform.title)
        return AdminScreen(text, self._exits(platform, lang), back="identities/add")

    def _sites(self) -> Rows:
        buttons = [
            button(platform.title, f"identities/add={platform.name}")
            for platform in self.registry.by_name.values()
            if platform.takes_accounts
        ]
        return [buttons[start : start + _COLUMNS] for start in range(0, len(buttons), _COLUMNS)]

    def _exits(self, platform: Platform, lang: str) -> Rows:
        page = f"identities/add={platform.name}/"
        names = self.identities.exits[:_LISTED]
        rows: list[list[InlineKeyboardButton]] = [
            [button(name, f"{page}{number}")] for number, name in enumerate(names)
        ]
        return [*rows, [button(self.texts[lang]["identity_any_exit"], page + _ANY_EXIT)]]

    async def _ask_for_file(
        self, press: Press, platform: Platform, awaited: AwaitedCookies
    ) -> AdminScreen:
        await wait_for_cookies(press.admin_id, awaited)
        limit = FileSize(MAX_FILE_BYTES)
        text = self.texts(press.lang, "identity_prompt", site=platform.title, limit=limit)
        return AdminScreen(text, back="identities")

    # --- the file ---------------------------------------------------------------------------------

    async def take_file(self, message: Message, chat: ChatView, awaited: AwaitedCookies) -> None:
        """Read a cookie file, delete its message, and store the identity; say what was wrong.

        Raises:
            StorageError, DeliveryError: the result cannot be told.
        """
        assert message.document
        try:
            key, facts = await self._try_to_store(message.document, message, awaited)
        finally:  # cookies are passwords: whatever has happened, they do not stay in the chat
            is_deleted = await _delete(message)
        seen = "identity_seen" if is_deleted else "identity_not_deleted"
        if key == "identity_stored":
            await stop_waiting(message.chat.id)
        text = f"{self.texts(chat.lang, key, **facts)}\n\n{self.texts[chat.lang][seen]}"
        await self.sender.send_text(ChatTarget.beside(message), text)

    async def _try_to_store(
        self, document: Document, message: Message, awaited: AwaitedCookies
    ) -> tuple[str, dict[str, str]]:
        """Store an identity; return the key of the text about the result, with its facts."""
        try:
            return await self._store(document, message, awaited)
        except CookieFileError as error:
            return error.text_key, {}
        except (DeliveryError, OSError) as error:
            logger.warning(
                "Could not take a cookie file: %s",
                type(error).__name__,
                extra={"event": "identity_not_taken"},
            )
            return "identity_not_taken", {}

    async def _store(
        self, document: Document, message: Message, awaited: AwaitedCookies
    ) -> tuple[str, dict[str, str]]:
        """Store an identity; return the key of the text about it, with its facts.

        Raises:
            CookieFileError: the file is of no use.
            DeliveryError, OSError: it cannot be read or stored.
        """
        if (document.file_size or 0) > MAX_FILE_BYTES:
            raise CookiesTooLargeError(f"{document.file_size} bytes")
        data = await read_document(self.bot, document.file_id, MAX_FILE_BYTES)
        platform = self.registry[awaited.site]
        wanted = (message.caption or "").strip().lower()
        name = awaited.name or (wanted if is_name(wanted) else "")
        identity = self.identities.add(platform, name, awaited.exit, data)
        return "identity_stored", {"site": platform.title, "name": identity.name}

    async def refuse_file(self, message: Message, chat: ChatView) -> None:
        """Say that a cookie file does not belong in a group, and leave it unread.

        Raises:
            DeliveryError: it cannot be said.
        """
        text = self.texts[chat.lang]["identity_in_group"]
        await self.sender.send_text(ChatTarget.of(message), text)


def router(menu: IdentityMenu, admins: frozenset[int]) -> Router:
    """Register the documents that are waited for. Include it before the link handlers."""
    router = Router(name="identities")
    router.message.filter(FromAdmin(admins), AwaitsCookies())
    router.message.register(menu.take_file, InPrivate())
    router.message.register(menu.refuse_file)
    return router


async def _delete(message: Message) -> bool:
    """Delete a message with secrets; return False if Telegram does not do it."""
    try:
        return await message.delete()
    except DeliveryError as error:
        logger.warning(
            "Could not delete the message with a cookie file: %s",
            error,
            extra={"event": "identity_message_not_deleted"},
        )
        return False


def _minute(unix: float, lang: str) -> str:
    return dates.minute(int(unix), lang) if unix else "–"
