"""Remembers the @names of chats that write to the bot, for administrators' commands."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiogram import BaseMiddleware
from aiogram.types import Message, TelegramObject

from core.errors import StorageError
from core.pseudonyms import Pseudonyms
from data.usernames import store_name

logger = logging.getLogger(__name__)

#: Chats whose name this process remembers, so that it is not looked up for every message.
_MAX_CHATS: Final = 20_000


class Usernames(BaseMiddleware):
    """Stores the hash of a chat's @name when the chat writes for the first time or renames itself.

    An inner middleware: only messages that are handled count. It acts after the handler, so that it
    delays nothing.
    """

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._known: dict[int, str | None] = {}

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Call the handler, then store the name of the message's chat if it is new."""
        result = await handler(event, data)
        assert isinstance(event, Message)
        try:
            await self._store(event.chat.id, event.chat.username, is_new=data["chat"].is_new)
        except StorageError as error:
            logger.warning(
                "Could not store the name of a chat: %s",
                error,
                extra={"event": "username_not_stored"},
            )
        return result

    async def _store(self, chat_id: int, name: str | None, *, is_new: bool) -> None:
        if not is_new and self._known.get(chat_id, "") == name:
            return
        await store_name(chat_id, self._pseudonyms.of_name(name) if name else None)
        if len(self._known) >= _MAX_CHATS:
            self._known.clear()
        self._known[chat_id] = name
