"""The whole bot, put together, started, run and stopped."""

import asyncio
import gc
import logging

from aiogram import Dispatcher
from aiogram.types import User

from app.bot_commands import publish_commands
from app.container import UPDATES_AT_ONCE, build
from app.health_server import HealthServer
from app.periodic_tasks import PeriodicTask, doing
from app.polling import PollingWatch
from core.errors import DeliveryError, SettingsError, StorageError, TokenRejectedError
from data.broadcasts import sweep_recipients
from data.config import Settings
from data.database import unix_now
from data.media_cache import sweep_cached
from data.rollups import fold_stats
from data.statistics import fold_outcomes
from handlers import setup
from handlers.inline.buttons import InlineButtons
from handlers.inline.lookup import Lookup
from handlers.inline.queries import InlineQueries
from misc.intake import RequestIntake
from misc.middlewares.deduplication import Deduplicator
from misc.middlewares.flood_guard import FloodGuard
from misc.middlewares.registration import Registration
from misc.middlewares.running_buttons import RunningButtons
from misc.ui.keyboards import Extras
from misc.ui.texts import load_texts
from services.requests.audio import AudioService, SlideVideoService
from services.requests.posts import PostPolicy, PostService

logger = logging.getLogger(__name__)

#: Old rows and forgotten files are looked for so often, in seconds.
_SWEEP_S = 3_600
#: A broadcast that is due begins within so many seconds.
_BROADCASTS_S = 2
#: Who has got a broadcast is known for so long, in seconds.
_RECIPIENTS_S = 30 * 86_400
#: How requests end is written so often, and the tops of statistics are looked after, in seconds.
_OUTCOMES_S = 10
_TOPS_S = 5
#: The two messages of the board are renewed so often, in seconds.
_BOARD_EVER_S = 3_600
_BOARD_DAY_S = 300
#: How soon a trouble is noticed, in seconds.
_ALARMS_S = 30
#: What another process has done to the ban list is seen after so long, in seconds.
_BANS_S = 60
#: Longest time for the last acknowledgement, in seconds.
_LAST_WORD_S = 5
#: New objects before Python looks for garbage among them.
_COLLECT_AFTER = 20_000
_UPDATES = ["message", "callback_query", "my_chat_member"]


