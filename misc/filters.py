"""Filters that decide which handler processes an update."""

import logging
import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from aiogram import Bot
from aiogram.filters import Command, CommandObject, Filter
from aiogram.types import CallbackQuery, Message, MessageOriginChannel

from core.choices import choice_in
from core.commands import read_command
from core.errors import DeliveryError, StorageError
from core.referrals import read_payload
from data.broadcasts import broadcast_of_card, draft_awaiting_message, draft_of_album
from data.chats import is_channel
from misc.addressing import GROUPS, BotAccount, sender_of
from misc.intake import RequestIntake
from misc.message_links import (
    asked_links,
    asked_messages,
    marked_urls,
    replied_links,
    text_of,
)
from misc.ui.texts import choice_words
from platforms import Registry

logger = logging.getLogger(__name__)

_ADMIN_STATUSES = {"creator", "administrator"}
#: A link to a person, chat, bot or message.
_TELEGRAM = re.compile(r"(?:https?://)?(?:www\.)?(?:t|telegram)\.me\b|tg:", re.IGNORECASE)
#: How long an edit may add links to a message, in seconds.
_EDIT_S = 120


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


class CommandNamed(Command):
    """Match one of this bot's commands in upper or lower case; pass it in lower case."""

    __slots__ = ()

    def __init__(self, *names: str) -> None:
        super().__init__(*names, ignore_case=True)

    def validate_command(self, command: CommandObject) -> CommandObject:
        """Return the command in lower case, because handlers of several compare its name."""
        return super().validate_command(replace(command, command=command.command.casefold()))


class AnyCommand(Filter):
    """Match a message that begins with a command, whether it exists or not.

    `misc.middlewares.other_bots` has dropped those for other bots.
    """

    def __init__(self, *, is_addressed: bool = False) -> None:
        """Build the filter; with `is_addressed` only for commands like `/name@this_bot`."""
        self._is_addressed = is_addressed

    async def __call__(self, message: Message) -> bool:
        """Return True if the message begins with such a command."""
        command = read_command(message.text or message.caption)
        return command is not None and bool(command.mention or not self._is_addressed)


class StartedWith(Filter):
    """Match the /start that a deep link to the private chat sends with its payload."""

    def __init__(self, payload: str) -> None:
        self._payload = payload

    async def __call__(self, message: Message) -> bool:
        """Return True if the payload matches."""
        return message.chat.type == "private" and read_payload(message.text) == self._payload


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
    """Match a message that asks for links to supported platforms; pass them as `links`."""

    async def __call__(
        self, message: Message, registry: Registry, account: BotAccount
    ) -> bool | dict[str, Any]:
        """Return `{"links": [...]}`, or False if there are none."""
        links = asked_links(message, registry, account)
        return {"links": links} if links else False


class HasList(Filter):
    """Match a message without posts that links to a list; pass it as `list_link`.

    In a group only a message that is addressed to the bot: a card is long, and few want it. One
    that names the bot may also reply to the message with the link, unless the bot has made that
    one: the text of a post often names its author's profiles.
    """

    async def __call__(
        self, message: Message, registry: Registry, intake: RequestIntake, account: BotAccount
    ) -> bool | dict[str, Any]:
        """Return `{"list_link": link}`, or False if there is none, or lists are not offered."""
        is_for_bot = message.chat.type == "private" or account.is_mentioned_in(message)
        if not intake.limits.list_items or not is_for_bot:
            return False
        above = message.reply_to_message
        is_answer = above is not None and account.has_made(above)
        is_above_meant = account.is_named_in(message) and not is_answer
        sources = asked_messages(message) if is_above_meant else [message]
        found = (registry.find_list(text_of(one), marked_urls(one)) for one in sources)
        link = next(filter(None, found), None)
        return {"list_link": link} if link else False


