"""/msg, /user, /export and /log, for administrators."""

import re
from html import escape
from typing import Final

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import Message

from core.captions import cut
from core.csv_export import minute, moment
from core.errors import ChatForbiddenError, DeliveryError, UnknownOutcomeError
from core.pseudonyms import Pseudonyms
from data.error_reports import find_report, recent_reports
from data.exports import ChatDetails, chat_details
from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.filters import FromAdmin, InPrivate
from misc.middlewares.registration import ChatView
from misc.ui import keyboards
from misc.ui.callback_data import HISTORY
from misc.ui.texts import Texts
from services.exports import Exports

_FAULTS: Final = 10
_SUMMARY: Final = 200
#: A message has up to 4 096 UTF-16 units, counted after HTML entities are parsed.
_TRACE: Final = 3_000


def router(admins: frozenset[int]) -> Router:
    """Register the commands."""
    router = Router(name="admin chats")
    router.message.filter(FromAdmin(admins), InPrivate())
    router.message.register(on_msg, Command("msg"))
    router.message.register(on_user, Command("user"))
    router.message.register(on_export, Command("export"))
    router.message.register(on_log, Command("log"))
    return router


async def on_msg(message: Message, chat: ChatView, sender: Sender, texts: Texts) -> None:
    """Send a formatted text to one chat, and report the outcome."""
    found = re.fullmatch(r"/msg(?:@\w+)?\s+(-?\d{1,18})\s+(.+)", message.html_text, re.DOTALL)
    key = await _write(sender, int(found[1]), found[2]) if found else "msg_usage"
    await sender.send_text(ChatTarget.of(message), texts[chat.lang][key])


async def _write(sender: Sender, chat_id: int, text: str) -> str:
    """Send a text to a chat; return the text key of the outcome."""
    try:
        await sender.send_text(ChatTarget(chat_id, 0, is_private=True, is_reply=False), text)
    except ChatForbiddenError:
        return "msg_closed"
    except UnknownOutcomeError:
        return "msg_unknown"
    except DeliveryError:
        return "msg_refused"
    return "msg_sent"


async def on_user(
    message: Message,
    command: CommandObject,
    chat: ChatView,
    sender: Sender,
    texts: Texts,
    pseudonyms: Pseudonyms,
) -> None:
    """Show what is stored about a chat, with a button for its history."""
    number = re.fullmatch(r"-?\d{1,18}", (command.args or "").strip())
    text, buttons = texts[chat.lang]["user_usage"], None
    if number:
        found = await chat_details(int(number[0]))
        text = texts(chat.lang, "user_unknown", id=number[0])
        if found:
            text = _card(found, pseudonyms, texts, chat.lang)
            history = texts[chat.lang]["stats_history"], HISTORY + number[0]
            buttons = keyboards.choices([history])
    await sender.send_text(ChatTarget.of(message), text, buttons)


def _card(file: ChatDetails, pseudonyms: Pseudonyms, texts: Texts, lang: str) -> str:
    """Return the text about a chat."""
    return texts(
        lang,
        "user_card",
        id=file.chat.chat_id,
        name=pseudonyms.of(file.chat.chat_id),
        lang=file.chat.lang,
        registered=moment(file.chat.registered_at) or "–",
        referral=file.chat.referral or "–",
        last=moment(file.chat.last_at) or "–",
        posts=file.posts,
        slideshows=file.slideshows,
        sounds=file.sounds,
        files="✅" if file.file_mode else "–",
        blocked=moment(file.blocked_at) or "–",
        banned="✅" if file.is_banned else "–",
    )


async def on_export(
    message: Message, chat: ChatView, exports: Exports, sender: Sender, texts: Texts
) -> None:
    """Send all chats as CSV files."""
    target = ChatTarget.of(message)
    number = await exports.send_chats(target)
    await sender.send_text(target, texts(chat.lang, "export_done", number=number))


async def on_log(
    message: Message, command: CommandObject, chat: ChatView, sender: Sender, texts: Texts
) -> None:
    """List the newest bug reports, or show the one with a code."""
    code = (command.args or "").strip().upper()
    text = await (_fault(code, texts, chat.lang) if code else _faults(texts, chat.lang))
    await sender.send_text(ChatTarget.of(message), text)


async def _faults(texts: Texts, lang: str) -> str:
    faults = await recent_reports(_FAULTS)
    lines = [
        f"<code>{fault.code}</code> {minute(fault.at)}\n{escape(cut(fault.summary, _SUMMARY))}"
        for fault in faults
    ]
    return "\n\n".join([texts[lang]["log_list"], *lines]) if lines else texts[lang]["log_none"]


async def _fault(code: str, texts: Texts, lang: str) -> str:
    fault = await find_report(code)
    if fault is None:
        return texts(lang, "log_unknown", code=code)
    # The last frames of a traceback matter most.
    trace = escape(fault.traceback[-_TRACE:])
    return (
        f"<code>{fault.code}</code> {minute(fault.at)}, {escape(fault.doing)}\n<pre>{trace}</pre>"
    )
