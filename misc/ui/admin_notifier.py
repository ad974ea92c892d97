"""Notifications to the administrators, each in their own language."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from core.errors import DeliveryError, FloodError, StorageError, TelegramUnreachableError
from core.facts import Fact
from core.pseudonyms import LoggedChat
from data.chats import find_chat
from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.ui.texts import FALLBACK, Texts

logger = logging.getLogger(__name__)

#: Seconds between two attempts to send what Telegram has not taken.
AGAIN_S: Final = 30.0
#: Notices of an administrator that are kept, and for how long in seconds; older ones are given up.
_MOST_KEPT: Final = 100
_KEPT_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class _Notice:
    key: str
    facts: Mapping[str, Fact]
    #: Monotonic time.
    made_at: float = field(default_factory=time.monotonic)


class AdminNotifier:
    """Sends localised texts to all administrators, to each in order.

    Notices that have certainly not arrived are kept and sent again: what they are about is reported
    only once.
    """

    def __init__(self, sender: Sender, texts: Texts, admins: frozenset[int]) -> None:
        """`admins` are user ids."""
        self._sender = sender
        self._texts = texts
        self._waiting: dict[int, deque[_Notice]] = {
            admin: deque(maxlen=_MOST_KEPT) for admin in sorted(admins)
        }
        self._in_order = asyncio.Lock()

    async def notify(self, key: str, **facts: Fact) -> None:
        """Send a text to all administrators, one after the other.

        `key` is a key of locale/, `facts` fill its placeholders. If an administrator cannot be
        reached, this is logged and the others are still notified.

        Raises:
            KeyError: the text or one of its placeholders is missing.
        """
        for notices in self._waiting.values():
            notices.append(_Notice(key, facts))
        await self.send_waiting()

    async def send_waiting(self) -> None:
        """Send what could not be sent before. No failure of Telegram is raised."""
        async with self._in_order:
            for admin, notices in self._waiting.items():
                while notices:
                    notice = notices.popleft()
                    if not await self._is_settled(admin, notice):
                        if len(notices) < _MOST_KEPT:  # else it is the oldest of too many
                            notices.appendleft(notice)
                        break

    async def _is_settled(self, admin: int, notice: _Notice) -> bool:
        """Send a notice; return False if it has certainly not arrived, and may later."""
        if time.monotonic() - notice.made_at > _KEPT_S:
            return True
        try:
            text = self._texts(await _language_of(admin), notice.key, **notice.facts)
            target = ChatTarget(admin, 0, is_private=True, is_reply=False)
            await self._sender.send_text(target, text)
        except DeliveryError as error:
            logger.warning(
                "Could not notify administrator %s: %s",
                LoggedChat(admin),
                error,
                extra={"event": "admin_not_notified"},
            )
            return not isinstance(error, FloodError | TelegramUnreachableError)
        return True


async def _language_of(admin: int) -> str:
    """Return an administrator's language; some notices are about the database being away."""
    try:
        record = await find_chat(admin)
    except StorageError:
        return FALLBACK
    return record.lang if record else FALLBACK
