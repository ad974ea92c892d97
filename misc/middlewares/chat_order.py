"""The order of a chat's messages, where other processes serve them as soon as they are stored."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aiogram import BaseMiddleware
from aiogram.types import TelegramObject, Update

from misc.middlewares.update_acks import UpdateAck


class ChatOrder(BaseMiddleware):
    """Handles a message when the earlier ones of its chat are acknowledged.

    Without that, a later message might be stored first, and a worker take it at once. Telegram's
    server does the same for webhooks: it sends the next update of a chat after the answer to the
    one before. It comes after `UpdateAcks`.
    """

    def __init__(self) -> None:
        #: The acknowledgement of the newest message by chat.
        self._newest: dict[int, asyncio.Future[None]] = {}

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        """Wait for the message before, then handle an update."""
        assert isinstance(event, Update)
        chat_id = _chat_id(event)
        if chat_id is None:
            return await handler(event, data)
        before = self._newest.get(chat_id)
        mine = self._newest[chat_id] = asyncio.get_running_loop().create_future()
        ack: UpdateAck = data["ack"]
        ack.on_given(partial(_end, mine))
        try:
            if before:
                await asyncio.shield(before)
            return await handler(event, data)
        finally:
            ack.give()
            if self._newest.get(chat_id) is mine:
                del self._newest[chat_id]


def _end(ack: asyncio.Future[None]) -> None:
    if not ack.done():
        ack.set_result(None)


def _chat_id(update: Update) -> int | None:
    """Return the chat of a message; None for everything else."""
    message = (
        update.message
        or update.edited_message
        or update.channel_post
        or update.edited_channel_post
        or update.business_message
    )
    return message.chat.id if message else None
