"""The whole bot, put together, started, run and stopped."""

import asyncio
import gc
import logging
import os

from aiogram import Dispatcher
from aiogram.exceptions import (
    AiogramError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)
from aiogram.types import User

from core.errors import DeliveryError, SettingsError
from core.limits import upload_ceiling
from data.broadcasts import sweep_recipients
from data.config import Settings
from data.database import unix_now
from data.errors import storage_errors
from data.media_cache import sweep_cached
from delivery.client import make_bot
from delivery.sender import Sender
from delivery.shape import Shaper
from delivery.telegram_errors import translate, translated
from delivery.workshop import Workshop
from handlers import setup
from misc.ban_list import BanList
from misc.broadcasts import BroadcastDesk
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
from misc.receipts import Receipts
from misc.spam_guard import SpamGuard
from misc.texts import load_texts
from platforms import Sources, Spool, Terms, load, load_cookies, load_exits
from services.broadcasts import Broadcasts
from services.chores import Chore, doing
from services.downloads import Downloads, Policy
from services.exports import Exports
from services.jobs import Jobs
from services.ledger import Ledger
from services.serving import Workbench
from services.shelf import Shelf
from services.slots import Slots
from services.sounds import Slides, Sounds

logger = logging.getLogger(__name__)

#: Updates that are handled at the same time. Handlers are short; the work is in the jobs.
_UPDATES_AT_ONCE = 100
#: Old rows and forgotten files are looked for so often, in seconds.
_SWEEP_S = 3_600
#: A file of an export is no larger than this: the public server takes 50 MB.
_EXPORT_BYTES = 45_000_000
#: A broadcast that is due begins within so many seconds.
_BROADCASTS_S = 2
#: Who has got a broadcast is known for so long, in seconds.
_RECIPIENTS_S = 30 * 86_400
#: What another process has done to the ban list is seen after so long, in seconds.
_BANS_S = 60
#: Longest time for the last acknowledgement, in seconds.
_LAST_WORD_S = 5
#: New objects before Python looks for garbage among them.
_COLLECT_AFTER = 20_000
#: Looking into a file, or repacking it, never takes longer than this, in seconds.
_FILE_WORK_S = 60
_UPDATES = ["message", "callback_query", "my_chat_member"]


