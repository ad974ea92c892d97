"""The application: starts the bot, runs it and stops it."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from aiogram.types import User

from app.backlog import Backlog
from app.bot_commands import publish_commands
from app.container import UPDATES_AT_ONCE, build
from app.dispatcher import build_dispatcher, build_intake
from app.election import Election
from app.fleet_worker import FleetWorker
from app.health_server import HealthServer
from app.periodic_tasks import PeriodicTask, running_periodic_tasks
from app.polling import End, Polling, PollingLease
from app.process_lock import ProcessLock
from app.update_source import NoUpdates, UpdateSource
from app.webhook import Webhook, build_receiver
from app.webhook_registration import WebhookRegistration
from core.errors import DeliveryError, SettingsError, StorageError, TokenRejectedError
from data.ads import fold_ad_shows
from data.broadcasts import sweep_recipients
from data.changes import follow_changes
from data.config import Settings
from data.database import unix_now, without_time_limits
from data.jobs import rescue, set_up_engine
from data.key_values import check_writable
from data.media_cache import sweep_cached
from data.rollups import fold_stats
from data.scheduled_backups import BackupPlan
from data.starts import clear_restored, count_start
from data.statistics import fold_outcomes
from delivery.client import TolerantSession
from delivery.last_calls import AGAIN_S
from misc.intake import RequestIntake
from misc.ui.texts import load_texts
from misc.waiting_notes import WaitingNotes

logger = logging.getLogger(__name__)

#: Intervals of the periodic tasks, in seconds.
_SWEEP_S = 3_600
_BROADCASTS_S = 2
_BACKLOG_S = 1
_NOTES_S = 1
_OUTCOMES_S = 10
_LAG_S = 1
_TOPS_S = 5
_BOARD_EVER_S = 3_600
_COMMANDS_S = 3_600
_BOARD_DAY_S = 300
_ALARMS_S = 30
_LISTS_S = 60
#: The same where several processes change the lists, in case no notification arrives, such as
#: through a connection pooler.
_SHARED_LISTS_S = 5
#: Pause before the connection for notifications is opened again.
_RECONNECT_S = 2
_BACKUP_S = 300
#: How long the delivered recipients of a broadcast are kept, in seconds.
_RECIPIENTS_S = 30 * 86_400
#: Longest time for the last acknowledgement, in seconds.
_LAST_ACK_S = 5
#: Allocations between two collections of the youngest generation.
_COLLECT_AFTER = 20_000
#: Ends of polling after which a restart would only end what another process does.
_STAYS_UP = (End.CONFLICT, End.WEBHOOK_OWN)
_UPDATES = ["message", "callback_query", "my_chat_member"]


def starts_marker(settings: Settings) -> Path:
    """Return the file that counts the starts, see `data.starts`."""
    return settings.files.heartbeat.with_name("starts")


class Application:
    """The bot's process: the order of steps at start and stop."""

    def __init__(self, settings: Settings) -> None:
        """Build all objects.

        Raises:
            SettingsError: a file that the settings name cannot be used, or the token is invalid.
        """
        self._settings = settings
        self.container = build(settings)
        heartbeat = settings.files.heartbeat
        self._marker = starts_marker(settings)
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
        #: In the role worker of a fleet, while it runs.
        self._worker: FleetWorker | None = None
        self._source = self._build_source()

    async def run(self) -> bool:
        """Serve updates until a signal arrives; return False if a restart may help.

        If another instance polls with the same token and has its own database, this one stays up
        without polling; also if another process of this database has set a webhook.

        Raises:
            SettingsError: Telegram does not know the token, or another program's webhook is set.
            StorageError: the database did not respond.
        """
        try:
            me = await self._check_bot()
            if me is None:
                return False
            if self._settings.telegram.updates == "webhook":
                # Polling does so when it claims the lease.
                await self._lease.forget_predecessor()
            self.container.spool.prepare()
            if self._settings.run.is_fleet:
                await set_up_engine()
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
            _tune_garbage_collector()
            server = HealthServer(self.container, self._settings.files.heartbeat, self._source)
            if self._settings.run.has("scheduler"):
                await self._hold_broadcasts()
            await self._load_access()
            host, port = self._settings.watch.host, self._settings.watch.port
            async with server.serving(host, port):
                async with (
                    running_periodic_tasks(self._periodic_tasks(intake)),
                    self._working(intake),
                ):
                    await self._source.run(self.container.bot, dispatcher, updates, UPDATES_AT_ONCE)
                if self._end in _STAYS_UP:
                    await self._stay_up()
            await self.container.request_store.hand_back()
            return self._end is not End.LEASE_LOST
        finally:
            self._lease.close()
            await self.container.close()
            logger.info("Stopped", extra={"event": "stopped"})

    def _build_source(self) -> UpdateSource:
        """Build what the setting `[telegram] updates` names.

        Raises:
            SettingsError: the webhook's certificate cannot be used.
        """
        container, settings = self.container, self._settings
        if not settings.run.has("receiver"):
            return NoUpdates()
        registration = WebhookRegistration(container.bot.id)
        if settings.telegram.updates == "webhook":
            receiver = build_receiver(
                container.bot, container.update_acks, check_writable, self._backlog.take
            )
            registry = container.metrics.registry
            return Webhook(settings, receiver, registration, container.update_acks, registry)
        heartbeat = settings.files.heartbeat
        return Polling(container.update_acks, heartbeat, self._lease, self._backlog, registration)

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

    @asynccontextmanager
    async def _working(self, intake: RequestIntake) -> AsyncIterator[None]:
        """Take jobs of the engine during the block, in the role worker of a fleet."""
        if not self._settings.run.is_fleet or not self._settings.run.has("worker"):
            yield
            return
        self._worker = FleetWorker(self.container, self._settings, intake)
        async with self._worker.working():
            yield

    async def _hold_broadcasts(self) -> None:
        """Count the start, and let unattended broadcasts wait for an administrator."""
        minutes = self._settings.broadcasts.resume_minutes
        try:
            is_restored = await count_start(self._marker)
            held = await self.container.broadcasts.hold(
                is_restored=is_restored, unattended_s=minutes * 60
            )
            await clear_restored()
        except OSError as error:
            raise SettingsError(
                [f"[files] heartbeat (FILES_HEARTBEAT): {self._marker}: {error.strerror}"]
            ) from None
        for broadcast in held:
            await self.container.admin_notifier.notify(
                "alarm_broadcast",
                number=broadcast.id,
                sent=broadcast.sent,
                total=broadcast.total,
            )

    async def _stay_up(self) -> None:
        """Tell the administrators about another instance, and wait for the stop."""
        assert isinstance(self._source, Polling)
        if self._end is End.CONFLICT:
            await self.container.admin_notifier.notify("alarm_conflict")
        # The lease is kept: another process of this database would end the other's polling.
        lease = PeriodicTask("lease renewal", self._settings.run.lease_s / 4, self._lease.is_held)
        async with running_periodic_tasks([lease]):
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
            await self.container.bot.get_chat(storage_chat)
        except DeliveryError as error:
            logger.warning(
                "Inline and guest mode are off: cannot use the channel [inline] storage_chat: %s",
                error,
                extra={"event": "inline_off"},
            )
            return []
        inline = ["inline_query", "chosen_inline_result"] if me.supports_inline_queries else []
        return inline + (["guest_message"] if me.supports_guest_queries else [])

    def _periodic_tasks(self, intake: RequestIntake) -> list[PeriodicTask]:
        """Return what every process does, and what its roles add."""
        run = self._settings.run
        tasks = self._in_every_process()
        if not run.is_fleet:
            tasks.append(PeriodicTask("request take-over", run.lease_s, intake.resume))
        if run.has("receiver"):
            tasks += self._receiver_tasks()
        if run.has("scheduler"):
            tasks += [
                replace(task, is_mine=self._scheduler.is_held)
                for task in (*self._once_for_all(intake), *self._alarm_tasks())
            ]
        return tasks

    def _in_every_process(self) -> list[PeriodicTask]:
        """Return the tasks about this process: its leases, its memory, its files."""
        return [
            PeriodicTask(
                "lease renewal", self._settings.run.lease_s / 4, self.container.request_store.beat
            ),
            PeriodicTask("spool", _SWEEP_S, self._tidy),
            PeriodicTask("last calls", AGAIN_S, self.container.sender.last_calls.repeat),
            PeriodicTask("outcome counters", _OUTCOMES_S, self.container.metrics.write),
            PeriodicTask("event-loop lag", _LAG_S, self.container.metrics.traffic.measure_lag),
            PeriodicTask("disk alarm", _ALARMS_S, self.container.alarms.check_disk),
            PeriodicTask("database alarm", _ALARMS_S, self.container.alarms.check_database),
        ]

    def _receiver_tasks(self) -> list[PeriodicTask]:
        """Return the tasks about what decides on an update."""
        return [
            PeriodicTask("backlog", _BACKLOG_S, self._backlog.work),
            *self._list_tasks(),
            PeriodicTask("statistics rankings", _TOPS_S, self.container.statistics.prepare_tops),
            # Each receiver has read updates of its own.
            PeriodicTask("update alarm", _ALARMS_S, self.container.alarms.check_updates),
        ]

    def _once_for_all(self, intake: RequestIntake) -> list[PeriodicTask]:
        """Return the tasks about the database and the chats: the elected process does them."""
        tasks = [
            *self._backup_tasks(),
            PeriodicTask("command lists", _COMMANDS_S, self._publish_commands),
            PeriodicTask("broadcasts", _BROADCASTS_S, self.container.broadcasts.work),
            PeriodicTask("cleanup", _SWEEP_S, self._sweep),
        ]
        if self._settings.run.is_fleet:
            lease_s, bot_id = self._settings.run.lease_s, self.container.bot.id
            notes = WaitingNotes(bot_id, intake)
            tasks += [
                PeriodicTask("job rescue", lease_s / 2, partial(rescue, bot_id, lease_s)),
                PeriodicTask("notes of waiting requests", _NOTES_S, notes.update),
            ]
        return tasks

    def _list_tasks(self) -> list[PeriodicTask]:
        """Return the tasks that keep the lists in memory like those in the database."""
        is_fleet = self._settings.run.is_fleet
        lists = {"bans": self.container.bans.refresh, "opt_outs": self.container.opt_outs.refresh}
        if not self.container.access.is_open:
            lists["access_list"] = self.container.access.refresh
        interval_s = _SHARED_LISTS_S if is_fleet else _LISTS_S
        tasks = [PeriodicTask(f"list {name}", interval_s, load) for name, load in lists.items()]
        if is_fleet:
            follow = partial(follow_changes, lists)
            tasks.append(PeriodicTask("changed lists", _RECONNECT_S, follow))
        return tasks

    async def _publish_commands(self) -> None:
        """Not before the first getUpdates: at the first start these are many calls."""
        bot, statistics = self._settings.bot, self._settings.statistics
        await publish_commands(
            self.container.bot, load_texts(), frozenset(bot.admins), frozenset(statistics.readers)
        )

    def _backup_tasks(self) -> list[PeriodicTask]:
        """A backup is due by the age of the newest one, not by the time since the start."""
        section = self._settings.database
        if section.backup_folder is None:
            return []
        plan = BackupPlan(section.backup_folder, section.backup_hours * 3_600, section.backups_kept)
        return [PeriodicTask("backup", _BACKUP_S, partial(plan.follow, section["url"]))]

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

    def _alarm_tasks(self) -> list[PeriodicTask]:
        """Return the optional tasks that the settings switch on."""
        watch, alarms = self._settings.watch, self.container.alarms
        tasks = []
        if board := self.container.board:
            tasks.append(PeriodicTask("live board, all time", _BOARD_EVER_S, board.show_ever))
            tasks.append(PeriodicTask("live board, last day", _BOARD_DAY_S, board.show_day))
        if watch.failing_percent:
            tasks.append(PeriodicTask("site failure alarm", _ALARMS_S, alarms.check_sites))
        if watch.quiet_minutes:
            tasks.append(PeriodicTask("quiet alarm", _ALARMS_S, alarms.check_quiet))
        if watch.canaries:
            tasks.append(PeriodicTask("canaries", watch.canary_minutes * 60, alarms.check_canaries))
        return tasks

    async def _sweep(self) -> None:
        """Delete rows that are not needed any more, and merge old statistics."""
        unused_since = unix_now() - self._settings.files.cache_days * 86_400
        with without_time_limits():
            await self.container.request_store.sweep()
            await fold_stats()
            await fold_outcomes()
            await fold_ad_shows()
            await sweep_recipients(unix_now() - _RECIPIENTS_S)
            number = await sweep_cached(unused_since)
        if number:
            logger.info(
                "Deleted %d unused posts from the file-id cache",
                number,
                extra={"event": "cache_swept"},
            )

    async def _tidy(self) -> None:
        """Delete files that are not needed any more, and count the hour beside the database."""
        self.container.spool.tidy()
        try:
            await count_start(self._marker)
        except OSError as error:
            logger.warning(
                "Could not count the hours beside the database: %s",
                error.strerror,
                extra={"event": "marker_not_written"},
            )

    async def _drain(self) -> None:
        """Acknowledge updates, finish requests and broadcasts, write the last counters."""
        await self._acknowledge()
        if self._end not in _STAYS_UP:
            await self._lease.release()
        await self._scheduler.release()
        grace_s = self._settings.run.drain_s
        await asyncio.gather(
            self._backlog.close(grace_s),
            (self._worker or self.container.request_queue).drain(grace_s),
            self.container.broadcasts.close(grace_s),
        )
        try:
            await self.container.metrics.write()
        except StorageError as error:
            logger.warning(
                "Could not write the last outcome counters: %s",
                error,
                extra={"event": "outcomes_not_written"},
            )

    async def _acknowledge(self) -> None:
        """Acknowledge the last updates, so that the next start does not get them again."""
        try:
            async with asyncio.timeout(_LAST_ACK_S):
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
            SettingsError: Telegram does not know the token.
        """
        try:
            me = await self.container.bot.me()
        except TokenRejectedError:
            raise SettingsError(
                ["[bot] token (BOT_TOKEN): the token is wrong or revoked"]
            ) from None
        except DeliveryError as error:
            logger.error(  # noqa: TRY400 - expected
                "Telegram cannot be reached: %s", error, extra={"event": "telegram_unreachable"}
            )
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


def _tune_garbage_collector() -> None:
    """Exclude the objects built at start from garbage collection, and collect less often.

    Saves a seventh of the CPU time (docs/decisions/0012).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 20)
