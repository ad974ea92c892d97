"""The application: starts the bot, runs it and stops it."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from functools import partial

from aiogram.types import User

from app.background_work import BackgroundWork
from app.backlog import Backlog
from app.container import UPDATES_AT_ONCE, build
from app.dispatcher import build_dispatcher, build_intake
from app.election import Election
from app.fleet_worker import FleetWorker
from app.folders import HEARTBEAT, SPOOL, starts_marker, usable
from app.health_server import HealthServer
from app.own_user import own_user
from app.periodic_tasks import PeriodicTask, running_periodic_tasks
from app.polling import End, Polling
from app.polling_lease import PollingLease
from app.process_lock import ProcessLock
from app.stop_time import ACKNOWLEDGE_S, RELEASE_S, StopStep, StopTime
from app.update_source import NoUpdates, UpdateSource, stop_on_signals
from app.webhook import Webhook, build_receiver
from app.webhook_registration import WebhookRegistration
from app.write_check import WriteCheck
from core.broadcasts import Broadcast
from core.errors import DeliveryError, StorageError
from data.broadcasts import mark_told
from data.config import Settings
from data.jobs import set_up_job_queue
from data.key_values import check_writable
from data.starts import clear_restored, count_start
from delivery.client import TolerantSession
from misc.intake import RequestIntake
from misc.ui.admin_notifier import AGAIN_S as NOTICES_S

logger = logging.getLogger(__name__)

#: Ends of polling after which a restart would only end what another process does.
_STAYS_UP = (End.CONFLICT, End.WEBHOOK_OWN)
#: Interval at which it is checked whether the administrators can be told of something, in seconds.
_TELL_S = 1
_UPDATES = ["message", "callback_query", "my_chat_member"]


class Application:
    """The bot's process: the order of steps at start and stop."""

    def __init__(self, settings: Settings) -> None:
        """Build all objects.

        Raises:
            SettingsError: a file that the settings name cannot be used.
        """
        self._settings = settings
        self.container = build(settings)
        heartbeat = settings.files.heartbeat
        self.stop_time = StopTime(settings.run.drain_s)
        lock = ProcessLock(heartbeat.with_name(f"polling-{self.container.bot.id}.lock"))
        self._lease = PollingLease(
            self.container.bot.id, self.container.request_store, settings.run.lease_s, lock
        )
        self._scheduler = Election(
            f"scheduler/{self.container.bot.id}",
            self.container.request_store,
            settings.run.lease_s,
        )
        session = self.container.bot.session
        assert isinstance(session, TolerantSession)
        self._backlog = Backlog(
            self.container.bot,
            session,
            self.container.fetcher.registry,
            self.container.request_queue,
        )
        self._work = BackgroundWork(
            self.container,
            settings,
            self._scheduler,
            self._backlog,
            starts_marker(heartbeat),
            self.restart,
        )
        #: True if the program is to start anew after `run`.
        self.must_restart = False
        #: In the role worker of a fleet, while it runs.
        self._worker: FleetWorker | None = None
        self._source = self._build_source()

    async def run(self) -> bool:
        """Serve updates until a signal arrives; return False if a restart may help.

        If another instance polls with the same token and has its own database, this one stays up
        without polling; also if another process of this database has set a webhook.

        Raises:
            SettingsError: Telegram does not know the token, another program's webhook is set, or a
                folder cannot be used.
            SpoolError: a disk is full.
            StorageError: the database did not respond.
        """
        try:
            me = await self._check_bot()
            if me is None:
                return False
            if self._settings.telegram.updates == "webhook":
                # Polling does so when it claims the lease.
                await self._lease.forget_predecessor()
            with usable(SPOOL, self._settings.files.spool_dir):
                self.container.spool.prepare()
            if self._settings.run.is_fleet:
                await set_up_job_queue()
            assert me.username
            updates = _UPDATES + _optional_updates(self._settings)
            updates += await self._inline_updates(me)
            has_inline = "inline_query" in updates
            intake = build_intake(
                self.container,
                self._settings,
                bot_username=me.username,
                can_share=has_inline,
            )
            dispatcher = build_dispatcher(
                self.container, self._settings, intake, has_inline=has_inline
            )
            # aiogram would cancel handlers after this hook; the requests behind them end inside it.
            dispatcher.shutdown.register(self._drain)
            self._backlog.start(dispatcher, intake.groups.account)
            _exclude_start_from_collection()
            server = HealthServer(self.container, self._settings.files.heartbeat, self._source)
            tasks = self._work.tasks(intake)
            if self._settings.run.has("scheduler") and (held := await self._hold_broadcasts()):
                work = partial(self._tell_of_broadcasts, held)
                tasks.append(PeriodicTask("held broadcasts", _TELL_S, work))
            await self._load_access()
            host, port = self._settings.watch.host, self._settings.watch.port
            async with server.serving(host, port):
                async with (
                    running_periodic_tasks(tasks, self.stop_time),
                    self._working(intake),
                ):
                    await self._source.run(self.container.bot, dispatcher, updates, UPDATES_AT_ONCE)
                if self._end in _STAYS_UP:
                    await self._stay_up()
            store = self.container.request_store
            left_s = self.stop_time.left_s(StopStep.HAND_BACK)
            await _in_time("handing requests back", left_s, store.hand_back(left_s / 2))
            return self._end is not End.LEASE_LOST
        finally:
            self._lease.close()
            left_s = self.stop_time.left_s(StopStep.CLOSE)
            await _in_time("closing connections", left_s, self.container.close())
            logger.info("Stopped", extra={"event": "stopped"})

    def _build_source(self) -> UpdateSource:
        """Build what the setting `[telegram] updates` names.

        Raises:
            SettingsError: the webhook's certificate cannot be used.
        """
        container, settings = self.container, self._settings
        if not settings.run.has("receiver"):
            return NoUpdates(settings.files.heartbeat, self.stop_time)
        registration = WebhookRegistration(container.bot.id)
        if settings.telegram.updates == "webhook":
            receiver = build_receiver(
                container.bot,
                container.update_acks,
                WriteCheck(check_writable).run,
                self._backlog.take,
            )
            registry = container.metrics.registry
            return Webhook(
                settings, receiver, registration, container.update_acks, registry, self.stop_time
            )
        return Polling(
            container.update_acks,
            settings.files.heartbeat,
            self.stop_time,
            self._lease,
            self._backlog,
            registration,
        )

    @property
    def _end(self) -> End | None:
        """Why polling has ended although nobody has stopped it."""
        return self._source.watch.end if isinstance(self._source, Polling) else None

    @property
    def is_idle(self) -> bool:
        """True if no update is being handled and no request runs or waits."""
        has_updates = not (self.container.update_acks.is_idle and self._backlog.is_idle)
        return not has_updates and not self.container.request_queue.count

    def stop(self) -> None:
        """End `run`: no new updates, running requests finish, everything is closed."""
        self._source.stop()

    def restart(self) -> None:
        """End `run` like `stop`, for a new start. A signal before or meanwhile means a stop."""
        if self._source.is_asked_to_stop:
            return
        self.must_restart = True
        stop_on_signals(self._stay_stopped)
        self.stop()

    def _stay_stopped(self) -> None:
        self.must_restart = False

    @asynccontextmanager
    async def _working(self, intake: RequestIntake) -> AsyncIterator[None]:
        """Take jobs from the job queue during the block, in the role worker of a fleet."""
        if not self._settings.run.is_fleet or not self._settings.run.has("worker"):
            yield
            return
        self._worker = FleetWorker(self.container, self._settings, intake, self.stop_time)
        async with self._worker.working():
            yield

    async def _hold_broadcasts(self) -> list[Broadcast]:
        """Count the start, and let unattended broadcasts wait for an administrator; return them."""
        minutes = self._settings.broadcasts.resume_minutes
        marker = starts_marker(self._settings.files.heartbeat)
        with usable(HEARTBEAT, marker):
            is_restored = await count_start(marker)
        held = await self.container.broadcasts.hold(
            is_restored=is_restored, unattended_s=minutes * 60
        )
        await clear_restored()
        return held

    async def _tell_of_broadcasts(self, held: list[Broadcast]) -> None:
        """Tell the administrators of broadcasts that wait for them, once updates can arrive."""
        while held and self._source.has_started:
            broadcast = held[0]
            await self.container.broadcast_menu.show(broadcast)
            await self.container.admin_notifier.report(
                partial(mark_told, broadcast.id),
                "alarm_broadcast",
                number=broadcast.id,
                sent=broadcast.counts.sent,
                total=broadcast.counts.total,
            )
            held.pop(0)

    async def _stay_up(self) -> None:
        """Tell the administrators about another instance, and wait for the stop."""
        assert isinstance(self._source, Polling)
        if self._end is End.CONFLICT:
            await self.container.admin_notifier.notify("alarm_conflict")
        # The lease is kept: another process of this database would end the other's polling.
        lease = PeriodicTask("lease renewal", self._settings.run.lease_s / 4, self._lease.is_held)
        notices = PeriodicTask("notices", NOTICES_S, self.container.admin_notifier.work)
        async with running_periodic_tasks([lease, notices], self.stop_time):
            await self._source.stay_up()

    async def _inline_updates(self, me: User) -> list[str]:
        """Return the update types of inline and guest mode, if they work; else log why not."""
        storage_chat = self._settings.inline.storage_chat
        if not storage_chat:
            if me.supports_inline_queries or me.supports_guest_queries:
                logger.warning(
                    "Inline and guest mode are off: [inline] storage_chat is not set",
                    extra={"event": "inline_off"},
                )
            return []
        if not me.supports_inline_queries:
            logger.warning(
                "Inline mode is off: switch it on with /setinline at @BotFather",
                extra={"event": "inline_off"},
            )
        try:
            await self.container.moved_chats.call(storage_chat, self.container.bot.get_chat)
        except DeliveryError as error:
            logger.warning(
                "Inline and guest mode are off: cannot use the channel [inline] storage_chat: %s",
                error,
                extra={"event": "inline_off"},
            )
            return []
        inline = ["inline_query", "chosen_inline_result"] if me.supports_inline_queries else []
        return inline + (["guest_message"] if me.supports_guest_queries else [])

    async def _load_access(self) -> None:
        """Load the access list before the first update, unless everyone may use the bot."""
        if self.container.access.is_open:
            return
        try:
            await self.container.access.refresh()
        except StorageError as error:
            logger.warning(
                "Could not load the access list: %s", error, extra={"event": "access_not_loaded"}
            )

    async def _drain(self) -> None:
        """Acknowledge updates, finish requests and broadcasts, write the last counters."""
        await self._acknowledge()
        grace_s, cancel_s = self.stop_time.requests_s, self.stop_time.left_s(StopStep.REQUESTS)
        queue = self._worker or self.container.request_queue
        await asyncio.gather(
            # Beside the others: without the database it would take all of their time.
            self._release(),
            self._backlog.close(grace_s),
            queue.drain(grace_s, cancel_s),
            self.container.broadcasts.close(grace_s),
        )
        left_s = self.stop_time.left_s(StopStep.COUNTERS)
        try:
            await _in_time("writing the counters", left_s, self.container.metrics.write())
        except StorageError as error:
            logger.warning(
                "Could not write the last outcome counters: %s",
                error,
                extra={"event": "outcomes_not_written"},
            )

    async def _release(self) -> None:
        """Let other processes poll and do the work for all at once; the leases end in any case."""
        releases = [self._scheduler.release()]
        if self._end not in _STAYS_UP:
            releases.append(self._lease.release())
        await _in_time("resigning", RELEASE_S, asyncio.gather(*releases))

    async def _acknowledge(self) -> None:
        """Acknowledge the last updates, so that the next start does not get them again."""
        try:
            async with asyncio.timeout(ACKNOWLEDGE_S):
                await self._source.acknowledge(self.container.bot)
        except (TimeoutError, DeliveryError) as error:
            logger.info(
                "Could not acknowledge the last updates, they will arrive again: %s",
                type(error).__name__,
                extra={"event": "updates_not_acknowledged"},
            )

    async def _check_bot(self) -> User | None:
        """Return the bot's own user, or None if Telegram cannot be reached.

        Log a warning for each option that is off at @BotFather.

        Raises:
            SettingsError: the token is wrong or revoked.
        """
        me = await own_user(self.container.bot)
        if me is None:
            return None
        logger.info("Started as @%s (%d)", me.username, me.id, extra={"event": "bot_started"})
        if not me.can_join_groups:
            logger.warning(
                "The bot cannot be added to groups: change this with /setjoingroups at @BotFather",
                extra={"event": "groups_off"},
            )
        if not me.can_read_all_group_messages:
            logger.warning(
                "The bot sees only commands in groups, unless it is an administrator: "
                "change this with /setprivacy at @BotFather",
                extra={"event": "privacy_mode_on"},
            )
        return me


async def _in_time(what: str, seconds: float, work: Awaitable[object]) -> None:
    """Do a step of the stop, or leave it in the middle when its time is over."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        logger.warning("The stop did not wait for %s", what, extra={"event": "stop_step_late"})


def _optional_updates(settings: Settings) -> list[str]:
    """Return the update types that only some settings need: Telegram sends no others."""
    bot, chats = settings.bot, settings.chats
    wanted = {
        "business_message": bot.business,
        "edited_message": chats.edits,
        "channel_post": chats.channels,
        "edited_channel_post": chats.edits and chats.channels,
    }
    return [kind for kind, is_wanted in wanted.items() if is_wanted]


def _exclude_start_from_collection() -> None:
    """Let the garbage collector skip the objects built at start, without a last look at them.

    Saves a seventh of the CPU time (docs/decisions/0012). Looking would take 0.13 s, and find less
    than a hundredth of them.
    """
    gc.freeze()
