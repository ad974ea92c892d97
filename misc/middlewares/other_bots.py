"""Commands for other bots: `/start@other_bot` is dropped before anything counts or reads it."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import Message, TelegramObject

from core.commands import is_for_another_bot
from misc.middlewares.dropped import Dropped, ignore_drop


class OtherBots(BaseMiddleware):
    """Drops messages that begin with a command for another bot. The first middleware of messages.

    A link behind such a command belongs to the other bot, too.
    """

    def __init__(self, username: str, dropped: Dropped = ignore_drop) -> None:
        """Build the middleware; `username` is this bot's, without the @."""
        self._username = username
        self._dropped = dropped

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Drop the message, or pass it on."""
        assert isinstance(event, Message)
        if is_for_another_bot(event.text or event.caption, self._username):
            self._dropped("other_bot", event.chat.id)
            return None
        return await handler(event, data)
