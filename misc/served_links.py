"""The links that were accepted of each message: an edit brings the old ones along."""

import logging
from collections.abc import Sequence
from typing import Final

from aiogram.types import Message

from core.clock import shared_clock
from core.errors import StorageError
from core.media import Link
from core.recent import RecentValues
from core.request import OLD_S
from data.requests import stored_links

logger = logging.getLogger(__name__)

#: Messages that are remembered; the others are looked up in the database.
_KEPT: Final = 10_000


class ServedLinks:
    """Decides which links of a message are new.

    Messages and their edits are handled concurrently, so `take` waits for nothing. What another
    process has accepted is looked up by `load` before.
    """

    def __init__(self, bot_id: int, *, is_alone: bool = True) -> None:
        """`is_alone`: no other process handles edits of the messages that this one has seen."""
        self._bot_id = bot_id
        self._is_alone = is_alone
        #: By chat and message: the update that brought each link.
        self._served = RecentValues[tuple[int, int], dict[tuple[str, str], int]](_KEPT)

    async def load(self, message: Message, update_id: int) -> None:
        """Look a message up that this process may not have seen.

        If the database fails, it counts as new.
        """
        key = message.chat.id, message.message_id
        asked_at = int(message.date.timestamp())
        is_new = message.edit_date is None and shared_clock() - asked_at < OLD_S
        if is_new or (self._is_alone and key in self._served):
            return
        try:
            found = await stored_links(self._bot_id, update_id, *key, asked_at)
        except StorageError as error:
            logger.warning(
                "Could not look up the links of a message: %s",
                error,
                extra={"event": "links_not_loaded"},
            )
            return
        served = self._served.setdefault(key, {})
        for link, by_update in found:
            served.setdefault(_key_of(link), by_update)

    def take(
        self, message: Message, links: Sequence[Link], update_id: int, most: int
    ) -> tuple[Sequence[Link], Sequence[Link]]:
        """Return the links that no other update has brought; they count as served from now on.

        A message has at most `most` links served at once, with all its edits together. Return
        also the links that are left.
        """
        served = self._served.setdefault((message.chat.id, message.message_id), {})
        before = {key for key, by_update in served.items() if by_update != update_id}
        fresh = [link for link in links if _key_of(link) not in before]
        room = max(most - len(before), 0)
        taken, left = fresh[:room], fresh[room:]
        served.update((_key_of(link), update_id) for link in taken)
        return taken, left


def _key_of(link: Link) -> tuple[str, str]:
    return link.platform, link.post_id or link.url
