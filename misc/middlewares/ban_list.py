"""The ban list: updates of banned people and groups are dropped."""

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
from misc.middlewares.dropped import Dropped, ignore_drop


class BanList(BaseMiddleware):
    """Drops updates of banned people and groups, apart from the report of a group's new id.

    The list is small and held in memory; `refresh` loads what other processes have changed.
    """

    def __init__(self, exempt: frozenset[int], dropped: Dropped = ignore_drop) -> None:
        """Build an empty list; those in `exempt` cannot be banned."""
        self._dropped = dropped
        self._exempt = exempt
        self._banned: frozenset[int] = frozenset()

    async def refresh(self) -> None:
        """Load the list from the database.

        Raises:
            StorageError: the database did not respond.
        """
        self._banned = await banned_chats()

    def is_banned(self, chat_id: int) -> bool:
        """Return True if a person or group is banned, as far as this process knows."""
        return chat_id in self._banned

    async def add(self, chat_id: int, admin_id: int) -> bool:
        """Ban a person or group; return False if that changes nothing.

        Raises:
            StorageError: the database did not respond.
        """
        if chat_id in self._exempt:
            return False
        is_new = await ban(chat_id, admin_id)
        await self.refresh()
        return is_new

    async def remove(self, chat_id: int) -> bool:
        """Lift a ban; return False if that changes nothing.

        Raises:
            StorageError: the database did not respond.
        """
        was_banned = await unban(chat_id)
        await self.refresh()
        return was_banned

    def has(self, *ids: int) -> bool:
        """Return True if one of these people and groups is banned."""
        return bool(self._banned.intersection(ids)) and not self._exempt.intersection(ids)

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Drop the update of a banned chat; pass on all others."""
        assert isinstance(event, Message | CallbackQuery | InlineQuery | ChosenInlineResult)
        person, chat = event.from_user, None
        if isinstance(event, Message):
            chat = event.chat
        elif isinstance(event, CallbackQuery) and event.message:
            chat = event.message.chat
        if isinstance(event, Message) and (event.migrate_to_chat_id or event.migrate_from_chat_id):
            return await handler(event, data)  # the ban must move to the new id
        if self.has(*(each.id for each in (person, chat) if each)):
            self._dropped("banned", chat.id if chat else person.id if person else 0)
            return None
        return await handler(event, data)
