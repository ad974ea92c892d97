"""Language lookup and registration of a chat, under the names that the seed page documents."""

import logging

from aiogram.types import ChatMemberUpdated, InlineKeyboardMarkup, Message

from core.errors import DeliveryError, StorageError
from core.pseudonyms import LoggedChat
from data.chats import ChatRecord, register_chat
from data.db_service import get_user_settings
from misc.join_log import JoinLog
from misc.ui import keyboards
from misc.ui.callback_data import WELCOME
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
    join_log: JoinLog | None = None,
    platforms: tuple[str, ...] = (),
    greets: bool = True,
) -> tuple[ChatRecord, bool]:
    """Register a chat and welcome it; return its settings, and True if it was new.

    A known chat is neither changed nor welcomed again. If several first messages arrive at once,
    the chat is welcomed only once.

    `platforms` are the platform titles in the welcome; by default all platforms.
    With `greets=False` the caller sends the welcome with `greet_chat`.

    Raises:
        StorageError: the chat could not be registered.
    """
    is_channel = message.chat.type == "channel"
    record, is_new = await register_chat(chat_id, lang, referral, is_channel=is_channel)
    if is_new and greets:
        await greet_chat(
            message,
            lang,
            platforms=platforms or platform_titles(load_registry()),
            join_log=join_log,
            referral=referral,
        )
    return record, is_new


async def greet_chat(
    event: Message | ChatMemberUpdated,
    lang: str,
    *,
    platforms: tuple[str, ...],
    join_log: JoinLog | None = None,
    referral: str | None = None,
) -> None:
    """Welcome a new chat and report it to the operator's log chat, if there is one.

    A channel is not welcomed, because its subscribers would read that. Delivery failures are
    logged, not raised.
    """
    if event.chat.type != "channel":
        await welcome(event, lang, platforms)
    if join_log:
        await join_log.report(event, referral)


async def welcome(
    event: Message | ChatMemberUpdated, lang: str, platforms: tuple[str, ...]
) -> None:
    """Send the welcome message, which explains how to use the bot.

    `platforms` are the platform titles. A delivery failure is logged, not raised.
    """
    is_private = event.chat.type == "private"
    text, buttons = welcome_message(lang, platforms, is_private=is_private)
    try:
        await event.answer(text, reply_markup=buttons)
    except DeliveryError as error:
        logger.info(
            "Could not send the welcome message to chat %s: %s",
            LoggedChat(event.chat.id),
            error,
            extra={"event": "welcome_failed"},
        )


def welcome_message(
    lang: str, platforms: tuple[str, ...], *, is_private: bool
) -> tuple[str, InlineKeyboardMarkup | None]:
    """Return the welcome message; in a group it has a button for each language."""
    texts = load_texts()
    parts = [
        texts(lang, "welcome", platforms=platforms),
        texts[lang]["welcome_groups" if is_private else "welcome_members"],
        texts[lang]["welcome_help"],
        texts(lang, "language_is", language=texts[lang]["language_name"]),
    ]
    buttons = None if is_private else keyboards.languages(texts, WELCOME)
    return "\n\n".join(parts), buttons


def platform_titles(registry: Registry) -> tuple[str, ...]:
    """Return the titles of all platforms."""
    return tuple(platform.title for platform in registry.by_name.values())