class AsksForOtherLink(Filter):
    """Match a message in a group that names the bot, with a link or in reply to one.

    Links to Telegram itself do not count: people talk about bots and channels. Neither do forwards,
    such as the posts of a channel that names the bot, and messages of other bots.
    """

    async def __call__(self, message: Message, account: BotAccount) -> bool:
        """Return True for such a message; links that are answered match other filters before."""
        is_from_person = message.forward_origin is None and sender_of(message) is not None
        if message.chat.type not in GROUPS or not is_from_person:
            return False
        if not account.is_named_in(message):
            return False
        above = message.reply_to_message
        if above and account.has_made(above):
            return False
        urls = (url for one in asked_messages(message) for url in marked_urls(one))
        return any(not _TELEGRAM.match(url) for url in urls)


class NamesVersion(Filter):
    """Match a reply to links, or to an answer, whose whole text names a version.

    Pass `links` and `choice`. A comment below a channel's post counts only if it quotes the post or
    names the bot: Telegram makes all comments replies to the post.
    """

    async def __call__(
        self, message: Message, registry: Registry, account: BotAccount
    ) -> bool | dict[str, Any]:
        """Return `{"links": [...], "choice": ...}`, or False."""
        above = message.reply_to_message
        is_comment = bool(above and above.is_automatic_forward)
        is_meant = not is_comment or message.quote or account.is_named_in(message)
        is_reply = above or message.quote or message.external_reply
        choice = choice_in(message.text or "", choice_words()) if is_reply and is_meant else None
        links = replied_links(message, registry) if choice else []
        return {"links": links, "choice": choice} if links else False


class EditedSoon(Filter):
    """Match a message that was edited within two minutes after it was sent."""

    async def __call__(self, message: Message) -> bool:
        """Return True if the edit came in time."""
        edited_at = message.edit_date
        return edited_at is not None and edited_at - message.date.timestamp() <= _EDIT_S


class MadeByBot(Filter):
    """Match an answer of the bot itself that somebody has sent inline or forwarded."""

    def __init__(self, *, is_forward: bool = False) -> None:
        """Build the filter; with `is_forward` only for forwards."""
        self._is_forward = is_forward

    async def __call__(self, message: Message, account: BotAccount) -> bool:
        """Return True for the bot's own answers."""
        if self._is_forward and message.forward_origin is None:
            return False
        return account.has_made(message) or await _is_file_of_answered_channel(message)


async def _is_file_of_answered_channel(message: Message) -> bool:
    """Return True for a file that is forwarded from a channel whose posts the bot answers.

    A forwarded post does not say who wrote it; what people post there to be answered are texts.
    """
    origin = message.forward_origin
    if message.text is not None or not isinstance(origin, MessageOriginChannel):
        return False
    try:
        return await is_channel(origin.chat.id)
    except StorageError as error:
        logger.warning(
            "Could not look up a channel: %s", error, extra={"event": "channel_not_loaded"}
        )
        return False


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

    In a private chat this is anyone, in a group or channel only its administrators, and in the
    direct messages of a channel, which are not registered and have no settings, nobody.
    """

    async def __call__(self, event: Message | CallbackQuery, bot: Bot) -> bool:
        """Return True if the user is allowed; False if Telegram cannot be asked in a group."""
        message = event.message if isinstance(event, CallbackQuery) else event
        if message is None or message.chat.is_direct_messages:
            return False
        if message.chat.type == "private":
            return event.from_user is not None
        try:
            if isinstance(event, Message) and event.sender_chat:
                return await _is_administrators_chat(event.sender_chat.id, event.chat.id, bot)
            if event.from_user is None:
                return False
            member = await bot.get_chat_member(message.chat.id, event.from_user.id)
        except DeliveryError:
            return False
        return member.status in _ADMIN_STATUSES


async def _is_administrators_chat(sender_id: int, chat_id: int, bot: Bot) -> bool:
    """Return True if only administrators can send messages as this chat.

    Anonymous administrators send as the group itself, posts in a channel are sent as the channel,
    and the administrators of the channel that is linked to a group may send as the channel there.
    Any other channel may belong to any member. Source: https://core.telegram.org/bots/api#message
    (`sender_chat`), https://core.telegram.org/bots/api#chatfullinfo (`linked_chat_id`).

    Raises:
        DeliveryError: Telegram did not say which channel is linked.
    """
    if sender_id == chat_id:
        return True
    return (await bot.get_chat(chat_id)).linked_chat_id == sender_id
