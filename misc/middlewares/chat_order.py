"""The order of a chat's updates: aiogram handles those of one getUpdates response concurrently."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import TelegramObject, Update

from core.commands import read_command
from misc.addressing import message_of
from misc.middlewares.update_acks import UpdateAck


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """An update that is not acknowledged yet."""

    #: It may change what other updates of the chat lead to: a command, or the press of a button.
    is_order: bool
    ack: UpdateAck


class ChatOrder(BaseMiddleware):
    """A command or a press waits for all earlier updates of its chat, and the later ones for it.

    So /cancel finds the link that was sent just before, and /mode changes the answer to the next
    link only. Everything else is handled concurrently. An update counts as handled as soon as it is
    acknowledged: nobody waits until the answer is sent.

    An outer middleware behind `UpdateAcks`.
    """

    def __init__(self, *, keeps_all: bool = False) -> None:
        """With `keeps_all`, every message waits for the earlier ones, as a fleet needs it.

        Otherwise a later message might be stored first there, and a worker take it at once.
        """
        self._keeps_all = keeps_all
        #: By chat, in the order of arrival.
        self._entries: dict[int, list[_Entry]] = {}

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Handle an update after those of its chat that it must not overtake."""
        assert isinstance(event, Update)
        chat_id = _chat_id(event)
        if chat_id is None:
            return await handler(event, data)
        entry = _Entry(self._keeps_all or _is_order(event), data["ack"])
        entries = self._entries.setdefault(chat_id, [])
        before = [one for one in entries if entry.is_order or one.is_order]
        entries.append(entry)
        try:
            for one in before:
                await one.ack.acknowledged.wait()
            return await handler(event, data)
        finally:
            entries.remove(entry)
            if not entries:
                del self._entries[chat_id]


def _chat_id(update: Update) -> int | None:
    """Return the chat of an update; None if it has none, or none whose order matters."""
    query = update.callback_query
    message = message_of(update) or (query.message if query else None)
    return message.chat.id if message else None


def _is_order(update: Update) -> bool:
    if update.callback_query:
        return True
    message = update.message or update.channel_post or update.business_message
    return message is not None and read_command(message.text) is not None
