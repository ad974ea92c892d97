"""Background work: which periodic tasks this process runs, by its roles and settings."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from app.backlog import Backlog
from app.bot_commands import publish_commands
from app.container import Container
from app.election import Election
from app.freed_memory import return_freed_memory
from app.periodic_tasks import PeriodicTask
from core.flood import TimeOut
from data.ads import fold_ad_shows
from data.broadcasts import sweep_recipients
from data.changes import follow_changes
from data.config import Settings
from data.database import unix_now, without_time_limits
from data.jobs import rescue
from data.lists import sweep_lists
from data.media_cache import sweep_cached
from data.rollups import fold_stats
from data.scheduled_backups import BackupPlan
from data.starts import count_start
from data.statistics import fold_outcomes
from delivery.final_status_calls import AGAIN_S
from misc.intake import RequestIntake
from misc.ui.admin_notifier import AGAIN_S as NOTICES_S
from misc.ui.texts import load_texts
from misc.waiting_notes import WaitingNotes

logger = logging.getLogger(__name__)

#: Intervals of the periodic tasks, in seconds.
_SWEEP_S: Final = 3_600
#: For broadcasts with a start time, and those of other processes: a button of this one wakes it.
_BROADCASTS_S: Final = 2
_BACKLOG_S: Final = 1
_MEMORY_S: Final = 60
_NOTES_S: Final = 1
_OUTCOMES_S: Final = 10
_TOPS_S: Final = 5
_BOARD_EVER_S: Final = 3_600
_COMMANDS_S: Final = 3_600
_BOARD_DAY_S: Final = 300
_ALARMS_S: Final = 30
_LISTS_S: Final = 60
#: The same where several processes change the lists, in case no notification arrives, such as
#: through a connection pooler.
_SHARED_LISTS_S: Final = 5
#: Pause before the connection for notifications is opened again.
_RECONNECT_S: Final = 2
_BACKUP_S: Final = 300
#: Interval of looking for a chosen yt-dlp, and for an administrator's request, in seconds.
_YTDLP_S: Final = 2
_YTDLP_WATCH_S: Final = 5
#: How long the delivered recipients of a broadcast are kept, in seconds.
_RECIPIENTS_S: Final = 30 * 86_400
#: How long the cards of lists are kept, in seconds.
_CARDS_S: Final = 7 * 86_400


class BackgroundWork:
    """The periodic tasks of a process."""

    def __init__(
        self,
        container: Container,
        settings: Settings,
        scheduler: Election,
        backlog: Backlog,
        marker: Path,
        restart: Callable[[], None],
    ) -> None:
        """Take what the tasks work on.

        `marker` is the file that counts the starts, `restart` starts this process anew.
        """
        self._container = container
        self._settings = settings
        #: Which of several processes does what is done once for all of them.
        self._scheduler = scheduler
        self._backlog = backlog
        self._marker = marker
        self._restart = restart

    def tasks(self, intake: RequestIntake) -> list[PeriodicTask]:
        """Return what every process does, and what its roles add."""
        run = self._settings.run
        tasks = self._in_every_process()
        if not run.is_fleet:
            tasks.append(PeriodicTask("request take-over", run.lease_s, intake.resume))
        if run.has("receiver"):
            tasks += self._receiver_tasks()
        once = [*self._once_for_all(intake), *self._alarm_tasks()] if run.has("scheduler") else []
        if self._settings.ytdlp.update:
            own, decisions = self._live_update_tasks()
            tasks += own
            once += decisions if run.has("scheduler") else []
        return tasks + [replace(task, is_mine=self._scheduler.is_held) for task in once]

    def _in_every_process(self) -> list[PeriodicTask]:
        """Return the tasks about this process: its leases, its memory, its files."""
        return [
            PeriodicTask(
                "lease renewal", self._settings.run.lease_s / 4, self._container.request_store.beat
            ),
            PeriodicTask("spool", _SWEEP_S, self._tidy),
            PeriodicTask("freed memory", _MEMORY_S, return_freed_memory),
            PeriodicTask(
                "final status calls", AGAIN_S, self._container.sender.final_status_calls.repeat
            ),
            PeriodicTask("notices", NOTICES_S, self._container.admin_notifier.work),
            PeriodicTask("outcome counters", _OUTCOMES_S, self._container.metrics.write),
            PeriodicTask("event-loop lag", 0, self._container.metrics.traffic.measure_lag),
            PeriodicTask("disk alarm", _ALARMS_S, self._container.alarms.check_disk),
            PeriodicTask("database alarm", _ALARMS_S, self._container.alarms.check_database),
            PeriodicTask("account alarm", _ALARMS_S, self._container.alarms.check_identities),
            # Each process finds the new ids out by itself.
            PeriodicTask(
                "moved chats alarm",
                _ALARMS_S,
                partial(self._container.alarms.check_moved_chats, self._container.moved_chats),
            ),
        ]

    def _receiver_tasks(self) -> list[PeriodicTask]:
        """Return the tasks about what decides on an update."""
        return [
            PeriodicTask("backlog", _BACKLOG_S, self._backlog.work),
            *self._list_tasks(),
            PeriodicTask("statistics rankings", _TOPS_S, self._container.statistics.prepare_tops),
            # Each receiver has read updates of its own.
            PeriodicTask(
                "update alarm",
                _ALARMS_S,
                self._container.alarms.check_updates,
                wake=self._container.metrics.unreadable_updates.found,
            ),
        ]

    def _once_for_all(self, intake: RequestIntake) -> list[PeriodicTask]:
        """Return the tasks about the database and the chats: the elected process does them."""
        tasks = [
            *self._backup_tasks(),
            PeriodicTask("command lists", _COMMANDS_S, self._publish_commands),
            PeriodicTask(
                "broadcasts",
                _BROADCASTS_S,
                self._container.broadcasts.work,
                wake=self._container.broadcasts.due,
            ),
            PeriodicTask("cleanup", _SWEEP_S, self._sweep),
            PeriodicTask("left statuses", self._settings.run.lease_s, intake.end_statuses),
        ]
        if self._settings.run.is_fleet:
            lease_s, bot_id = self._settings.run.lease_s, self._container.bot.id
            notes = WaitingNotes(bot_id, intake)
            tasks += [
                PeriodicTask("job rescue", lease_s / 2, partial(rescue, bot_id, lease_s)),
                PeriodicTask("notes of waiting requests", _NOTES_S, notes.update),
            ]
        return tasks

    def _live_update_tasks(self) -> tuple[list[PeriodicTask], list[PeriodicTask]]:
        """Return what each process does about new versions of yt-dlp, and what one does for all."""
        from app.ytdlp_update.updater import build  # only with the setting

        follower, decider = build(self._container, self._settings, self._restart)
        return [PeriodicTask("yt-dlp version", _YTDLP_S, follower.follow)], [
            PeriodicTask("yt-dlp update", _YTDLP_S, decider.look),
            PeriodicTask("yt-dlp watch", _YTDLP_WATCH_S, decider.watch),
        ]

    def _list_tasks(self) -> list[PeriodicTask]:
        """Return the tasks that keep the lists in memory like those in the database."""
        is_fleet = self._settings.run.is_fleet
        lists = {"bans": self._container.bans.refresh, "opt_outs": self._container.opt_outs.refresh}
        if not self._container.access.is_open:
            lists["access_list"] = self._container.access.refresh
        interval_s = _SHARED_LISTS_S if is_fleet else _LISTS_S
        tasks = [PeriodicTask(f"list {name}", interval_s, load) for name, load in lists.items()]
        if is_fleet:
            follow = partial(follow_changes, lists, self._begin_time_out)
            tasks.append(PeriodicTask("changed lists", _RECONNECT_S, follow))
        return tasks

    def _begin_time_out(self, time_out: TimeOut) -> None:
        self._container.time_outs.guard.begin(time_out, asyncio.get_running_loop().time())

    def _backup_tasks(self) -> list[PeriodicTask]:
        """A backup is due by the age of the newest one, not by the time since the start."""
        section = self._settings.database
        if section.backup_folder is None:
            return []
        plan = BackupPlan(section.backup_folder, section.backup_hours * 3_600, section.backups_kept)
        work = partial(self._container.alarms.watch_backup, partial(plan.follow, section["url"]))
        return [PeriodicTask("backup", _BACKUP_S, work)]

    def _alarm_tasks(self) -> list[PeriodicTask]:
        """Return the optional tasks that the settings switch on."""
        watch, alarms = self._settings.watch, self._container.alarms
        tasks = []
        if board := self._container.board:
            tasks.append(PeriodicTask("live board, all time", _BOARD_EVER_S, board.show_ever))
            tasks.append(PeriodicTask("live board, last day", _BOARD_DAY_S, board.show_day))
        if watch.failing_percent:
            tasks.append(PeriodicTask("site failure alarm", _ALARMS_S, alarms.check_sites))
        if watch.quiet_minutes:
            tasks.append(PeriodicTask("quiet alarm", _ALARMS_S, alarms.check_quiet))
        if watch.canaries:
            tasks.append(PeriodicTask("canaries", watch.canary_minutes * 60, alarms.check_canaries))
        return tasks

    async def _publish_commands(self) -> None:
        """Not before the first getUpdates: at the first start these are many calls."""
        bot, statistics = self._settings.bot, self._settings.statistics
        await publish_commands(
            self._container.bot, load_texts(), frozenset(bot.admins), frozenset(statistics.readers)
        )

    async def _sweep(self) -> None:
        """Delete rows that are not needed any more, and merge old statistics."""
        unused_since = unix_now() - self._settings.files.cache_days * 86_400
        with without_time_limits():
            await self._container.request_store.sweep()
            await fold_stats()
            await fold_outcomes()
            await fold_ad_shows()
            await sweep_recipients(unix_now() - _RECIPIENTS_S)
            await sweep_lists(unix_now() - _CARDS_S)
            number = await sweep_cached(unused_since)
        if number:
            logger.info(
                "Deleted %d unused posts from the file-id cache",
                number,
                extra={"event": "cache_swept"},
            )

    async def _tidy(self) -> None:
        """Delete files that are not needed any more, and count the hour beside the database."""
        self._container.spool.tidy()
        try:
            await count_start(self._marker)
        except OSError as error:
            logger.warning(
                "Could not update the start counter, which detects restored databases: %s",
                error.strerror,
                extra={"event": "marker_not_written"},
            )
