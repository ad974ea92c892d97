"""Language lookup and registration of a chat, under the names that the seed page documents."""

import logging
from html import escape

from aiogram.types import Message, User

from core.errors import DeliveryError, StorageError
from core.pseudonyms import LoggedChat
from data.chats import ChatRecord, register_chat
from data.db_service import get_user_settings
from misc.ui.texts import load_texts
from platforms import Registry, load_registry

logger = logging.getLogger(__name__)


async def lang_func(chat_id: int, language_code: str | None, no_request: bool = False) -> str:
    """Return the language code of a chat.

    This is the stored language, or the closest match for `language_code`, the IETF tag from
    Telegram, if the chat is unknown or the database fails. With `no_request` the database is not
    queried. A stored language without a locale file falls back to English.
    """
    texts = load_texts()
    if not no_request:
        try:
            settings = await get_user_settings(chat_id)
        except StorageError as error:
            logger.error(  # noqa: TRY400 - expected
                "Could not load the language of chat %s: %s",
                LoggedChat(chat_id),
                error,
                extra={"event": "language_not_loaded"},
            )
        else:
            if settings:
                return settings[0] if settings[0] in texts else "en"
    return texts.closest(language_code)


async def start_manager(
    chat_id: int,
    message: Message,
    lang: str,
    *,
    referral: str | None = None,
    join_log_chat: int = 0,
    platforms: str = "",
    greets: bool = True,
) -> tuple[ChatRecord, bool]:
    """Register a chat and welcome it; return its settings, and True if it was new.

    A known chat is neither changed nor welcomed again. If several first messages arrive at once,
    the chat is welcomed only once.

    `join_log_chat` is the id of the chat that is notified of new chats; 0 disables this.
    `platforms` is the list of platform titles in the welcome; by default all platforms.
    With `greets=False` the caller sends the welcome with `greet_chat`.

    Raises:
        StorageError: the chat could not be registered.
    """
    record, is_new = await register_chat(chat_id, lang, referral)
    if is_new and greets:
        await greet_chat(
            message,
            lang,
            platforms=platforms or platform_titles(load_registry()),
            join_log_chat=join_log_chat,
            referral=referral,
        )
    return record, is_new


async def greet_chat(
    message: Message,
    lang: str,
    *,
    platforms: str,
    join_log_chat: int = 0,
    referral: str | None = None,
) -> None:
    """Welcome a new chat and notify the operator's log chat, unless `join_log_chat` is 0.

    Delivery failures are logged, not raised.
    """
    await welcome(message, lang, platforms)
    if join_log_chat:
        await _log_join(join_log_chat, message, referral)


async def welcome(message: Message, lang: str, platforms: str) -> None:
    """Answer with the welcome message, which explains how to use the bot.

    `platforms` is the comma-separated list of platform titles. A delivery failure is logged, not
    raised.
    """
    texts = load_texts()
    parts = [texts(lang, "welcome", platforms=platforms)]
    if message.chat.type == "private":
        parts.append(texts(lang, "welcome_groups"))
    parts.append(texts(lang, "welcome_help"))
    parts.append(texts(lang, "language_is", language=texts[lang]["language_name"]))
    try:
        await message.answer("\n\n".join(parts))
    except DeliveryError as error:
        logger.info(
            "Could not send the welcome message to chat %s: %s",
            LoggedChat(message.chat.id),
            error,
            extra={"event": "welcome_failed"},
        )


def platform_titles(registry: Registry) -> str:
    """Return the titles of all platforms as a comma-separated string."""
    return ", ".join(platform.title for platform in registry.by_name.values())


async def _log_join(log_chat: int, message: Message, referral: str | None) -> None:
    lines = [_user_line(message.from_user), f"<code>{message.chat.id}</code>"]
    if message.chat.type != "private":
        lines.insert(0, f"<b>{escape(message.chat.title or '')}</b>")
    if referral:
        lines.append(f"<i>{escape(referral)}</i>")
    assert message.bot
    try:
        await message.bot.send_message(log_chat, "\n".join(filter(None, lines)))
    except DeliveryError as error:
        logger.warning(
            "Could not report a new chat to the join log chat: %s",
            error,
            extra={"event": "join_log_failed"},
        )


def _user_line(user: User | None) -> str:
    if user is None:
        return ""
    name = f'<b><a href="tg://user?id={user.id}">{escape(user.full_name)}</a></b>'
    return f"{name}\n@{user.username}" if user.username else name
