"""/msg and /export, for administrators."""

import re
from typing import Final

from aiogram import Router
from aiogram.types import Message

from core.errors import ChatForbiddenError, DeliveryError, UnknownOutcomeError
from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.chat_lookup import NO_REFERENCE, ChatLookup, Unresolved, author_of
from misc.filters import CommandNamed, FromAdmin, InPrivate
from misc.middlewares.registration import ChatView
from misc.ui.texts import Texts
from services.exports import Exports

_MSG: Final = re.compile(r"/\S+\s*(?P<rest>(?P<word>\S*)\s*(?P<text>.*))", re.DOTALL)


def router(admins: frozenset[int]) -> Router:
    """Register /msg and /export."""
    router = Router(name="admin chats")
    router.message.filter(FromAdmin(admins), InPrivate())
    router.message.register(on_msg, CommandNamed("msg"))
    router.message.register(on_export, CommandNamed("export"))
    return router


async def on_msg(
    message: Message, chat: ChatView, chat_lookup: ChatLookup, sender: Sender, texts: Texts
) -> None:
    """Send a text, with its formatting, to the chat that is named or replied to.

    The outcome is reported. In a reply to a forwarded message, everything is the text.

    Raises:
        StorageError, DeliveryError: the chat is not looked up, or the outcome is not reported.
    """
    found, text = await _addressee(message, chat_lookup)
    if isinstance(found, Unresolved):
        answer = found.text(texts, chat.lang, "msg_usage")
    elif not text:
        answer = texts(chat.lang, "msg_usage")
    else:
        answer = texts[chat.lang][await _send(sender, found, text)]
    await sender.send_text(ChatTarget.of(message), answer)


async def _addressee(message: Message, lookup: ChatLookup) -> tuple[int | Unresolved, str]:
    """Return the chat to write to, or why there is none, and the text (Telegram HTML)."""
    parts = _MSG.match(message.html_text)
    assert parts
    replied: int | Unresolved = Unresolved(NO_REFERENCE)
    if message.reply_to_message:
        replied = author_of(message.reply_to_message)
        if not isinstance(replied, Unresolved):
            return replied, parts["rest"]
    named = await lookup.of_word(parts["word"])
    is_named = not isinstance(named, Unresolved) or named.key != NO_REFERENCE
    return (named if is_named else replied), parts["text"]


async def _send(sender: Sender, chat_id: int, text: str) -> str:
    """Send a text (Telegram HTML) to a chat. Return the key of the text about the outcome."""
    try:
        await sender.send_text(ChatTarget(chat_id, 0, is_private=True, is_reply=False), text)
    except ChatForbiddenError:
        return "msg_closed"
    except UnknownOutcomeError:
        return "msg_unknown"
    except DeliveryError:
        return "msg_refused"
    return "msg_sent"


async def on_export(
    message: Message, chat: ChatView, exports: Exports, sender: Sender, texts: Texts
) -> None:
    """Send all chats as text files of their ids and CSV files; report the number of chats.

    Raises:
        StorageError, DeliveryError: the export is incomplete, or its end is not reported.
    """
    target = ChatTarget.of(message)
    number = await exports.send_chats(target)
    await sender.send_text(target, texts(chat.lang, "export_done", count=number))
