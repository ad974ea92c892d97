"""What happens before a handler: the chat is known, or gets to be."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiogram import BaseMiddleware
from aiogram.dispatcher.flags import get_flag
from aiogram.types import CallbackQuery, Message, TelegramObject

from core.errors import StorageError
from core.preferences import DEFAULT_PREFERENCES, Preferences
from core.referrals import read_referral
from data.chats import find_chat, mark_reachable
from misc.ui.texts import FALLBACK, Texts
from misc.utils import greet_chat, platform_titles, start_manager
from platforms import Registry

logger = logging.getLogger(__name__)

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]

#: Flag of handlers that turn somebody away: they make no chat known.
TURNS_AWAY = {"turns_away": True}
#: Flag of handlers that store a request: they give the receipt and send the greeting themselves.
STORES = {"stores": True}


@dataclass(frozen=True, slots=True)
class ChatView:
    """What a handler knows about the chat it works for."""

    #: A language that we have.
    lang: str
    file_mode: bool = False
    preferences: Preferences = DEFAULT_PREFERENCES
    #: This very update has made the chat known.
    is_new: bool = False
    #: Welcomes a new chat. It is sent before the handler runs, or by a handler that stores.
    greet: Callable[[], Awaitable[None]] | None = None


class Registration(BaseMiddleware):
    """Gives handlers `chat: ChatView`, and registers chats at their first message.

    It sits inside the filters, so that ordinary talk in a group costs nothing and registers nobody.
    Without the database everybody is served with defaults.
    """

    def __init__(self, texts: Texts, registry: Registry, join_log_chat: int) -> None:
        self._texts = texts
        self._platforms = platform_titles(registry)
        self._join_log_chat = join_log_chat

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Find or register the chat, then call the handler."""
        assert isinstance(event, Message | CallbackQuery)
        stores = get_flag(data, "stores")
        if not stores:
            data["ack"].give()
        person = event.from_user
        view = ChatView(self._texts.closest(person.language_code if person else None))
        try:
            view = await self._view(event, view, turns_away=bool(get_flag(data, "turns_away")))
        except StorageError as error:
            logger.error("Served without the database: %s", error)  # noqa: TRY400 - expected
        if view.greet and not stores:
            await view.greet()
        data["chat"] = view
        return await handler(event, data)

    async def _view(
        self, event: Message | CallbackQuery, default: ChatView, *, turns_away: bool
    ) -> ChatView:
        message = event if isinstance(event, Message) else event.message
        if message is None:
            return default
        # Who says /start is mostly new, so it is registered without a look first: one question less.
        says_start = isinstance(event, Message) and (event.text or "").startswith("/start")
        record, is_new = None, False
        referral = read_referral(event.text) if isinstance(event, Message) else None
        if not says_start:
            record = await find_chat(message.chat.id)
        if record is None and isinstance(event, Message) and not turns_away:
            record, is_new = await start_manager(
                message.chat.id, event, default.lang, referral=referral, greets=False
            )
        if record and record.is_blocked:
            await mark_reachable(message.chat.id)
        if record is None:
            return default
        lang = record.lang if record.lang in self._texts else FALLBACK
        greet = None
        if is_new and isinstance(event, Message):
            greet = partial(
                greet_chat,
                event,
                default.lang,
                platforms=self._platforms,
                join_log_chat=self._join_log_chat,
                referral=referral,
            )
        return ChatView(lang, record.file_mode, record.preferences, is_new, greet)
