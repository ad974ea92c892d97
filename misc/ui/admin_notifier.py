"""How administrators are told that something is wrong, or right again: each in their language."""

import logging
from dataclasses import dataclass

from core.errors import DeliveryError, StorageError
from core.pseudonyms import LoggedChat
from data.chats import find_chat
from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.ui.texts import FALLBACK, Texts

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AdminNotifier:
    """Writes to the administrators."""

    sender: Sender
    texts: Texts
    admins: frozenset[int]

    async def notify(self, key: str, **facts: str | int) -> None:
        """Say something to all of them; who cannot be told is left out."""
        for admin in sorted(self.admins):
            try:
                record = await find_chat(admin)
                text = self.texts(record.lang if record else FALLBACK, key, **facts)
                target = ChatTarget(admin, 0, is_private=True, is_reply=False)
                await self.sender.send_text(target, text)
            except (StorageError, DeliveryError) as error:
                logger.warning("Administrator %s is not told: %s", LoggedChat(admin), error)
