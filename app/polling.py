"""Polling: when this process polls, when it ends, and what is known about it."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Final, Protocol, cast

from aiogram import Bot, Dispatcher
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.exceptions import (
    TelegramConflictError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)
from aiogram.methods import GetUpdates, Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import Update

from app.folders import make_folder_of, touch
from app.stop_time import StopTime
from app.update_source import stop_on_signals
from app.webhook_registration import WebhookRegistration
from core.concurrency import run_cancellable, run_until, wait_for_event
from core.errors import WRONG_TOKEN, DeliveryError, SettingsError
from core.webhook import WebhookReport
from misc.middlewares.update_acks import UpdateAcks

logger = logging.getLogger(__name__)

#: The heartbeat file is touched no more often than this, in seconds.
_HEARTBEAT_S: Final = 5
#: Longest interval between two attempts to get the lease, in seconds.
_STANDBY_S: Final = 2.0
#: Conflicts with the process that this one has taken over from that are waited out.
_MAX_CONFLICTS: Final = 3


class End(Enum):
    """Why this process polls no more although nobody has stopped it."""

    #: Another instance polls with the same token, and has its own database.
    CONFLICT = "another instance polls with the same token; restart this one once it is stopped"
    #: Another process of the same database polls.
    LEASE_LOST = "another process with this database has taken over"
    #: Another process of the same database receives updates by webhook.
    WEBHOOK_OWN = "another process with this database receives the updates by webhook"
    #: Another program receives them.
    WEBHOOK = "a webhook is set"
    TOKEN_REJECTED = "Telegram does not know the token"  # noqa: S105 - a sentence


class PollingRight(Protocol):
    """Decides whether this process may poll."""

    async def is_held(self) -> bool:
        """Return True if this process may poll."""

    @property
    def epoch(self) -> int:
        """A number that changes if another process has polled meanwhile."""

    @property
    def is_stale(self) -> bool:
        """True if another process may have taken the lease without this one knowing."""

    @property
    def is_new(self) -> bool:
        """True if the lease was taken from another process a short while ago."""


class OldUpdateKeeper(Protocol):
    """Takes over what is old of a batch of updates."""

    async def keep(self) -> tuple[int, list[Update]]:
        """Store the old updates of the last batch.

        Return the highest id, or 0 without any, and the updates that could not be stored.
        """


class PollingWatch(BaseRequestMiddleware):
    """Request middleware that monitors getUpdates.

    Before each call it waits until all earlier updates are acknowledged, because the call deletes
    them at Telegram. Each response touches the heartbeat file. Once polling has to end, no further
    call is made: it would end the polling of the other instance.
    """

    def __init__(
        self,
        stop: Callable[[], None],
        update_acks: UpdateAcks,
        heartbeat: Path,
        lease: PollingRight | None = None,
        old_updates: OldUpdateKeeper | None = None,
        registration: WebhookRegistration | None = None,
    ) -> None:
        """Create the folder of the heartbeat file. `stop` is called once polling has to end.

        Raises:
            SettingsError: the folder cannot be created.
        """
        make_folder_of(heartbeat)
        self._stop = stop
        self._update_acks = update_acks
        self._heartbeat = heartbeat
        self._lease = lease
        self._old_updates = old_updates
        self._registration = registration
        #: The next offset, if the last updates of the last batch were set aside: aiogram does not
        #: know of them. Never that of an earlier batch, because ids may start again lower.
        self._offset = 0
        self._beat_at = -math.inf
        #: Conflicts with the process that this one has taken over from.
        self._conflicts = 0
        #: Why polling has to end; None while it goes on.
        self.end: End | None = None

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Pass every request on, and monitor getUpdates."""
        if isinstance(method, GetUpdates):
            if self._offset:
                method.offset, self._offset = self._offset, 0
            return await self._poll(make_request, bot, method)
        return await make_request(bot, method)

    async def _poll(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        await self._update_acks.complete()
        if self._lease and not self.end and not await self._lease.is_held():
            self._end_with(End.LEASE_LOST)
        if self.end:
            await asyncio.Event().wait()  # until the caller is cancelled
        epoch = self._lease.epoch if self._lease else 0
        try:
            # aiogram cancels its poll only once, and would go on polling if that were lost.
            response = await run_cancellable(make_request(bot, method))
        except TelegramConflictError as error:
            await self._end_after(error, bot)
            raise
        except (TelegramUnauthorizedError, TelegramNotFound):
            self._end_with(End.TOKEN_REJECTED)
            raise
        self.beat()
        # aiogram declares a Response, but the session returns the updates themselves.
        updates = cast("list[Update]", response)
        if self._lease and not await self._polls_since(epoch):
            updates.clear()  # the process that has polled meanwhile gets them, too
            return response
        set_aside_to = 0
        if self._old_updates:
            set_aside_to, not_stored = await self._old_updates.keep()
            # Without the database they are handled at once, as everything else is.
            updates[:] = sorted([*not_stored, *updates], key=lambda update: update.update_id)
        self._update_acks.expect(updates, up_to=set_aside_to)
        if set_aside_to > max((update.update_id for update in updates), default=0):
            self._offset = set_aside_to + 1
        return response

    async def _polls_since(self, epoch: int) -> bool:
        """Return True if no other process has polled since an epoch; else end, if one does."""
        assert self._lease
        if not await self._lease.is_held():
            self._end_with(End.LEASE_LOST)
            return False
        return self._lease.epoch == epoch

    @property
    def has_answered(self) -> bool:
        """True once Telegram has answered this process, or the process stands by."""
        return self._beat_at > -math.inf

    def beat(self) -> None:
        """Touch the heartbeat file, if it is time."""
        now = time.monotonic()
        if now - self._beat_at >= _HEARTBEAT_S:
            touch(self._heartbeat)
            self._beat_at = now

    async def _end_after(self, conflict: TelegramConflictError, bot: Bot) -> None:
        """End polling after a 409: it is about a webhook, or about another instance.

        https://github.com/tdlib/telegram-bot-api, Client.cpp: "can't use getUpdates method while
        webhook is active", "terminated by other getUpdates request".
        """
        if "webhook" in conflict.message.lower():
            is_own = self._registration and await self._registration.is_own(bot)
            self._end_with(End.WEBHOOK_OWN if is_own else End.WEBHOOK)
        elif self._lease and (not await self._lease.is_held() or self._lease.is_stale):
            self._end_with(End.LEASE_LOST)
        elif self._lease and self._lease.is_new and self._conflicts < _MAX_CONFLICTS:
            # The former holder may have lost the database, and finds out by its own conflict.
            self._conflicts += 1
            logger.warning(
                "Another process polls although this one has taken over",
                extra={"event": "polling_contested"},
            )
        else:
            self._end_with(End.CONFLICT)

    def _end_with(self, end: End) -> None:
        if self.end is None:
            self.end = end
            logger.critical("Polling ends: %s", end.value, extra={"event": "polling_ended"})
            self._stop()


class Polling:
    """Polls as long as this process may; afterwards the process may have to stay up without."""

    def __init__(
        self,
        update_acks: UpdateAcks,
        heartbeat: Path,
        stop_time: StopTime,
        lease: PollingRight | None = None,
        old_updates: OldUpdateKeeper | None = None,
        registration: WebhookRegistration | None = None,
    ) -> None:
        """`registration` is that of the webhook which this database may have had before."""
        self.watch = PollingWatch(
            self._stop_polling, update_acks, heartbeat, lease, old_updates, registration
        )
        self._update_acks = update_acks
        self._lease = lease
        self._registration = registration
        #: Polling has no webhook to report on.
        self.report: WebhookReport | None = None
        self._is_asked_to_stop = asyncio.Event()
        self._must_end = asyncio.Event()
        self._stop_time = stop_time
        #: True once this process has polled.
        self.has_started = False
        #: True once it has had to wait for another process.
        self._is_standing_by = False

    @property
    def problem(self) -> str | None:
        """Why this process does not poll now; None while it does."""
        if self.watch.end:
            return self.watch.end.value
        if self._is_standing_by and not self.has_started:
            return "another process with this database polls"
        return None if self.watch.has_answered else "starting"

    async def run(
        self, bot: Bot, dispatcher: Dispatcher, allowed_updates: list[str], at_once: int | None
    ) -> None:
        """Wait for the lease, then poll until `stop`, a signal, or the end of the right to poll.

        Afterwards the updates that have arrived are handled.

        Raises:
            SettingsError: Telegram does not know the token, or another program's webhook is set.
            StorageError: the database did not respond.
        """
        stop_on_signals(self.stop)
        bot.session.middleware(self.watch)
        if await self._has_lease():
            # Two calls to Telegram may take a minute each.
            await run_until(self._must_end, self._remove_webhook(bot))
        if self._must_end.is_set():
            await dispatcher.emit_shutdown(**dispatcher.workflow_data)
            return
        self.has_started = True
        stopper = asyncio.create_task(self._stop_dispatcher(dispatcher))  # noqa: TID251 - ends here
        try:
            await dispatcher.start_polling(
                bot,
                allowed_updates=allowed_updates,
                tasks_concurrency_limit=at_once,
                close_bot_session=False,
                handle_signals=False,
            )
        finally:
            stopper.cancel()
            await asyncio.gather(stopper, return_exceptions=True)
            await self._end_handlers()
        if self.watch.end is End.TOKEN_REJECTED:
            raise SettingsError([WRONG_TOKEN])
        if self.watch.end is End.WEBHOOK:
            raise SettingsError(
                [
                    "[bot] token (BOT_TOKEN): a webhook is set for this bot, so that it cannot "
                    "poll. Stop the program that uses it, or remove it by opening "
                    "https://api.telegram.org/bot<token>/deleteWebhook"
                ]
            )

    async def acknowledge(self, bot: Bot) -> None:
        """Acknowledge the last updates, so that the next start does not get them again.

        Raises:
            DeliveryError: Telegram did not respond.
        """
        await self._update_acks.complete()
        if self._update_acks.last is not None and not self.watch.end:
            await bot.get_updates(offset=self._update_acks.last + 1, limit=1, timeout=0)

    @property
    def is_asked_to_stop(self) -> bool:
        """True from `stop` or a signal on."""
        return self._is_asked_to_stop.is_set()

    def stop(self) -> None:
        """End polling, waiting for the lease, and staying up."""
        if not self._is_asked_to_stop.is_set():
            self._stop_time.begin()  # also if polling has ended long ago
        self._is_asked_to_stop.set()
        self._must_end.set()

    async def stay_up(self) -> None:
        """Wait for `stop` without polling.

        A restart would only end the polling of the other instance, so the process must look alive
        to whatever restarts it.
        """
        while not self._is_asked_to_stop.is_set():
            self.watch.beat()
            await wait_for_event(self._is_asked_to_stop, _HEARTBEAT_S)

    async def _has_lease(self) -> bool:
        """Wait for the lease; return False if asked to stop before."""
        while self._lease and not self._must_end.is_set():
            if await self._lease.is_held():
                return True
            if not self._is_standing_by:
                self._is_standing_by = True
                logger.info(
                    "Standing by: another process with this database polls",
                    extra={"event": "polling_standby"},
                )
            self.watch.beat()
            await wait_for_event(self._must_end, _STANDBY_S)
        return not self._must_end.is_set()

    async def _remove_webhook(self, bot: Bot) -> None:
        """Remove the webhook of this database: the settings now ask for polling.

        Raises:
            SettingsError: another program has set one.
            StorageError: the database did not respond.
        """
        if not self._registration:
            return
        try:
            await self._registration.remove_own(bot)
        except DeliveryError as error:
            # If there is one, the first getUpdates says so.
            logger.warning(
                "Could not check for a webhook, or remove it: %s",
                error,
                extra={"event": "webhook_unknown"},
            )

    def _stop_polling(self) -> None:
        if not self._must_end.is_set():
            self._stop_time.begin()
        self._must_end.set()

    async def _end_handlers(self) -> None:
        """Wait for handlers, which aiogram does not: their updates never come again.

        They have had time while the requests finished.
        """
        if not await self._update_acks.handled(self._stop_time.handlers_s):
            logger.warning(
                "Updates are still being handled at the end of polling",
                extra={"event": "handlers_late"},
            )

    async def _stop_dispatcher(self, dispatcher: Dispatcher) -> None:
        await self._must_end.wait()
        await dispatcher.stop_polling()