class Application:
    """The bot's parts, and their order at start and stop."""

    def __init__(self, settings: Settings) -> None:
        """Build the parts.

        Raises:
            SettingsError: a file that the settings name cannot be used, or the token is none.
        """
        self._settings = settings
        limits, network = settings.limits, settings.network
        self._bot = make_bot(
            settings.bot.token.get_secret_value(),
            server=settings.telegram.server,
            # Uploads and the requests beside them, all at once.
            connections=limits.active_requests + _UPDATES_AT_ONCE,
            paces=settings.telegram.pacing,
        )
        self._sender = Sender(
            self._bot,
            ceiling_bytes=upload_ceiling(local_server=settings.telegram.local),
            upload_timeout_s=settings.telegram.upload_timeout_s,
            storage_chat=settings.inline.storage_chat,
        )
        self._spool = Spool(settings.files.spool_dir, settings.files.spool_mb * 1_000_000)
        self._sources = Sources(
            load(settings.sites.allowed),
            load_exits(network.proxy_file, include_direct=network.proxy_include_direct),
            Terms(
                attempts=limits.attempts,
                budget_s=limits.request_budget_s,
                stall_s=limits.stall_s,
                impersonate=network.impersonate,
                ca_file=network.ca_file,
                cookies=load_cookies(network.cookies_file),
                pages_only=network.proxy_pages_only,
                cobalt_url=settings.helpers.cobalt_url,
                cobalt_key=settings.helpers.cobalt_key.get_secret_value(),
                rapidapi_url=settings.helpers.rapidapi_url,
                rapidapi_key=settings.helpers.rapidapi_key.get_secret_value(),
                breaker_failures=network.breaker_failures,
                breaker_pause_s=network.breaker_pause_s,
            ),
        )
        self._shaper = Shaper(
            workshop=Workshop(max((os.cpu_count() or 2) - 1, 1), limit_s=_FILE_WORK_S),
            studio=Workshop(1, limit_s=limits.encode_s),
            ceiling_bytes=self._sender.ceiling_bytes,
            may_split=limits.split,
        )
        slots = Slots(limits.active_requests)
        self._bench = Workbench(self._sources, self._sender, self._spool, self._shaper, slots)
        self._jobs = Jobs(
            slots,
            most=limits.active_requests + limits.waiting_requests,
            patience_s=limits.patience_s,
        )
        self._ledger = Ledger(self._bot.id, settings.run.lease_s)
        self._shelf = Shelf(self._bench, self._ledger, self._bot.id)
        self._receipts = Receipts()
        self._bans = BanList(frozenset(settings.bot.admins))
        self._broadcast_desk = BroadcastDesk(
            bot=self._bot,
            sender=self._sender,
            texts=load_texts(),
            admins=frozenset(settings.bot.admins),
            may_pay=settings.broadcasts.may_pay,
        )
        self._broadcasts = Broadcasts(
            self._bot.id, self._sender, self._ledger, self._broadcast_desk
        )
        self._dispatcher: Dispatcher | None = None

    async def run(self) -> bool:
        """Poll until a signal says to stop; False when Telegram ended it.

        Raises:
            SettingsError: the token is wrong.
        """
        watch = PollingWatch(self.stop, self._receipts, self._settings.files.heartbeat)
        self._bot.session.middleware(watch)
        try:
            me = await self._introduce()
            if me is None:
                return False
            self._spool.prepare()
            await publish_commands(self._bot, load_texts())
            assert me.username
            updates = _UPDATES + (["business_message"] if self._settings.bot.business else [])
            updates += await self._updates_from_elsewhere(me)
            desk = self._make_desk(me.username, can_share="inline_query" in updates)
            self._dispatcher = self._make_dispatcher(desk)
            _spare_the_collector()
            async with doing(self._chores(desk)):
                await self._dispatcher.start_polling(
                    self._bot,
                    allowed_updates=updates,
                    tasks_concurrency_limit=_UPDATES_AT_ONCE,
                    close_bot_session=False,
                )
            await self._ledger.hand_back()
            return not watch.has_seen_another
        finally:
            self._spool.close()
            self._shaper.close()
            await self._sources.close()
            await self._bot.session.close()
            logger.info("Stopped")

    async def stop(self) -> None:
        """End `run` in order: no new updates, running requests finish, everything is closed."""
        if self._dispatcher:
            await self._dispatcher.stop_polling()

    def _make_dispatcher(self, desk: OrderDesk) -> Dispatcher:
        texts, presses, doubles = load_texts(), Presses(), Doubles()
        lookup = Lookup(self._bot.id, texts, self._sources, self._shelf)
        dispatcher = Dispatcher(
            disable_fsm=True,  # nothing here waits for a next message
            sender=self._sender,
            texts=texts,
            registry=self._sources.registry,
            presses=presses,
            jobs=self._jobs,
            bans=self._bans,
            orders=desk,
            doubles=doubles,
            broadcasts=self._broadcast_desk,
            spool=self._spool,
            exports=Exports(self._sender, self._spool, _EXPORT_BYTES),
            inline=InlineDesk(
                bot=self._bot,
                texts=texts,
                lookup=lookup,
                orders=desk,
                doubles=doubles,
                is_for_everybody=self._settings.inline.everybody,
            ),
            inline_buttons=InlineButtons(texts, lookup, desk, presses),
        )
        registry, bot = self._sources.registry, self._settings.bot
        guard = SpamGuard(self._sender, texts, registry, frozenset(bot.admins))
        setup(
            dispatcher,
            self._receipts,
            self._bans,
            Registration(texts, registry, bot.join_log_chat),
            guard if self._settings.limits.spam_guard else None,
            frozenset(bot.admins),
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
            ads=bool(self._settings.ads.link),
        )
        return OrderDesk(
            bot=self._bot,
            sender=self._sender,
            texts=load_texts(),
            registry=self._sources.registry,
            downloads=Downloads(self._bench, self._shelf, policy),
            sounds=Sounds(self._bench, self._shelf),
            slides=Slides(self._bench, self._shelf),
            jobs=self._jobs,
            ledger=self._ledger,
            bot_username=bot_username,
            ad_link=self._settings.ads.link,
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
                await self._bot.get_chat(storage_chat)
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
            Chore("Reading the ban list", _BANS_S, self._bans.refresh),
            Chore("Sending to everybody", _BROADCASTS_S, self._broadcasts.work),
            Chore("Sweeping", _SWEEP_S, self._sweep),
        ]

    async def _stay_alive(self) -> None:
        """Keep the lease while there is something that others could take over."""
        if self._jobs.count:
            await self._ledger.beat()

    async def _sweep(self) -> None:
        """Forget posts that nobody asks for any more, and whatever else has had its day."""
        self._spool.tidy()
        await self._ledger.sweep()
        unused_since = unix_now() - self._settings.files.cache_days * 86_400
        with storage_errors():
            await sweep_recipients(unix_now() - _RECIPIENTS_S)
            if number := await sweep_cached(unused_since):
                logger.info("%d posts that nobody asks for were forgotten", number)

    async def _drain(self) -> None:
        await self._acknowledge()
        grace_s = self._settings.run.drain_s
        await asyncio.gather(self._jobs.drain(grace_s), self._broadcasts.close(grace_s))

    async def _acknowledge(self) -> None:
        """Tell Telegram at the end what was handled, so that the next start is not told again."""
        try:
            async with asyncio.timeout(_LAST_WORD_S):
                await self._receipts.complete()
                if self._receipts.last is not None:
                    await self._bot.get_updates(offset=self._receipts.last + 1, limit=1, timeout=0)
        except (TimeoutError, AiogramError) as error:
            logger.info("The last updates will come again: %s", type(error).__name__)

    async def _introduce(self) -> User | None:
        """Ask Telegram who we are, and tell the operator which switches are off in BotFather."""
        try:
            me = await self._bot.me()
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
