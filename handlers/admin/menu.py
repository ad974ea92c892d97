"""/admin: one message, which its buttons edit to show the next screen."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from aiogram import Router
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message

from core.errors import UnchangedError
from data.broadcasts import discard_unwritten
from delivery.sender import Sender
from delivery.targets import ChatTarget
from handlers.admin.waiting import stop_waiting
from misc.filters import Carries, CommandNamed, FromAdmin, InPrivate
from misc.middlewares.registration import ChatView
from misc.ui.callback_data import ADMIN
from misc.ui.texts import Texts

Rows = list[list[InlineKeyboardButton]]
_MENU: Final = "menu"


@dataclass(frozen=True, slots=True)
class Press:
    """A press of a button of a section."""

    admin_id: int
    lang: str
    #: What the button shows or does within its section; empty for the section's first screen.
    page: str = ""


@dataclass(frozen=True, slots=True)
class AdminScreen:
    """What a section shows: a text (Telegram HTML), buttons, and a notice about what was done."""

    text: str
    rows: Rows = field(default_factory=list)
    notice: str | None = None
    #: The page that the way back leads to; None for the menu.
    back: str | None = None

    def markup(self, texts: Texts, lang: str) -> InlineKeyboardMarkup:
        """Return the buttons, with the way back in the last row."""
        back = back_button(texts, lang, self.back or _MENU)
        return InlineKeyboardMarkup(inline_keyboard=[*self.rows, [back]])


#: A section of the menu: returns the screen that a press leads to.
Section = Callable[[Press], Awaitable[AdminScreen]]


def button(text: str, page: str) -> InlineKeyboardButton:
    """Return a button that opens a page, such as "bans" or "errors/A1B2C3D4"."""
    return InlineKeyboardButton(text=text, callback_data=ADMIN + page)


def back_button(texts: Texts, lang: str, page: str = _MENU) -> InlineKeyboardButton:
    """Return the button that leads back to a page of the menu."""
    return button(texts[lang]["admin_back"], page)


@dataclass(frozen=True, slots=True)
class AdminMenu:
    """The menu, and its sections by name.

    A section's button has the text `admin_<name>`. A new section is one entry in `sections`.
    """

    sender: Sender
    texts: Texts
    sections: Mapping[str, Section]

    async def open(self, message: Message, chat: ChatView) -> None:
        """Show the menu as a new message.

        Raises:
            StorageError, DeliveryError: the menu cannot be shown.
        """
        await _stop_composing(message.chat.id)
        text, markup = self._menu(chat.lang)
        await self.sender.send_text(ChatTarget.of(message), text, markup)

    async def press(self, query: CallbackQuery, chat: ChatView) -> None:
        """Show the screen of a button, and answer the press.

        Raises:
            StorageError, DeliveryError: the screen cannot be shown.
        """
        name, _, page = (query.data or "").removeprefix(ADMIN).partition("/")
        message, section = query.message, self.sections.get(name)
        if not isinstance(message, Message) or (section is None and name != _MENU):
            await query.answer(self.texts[chat.lang]["button_expired"], show_alert=True)
            return
        await _stop_composing(query.from_user.id)
        notice = None
        if section is None:
            text, markup = self._menu(chat.lang)
        else:
            screen = await section(Press(query.from_user.id, chat.lang, page))
            text, markup, notice = screen.text, screen.markup(self.texts, chat.lang), screen.notice
        await self._edit(message, text, markup)
        await query.answer(notice)

    @staticmethod
    async def _edit(message: Message, text: str, markup: InlineKeyboardMarkup) -> None:
        with suppress(UnchangedError):
            await message.edit_text(text, reply_markup=markup)

    def _menu(self, lang: str) -> tuple[str, InlineKeyboardMarkup]:
        buttons = [button(self.texts[lang][f"admin_{name}"], name) for name in self.sections]
        rows = [buttons[start : start + 2] for start in range(0, len(buttons), 2)]
        return self.texts[lang]["admin_menu"], InlineKeyboardMarkup(inline_keyboard=rows)


def commands(menu: AdminMenu, admins: frozenset[int]) -> Router:
    """Register /admin."""
    router = Router(name="admin commands")
    router.message.register(menu.open, CommandNamed("admin"), FromAdmin(admins), InPrivate())
    return router


def router(menu: AdminMenu, admins: frozenset[int]) -> Router:
    """Register the buttons of the menu."""
    router = Router(name="admin menu")
    router.callback_query.register(menu.press, FromAdmin(admins), Carries(prefix=ADMIN))
    return router


async def _stop_composing(admin_id: int) -> None:
    """Expect neither a broadcast's message nor a reference to a chat any more.

    Raises:
        StorageError: the database did not respond.
    """
    await discard_unwritten(admin_id)
    await stop_waiting(admin_id)
