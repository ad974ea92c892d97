"""/msg, /user and /export: what administrators do with single chats, and take out."""

import re

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import Message

from core.errors import ChatForbiddenError, DeliveryError, UnknownOutcomeError
from core.tables import moment
from data.errors import storage_errors
from data.exports import ChatFile, chat_file
from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.filters import FromAdmin, InPrivate
from misc.middlewares import ChatView
from misc.texts import Texts
from services.exports import Exports


def router(admins: frozenset[int]) -> Router:
    """Build the router."""
    router = Router(name="office")
    router.message.filter(FromAdmin(admins), InPrivate())
    router.message.register(on_msg, Command("msg"))
    router.message.register(on_user, Command("user"))
    router.message.register(on_export, Command("export"))
    return router


async def on_msg(message: Message, chat: ChatView, sender: Sender, texts: Texts) -> None:
    """Write to one chat, with the formatting that the text has; say what has become of it."""
    found = re.fullmatch(r"/msg(?:@\w+)?\s+(-?\d{1,18})\s+(.+)", message.html_text, re.DOTALL)
    key = await _write(sender, int(found[1]), found[2]) if found else "msg_usage"
    await sender.send_text(ChatTarget.of(message), texts[chat.lang][key])


async def _write(sender: Sender, chat_id: int, text: str) -> str:
    """Write to a chat; gives the key of what is to be said about it."""
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
    message: Message, command: CommandObject, chat: ChatView, sender: Sender, texts: Texts
) -> None:
    """Say what the bot knows of a chat."""
    number = re.fullmatch(r"-?\d{1,18}", (command.args or "").strip())
    if number is None:
        text = texts[chat.lang]["user_usage"]
    else:
        with storage_errors():
            found = await chat_file(int(number[0]))
        unknown = texts(chat.lang, "user_unknown", id=number[0])
        text = _card(found, texts, chat.lang) if found else unknown
    await sender.send_text(ChatTarget.of(message), text)


def _card(file: ChatFile, texts: Texts, lang: str) -> str:
    """Say all that is known of a chat."""
    return texts(
        lang,
        "user_card",
        id=file.chat.chat_id,
        lang=file.chat.lang,
        registered=moment(file.chat.registered_at) or "–",
        referral=file.chat.referral or "–",
        last=moment(file.chat.last_at) or "–",
        videos=file.videos,
        sounds=file.sounds,
        files="✅" if file.file_mode else "–",
        blocked=moment(file.blocked_at) or "–",
        banned="✅" if file.is_banned else "–",
    )


async def on_export(
    message: Message, chat: ChatView, exports: Exports, sender: Sender, texts: Texts
) -> None:
    """Send all chats as files."""
    target = ChatTarget.of(message)
    number = await exports.send_chats(target)
    await sender.send_text(target, texts(chat.lang, "export_done", number=number))
