"""The parts of the bot, built from the settings. Nothing here talks to anybody yet."""

import os
from dataclasses import dataclass
from typing import Final

from aiogram import Bot

from core.ads import Ad, AdRule
from core.errors import SettingsError
from core.limits import upload_ceiling
from core.logs import Pseudonyms
from core.media import Link
from data.config import Settings
from delivery.client import make_bot
from delivery.sender import Sender
from delivery.shape import Shaper
from delivery.workshop import Workshop
from misc.ads import load_ads
from misc.ban_list import BanList
from misc.bell import Bell
from misc.board import Board
from misc.broadcasts import BroadcastDesk
from misc.receipts import Receipts
from misc.statistics import StatisticsDesk
from misc.texts import load_texts
from platforms import Registry, Sources, Spool, Terms, load, load_cookies, load_exits
from services.alarms import Alarms, Worries
from services.botstat import BotStat
from services.broadcasts import Broadcasts
from services.exports import Exports
from services.jobs import Jobs
from services.ledger import Ledger
from services.meters import Meters
from services.serving import Workbench
from services.shelf import Shelf
from services.slots import Slots
from services.statistics import Statistics

#: Updates that are handled at the same time. Handlers are short; the work is in the jobs.
UPDATES_AT_ONCE: Final = 100
#: A file of an export is no larger than this: the public server takes 50 MB.
_EXPORT_BYTES = 45_000_000
#: Looking into a file, or repacking it, never takes longer than this, in seconds.
_FILE_WORK_S: Final = 60
_HOUR_S: Final = 3_600


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that lives as long as the bot."""

    bot: Bot
    sender: Sender
    spool: Spool
    sources: Sources
    shaper: Shaper
    meters: Meters
    bench: Workbench
    jobs: Jobs
    ledger: Ledger
    shelf: Shelf
    receipts: Receipts
    bans: BanList
    broadcasts: Broadcasts
    broadcast_desk: BroadcastDesk
    exports: Exports
    statistics: Statistics
    statistics_desk: StatisticsDesk
    board: Board | None
    alarms: Alarms
    pseudonyms: Pseudonyms
    ads: tuple[Ad, ...]
    ad_rule: AdRule

    async def close(self) -> None:
        """Let go of files, processes and connections."""
        self.spool.close()
        self.shaper.close()
        await self.sources.close()
        await self.bot.session.close()


def build(settings: Settings) -> Parts:
    """Build the parts.

    Raises:
        SettingsError: a file that the settings name cannot be used, or the token is none.
    """
    limits, texts, admins = settings.limits, load_texts(), frozenset(settings.bot.admins)
    ads = load_ads(settings.ads.link, settings.ads.file, texts)
    registry = load(settings.sites.allowed)
    canaries = _canaries(settings, registry)
    meters = Meters()
    bot = make_bot(
        settings.bot.token.get_secret_value(),
        server=settings.telegram.server,
        # Uploads and the requests beside them, all at once.
        connections=limits.active_requests + UPDATES_AT_ONCE,
        paces=settings.telegram.pacing,
        waited=meters.paced.observe,
    )
    sender = Sender(
        bot,
        ceiling_bytes=upload_ceiling(local_server=settings.telegram.local),
        upload_timeout_s=settings.telegram.upload_timeout_s,
        storage_chat=settings.inline.storage_chat,
    )
    spool = Spool(settings.files.spool_dir, settings.files.spool_mb * 1_000_000)
    sources = _sources(settings, registry)
    shaper = Shaper(
        workshop=Workshop(max((os.cpu_count() or 2) - 1, 1), limit_s=_FILE_WORK_S),
        studio=Workshop(1, limit_s=limits.encode_s),
        ceiling_bytes=sender.ceiling_bytes,
        may_split=limits.split,
    )
    slots = Slots(limits.active_requests)
    bench = Workbench(sources, sender, spool, shaper, slots)
    ledger = Ledger(bot.id, settings.run.lease_s)
    broadcast_desk = BroadcastDesk(bot, sender, texts, admins, settings.broadcasts.may_pay)
    statistics = Statistics(sender, spool)
    statistics_desk = StatisticsDesk(
        sender, texts, registry, statistics, _botstat(settings, spool), has_ads=bool(ads)
    )
    board_chat = settings.statistics.board_chat
    return Parts(
        bot=bot,
        sender=sender,
        spool=spool,
        sources=sources,
        shaper=shaper,
        meters=meters,
        bench=bench,
        jobs=Jobs(
            slots,
            most=limits.active_requests + limits.waiting_requests,
            patience_s=limits.patience_s,
        ),
        ledger=ledger,
        shelf=Shelf(bench, ledger, bot.id),
        receipts=Receipts(meters.updated),
        bans=BanList(admins),
        broadcasts=Broadcasts(bot.id, sender, ledger, broadcast_desk),
        broadcast_desk=broadcast_desk,
        exports=Exports(sender, spool, _EXPORT_BYTES),
        statistics=statistics,
        statistics_desk=statistics_desk,
        board=Board(bot, sender, statistics_desk, board_chat) if board_chat else None,
        alarms=Alarms(
            Bell(sender, texts, admins),
            meters,
            sources,
            spool,
            Worries(
                settings.watch.failing_percent / 100, settings.watch.quiet_minutes * 60, canaries
            ),
        ),
        pseudonyms=Pseudonyms(settings.bot.token.get_secret_value()),
        ads=ads,
        ad_rule=AdRule(
            settings.ads.every,
            settings.ads.max_interval_h * _HOUR_S,
            settings.ads.min_interval_h * _HOUR_S,
            settings.ads.grace_h * _HOUR_S,
        ),
    )


def _sources(settings: Settings, registry: Registry) -> Sources:
    limits, network, helpers = settings.limits, settings.network, settings.helpers
    return Sources(
        registry,
        load_exits(network.proxy_file, include_direct=network.proxy_include_direct),
        Terms(
            attempts=limits.attempts,
            budget_s=limits.request_budget_s,
            stall_s=limits.stall_s,
            impersonate=network.impersonate,
            ca_file=network.ca_file,
            cookies=load_cookies(network.cookies_file),
            pages_only=network.proxy_pages_only,
            cobalt_url=helpers.cobalt_url,
            cobalt_key=helpers.cobalt_key.get_secret_value(),
            rapidapi_url=helpers.rapidapi_url,
            rapidapi_key=helpers.rapidapi_key.get_secret_value(),
            breaker_failures=network.breaker_failures,
            breaker_pause_s=network.breaker_pause_s,
        ),
    )


def _botstat(settings: Settings, spool: Spool) -> BotStat | None:
    key = settings.statistics.botstat_key.get_secret_value()
    if not key:
        return None
    notify = settings.bot.admins[0] if settings.bot.admins else 0
    token = settings.bot.token.get_secret_value()
    return BotStat(settings.statistics.botstat_url, token, key, notify, spool)


def _canaries(settings: Settings, registry: Registry) -> list[Link]:
    found = {text: registry.find_all(text, []) for text in settings.watch.canaries}
    if unknown := [text for text, links in found.items() if not links]:
        raise SettingsError(
            [f"[watch] canaries (WATCH_CANARIES): no site is known for {text}" for text in unknown]
        )
    return [links[0] for links in found.values()]
