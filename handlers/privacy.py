"""/privacy: show, export or delete the data stored about a user."""

import json
from contextlib import suppress

from aiogram import Router
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from core.errors import DeliveryError
from core.media import DocumentFile
from core.referrals import PRIVACY as ASKED
from data.privacy import erase, personal_data
from delivery.api_requests import MessageOptions
from delivery.sender import NullJournal, Sender
from delivery.targets import ChatTarget
from misc.filters import AnyCommand, Carries, CommandNamed, InPrivate
from misc.middlewares.access_gate import OPEN_TO_ALL
from misc.middlewares.registration import TURNS_AWAY, ChatView
from misc.opt_outs import OptOutList
from misc.ui import keyboards, messages
from misc.ui.callback_data import PRIVACY
from misc.ui.help import BotProfile
from misc.ui.texts import Texts
from platforms import Spool


def router() -> Router:
    """Register /privacy and its buttons.

    Only private chats have it, because nothing is stored about the members of a group; in a group
    the command with the bot's name leads to the private chat. Asking what is stored stores nothing.
    Everybody may ask, also where access is restricted.
    """
    router = Router(name="privacy")
    router.message.register(
        on_privacy, CommandNamed("privacy"), InPrivate(), flags=TURNS_AWAY | OPEN_TO_ALL
    )
    router.message.register(
        on_privacy_in_group,
        CommandNamed("privacy"),
        AnyCommand(is_addressed=True),
        flags=TURNS_AWAY | OPEN_TO_ALL,
    )
    for action, handler in (
        ("export", on_export),
        ("delete", on_delete),
        ("yes", on_yes),
        ("no", on_no),
    ):
        router.callback_query.register(
            handler, Carries(one_of=(PRIVACY + action,)), flags=OPEN_TO_ALL
        )
    return router


async def on_privacy(message: Message, chat: ChatView, sender: Sender, texts: Texts) -> None:
    """Show what is stored, with buttons to export or delete it."""
    keyboard = _actions(texts, chat.lang)
    await sender.send_text(ChatTarget.of(message), texts[chat.lang]["privacy_about"], keyboard)


async def on_privacy_in_group(
    message: Message, chat: ChatView, sender: Sender, texts: Texts, profile: BotProfile
) -> None:
    """Point to the private chat, where nobody else can read the answer.

    Raises:
        DeliveryError: it is not said.
    """
    words = texts[chat.lang]
    button = keyboards.link_button(words["command_privacy"], profile.url_of(ASKED))
    await sender.send_text(ChatTarget.of(message), words["privacy_in_private"], button)


async def on_export(query: CallbackQuery, sender: Sender, spool: Spool) -> None:
    """Send all data stored about the user as a JSON file.

    Raises:
        StorageError, DeliveryError: the file is not sent.
    """
    await query.answer()
    person = query.from_user.id
    data = await personal_data(person)
    async with spool.workspace() as space:
        path = space.folder / f"{person}.json"
        path.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
        target = ChatTarget(person, 0, is_private=True, is_reply=False)
        await sender.send(target, [DocumentFile(path)], MessageOptions(""), NullJournal())


async def on_delete(query: CallbackQuery, chat: ChatView, texts: Texts) -> None:
    """Ask the user to confirm the deletion."""
    localized = texts[chat.lang]
    keyboard = keyboards.choices(
        ((localized["privacy_yes"], PRIVACY + "yes"), (localized["privacy_no"], PRIVACY + "no"))
    )
    await _show(query, localized["privacy_sure"], keyboard)


async def on_yes(query: CallbackQuery, chat: ChatView, texts: Texts, opt_outs: OptOutList) -> None:
    """Delete all data of the user, and confirm it.

    Raises:
        StorageError: the data is not deleted.
    """
    await opt_outs.remove(query.from_user.id)
    await erase(query.from_user.id)
    await _show(query, texts[chat.lang]["privacy_done"], None)


async def on_no(query: CallbackQuery, chat: ChatView, texts: Texts) -> None:
    """Keep the data, and show the first screen again."""
    await _show(query, texts[chat.lang]["privacy_about"], _actions(texts, chat.lang))


def _actions(texts: Texts, lang: str) -> InlineKeyboardMarkup:
    """Return the buttons that export or delete the data."""
    localized = texts[lang]
    return keyboards.choices(
        (
            (localized["privacy_export"], PRIVACY + "export"),
            (localized["privacy_delete"], PRIVACY + "delete"),
        )
    )


async def _show(query: CallbackQuery, text: str, keyboard: InlineKeyboardMarkup | None) -> None:
    """Answer the press, and edit the message with the button.

    Errors are ignored: it may be gone or unchanged.
    """
    with suppress(DeliveryError):
        await query.answer()
    if isinstance(query.message, Message) and messages.has_button(query.message, PRIVACY):
        with suppress(DeliveryError):
            await query.message.edit_text(text, reply_markup=keyboard)
