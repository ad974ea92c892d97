"""The whole bot, put together, started, run and stopped."""

import asyncio
import gc
import logging

from aiogram import Dispatcher
from aiogram.exceptions import (
    AiogramError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)
from aiogram.types import User

from core.errors import DeliveryError, SettingsError, StorageError
from data.broadcasts import sweep_recipients
from data.config import Settings
from data.database import unix_now
from data.errors import storage_errors
from data.media_cache import sweep_cached
from data.rollups import fold_stats
from data.statistics import fold_outcomes
from delivery.telegram_errors import translate, translated
from handlers import setup
from handlers.parts import UPDATES_AT_ONCE, build
from handlers.watch import Watch
from misc.commands import publish_commands
from misc.doubles import Doubles
from misc.inline import InlineDesk
from misc.inline_buttons import InlineButtons
from misc.keyboards import Extras
from misc.lookup import Lookup
from misc.middlewares import Registration
from misc.orders import OrderDesk
from misc.polling import PollingWatch
from misc.presses import Presses
from misc.spam_guard import SpamGuard
from misc.texts import load_texts
from services.chores import Chore, doing
from services.downloads import Downloads, Policy
from services.sounds import Slides, Sounds

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
        self.parts = build(settings)
        self._dispatcher: Dispatcher | None = None

    async def run(self) -> bool:
        """Poll until a signal says to stop; False when Telegram ended it.

        Raises:
            SettingsError: the token is wrong.
        """
        watch = PollingWatch(self.stop, self.parts.receipts, self._settings.files.heartbeat)
        self.parts.bot.session.middleware(watch)
        try:
            me = await self._introduce()
            if me is None:
                return False
            self.parts.spool.prepare()
            await publish_commands(self.parts.bot, load_texts())
            assert me.username
            updates = _UPDATES + (["business_message"] if self._settings.bot.business else [])
            updates += await self._updates_from_elsewhere(me)
            desk = self._make_desk(me.username, can_share="inline_query" in updates)
            self._dispatcher = self._make_dispatcher(desk)
            _spare_the_collector()
            server = Watch(self.parts, self._settings.files.heartbeat)
            host, port = self._settings.watch.host, self._settings.watch.port
            async with server.serving(host, port), doing(self._chores(desk)):
                await self._dispatcher.start_polling(
                    self.parts.bot,
                    allowed_updates=updates,
                    tasks_concurrency_limit=UPDATES_AT_ONCE,
                    close_bot_session=False,
                )
            await self.parts.ledger.hand_back()
            return not watch.has_seen_another
        finally:
            await self.parts.close()
            logger.info("Stopped")

    async def stop(self) -> None:
        """End `run` in order: no new updates, running requests finish, everything is closed."""
        if self._dispatcher:
            await self._dispatcher.stop_polling()

    def _make_dispatcher(self, desk: OrderDesk) -> Dispatcher:
        texts, presses, doubles = load_texts(), Presses(), Doubles()
        lookup = Lookup(self.parts.bot.id, texts, self.parts.sources, self.parts.shelf)
        dispatcher = Dispatcher(
            disable_fsm=True,  # nothing here waits for a next message
            sender=self.parts.sender,
            texts=texts,
            registry=self.parts.sources.registry,
            presses=presses,
            jobs=self.parts.jobs,
            bans=self.parts.bans,
            orders=desk,
            doubles=doubles,
            broadcasts=self.parts.broadcast_desk,
            spool=self.parts.spool,
            exports=self.parts.exports,
            statistics=self.parts.statistics_desk,
            pseudonyms=self.parts.pseudonyms,
            inline=InlineDesk(
                bot=self.parts.bot,
                texts=texts,
                lookup=lookup,
                orders=desk,
                doubles=doubles,
                is_for_everybody=self._settings.inline.everybody,
            ),
            inline_buttons=InlineButtons(texts, lookup, desk, presses),
        )
        registry, bot = self.parts.sources.registry, self._settings.bot
        guard = SpamGuard(self.parts.sender, texts, registry, frozenset(bot.admins))
        setup(
            dispatcher,
            self.parts.receipts,
            self.parts.bans,
            Registration(texts, registry, bot.join_log_chat),
            guard if self._settings.limits.spam_guard else None,
            frozenset(bot.admins),
            frozenset(bot.admins + self._settings.statistics.readers),
        )
        # aiogram would cut handlers off after this hook; the jobs behind them end inside it.
        dispatcher.shutdown.register(self._drain)
        return dispatcher

    def _make_desk(self, bot_username: str, *, can_share: bool) -> OrderDesk:
        limits, buttons = self._settings.limits, self._settings.buttons
        policy = Policy(
            max_duration_s=limits.max_duration_s,
            group_items=limits.group_items,
            shrinkable_bytes=limits.shrink_mb * 1_000_000,
            ads=self.parts.ad_rule,
        )
        return OrderDesk(
            bot=self.parts.bot,
            sender=self.parts.sender,
            texts=load_texts(),
            registry=self.parts.sources.registry,
            downloads=Downloads(self.parts.bench, self.parts.shelf, policy),
            sounds=Sounds(self.parts.bench, self.parts.shelf),
            slides=Slides(self.parts.bench, self.parts.shelf),
            jobs=self.parts.jobs,
            ledger=self.parts.ledger,
            bot_username=bot_username,
            meters=self.parts.meters,
            ads=self.parts.ads,
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
            with translated():
                await self.parts.bot.get_chat(storage_chat)
        except DeliveryError as error:
            logger.warning("The channel of [inline] storage_chat cannot be used: %s", error)
            return []
        inline = ["inline_query", "chosen_inline_result"] if me.supports_inline_queries else []
        return inline + (["guest_message"] if me.supports_guest_queries else [])

    def _chores(self, desk: OrderDesk) -> list[Chore]:
        lease_s = self._settings.run.lease_s
        return [
            Chore("Staying alive", lease_s / 4, self._stay_alive),
            Chore("Taking over what others have left", lease_s, desk.resume),
            Chore("Reading the ban list", _BANS_S, self.parts.bans.refresh),
            Chore("Sending to everybody", _BROADCASTS_S, self.parts.broadcasts.work),
            Chore("Sweeping", _SWEEP_S, self._sweep),
            Chore("Writing how requests end", _OUTCOMES_S, self.parts.meters.write),
            Chore("Counting chats", _TOPS_S, self.parts.statistics.prepare_tops),
            *self._watch_chores(),
        ]

    def _watch_chores(self) -> list[Chore]:
        """List what an operator may want besides."""
        watch, alarms = self._settings.watch, self.parts.alarms
        chores = []
        if board := self.parts.board:
            chores.append(Chore("The board of all time", _BOARD_EVER_S, board.show_ever))
            chores.append(Chore("The board of the day", _BOARD_DAY_S, board.show_day))
        if watch.failing_percent:
            chores.append(Chore("Looking at sites", _ALARMS_S, alarms.look_at_sites))
        if watch.quiet_minutes:
            chores.append(Chore("Listening", _ALARMS_S, alarms.listen))
        if watch.canaries:
            chores.append(Chore("The canaries", watch.canary_minutes * 60, alarms.try_canaries))
        return chores

    async def _stay_alive(self) -> None:
        """Keep the lease while there is something that others could take over."""
        if self.parts.jobs.count:
            await self.parts.ledger.beat()

    async def _sweep(self) -> None:
        """Forget posts that nobody asks for any more, and whatever else has had its day."""
        self.parts.spool.tidy()
        await self.parts.ledger.sweep()
        unused_since = unix_now() - self._settings.files.cache_days * 86_400
        with storage_errors():
            await fold_stats()
            await fold_outcomes()
            await sweep_recipients(unix_now() - _RECIPIENTS_S)
            if number := await sweep_cached(unused_since):
                logger.info("%d posts that nobody asks for were forgotten", number)

    async def _drain(self) -> None:
        await self._acknowledge()
        grace_s = self._settings.run.drain_s
        await asyncio.gather(self.parts.jobs.drain(grace_s), self.parts.broadcasts.close(grace_s))
        try:
            await self.parts.meters.write()
        except StorageError as error:
            logger.warning("How the last requests ended is not written: %s", error)

    async def _acknowledge(self) -> None:
        """Tell Telegram at the end what was handled, so that the next start is not told again."""
        try:
            async with asyncio.timeout(_LAST_WORD_S):
                await self.parts.receipts.complete()
                if self.parts.receipts.last is not None:
                    await self.parts.bot.get_updates(
                        offset=self.parts.receipts.last + 1, limit=1, timeout=0
                    )
        except (TimeoutError, AiogramError) as error:
            logger.info("The last updates will come again: %s", type(error).__name__)

    async def _introduce(self) -> User | None:
        """Ask Telegram who we are, and tell the operator which switches are off in BotFather."""
        try:
            me = await self.parts.bot.me()
        except (TelegramUnauthorizedError, TelegramNotFound):
            raise SettingsError(
                ["[bot] token (BOT_TOKEN): Telegram does not know this token"]
            ) from None
        except AiogramError as error:
            logger.error("Telegram cannot be reached: %s", translate(error))  # noqa: TRY400 - expected
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