class Application:
    """The bot's parts, and their order at start and stop."""

    def __init__(self, settings: Settings) -> None:
        """Build the parts.

        Raises:
            SettingsError: a file that the settings name cannot be used, or the token is none.
        """
        self._settings = settings
        self.container = build(settings)
        self._dispatcher: Dispatcher | None = None

    async def run(self) -> bool:
        """Poll until a signal says to stop; False when Telegram ended it.

        Raises:
            SettingsError: the token is wrong.
        """
        watch = PollingWatch(self.stop, self.container.update_acks, self._settings.files.heartbeat)
        self.container.bot.session.middleware(watch)
        try:
            me = await self._introduce()
            if me is None:
                return False
            self.container.spool.prepare()
            await publish_commands(self.container.bot, load_texts())
            assert me.username
            updates = _UPDATES + (["business_message"] if self._settings.bot.business else [])
            updates += await self._updates_from_elsewhere(me)
            menu = self._make_intake(me.username, can_share="inline_query" in updates)
            self._dispatcher = self._make_dispatcher(menu)
            _spare_the_collector()
            server = HealthServer(self.container, self._settings.files.heartbeat)
            host, port = self._settings.watch.host, self._settings.watch.port
            async with server.serving(host, port), doing(self._periodic_tasks(menu)):
                await self._dispatcher.start_polling(
                    self.container.bot,
                    allowed_updates=updates,
                    tasks_concurrency_limit=UPDATES_AT_ONCE,
                    close_bot_session=False,
                )
            await self.container.request_store.hand_back()
            return not watch.has_seen_another
        finally:
            await self.container.close()
            logger.info("Stopped")

    async def stop(self) -> None:
        """End `run` in order: no new updates, running requests finish, everything is closed."""
        if self._dispatcher:
            await self._dispatcher.stop_polling()

    def _make_dispatcher(self, menu: RequestIntake) -> Dispatcher:
        texts, running_buttons, deduplicator = load_texts(), RunningButtons(), Deduplicator()
        lookup = Lookup(
            self.container.bot.id, texts, self.container.fetcher, self.container.file_id_cache
        )
        dispatcher = Dispatcher(
            disable_fsm=True,  # nothing here waits for a next message
            sender=self.container.sender,
            texts=texts,
            registry=self.container.fetcher.registry,
            running_buttons=running_buttons,
            request_queue=self.container.request_queue,
            bans=self.container.bans,
            intake=menu,
            deduplicator=deduplicator,
            broadcasts=self.container.broadcast_menu,
            spool=self.container.spool,
            exports=self.container.exports,
            statistics=self.container.statistics_menu,
            pseudonyms=self.container.pseudonyms,
            inline=InlineQueries(
                bot=self.container.bot,
                texts=texts,
                lookup=lookup,
                intake=menu,
                deduplicator=deduplicator,
                is_for_everybody=self._settings.inline.everybody,
            ),
            inline_buttons=InlineButtons(texts, lookup, menu, running_buttons),
        )
        registry, bot = self.container.fetcher.registry, self._settings.bot
        guard = FloodGuard(self.container.sender, texts, registry, frozenset(bot.admins))
        setup(
            dispatcher,
            self.container.update_acks,
            self.container.bans,
            Registration(texts, registry, bot.join_log_chat),
            guard if self._settings.limits.spam_guard else None,
            frozenset(bot.admins),
            frozenset(bot.admins + self._settings.statistics.readers),
        )
        # aiogram would cut handlers off after this hook; the jobs behind them end inside it.
        dispatcher.shutdown.register(self._drain)
        return dispatcher

    def _make_intake(self, bot_username: str, *, can_share: bool) -> RequestIntake:
        limits, buttons = self._settings.limits, self._settings.buttons
        policy = PostPolicy(
            max_duration_s=limits.max_duration_s,
            group_items=limits.group_items,
            shrinkable_bytes=limits.shrink_mb * 1_000_000,
            ads=self.container.ad_rule,
        )
        return RequestIntake(
            bot=self.container.bot,
            sender=self.container.sender,
            texts=load_texts(),
            registry=self.container.fetcher.registry,
            downloads=PostService(self.container.toolkit, self.container.file_id_cache, policy),
            audios=AudioService(self.container.toolkit, self.container.file_id_cache),
            slides=SlideVideoService(self.container.toolkit, self.container.file_id_cache),
            request_queue=self.container.request_queue,
            request_store=self.container.request_store,
            bot_username=bot_username,
            metrics=self.container.metrics,
            ads=self.container.ads,
            links_per_message=limits.links_per_message,
            private_queue=limits.private_queue,
            group_queue=limits.group_queue,
            max_age_s=limits.max_age_s,
            admins=frozenset(self._settings.bot.admins),
            extras=Extras(share=buttons.share and can_share, copy_link=buttons.copy_link),
        )

    async def _updates_from_elsewhere(self, me: User) -> list[str]:
        """List the updates for inline and guest mode, as far as these can work; say why they cannot."""
        storage_chat = self._settings.inline.storage_chat
        if not storage_chat:
            if me.supports_inline_queries or me.supports_guest_queries:
                logger.warning(
                    "Inline and guest mode need a channel to upload to: [inline] storage_chat"
                )
            return []
        if not me.supports_inline_queries:
            logger.warning("Inline mode is off: see /setinline at @BotFather")
        try:
            await self.container.bot.get_chat(storage_chat)
        except DeliveryError as error:
            logger.warning("The channel of [inline] storage_chat cannot be used: %s", error)
            return []
        inline = ["inline_query", "chosen_inline_result"] if me.supports_inline_queries else []
        return inline + (["guest_message"] if me.supports_guest_queries else [])

    def _periodic_tasks(self, menu: RequestIntake) -> list[PeriodicTask]:
        lease_s = self._settings.run.lease_s
        return [
            PeriodicTask("Staying alive", lease_s / 4, self._stay_alive),
            PeriodicTask("Taking over what others have left", lease_s, menu.resume),
            PeriodicTask("Reading the ban list", _BANS_S, self.container.bans.refresh),
            PeriodicTask("Sending to everybody", _BROADCASTS_S, self.container.broadcasts.work),
            PeriodicTask("Sweeping", _SWEEP_S, self._sweep),
            PeriodicTask("Writing how requests end", _OUTCOMES_S, self.container.metrics.write),
            PeriodicTask("Counting chats", _TOPS_S, self.container.statistics.prepare_tops),
            *self._alarm_tasks(),
        ]

    def _alarm_tasks(self) -> list[PeriodicTask]:
        """List what an operator may want besides."""
        watch, alarms = self._settings.watch, self.container.alarms
        chores = []
        if board := self.container.board:
            chores.append(PeriodicTask("The board of all time", _BOARD_EVER_S, board.show_ever))
            chores.append(PeriodicTask("The board of the day", _BOARD_DAY_S, board.show_day))
        if watch.failing_percent:
            chores.append(PeriodicTask("Looking at sites", _ALARMS_S, alarms.look_at_sites))
        if watch.quiet_minutes:
            chores.append(PeriodicTask("Listening", _ALARMS_S, alarms.listen))
        if watch.canaries:
            chores.append(
                PeriodicTask("The canaries", watch.canary_minutes * 60, alarms.try_canaries)
            )
        return chores

    async def _stay_alive(self) -> None:
        """Keep the lease while there is something that others could take over."""
        if self.container.request_queue.count:
            await self.container.request_store.beat()

    async def _sweep(self) -> None:
        """Forget posts that nobody asks for any more, and whatever else has had its day."""
        self.container.spool.tidy()
        await self.container.request_store.sweep()
        unused_since = unix_now() - self._settings.files.cache_days * 86_400
        await fold_stats()
        await fold_outcomes()
        await sweep_recipients(unix_now() - _RECIPIENTS_S)
        if number := await sweep_cached(unused_since):
            logger.info("%d posts that nobody asks for were forgotten", number)

    async def _drain(self) -> None:
        await self._acknowledge()
        grace_s = self._settings.run.drain_s
        await asyncio.gather(
            self.container.request_queue.drain(grace_s), self.container.broadcasts.close(grace_s)
        )
        try:
            await self.container.metrics.write()
        except StorageError as error:
            logger.warning("How the last requests ended is not written: %s", error)

    async def _acknowledge(self) -> None:
        """Tell Telegram at the end what was handled, so that the next start is not told again."""
        try:
            async with asyncio.timeout(_LAST_WORD_S):
                await self.container.update_acks.complete()
                if self.container.update_acks.last is not None:
                    await self.container.bot.get_updates(
                        offset=self.container.update_acks.last + 1, limit=1, timeout=0
                    )
        except (TimeoutError, DeliveryError) as error:
            logger.info("The last updates will come again: %s", type(error).__name__)

    async def _introduce(self) -> User | None:
        """Ask Telegram who we are, and tell the operator which switches are off in BotFather."""
        try:
            me = await self.container.bot.me()
        except TokenRejectedError:
            raise SettingsError(
                ["[bot] token (BOT_TOKEN): Telegram does not know this token"]
            ) from None
        except DeliveryError as error:
            logger.error("Telegram cannot be reached: %s", error)  # noqa: TRY400 - expected
            return None
        logger.info("This is @%s (%d)", me.username, me.id)
        if not me.can_join_groups:
            logger.warning("The bot cannot be added to groups: see /setjoingroups at @BotFather")
        if not me.can_read_all_group_messages:
            logger.warning(
                "In groups the bot sees only commands, unless it is an administrator: "
                "see /setprivacy at @BotFather"
            )
        return me


def _spare_the_collector() -> None:
    """Keep Python's garbage collector away from what was built at the start and stays until the end.

    Together with rarer rounds that saves a seventh of all processor time (docs/decisions/0012).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 20)
