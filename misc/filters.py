"""Filters: which handler takes an update."""

from collections.abc import Collection, Iterator
from typing import Any

from aiogram import Bot
from aiogram.filters import Filter
from aiogram.types import CallbackQuery, Message

from core.errors import DeliveryError
from core.media import Link
from data.broadcasts import broadcast_of_card, draft_awaiting_message
from platforms import Registry

GROUPS = {"group", "supergroup"}
_ADMIN_STATUSES = {"creator", "administrator"}


class InPrivate(Filter):
    """A message in a private chat.

    This and the next one replace aiogram's `F`, which costs a thread switch for each update.
    """

    async def __call__(self, message: Message) -> bool:
        """Check the type of the chat."""
        return message.chat.type == "private"


class LooksLikeCommand(Filter):
    """A message that begins with a slash."""

    async def __call__(self, message: Message) -> bool:
        """Check the first character."""
        return (message.text or message.caption or "").startswith("/")


class FromAdmin(Filter):
    """A message or press of one of the bot's administrators."""

    def __init__(self, admins: frozenset[int]) -> None:
        self._admins = admins

    async def __call__(self, event: Message | CallbackQuery) -> bool:
        """Check the sender."""
        return event.from_user is not None and event.from_user.id in self._admins


class OfKind(Filter):
    """A message with one of some content types."""

    def __init__(self, kinds: Collection[str]) -> None:
        self._kinds = kinds

    async def __call__(self, message: Message) -> bool:
        """Check the content type."""
        return message.content_type in self._kinds


class Carries(Filter):
    """A button whose callback data is one of some values, or begins with a prefix."""

    def __init__(self, *, one_of: Collection[str] = (), prefix: str | None = None) -> None:
        self.one_of = one_of
        self.prefix = prefix

    async def __call__(self, query: CallbackQuery) -> bool:
        """Check the callback data."""
        data = query.data or ""
        return data in self.one_of or (self.prefix is not None and data.startswith(self.prefix))


class HasLinks(Filter):
    """A message with links of known sites; passes them as `links`."""

    async def __call__(self, message: Message, registry: Registry) -> bool | dict[str, Any]:
        """Find the links."""
        links = links_of(message, registry)
        return {"links": links} if links else False


class Composing(Filter):
    """The message for a new broadcast; passes the broadcast's id as `broadcast`."""

    async def __call__(self, message: Message) -> bool | dict[str, Any]:
        """Check whether a draft waits for this administrator's message."""
        number = await draft_awaiting_message(message.chat.id)
        return {"broadcast": number} if number else False


class AnswersCard(Filter):
    """A reply to a broadcast's card; passes the broadcast's id as `broadcast`."""

    async def __call__(self, message: Message) -> bool | dict[str, Any]:
        """Check whether it replies to a card."""
        card = message.reply_to_message
        if card is None:
            return False
        number = await broadcast_of_card(message.chat.id, card.message_id)
        return {"broadcast": number} if number else False


class MayChangeSettings(Filter):
    """A person who may change the chat's settings: anybody in private, administrators in groups."""

    async def __call__(self, event: Message | CallbackQuery, bot: Bot) -> bool:
        """Ask Telegram for the status of a member; no answer means no."""
        message = event.message if isinstance(event, CallbackQuery) else event
        if message is None or event.from_user is None:
            return False
        if message.chat.type not in GROUPS:
            return message.chat.type == "private"
        if isinstance(event, Message) and event.sender_chat:
            # Anonymous administrators write as the group itself.
            return event.sender_chat.id == event.chat.id
        try:
            member = await bot.get_chat_member(message.chat.id, event.from_user.id)
        except DeliveryError:
            return False
        return member.status in _ADMIN_STATUSES


def links_of(message: Message, registry: Registry) -> list[Link]:
    """Return the links of known sites in text, caption and entities."""
    text = message.text or message.caption or ""
    return registry.find_all(text, marked_urls(message))


def marked_urls(message: Message) -> Iterator[str]:
    """Return the URLs in a message's entities, hidden ones first."""
    text = message.text or message.caption or ""
    entities = message.entities or message.caption_entities or []
    for entity in entities:
        if entity.type == "text_link" and entity.url:
            yield entity.url
    for entity in entities:
        if entity.type == "url":
            yield entity.extract_from(text)
