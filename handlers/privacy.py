"""/privacy: shows, exports or deletes what is stored about a person."""

import json

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from core.media import DocumentFile
from data.privacy import erase, personal_data
from delivery.api_requests import MessageOptions
from delivery.sender import NullJournal, Sender
from delivery.targets import ChatTarget
from misc.filters import Carries, InPrivate
from misc.middlewares.registration import ChatView
from misc.ui import keyboards
from misc.ui.callback_data import PRIVACY
from misc.ui.texts import Texts
from platforms import Spool


def router() -> Router:
    """Register /privacy and its buttons, in private chats: groups store nothing about a person."""
    router = Router(name="privacy")
    router.message.register(on_privacy, Command("privacy"), InPrivate())
    for action, handler in (
        ("export", on_export),
        ("delete", on_delete),
        ("yes", on_yes),
        ("no", on_no),
    ):
        router.callback_query.register(handler, Carries(one_of=(PRIVACY + action,)))
    return router


async def on_privacy(message: Message, chat: ChatView, sender: Sender, texts: Texts) -> None:
    """Show what is stored, with buttons to export or delete it."""
    keyboard = _offers(texts, chat.lang)
    await sender.send_text(ChatTarget.of(message), texts[chat.lang]["privacy_about"], keyboard)


async def on_export(query: CallbackQuery, sender: Sender, spool: Spool) -> None:
    """Send all stored data as a JSON file."""
    await query.answer()
    person = query.from_user.id
    data = await personal_data(person)
    async with spool.workspace() as space:
        path = space.folder / f"{person}.json"
        path.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
        target = ChatTarget(person, 0, is_private=True, is_reply=False)
        await sender.send(target, [DocumentFile(path)], MessageOptions(""), NullJournal())


async def on_delete(query: CallbackQuery, chat: ChatView, texts: Texts) -> None:
    """Ask for confirmation."""
    words = texts[chat.lang]
    keyboard = keyboards.choices(
        ((words["privacy_yes"], PRIVACY + "yes"), (words["privacy_no"], PRIVACY + "no"))
    )
    await _show(query, words["privacy_sure"], keyboard)


async def on_yes(query: CallbackQuery, chat: ChatView, texts: Texts) -> None:
    """Delete the data."""
    await erase(query.from_user.id)
    await _show(query, texts[chat.lang]["privacy_done"], None)


async def on_no(query: CallbackQuery, chat: ChatView, texts: Texts) -> None:
    """Keep the data."""
    await _show(query, texts[chat.lang]["privacy_about"], _offers(texts, chat.lang))


def _offers(texts: Texts, lang: str) -> InlineKeyboardMarkup:
    words = texts[lang]
    return keyboards.choices(
        (
            (words["privacy_export"], PRIVACY + "export"),
            (words["privacy_delete"], PRIVACY + "delete"),
        )
    )


async def _show(query: CallbackQuery, text: str, keyboard: InlineKeyboardMarkup | None) -> None:
    await query.answer()
    if isinstance(query.message, Message):
        await query.message.edit_text(text, reply_markup=keyboard)
