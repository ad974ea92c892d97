"""Monitors polling: heartbeat, update acknowledgements and conflicts with another instance."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, cast

from aiogram import Bot
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.exceptions import TelegramConflictError
from aiogram.methods import GetUpdates, Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import Update

from misc.middlewares.update_acks import UpdateAcks

logger = logging.getLogger(__name__)

#: The heartbeat file is touched no more often than this, in seconds.
_HEARTBEAT_S: Final = 5


class PollingWatch(BaseRequestMiddleware):
    """Request middleware that monitors getUpdates.

    Before each call it waits until all earlier updates are acknowledged, because the call deletes
    them at Telegram. Each response touches the heartbeat file. A conflict stops the bot: another
    instance polls with the same token, and updates would be lost if both continued.
    """

    def __init__(
        self, stop: Callable[[], Awaitable[None]], update_acks: UpdateAcks, heartbeat: Path
    ) -> None:
        """Create the folder of the heartbeat file. `stop` is called after a conflict."""
        heartbeat.parent.mkdir(parents=True, exist_ok=True)
        self._stop = stop
        self._update_acks = update_acks
        self._heartbeat = heartbeat
        self._beat_at = 0.0
        self._stopping: asyncio.Task[None] | None = None

    @property
    def has_conflict(self) -> bool:
        """True if the bot stops because another instance polls with the same token."""
        return self._stopping is not None

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Pass every request on, and monitor getUpdates."""
        is_polling = isinstance(method, GetUpdates)
        if is_polling:
            await self._update_acks.complete()
        try:
            response = await make_request(bot, method)
        except TelegramConflictError:
            if is_polling and not self._stopping:
                logger.critical(
                    "Another instance polls with the same token, stopping",
                    extra={"event": "polling_conflict"},
                )
                # As a task, because it waits for this very request to end.
                self._stopping = asyncio.ensure_future(self._stop())  # noqa: TID251
            raise
        if is_polling:
            self._beat()
            # aiogram declares a Response, but the session returns the updates themselves.
            self._update_acks.expect(cast("list[Update]", response))
        return response

    def _beat(self) -> None:
        now = time.monotonic()
        if now - self._beat_at >= _HEARTBEAT_S:
            self._heartbeat.touch()
            self._beat_at = now
