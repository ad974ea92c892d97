"""/msg, /user, /export and /log, for administrators."""

import re
from html import escape
from typing import Final

from aiogram import Router
from aiogram.filters import CommandObject
from aiogram.types import Message

from core.captions import cut
from core.csv_export import minute, moment
from core.errors import ChatForbiddenError, DeliveryError, UnknownOutcomeError
from core.pseudonyms import Pseudonyms
from data.error_reports import find_report, recent_reports
from data.exports import ChatDetails, chat_details
from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.filters import CommandNamed, FromAdmin, InPrivate
from misc.middlewares.registration import ChatView
from misc.ui import keyboards
from misc.ui.callback_data import HISTORY
from misc.ui.texts import Texts
from services.exports import Exports

#: Maximum number of error reports that /log lists.
_MAX_REPORTS: Final = 10
#: Maximum length of a report's summary in the list, in UTF-16 units.
_MAX_SUMMARY: Final = 200
#: Maximum length of a traceback, in characters. Telegram's limit is 4 096 UTF-16 units per
#: message, counted after HTML entities are parsed, so escaping does not lengthen the text.
_MAX_TRACEBACK: Final = 3_000

#: `/msg 123456 text`; the text may have any formatting.
_MSG: Final = re.compile(
    r"/msg(?:@\w+)?\s+(-?\d{1,18})\s+(.+)", re.ASCII | re.IGNORECASE | re.DOTALL
)


def router(admins: frozenset[int]) -> Router:
    """Register /msg, /user, /export and /log."""
    router = Router(name="admin chats")
    router.message.filter(FromAdmin(admins), InPrivate())
    router.message.register(on_msg, CommandNamed("msg"))
    router.message.register(on_user, CommandNamed("user"))
    router.message.register(on_export, CommandNamed("export"))
    router.message.register(on_log, CommandNamed("log"))
    return router


async def on_msg(message: Message, chat: ChatView, sender: Sender, texts: Texts) -> None:
    """Send a text, with its formatting, to the chat with the given id; report the outcome.

    Raises:
        DeliveryError: the outcome cannot be reported.
    """
    found = _MSG.fullmatch(message.html_text)
    key = await _send(sender, int(found[1]), found[2]) if found else "msg_usage"
    await sender.send_text(ChatTarget.of(message), texts[chat.lang][key])


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


async def on_user(
    message: Message,
    command: CommandObject,
    chat: ChatView,
    sender: Sender,
    texts: Texts,
    pseudonyms: Pseudonyms,
) -> None:
    """Show what is stored about the chat with the given id, and a button for its history.

    Raises:
        StorageError, DeliveryError: it cannot be shown.
    """
    number = re.fullmatch(r"-?\d{1,18}", (command.args or "").strip(), re.ASCII)
    text, buttons = texts[chat.lang]["user_usage"], None
    if number:
        found = await chat_details(int(number[0]))
        text = texts(chat.lang, "user_unknown", id=number[0])
        if found:
            text = _details_text(found, pseudonyms, texts, chat.lang)
            history = texts[chat.lang]["stats_history"], HISTORY + number[0]
            buttons = keyboards.choices([history])
    await sender.send_text(ChatTarget.of(message), text, buttons)


def _details_text(details: ChatDetails, pseudonyms: Pseudonyms, texts: Texts, lang: str) -> str:
    """Return the text (Telegram HTML) about a chat; "–" stands for a missing value."""
    return texts(
        lang,
        "user_card",
        id=details.chat.chat_id,
        name=pseudonyms.of(details.chat.chat_id),
        lang=details.chat.lang,
        registered=moment(details.chat.registered_at) or "–",
        referral=details.chat.referral or "–",
        last=moment(details.chat.last_at) or "–",
        posts=details.posts,
        slideshows=details.slideshows,
        sounds=details.sounds,
        files="✅" if details.file_mode else "–",
        blocked=moment(details.blocked_at) or "–",
        banned="✅" if details.is_banned else "–",
    )


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


async def on_log(
    message: Message, command: CommandObject, chat: ChatView, sender: Sender, texts: Texts
) -> None:
    """List the newest reports of unexpected errors, or show the one with the given code.

    Raises:
        StorageError, DeliveryError: it cannot be shown.
    """
    code = (command.args or "").strip().upper()
    text = await (_report_text(code, texts, chat.lang) if code else _report_list(texts, chat.lang))
    await sender.send_text(ChatTarget.of(message), text)


async def _report_list(texts: Texts, lang: str) -> str:
    reports = await recent_reports(_MAX_REPORTS)
    lines = [
        f"<code>{report.code}</code> {minute(report.at)}\n"
        f"{escape(cut(report.summary, _MAX_SUMMARY))}"
        for report in reports
    ]
    return "\n\n".join([texts[lang]["log_list"], *lines]) if lines else texts[lang]["log_none"]


async def _report_text(code: str, texts: Texts, lang: str) -> str:
    report = await find_report(code)
    if report is None:
        return texts(lang, "log_unknown", code=code)
    # The end names the error and the frame that raised it.
    trace = escape(report.traceback[-_MAX_TRACEBACK:])
    return (
        f"<code>{report.code}</code> {minute(report.at)}, {escape(report.doing)}\n"
        f"<pre>{trace}</pre>"
    )
