"""The flood guard: a sender of too many messages is warned once, then ignored for some minutes.

Messages with links are never ignored: they wait in the request queue.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiogram import BaseMiddleware
from aiogram.types import Message, TelegramObject

from core.clock import shared_clock
from core.commands import is_for_another_bot
from core.errors import DeliveryError, StorageError
from core.flood import Guard, TimeOut
from core.pseudonyms import LoggedChat
from core.recent import RecentKeys
from core.request import OLD_S
from core.text import marked_part
from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.addressing import GROUPS, names, sender_of
from misc.bundles import bundle_of
from misc.message_links import links_of, quoted_links, replied_links, text_of
from misc.middlewares.dropped import Dropped, ignore_drop
from misc.ui.texts import Texts
from misc.utils import lang_func
from platforms import Registry

logger = logging.getLogger(__name__)

#: Bundles of messages that are remembered.
_MOST_BUNDLES: Final = 1_000
#: Tells the other processes of a fleet about a time-out; raises `StorageError`.
Announce = Callable[[TimeOut], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TimeOuts:
    """The counters and time-outs of this process."""

    guard: Guard = field(default_factory=Guard)
    #: Set in a fleet. The guard learns of the time-outs of the others, too.
    announce: Announce | None = None


class FloodGuard(BaseMiddleware):
    """Drops the messages without links of people and groups that flood.

    An outer middleware: a dropped message costs no filter and no query.
    """

    def __init__(
        self,
        sender: Sender,
        texts: Texts,
        registry: Registry,
        bot_username: str,
        exempt: frozenset[int],
        dropped: Dropped = ignore_drop,
        time_outs: TimeOuts | None = None,
    ) -> None:
        """Build the guard; people in `exempt` may write as much as they like."""
        self._sender = sender
        self._texts = texts
        self._registry = registry
        self._bot_username = bot_username
        self._exempt = exempt
        self._dropped = dropped
        self._time_outs = time_outs or TimeOuts()
        self._bundles = RecentKeys[Hashable](_MOST_BUNDLES)

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Count a message that asks for something, and pass it on or drop it.

        Messages from a downtime come all at once without being a flood.
        """
        assert isinstance(event, Message)
        if shared_clock() - event.date.timestamp() > OLD_S:
            return await handler(event, data)
        sender_id = sender_of(event)
        if sender_id is None or sender_id in self._exempt or not self._is_for_bot(event):
            return await handler(event, data)
        begun = self._begun(event, sender_id)
        if begun == ():
            return await handler(event, data)
        self._dropped("flood", event.chat.id)
        data["ack"].acknowledge()
        for time_out in begun or ():
            await self._tell_others(time_out)
        if begun:
            await self._warn(event, begun)
        return None

    async def _tell_others(self, begun: TimeOut) -> None:
        if self._time_outs.announce is None:
            return
        try:
            await self._time_outs.announce(begun)
        except StorageError as error:
            logger.info(
                "Could not tell the other processes about a time-out: %s",
                error,
                extra={"event": "time_out_not_announced"},
            )

    def _begun(self, message: Message, sender_id: int) -> tuple[TimeOut, ...] | None:
        """Return the time-outs that a message begins; None if it comes in one.

        One action counts once, however many messages it has sent.
        """
        group_id = message.chat.id if message.chat.type in GROUPS else None
        now, bundle = asyncio.get_running_loop().time(), bundle_of(message)
        guard = self._time_outs.guard
        if guard.is_out(sender_id, group_id, now):
            return None
        is_counted = bundle is None or self._bundles.add(bundle)
        return guard.count(sender_id, group_id, now) if is_counted else ()

    def _is_for_bot(self, message: Message) -> bool:
        """Return True in private chats, and in groups for a command or mention; False for links.

        Links count as in `asked_links`: also quoted ones and, for a mention, those replied to.
        """
        if links_of(message, self._registry):
            return False
        if self._has_command(message):
            return True
        if message.chat.type not in GROUPS:
            return not quoted_links(message, self._registry)
        is_named = names(self._bot_username, text_of(message))
        return is_named and not replied_links(message, self._registry)

    def _has_command(self, message: Message) -> bool:
        """Return True for a command anywhere in the text, unless it is another bot's."""
        text = message.text or message.caption or ""
        return any(
            entity.type == "bot_command"
            and not is_for_another_bot(
                marked_part(text, entity.offset, entity.length), self._bot_username
            )
            for entity in message.entities or message.caption_entities or []
        )

    async def _warn(self, message: Message, begun: Sequence[TimeOut]) -> None:
        """Say once what is ignored: both time-outs, if there are two, because their ends differ."""
        person = message.from_user
        lang = await lang_func(message.chat.id, person.language_code if person else None)
        sentences = [
            self._texts(lang, "spam_group" if one.is_group else "spam_sender", count=one.minutes)
            for one in begun
        ]
        try:
            await self._sender.send_text(ChatTarget.of(message), "\n\n".join(sentences))
        except DeliveryError as error:
            logger.info(
                "Could not warn chat %s: %s",
                LoggedChat(message.chat.id),
                error,
                extra={"event": "flood_warning_failed"},
            )
