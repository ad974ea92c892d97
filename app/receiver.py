"""The receiver: takes the updates that a webhook's requests bring, one by one.

A request is answered with success only once its update cannot be lost any more, which is when
polling would acknowledge it: its requests are stored, or there are none.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from aiogram import Bot, Dispatcher
from aiogram.types import Update

from core.concurrency import cancel_all
from core.errors import StorageError
from core.recent import RecentKeys
from misc.middlewares.update_acks import UpdateAcks

logger = logging.getLogger(__name__)

#: Longest time until an update is acknowledged, in seconds. Telegram waits for 60.
#: Source: https://github.com/tdlib/telegram-bot-api, WebhookActor.cpp (HttpOutboundConnection)
ACKNOWLEDGED_WITHIN_S: Final = 25.0
#: How long the database counts as available, or not, without another question, in seconds.
_CHECKED_S: Final = 1.0
#: Acknowledged updates that are remembered, in case that Telegram missed the answer.
_REMEMBERED: Final = 10_000


class Availability:
    """Whether the database can be written, asked at most once a second."""

    def __init__(self, check: Callable[[], Awaitable[None]]) -> None:
        """`check` raises a `StorageError` if it cannot, or not soon."""
        self._check = check
        self._asking = asyncio.Lock()
        self._is_available = False
        self._until = 0.0

    async def is_given(self) -> bool:
        """Return True if the database could be written within the last second."""
        async with self._asking:
            if time.monotonic() >= self._until:
                self._is_available = await self._ask()
                self._until = time.monotonic() + _CHECKED_S
        return self._is_available

    def doubt(self) -> None:
        """Ask again before the next update: the database has failed."""
        self._until = 0.0

    async def _ask(self) -> bool:
        try:
            await self._check()
        except StorageError as error:
            logger.warning(
                "Updates are refused, so that Telegram sends them again: %s",
                error,
                extra={"event": "updates_refused"},
            )
            return False
        return True


class UpdateReader(Protocol):
    """Reads updates; see `delivery.client.TolerantSession`."""

    def parse_update(self, bot: Bot, raw: dict[str, Any]) -> Update:
        """Return an update from its JSON object; what cannot be read is left out of it."""


#: Stores an old update, to be handled behind new ones; returns False if it is to be handled now.
SetAside = Callable[[dict[str, Any]], Awaitable[bool]]


class Receiver:
    """Passes updates to the dispatcher, and reports when Telegram may forget them."""

    def __init__(
        self,
        reader: UpdateReader,
        update_acks: UpdateAcks,
        availability: Availability,
        set_aside: SetAside | None = None,
    ) -> None:
        self._set_aside = set_aside
        #: True while Telegram has many updates left: those of a downtime are then set aside.
        self.is_behind = False
        self._reader = reader
        self._update_acks = update_acks
        self._availability = availability
        self._acknowledged = RecentKeys[int](_REMEMBERED)
        #: By id of each update that is not acknowledged: the decision on it.
        self._open: dict[int, asyncio.Future[bool]] = {}
        self._handling: set[asyncio.Task[None]] = set()
        #: Reads an update, and passes it to the dispatcher; None before `start` and after `close`.
        self._feed: Callable[[dict[str, Any]], Awaitable[Any]] | None = None
        self._slots = asyncio.Semaphore()

    def start(self, bot: Bot, dispatcher: Dispatcher, at_once: int) -> None:
        """Accept updates from now on; at most `at_once` are handled at a time."""
        self._slots = asyncio.Semaphore(at_once)
        parse = self._reader.parse_update
        self._feed = lambda raw: dispatcher.feed_update(bot, parse(bot, raw))

    def close(self) -> None:
        """Accept no further updates."""
        self._feed = None

    @property
    def is_open(self) -> bool:
        """Return True between `start` and `close`."""
        return self._feed is not None

    async def receive(self, raw: dict[str, Any]) -> bool:
        """Take an update; return True if Telegram may forget it, False if it must come again.

        An update that comes again meanwhile waits for the same decision.
        """
        update_id: int = raw["update_id"]
        if update_id in self._acknowledged:
            return True
        if update_id not in self._open:
            if not self.is_open or not await self._availability.is_given():
                return False
            if self.is_behind and self._set_aside and await self._set_aside(raw):
                self._acknowledged.add(update_id)
                return True
            self._begin(raw)
        decision = self._open.get(update_id)
        if decision is None:
            return False  # closed while the database was asked
        try:
            async with asyncio.timeout(ACKNOWLEDGED_WITHIN_S):
                return await asyncio.shield(decision)
        except TimeoutError:
            logger.warning(
                "Update %d was not stored in time, so Telegram will send it again",
                update_id,
                extra={"event": "update_slow"},
            )
            return False

    async def drain(self, grace_s: float, cancel_s: float) -> None:
        """Wait for the handlers that run, `grace_s` seconds, and `cancel_s` once cancelled."""
        if self._handling:
            await asyncio.wait(self._handling, timeout=grace_s)
        await cancel_all(list(self._handling), cancel_s)

    def _begin(self, raw: dict[str, Any]) -> None:
        """Start to handle an update, unless another request has meanwhile, or it is too late."""
        update_id = raw["update_id"]
        if self._feed is None or update_id in self._open:
            return
        decision = self._open[update_id] = self._update_acks.decision_on(update_id)
        decision.add_done_callback(lambda done: self._decided(update_id, done))
        task = asyncio.create_task(self._handle(self._feed, raw))  # noqa: TID251 - see drain
        self._handling.add(task)
        task.add_done_callback(lambda done: self._handled(update_id, done))

    def _handled(self, update_id: int, task: asyncio.Task[None]) -> None:
        """Let Telegram forget the update, unless it was cancelled before it was acknowledged."""
        self._handling.discard(task)
        if task.cancelled():
            self._update_acks.refuse(update_id)
        else:
            self._update_acks.acknowledge(update_id)

    def _decided(self, update_id: int, decision: asyncio.Future[bool]) -> None:
        del self._open[update_id]
        if decision.result():
            self._acknowledged.add(update_id)
        else:
            self._availability.doubt()

    async def _handle(
        self, feed: Callable[[dict[str, Any]], Awaitable[Any]], raw: dict[str, Any]
    ) -> None:
        try:
            async with self._slots:
                await feed(raw)
        except Exception:  # as in polling: one update's failure must not stop the others
            logger.exception("Update %d failed", raw["update_id"], extra={"event": "update_failed"})
