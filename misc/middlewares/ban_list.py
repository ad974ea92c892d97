"""Who is banned gets no answer, to nothing and nowhere."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import (
    CallbackQuery,
    ChosenInlineResult,
    InlineQuery,
    Message,
    TelegramObject,
)

from data.bans import ban, banned_chats, unban


class BanList(BaseMiddleware):
    """The banned people and groups, and the door that is closed to them.

    The list is small and held in memory; `refresh` brings what another process has changed.
    """

    def __init__(self, exempt: frozenset[int]) -> None:
        #: People who cannot be banned.
        self._exempt = exempt
        self._banned: frozenset[int] = frozenset()

    async def refresh(self) -> None:
        """Read the list.

        Raises:
            StorageError: the database did not answer.
        """
        self._banned = await banned_chats()

    async def add(self, chat_id: int, admin_id: int) -> bool:
        """Ban somebody; False if that changes nothing.

        Raises:
            StorageError: the database did not answer.
        """
        if chat_id in self._exempt:
            return False
        is_new = await ban(chat_id, admin_id)
        await self.refresh()
        return is_new

    async def remove(self, chat_id: int) -> bool:
        """Forgive somebody; False if that changes nothing.

        Raises:
            StorageError: the database did not answer.
        """
        was_banned = await unban(chat_id)
        await self.refresh()
        return was_banned

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Let everybody else through."""
        assert isinstance(event, Message | CallbackQuery | InlineQuery | ChosenInlineResult)
        message = event if isinstance(event, Message) else getattr(event, "message", None)
        person, chat = event.from_user, message and message.chat
        ids = {person.id if person else None, chat.id if chat else None}
        if ids & self._banned and not ids & self._exempt:
            return None
        return await handler(event, data)
