"""The message of an update: who it is from, and whether it is meant for the bot."""

import re
from dataclasses import dataclass

from aiogram.types import (
    Message,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginUser,
    Update,
)

GROUPS = {"group", "supergroup"}


@dataclass(frozen=True, slots=True)
class BotAccount:
    """The bot's own account at Telegram."""

    id: int
    #: Without the @.
    username: str

    def is_mentioned_in(self, message: Message) -> bool:
        """Return True if a message names the bot, or replies to a message of the bot."""
        above = message.reply_to_message
        is_reply = bool(above and above.from_user and above.from_user.id == self.id)
        return is_reply or self.is_named_in(message)

    def is_asked_in_group(self, message: Message) -> bool:
        """Return True for a message of a group that names the bot, or replies to it."""
        return message.chat.type in GROUPS and self.is_mentioned_in(message)

    def is_named_in(self, message: Message) -> bool:
        """Return True if the text or caption contains "@" and the bot's name."""
        return names(self.username, message.text or message.caption or "")

    def has_made(self, message: Message) -> bool:
        """Return True for an answer of the bot that somebody has sent: inline, or as a forward.

        In chats of a business account also for what the bot itself has sent there.
        """
        makers = (message.from_user, message.via_bot, message.sender_business_bot)
        if any(maker and maker.id == self.id for maker in makers):
            return True
        origin = message.forward_origin
        if isinstance(origin, MessageOriginUser):
            return origin.sender_user.id == self.id
        # A forwarded post of a channel does not say who wrote it, but answers carry a signature.
        is_from_chat = isinstance(origin, MessageOriginChannel | MessageOriginChat)
        return is_from_chat and self._has_signed(message)

    def _has_signed(self, message: Message) -> bool:
        entities = message.caption_entities or message.entities or []
        url = f"https://t.me/{self.username}"
        return any((entity.url or "").rstrip("/").lower() == url.lower() for entity in entities)


def names(username: str, text: str) -> bool:
    """Return True if a text mentions a username, which comes without the @."""
    return bool(re.search(rf"@{re.escape(username)}\b", text, re.IGNORECASE))


def message_of(update: Update) -> Message | None:
    """Return the message or post that an update brings, new or edited; None for other updates.

    An edited message of a business chat is not one: the bot does not answer it.
    """
    return (
        update.message
        or update.edited_message
        or update.channel_post
        or update.edited_channel_post
        or update.business_message
    )


def sender_of(message: Message) -> int | None:
    """Return the id of the person, or of the chat that the message is sent as; None for bots."""
    if message.sender_chat:
        return message.sender_chat.id
    if message.from_user is None or message.from_user.is_bot:
        return None
    return message.from_user.id


def name_of(message: Message) -> str:
    """Return the name of the person, or of the chat that the message is sent as."""
    author = message.sender_chat or message.from_user
    return author.full_name if author else ""
