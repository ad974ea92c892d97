"""Deduplication: a message may arrive twice, as itself and as a call of the bot as a guest."""

from typing import Final

from aiogram.types import Message

from core.recent import RecentValues
from misc.middlewares.dropped import Dropped, ignore_drop

#: Both arrive within seconds, so few have to be remembered.
_KEPT: Final = 1_000


class Deduplicator:
    """The latest messages."""

    def __init__(self, dropped: Dropped = ignore_drop) -> None:
        self._dropped = dropped
        #: The update that brought each message.
        self._seen = RecentValues[tuple[int, int, float], int](_KEPT)

    def is_first(self, message: Message, update_id: int) -> bool:
        """Remember a message; return False if another update has brought it before.

        The same update may come again, after the database has failed. The date is part of the key:
        a guest chat may have the same id as a chat of the bot.
        """
        key = message.chat.id, message.message_id, message.date.timestamp()
        is_first = self._seen.setdefault(key, update_id) == update_id
        if not is_first:
            self._dropped("duplicate", message.chat.id)
        return is_first
