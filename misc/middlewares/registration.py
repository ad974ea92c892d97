"""Registration: finds or registers the chat of an update, and welcomes a new one."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiogram import BaseMiddleware
from aiogram.dispatcher.flags import get_flag
from aiogram.types import CallbackQuery, Message, TelegramObject

from core.commands import read_command
from core.errors import DeliveryError, StorageError
from core.preferences import DEFAULT_PREFERENCES, Preferences
from core.referrals import read_referral
from data.chats import find_chat, mark_reachable
from misc.join_log import JoinLog
from misc.ui.texts import FALLBACK, Texts
from misc.utils import greet_chat, platform_titles, start_manager
from platforms import Registry

logger = logging.getLogger(__name__)

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]

#: Flag of handlers that only refuse: they do not register the chat.
TURNS_AWAY = {"turns_away": True}
#: Flag of handlers that store a request, or a setting: they acknowledge the update once it is
#: stored, and later messages of the chat wait for that (`misc/middlewares/chat_order.py`).
STORES = {"stores": True}


@dataclass(frozen=True, slots=True)
class ChatView:
    """What handlers know about the chat."""

    #: One of the languages in locale/.
    lang: str
    file_mode: bool = False
    preferences: Preferences = DEFAULT_PREFERENCES
    #: This update has registered the chat.
    is_new: bool = False


class Registration(BaseMiddleware):
    """Passes `chat: ChatView` to handlers, and registers chats at their first message.

    An inner middleware: ordinary talk in a group matches no handler, so it costs nothing and
    registers nobody. If the database fails, chats are served with the defaults.
    """

    def __init__(self, texts: Texts, registry: Registry, join_log: JoinLog | None) -> None:
        self._texts = texts
        self._platforms = platform_titles(registry)
        self._join_log = join_log

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Find or register the chat, then call the handler.

        The welcome comes before the answer of the handler. A handler that stores something does
        so first, and the welcome is sent afterwards.
        """
        assert isinstance(event, Message | CallbackQuery)
        stores = get_flag(data, "stores")
        if not stores:
            data["ack"].acknowledge()
        person = event.from_user
        view = ChatView(self._texts.closest(person.language_code if person else None))
        try:
            view = await self._view(event, view, turns_away=bool(get_flag(data, "turns_away")))
        except StorageError as error:
            logger.error(  # noqa: TRY400 - expected
                "Serving a chat without the database: %s",
                error,
                extra={"event": "chat_not_loaded"},
            )
        data["chat"] = view
        if view.is_new and not stores:
            await self._welcome(event, view)
        try:
            result = await handler(event, data)
        except StorageError:
            if view.is_new and stores:  # when the update comes again, the chat is not new
                with suppress(DeliveryError):
                    await self._welcome(event, view)
            raise
        if view.is_new and stores:
            await self._welcome(event, view)
        return result

    async def _welcome(self, event: Message | CallbackQuery, view: ChatView) -> None:
        if isinstance(event, Message):
            await greet_chat(
                event,
                view.lang,
                platforms=self._platforms,
                join_log=self._join_log,
                referral=read_referral(event.text),
            )

    async def _view(
        self, event: Message | CallbackQuery, default: ChatView, *, turns_away: bool
    ) -> ChatView:
        message = event if isinstance(event, Message) else event.message
        # The direct messages of a channel have topics, into which no broadcast can be copied.
        if message is None or message.chat.is_direct_messages:
            return default
        # /start mostly comes from new chats: registering at once saves a query.
        command = read_command(event.text) if isinstance(event, Message) else None
        says_start = command is not None and command.name == "start"
        record, is_new = None, False
        referral = read_referral(event.text) if isinstance(event, Message) else None
        if not says_start:
            record = await find_chat(message.chat.id)
        if record is None and isinstance(event, Message) and not turns_away:
            # The first sender does not choose the language of a group: `handlers.chat_member` has
            # registered it in that of the person who added the bot.
            lang = default.lang if message.chat.type == "private" else FALLBACK
            record, is_new = await start_manager(
                message.chat.id, event, lang, referral=referral, greets=False
            )
        if record and record.is_blocked:
            await mark_reachable(message.chat.id)
        if record is None:
            return default
        lang = record.lang if record.lang in self._texts else FALLBACK
        return ChatView(lang, record.file_mode, record.preferences, is_new)
