"""Filters that decide which handler processes an update."""

from collections.abc import Collection, Iterator
from typing import Any

from aiogram import Bot
from aiogram.filters import Filter
from aiogram.types import CallbackQuery, Message

from core.errors import DeliveryError
from core.media import Link
from data.broadcasts import broadcast_of_card, draft_awaiting_message, draft_of_album
from platforms import PageKind, Registry

GROUPS = {"group", "supergroup"}
_ADMIN_STATUSES = {"creator", "administrator"}


class InPrivate(Filter):
    """Match a message in a private chat.

    This filter and `LooksLikeCommand` replace aiogram's `F`, which runs in a worker thread and
    therefore costs a thread switch for each update.
    """

    async def __call__(self, message: Message) -> bool:
        """Return True if the chat is private."""
        return message.chat.type == "private"


class LooksLikeCommand(Filter):
    """Match a message whose text or caption begins with a slash."""

    async def __call__(self, message: Message) -> bool:
        """Return True if the first character is a slash."""
        return (message.text or message.caption or "").startswith("/")


class FromAdmin(Filter):
    """Match a message or button press by one of the bot's administrators."""

    def __init__(self, admins: frozenset[int]) -> None:
        self._admins = admins

    async def __call__(self, event: Message | CallbackQuery) -> bool:
        """Return True if the sender is an administrator of the bot."""
        return event.from_user is not None and event.from_user.id in self._admins


class OfKind(Filter):
    """Match a message whose content type is one of `kinds`."""

    def __init__(self, kinds: Collection[str]) -> None:
        self._kinds = kinds

    async def __call__(self, message: Message) -> bool:
        """Return True if the content type matches."""
        return message.content_type in self._kinds


class Carries(Filter):
    """Match a button press whose callback data is in `one_of` or begins with `prefix`."""

    def __init__(self, *, one_of: Collection[str] = (), prefix: str | None = None) -> None:
        self.one_of = one_of
        self.prefix = prefix

    async def __call__(self, query: CallbackQuery) -> bool:
        """Return True if the callback data matches."""
        data = query.data or ""
        return data in self.one_of or (self.prefix is not None and data.startswith(self.prefix))


class HasLinks(Filter):
    """Match a message that links to supported platforms; pass the links as `links`."""

    async def __call__(self, message: Message, registry: Registry) -> bool | dict[str, Any]:
        """Return `{"links": [...]}`, or False if there are none."""
        links = links_of(message, registry)
        return {"links": links} if links else False


class Composing(Filter):
    """Match the message or album for a new broadcast; pass the broadcast's id as `broadcast`."""

    async def __call__(self, message: Message) -> bool | dict[str, Any]:
        """Return `{"broadcast": id}`, or False if no draft awaits this administrator's message.

        The messages of an album come one by one: the first one makes a draft wait for the others.

        Raises:
            StorageError: the database did not respond, or refused.
        """
        number = await draft_awaiting_message(message.chat.id)
        if number is None and message.media_group_id:
            number = await draft_of_album(message.chat.id, message.media_group_id)
        return {"broadcast": number} if number else False


class AnswersCard(Filter):
    """Match a reply to a broadcast's card (control message); pass its id as `broadcast`."""

    async def __call__(self, message: Message) -> bool | dict[str, Any]:
        """Return `{"broadcast": id}`, or False if the message is not such a reply.

        Raises:
            StorageError: the database did not respond, or refused.
        """
        card = message.reply_to_message
        if card is None:
            return False
        number = await broadcast_of_card(message.chat.id, card.message_id)
        return {"broadcast": number} if number else False


class MayChangeSettings(Filter):
    """Match a user who may change the chat's settings.

    In a private chat this is anyone, in a group only its administrators.
    """

    async def __call__(self, event: Message | CallbackQuery, bot: Bot) -> bool:
        """Return True if the user is allowed; False if Telegram cannot be asked in a group."""
        message = event.message if isinstance(event, CallbackQuery) else event
        if message is None or event.from_user is None:
            return False
        if message.chat.type not in GROUPS:
            return message.chat.type == "private"
        if isinstance(event, Message) and event.sender_chat:
            # Telegram reports anonymous administrators' messages as sent by the group itself.
            return event.sender_chat.id == event.chat.id
        try:
            member = await bot.get_chat_member(message.chat.id, event.from_user.id)
        except DeliveryError:
            return False
        return member.status in _ADMIN_STATUSES


def links_of(message: Message, registry: Registry) -> list[Link]:
    """Return the links to supported platforms in a message's text, caption and entities."""
    text = message.text or message.caption or ""
    return registry.find_all(text, marked_urls(message))


def page_of(message: Message, registry: Registry) -> PageKind | None:
    """Return what a page of a supported platform is that a message without posts links to."""
    text = message.text or message.caption or ""
    return registry.find_page(text, marked_urls(message))


def marked_urls(message: Message) -> Iterator[str]:
    """Yield the URLs in a message's entities: first those behind link texts, then visible ones."""
    text = message.text or message.caption or ""
    entities = message.entities or message.caption_entities or []
    for entity in entities:
        if entity.type == "text_link" and entity.url:
            yield entity.url
    for entity in entities:
        if entity.type == "url":
            yield entity.extract_from(text)
