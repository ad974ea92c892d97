"""Bundles: messages that one action of a user has sent, such as the items of an album."""

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

from aiogram.types import Message

from core.recent import RecentValues

#: A bundle is complete if no further message arrives for this long, in seconds. Telegram delivers
#: the messages of an album one by one.
_QUIET_S: Final = 1.0
#: Bundles that are remembered, so that a late message is recognised.
_MOST: Final = 1_000


def bundle_of(message: Message) -> Hashable | None:
    """Return what the messages of one action have in common; None for a single message.

    These are albums, and messages that were forwarded together: Telegram gives those no common id,
    but they have the same date.
    """
    if message.media_group_id:
        return message.chat.id, message.media_group_id
    if message.forward_origin:
        return message.chat.id, message.date.timestamp()
    return None


@dataclass(slots=True)
class _Bundle:
    messages: list[Message] = field(default_factory=list)
    is_answered: bool = False


class Bundles:
    """The bundles of the last messages."""

    def __init__(self) -> None:
        self._bundles = RecentValues[Hashable, _Bundle](_MOST)

    def mark_answered(self, message: Message) -> None:
        """Note that the bundle of a message, if it is part of one, needs no hint."""
        if (key := bundle_of(message)) is not None:
            bundle = self._bundles.setdefault(key, _Bundle())
            bundle.is_answered = True
            bundle.messages = []

    async def collect(self, message: Message) -> list[Message]:
        """Wait for the other messages of a bundle, and return all of them, once.

        Return none if another call returns them, or if the bundle was answered. A single message is
        returned at once.
        """
        key = bundle_of(message)
        if key is None:
            return [message]
        bundle = self._bundles.setdefault(key, _Bundle())
        if bundle.is_answered:
            return []
        bundle.messages.append(message)
        if len(bundle.messages) > 1:
            return []
        number = 0
        while number < len(bundle.messages):
            number = len(bundle.messages)
            await asyncio.sleep(_QUIET_S)
        messages = bundle.messages
        self.mark_answered(message)
        return messages
