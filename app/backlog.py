"""The backlog: updates from a downtime are stored, acknowledged and handled behind the new ones.

Otherwise somebody who writes after a long downtime would wait until everything before has been
answered, at the pace that Telegram allows.
"""

import asyncio
import json
import logging
import math
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from aiogram import Bot, Dispatcher
from aiogram.types import Update
from pydantic_core import PydanticSerializationError, to_json

from core.clock import shared_clock
from core.concurrency import wait_for_event
from core.errors import StorageError
from core.request import OLD_S
from data.old_updates import (
    OldUpdate,
    has_old_updates,
    next_old_updates,
    remove_old_updates,
    store_old_updates,
)
from delivery.client import TolerantSession
from delivery.rate_limiter import is_bulk_send
from delivery.response_repair import split_by_age
from misc.addressing import BotAccount, message_of
from misc.message_links import asked_links
from platforms import Registry
from services.requests.context import RequestContext
from services.requests.queue import RequestQueue

logger = logging.getLogger(__name__)

#: Updates that are handled at a time.
_BATCH: Final = 20
#: Requests in the queue above which the backlog waits for them.
_BUSY_REQUESTS: Final = 4
_CHECK_S: Final = 0.1
#: While further old updates arrive at this interval, in seconds, Telegram still has newer ones
#: behind them: fetching those goes first.
_FETCHING_S: Final = 0.5
#: Longest time that it waits before the next batch, in seconds.
_PATIENCE_S: Final = 5.0


class Backlog:
    """Stores old updates, and handles them while there is little else to do."""

    def __init__(
        self,
        bot: Bot,
        session: TolerantSession,
        registry: Registry,
        queue: RequestQueue[RequestContext],
    ) -> None:
        self._bot = bot
        self._session = session
        self._registry = registry
        self._queue = queue
        self._dispatcher: Dispatcher | None = None
        self._account: BotAccount | None = None
        self._closing = asyncio.Event()
        self._is_between_batches = asyncio.Event()
        self._is_between_batches.set()
        self._kept_at = -math.inf
        #: False while there may be stored updates.
        self.is_idle = False

    async def keep(self) -> tuple[int, list[Update]]:
        """Store the old updates of the last batch.

        Return the highest id, or 0 without any, and the updates that could not be stored.
        """
        updates, self._session.set_aside = self._session.set_aside, []
        if not updates:
            return 0, []
        if not await self._store(updates):
            return 0, self._session.parse_updates(self._bot, updates)
        return max(update["update_id"] for update in updates), []

    async def take(self, update: dict[str, Any]) -> bool:
        """Store an update of a webhook; return False if it is to be handled now.

        That is if it is new, or cannot be stored.
        """
        _, old = split_by_age([update], shared_clock() - OLD_S)
        return bool(old) and await self._store(old)

    async def _store(self, updates: Sequence[dict[str, Any]]) -> bool:
        """Store old updates; return False if the database does not answer."""
        rows = [
            OldUpdate(update["update_id"], _chat_id(update), _as_json(update)) for update in updates
        ]
        self.is_idle, self._kept_at = False, time.monotonic()
        try:
            await store_old_updates(self._bot.id, rows)
        except StorageError as error:
            logger.warning(
                "Could not store %d old updates, handling them now: %s",
                len(rows),
                error,
                extra={"event": "old_updates_not_stored"},
            )
            return False
        return True

    def start(self, dispatcher: Dispatcher, account: BotAccount) -> None:
        """Let the dispatcher handle what is stored from now on; `account` is the bot's own."""
        self._dispatcher, self._account = dispatcher, account

    async def close(self, grace_s: float) -> None:
        """Leave the rest to the next start; wait up to `grace_s` seconds for the current batch."""
        self._closing.set()
        await wait_for_event(self._is_between_batches, grace_s)

    async def work(self) -> None:
        """Handle the stored updates, oldest first, until none is left.

        Raises:
            StorageError: the database did not respond.
        """
        if self.is_idle and not await has_old_updates(self._bot.id):
            return
        is_bulk_send.set(True)  # the answers to new messages go first
        number = 0
        while not self._closing.is_set() and self._dispatcher:
            await self._wait_for_others()
            stored = await next_old_updates(self._bot.id, _BATCH)
            if self._closing.is_set():
                return
            if not stored:
                break
            self._is_between_batches.clear()
            try:
                await self._handle(self._dispatcher, stored)
            finally:
                self._is_between_batches.set()
            number += len(stored)
        else:
            return
        self.is_idle = True
        if number:
            logger.info(
                "Handled %d updates from before the start",
                number,
                extra={"event": "backlog_handled"},
            )

    async def _wait_for_others(self) -> None:
        """Let running requests end first, but not for ever: a busy bot is never idle."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                while self._has_others() and not self._closing.is_set():  # noqa: ASYNC110 - it has no event
                    await asyncio.sleep(_CHECK_S)

    def _has_others(self) -> bool:
        is_fetching = time.monotonic() - self._kept_at < _FETCHING_S
        return is_fetching or self._queue.count > _BUSY_REQUESTS

    async def _handle(self, dispatcher: Dispatcher, stored: Sequence[OldUpdate]) -> None:
        """Handle a batch. Each update is answered at most once, whatever happens meanwhile.

        A link becomes a stored request, which recognises its update, so it is removed afterwards.
        Everything else is removed first.
        """
        raw = [json.loads(update.content) for update in stored]
        updates = self._session.parse_updates(self._bot, raw)
        with_links = {update.update_id for update in updates if self._has_links(update)}
        others = [update.update_id for update in stored if update.update_id not in with_links]
        mine = with_links | (await remove_old_updates(self._bot.id, others) if others else set())
        await asyncio.gather(
            *(self._feed(dispatcher, update) for update in updates if update.update_id in mine)
        )
        if with_links:
            await remove_old_updates(self._bot.id, sorted(with_links))

    async def _feed(self, dispatcher: Dispatcher, update: Update) -> None:
        try:
            await dispatcher.feed_update(self._bot, update)
        except Exception:  # one update's failure must not stop the others, nor come again and again
            logger.exception(
                "Stored update %d failed", update.update_id, extra={"event": "update_failed"}
            )

    def _has_links(self, update: Update) -> bool:
        message = message_of(update)
        if message is None or self._account is None:
            return False
        return bool(asked_links(message, self._registry, self._account))


def _as_json(update: dict[str, Any]) -> str:
    try:
        return to_json(update).decode()
    except PydanticSerializationError:  # half of a surrogate pair: only `json` writes that
        return json.dumps(update)


def _chat_id(update: dict[str, object]) -> int:
    for content in update.values():
        if isinstance(content, dict) and isinstance(chat := content.get("chat"), dict):
            chat_id = chat.get("id")
            return chat_id if isinstance(chat_id, int) else 0
    return 0
