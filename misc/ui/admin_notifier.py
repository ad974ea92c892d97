"""Notifications to the administrators, each in their own language."""

import logging
from dataclasses import dataclass

from core.errors import DeliveryError, StorageError
from core.facts import Fact
from core.pseudonyms import LoggedChat
from data.chats import find_chat
from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.ui.texts import FALLBACK, Texts

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AdminNotifier:
    """Sends localised texts to all administrators."""

    sender: Sender
    texts: Texts
    admins: frozenset[int]

    async def notify(self, key: str, **facts: Fact) -> None:
        """Send a text to all administrators, one after the other.

        `key` is a key of locale/, `facts` fill its placeholders. If an administrator cannot be
        reached, this is logged and the others are still notified.

        Raises:
            KeyError: the text or one of its placeholders is missing.
        """
        for admin in sorted(self.admins):
            try:
                record = await find_chat(admin)
                text = self.texts(record.lang if record else FALLBACK, key, **facts)
                target = ChatTarget(admin, 0, is_private=True, is_reply=False)
                await self.sender.send_text(target, text)
            except (StorageError, DeliveryError) as error:
                logger.warning(
                    "Could not notify administrator %s: %s",
                    LoggedChat(admin),
                    error,
                    extra={"event": "admin_not_notified"},
                )
