"""Which links of a message a group wants answered."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from aiogram.types import Message

from core.drop_reasons import DropReason
from core.errors import StorageError
from core.media import Link
from core.preferences import Preferences
from data.chats import is_channel
from misc.addressing import BotAccount, sender_of
from misc.middlewares.dropped import Dropped
from misc.opt_outs import OptOutList

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GroupRules:
    """The settings of a group and of its members, for groups and channels."""

    account: BotAccount
    opt_outs: OptOutList
    dropped: Dropped
    #: Posts in channels are answered there, and not again in the linked group.
    answers_channels: bool = False

    async def allowed(
        self, message: Message, links: Sequence[Link], preferences: Preferences
    ) -> Sequence[Link]:
        """Return the links that are answered."""
        if reason := await self._reason_to_ignore(message, preferences):
            self.dropped(reason, message.chat.id)
            return ()
        return self.of_enabled_sites(message, links, preferences)

    def of_enabled_sites(
        self, message: Message, links: Sequence[Link], preferences: Preferences
    ) -> Sequence[Link]:
        """Return the links whose sites the group has not disabled."""
        muted = [link for link in links if link.platform in preferences.muted]
        if muted:
            self.dropped("muted_site", message.chat.id)
        return [link for link in links if link not in muted]

    async def _reason_to_ignore(
        self, message: Message, preferences: Preferences
    ) -> DropReason | None:
        """Return why nothing in a message is answered, or None."""
        if self.account.is_mentioned_in(message):
            return None
        if preferences.only_mentioned:
            return "not_mentioned"
        if message.chat.is_direct_messages and not self.answers_channels:
            return "direct_messages"
        if sender_of(message) in self.opt_outs:
            return "opted_out"
        return "channel_copy" if await self._is_copy_of_answered(message) else None

    async def _is_copy_of_answered(self, message: Message) -> bool:
        """Return True for a copy that Telegram makes in the group that is linked to a channel."""
        channel = message.sender_chat
        if not (self.answers_channels and message.is_automatic_forward and channel):
            return False
        try:
            return await is_channel(channel.id)
        except StorageError as error:
            logger.warning(
                "Could not look up a channel: %s", error, extra={"event": "channel_not_loaded"}
            )
            return False
