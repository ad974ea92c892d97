"""The chats that settings name, under the ids that they have now.

A group that becomes a supergroup gets another id. Telegram says so once in both chats, and in the
refusal of every later call with the old id: https://core.telegram.org/bots/api#responseparameters
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from core.errors import ChatMovedError
from core.pseudonyms import LoggedChat

logger = logging.getLogger(__name__)
T = TypeVar("T")


class MovedChats:
    """The new ids of groups that have become supergroups since the settings were written.

    They are held in memory: after a restart, the first call about a chat finds its id out again.
    """

    def __init__(self, named: Mapping[int, Sequence[str]]) -> None:
        """`named` are the settings that name each chat, such as "[statistics] board_chat"."""
        self._named = named
        self._new_ids: dict[int, int] = {}

    def current(self, chat_id: int) -> int:
        """Return the id that a chat has now."""
        return self._new_ids.get(chat_id, chat_id)

    def follow(self, old_id: int, new_id: int) -> None:
        """Use the new id of a chat from now on, if a setting names the old one."""
        if old_id not in self._named or self.current(old_id) == new_id:
            return
        self._new_ids[old_id] = new_id
        logger.warning(
            "The group %s of %s has become the supergroup %s: write its new id into the setting, "
            "the doctor shows it",
            LoggedChat(old_id),
            ", ".join(self._named[old_id]),
            LoggedChat(new_id),
            extra={"event": "configured_chat_moved"},
        )

    def stale_settings(self) -> list[tuple[str, int]]:
        """Return each setting that has the old id of a chat, with the new id."""
        return [
            (setting, new_id)
            for old_id, new_id in self._new_ids.items()
            for setting in self._named[old_id]
        ]

    async def call(self, chat_id: int, make: Callable[[int], Awaitable[T]]) -> T:
        """Make a call about a chat; if the chat has moved, make it again with the new id.

        Raises:
            DeliveryError: see the call.
        """
        try:
            return await make(self.current(chat_id))
        except ChatMovedError as moved:
            self.follow(chat_id, moved.new_chat_id)
            new_id = moved.new_chat_id
        return await make(new_id)
