"""A message may come in two ways: as itself, and as a call of the bot as a guest."""

from collections import OrderedDict
from typing import Final

from aiogram.types import Message

#: Both ways bring it within seconds, so that few have to be remembered.
_KEPT: Final = 1_000


class Deduplicator:
    """The messages that came last."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[int, int, float], None] = OrderedDict()

    def is_first(self, message: Message) -> bool:
        """Note a message; False when it has come before.

        The date belongs to it: a guest's chat may have the same id as one of the bot's own.
        """
        key = message.chat.id, message.message_id, message.date.timestamp()
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > _KEPT:
            self._seen.popitem(last=False)
        return True
