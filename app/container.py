"""The container: builds every long-lived object from the settings, without connecting."""

import asyncio
import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from platform import node
from typing import Final

from aiogram import Bot

from app.ads_file import load_ads
from core.ads import Ad, AdRule
from core.archives import ListArchivePolicy
from core.errors import SettingsError
from core.limits import upload_ceiling
from core.media import Link
from core.pseudonyms import Pseudonyms
from core.request import OLD_S, Kind
from data.changes import announce_time_out
from data.config import Settings
from data.pace import claim_turns
from delivery.call_observer import CallObserver
from delivery.client import PacePolicy, UpdatePolicy, make_bot
from delivery.membership import Membership
from delivery.moved_chats import MovedChats
from delivery.sender import Sender
from handlers.admin.access import AccessMenu
from handlers.admin.ads import AdMenu
from handlers.admin.bans import BanMenu
from handlers.admin.broadcasts import BroadcastMenu
from handlers.admin.error_reports import ErrorReportMenu
from handlers.admin.identities import IdentityMenu
from handlers.admin.menu import AdminMenu, Section
from handlers.admin.people import PeopleMenu
from handlers.admin.tools import AdminTools
from handlers.statistics.live_board import LiveBoard
from handlers.statistics.menu import StatisticsMenu
from media.processor import MediaProcessor
from media.worker_pool import WorkerPool
from misc.chat_lookup import ChatLookup
from misc.middlewares.ban_list import BanList
from misc.middlewares.flood_guard import TimeOuts
from misc.middlewares.update_acks import UpdateAcks
from misc.opt_outs import OptOutList
from misc.ui.admin_notifier import AdminNotifier
from misc.ui.texts import Texts, load_texts
from platforms import (
    BreakerPolicy,
    ExternalServices,
    Fetcher,
    FetchPolicy,
    Identities,
    IsTruncated,
    ProxyPool,
    Registry,
    Spool,
    check_cookies,
    load_proxies,
    load_registry,
    trust_length,
)
from services.access import AccessPolicy
from services.alarms import Alarms, AlarmThresholds
from services.botstat import BotStat
from services.broadcasts import BroadcastSender
from services.exports import Exports
from services.metrics import Metrics
from services.requests.archives import ArchiveService
from services.requests.audio import AudioService, SlideVideoService
from services.requests.context import RequestContext, Toolkit
from services.requests.file_id_cache import FileIdCache
from services.requests.kept_answers import KeptAnswers
from services.requests.list_archives import ListArchiveService
from services.requests.lists import LinkService, ListService
from services.requests.pipeline import RequestPipeline, Service
from services.requests.posts import PostPolicy, PostService
from services.requests.queue import RequestQueue
from services.requests.slots import Slots
from services.requests.store import RequestStore
from services.requests.subtitles import SubtitleService
from services.requests.versions import VersionFinder
from services.statistics import Statistics

#: Updates that are handled at the same time. Handlers are short; the work is in the request queue.
UPDATES_AT_ONCE: Final = 100
#: Size of one export file, in bytes. The public Bot API server accepts up to 50 MB.
EXPORT_BYTES = 45_000_000
#: Longest time to probe or remux a file, in seconds.
_FILE_WORK_S: Final = 60
#: Most processes for that, whatever the number of cores: each takes some 80 MB, and looks into
#: about 50 videos a second.
_MOST_WORKERS: Final = 8
#: Memory limits of one worker and of the encoder, in megabytes. A picture of 100 megapixels needs
#: 500 MB, encoding 4K video 1 200 MB.
_WORKER_MB: Final = 800
_ENCODER_MB: Final = 1_500
_HOUR_S: Final = 3_600


@dataclass(frozen=True, slots=True)
class Container:
    """All objects that live as long as the bot."""

    bot: Bot
    sender: Sender
    spool: Spool
    fetcher: Fetcher
    media: MediaProcessor
    metrics: Metrics
    request_queue: RequestQueue[RequestContext]
    request_store: RequestStore
    file_id_cache: FileIdCache
    version_finder: VersionFinder
    update_acks: UpdateAcks
    bans: BanList
    opt_outs: OptOutList
    time_outs: TimeOuts
    access: AccessPolicy
    moved_chats: MovedChats
    broadcasts: BroadcastSender
    broadcast_menu: BroadcastMenu
    admin_tools: AdminTools
    exports: Exports
    statistics: Statistics
    statistics_menu: StatisticsMenu
    board: LiveBoard | None
    alarms: Alarms
    admin_notifier: AdminNotifier
    pseudonyms: Pseudonyms
    ads: tuple[Ad, ...]

    async def close(self) -> None:
        """Close files, processes and connections."""
        self.spool.close()
        self.media.close()
        await self.fetcher.close()
        await self.bot.session.close()


def build(settings: Settings) -> Container:
    """Build all objects.

    Raises:
        SettingsError: a file that the settings name cannot be used.
    """
    limits, texts, admins = settings.limits, load_texts(), frozenset(settings.bot.admins)
    registry = load_registry(settings.sites.allowed)
    check_files(settings, registry)
    ads = load_ads(settings.ads.link, settings.ads.file, texts)
    canaries = canary_links(settings, registry)
    metrics = Metrics()
    ceiling_bytes = upload_ceiling(local_server=settings.telegram.local)
    bot = make_bot(
        settings.bot.token.get_secret_value(),
        server=settings.telegram.server,
        # Every active request and every handler may have one call open at a time.
        connections=limits.active_requests + UPDATES_AT_ONCE,
        ceiling_bytes=ceiling_bytes,
        pace=PacePolicy(
            is_on=settings.telegram.pacing, claim=claim_turns if settings.run.is_fleet else None
        ),
        observer=CallObserver(
            metrics.traffic.paced.observe, metrics.traffic.failed, metrics.traffic.uploaded
        ),
        updates=UpdatePolicy(
            lambda update: metrics.unreadable_updates.record(update.kind, update.path),
            OLD_S,
        ),
    )
    moved_chats = MovedChats(_named_chats(settings))
    sender = Sender(
        bot,
        ceiling_bytes=ceiling_bytes,
        upload_timeout_s=settings.telegram.upload_timeout_s,
        storage_chat=settings.inline.storage_chat,
        moved=moved_chats,
    )
    spool = Spool(settings.files.spool_dir, settings.files.spool_mb * 1_000_000)
    media = MediaProcessor(
        worker_pool=WorkerPool(
            min(max((os.cpu_count() or 2) - 1, 1), _MOST_WORKERS),
            limit_s=_FILE_WORK_S,
            memory_mb=_WORKER_MB,
            crashed=metrics.worker_crashed,
        ),
        encoder_pool=WorkerPool(
            1, limit_s=limits.encode_s, memory_mb=_ENCODER_MB, crashed=metrics.worker_crashed
        ),
        ceiling_bytes=ceiling_bytes,
        may_split=limits.split,
    )
    fetcher = build_fetcher(settings, registry, media.is_truncated)
    slots = Slots(limits.active_requests)
    toolkit = Toolkit(fetcher, sender, spool, media, slots, metrics, KeptAnswers(spool))
    run = settings.run
    request_store = RequestStore(bot.id, run.lease_s, may_be_alone=not run.is_fleet)
    file_id_cache = FileIdCache(toolkit, request_store, bot.id)
    broadcast_due = asyncio.Event()
    broadcast_menu = BroadcastMenu(
        bot, sender, texts, admins, settings.broadcasts.may_pay, broadcast_due
    )
    statistics = Statistics(sender, spool)
    statistics_menu = StatisticsMenu(
        sender,
        texts,
        registry,
        statistics,
        _botstat(settings, spool),
        has_ads=bool(ads),
        admins=admins,
    )
    access = _access(settings, bot, moved_chats)
    bans = BanList(admins, metrics.dropped)
    pseudonyms = Pseudonyms(settings.bot.token.get_secret_value())
    board_chat = settings.statistics.board_chat
    admin_notifier = AdminNotifier(sender, texts, admins, request_store.name)
    return Container(
        bot=bot,
        sender=sender,
        spool=spool,
        fetcher=fetcher,
        media=media,
        metrics=metrics,
        request_queue=RequestQueue(
            slots,
            RequestPipeline(_services(settings, toolkit, file_id_cache, bot.id), metrics),
            max_requests=limits.active_requests + limits.waiting_requests,
            patience_s=limits.patience_s,
        ),
        request_store=request_store,
        file_id_cache=file_id_cache,
        version_finder=VersionFinder(toolkit),
        update_acks=UpdateAcks(metrics.updated),
        bans=bans,
        opt_outs=OptOutList(),
        time_outs=TimeOuts(announce=announce_time_out if settings.run.is_fleet else None),
        access=access,
        moved_chats=moved_chats,
        broadcasts=BroadcastSender(bot.id, sender, request_store, broadcast_menu, broadcast_due),
        broadcast_menu=broadcast_menu,
        admin_tools=_admin_tools(
            PeopleMenu(sender, texts, statistics, bans, ChatLookup(pseudonyms), pseudonyms),
            broadcast_menu,
            statistics_menu,
            AdMenu(texts, ads, _ad_rule(settings)),
            AccessMenu(texts, access),
            IdentityMenu(bot, sender, texts, registry, fetcher.identities, _machine(settings)),
            _optional_sections(settings, texts),
        ),
        exports=Exports(sender, spool, EXPORT_BYTES),
        statistics=statistics,
        statistics_menu=statistics_menu,
        board=LiveBoard(bot, sender, statistics_menu, board_chat, moved_chats)
        if board_chat
        else None,
        alarms=Alarms(
            admin_notifier,
            metrics,
            fetcher,
            spool,
            AlarmThresholds(
                settings.watch.failing_percent / 100, settings.watch.quiet_minutes * 60, canaries
            ),
            machine=_machine(settings),
        ),
        admin_notifier=admin_notifier,
        pseudonyms=pseudonyms,
        ads=ads,
    )


def _machine(settings: Settings) -> str:
    """Return the name of this machine if several may share the database, otherwise ""."""
    return node() if settings.run.is_fleet else ""


def _named_chats(settings: Settings) -> dict[int, list[str]]:
    """Return the settings that name each chat, by its id."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    found[settings.inline.storage_chat].append("[inline] storage_chat")
    found[settings.statistics.board_chat].append("[statistics] board_chat")
    found[settings.bot.join_log_chat].append("[bot] join_log_chat")
    for key in ("channels", "listed"):
        for entry in settings.access[key]:
            if not entry.startswith("@"):
                found[int(entry)].append(f"[access] {key}")
    return found


def _access(settings: Settings, bot: Bot, moved: MovedChats) -> AccessPolicy:
    access = settings.access
    return AccessPolicy(
        access.mode,
        Membership(bot, access.channels, moved=moved),
        exempt=frozenset(settings.bot.admins) | frozenset(settings.statistics.readers),
        fixed=access.listed,
        channels=access.channels,
        join_url=access.join_url,
    )


def _admin_tools(
    people: PeopleMenu,
    broadcasts: BroadcastMenu,
    statistics: StatisticsMenu,
    ads: AdMenu,
    access: AccessMenu,
    identities: IdentityMenu,
    optional: dict[str, Section],
) -> AdminTools:
    """Build the menu of /admin. The order of `sections` is that of its buttons."""
    sender, texts = people.sender, people.texts
    bans = BanMenu(sender, texts, people.bans, people.lookup)
    reports = ErrorReportMenu(sender, texts)
    sections: dict[str, Section] = {
        "broadcasts": broadcasts.section,
        "statistics": statistics.section,
        "people": people.section,
        "bans": bans.section,
        "errors": reports.section,
        "ads": ads.section,
        "access": access.section,
        "identities": identities.section,
        **optional,
    }
    return AdminTools(AdminMenu(sender, texts, sections), people, bans, reports, identities)


def _optional_sections(settings: Settings, texts: Texts) -> dict[str, Section]:
    """Build the sections of /admin that only some settings need."""
    if not settings.ytdlp.update:
        return {}
    from handlers.admin.ytdlp import YtdlpMenu

    return {"ytdlp": YtdlpMenu(texts).section}


def _ad_rule(settings: Settings) -> AdRule:
    ads = settings.ads
    return AdRule(
        ads.every, ads.max_interval_h * _HOUR_S, ads.min_interval_h * _HOUR_S, ads.grace_h * _HOUR_S
    )


def _services(
    settings: Settings, toolkit: Toolkit, cache: FileIdCache, bot_id: int
) -> dict[Kind, Service]:
    """Build the service for each kind of request."""
    limits = settings.limits
    policy = PostPolicy(
        max_duration_s=limits.max_duration_s,
        group_items=limits.group_items,
        shrinkable_bytes=limits.shrink_mb * 1_000_000,
        ads=_ad_rule(settings),
    )
    posts = PostService(toolkit, cache, policy)
    lists = ListService(toolkit, bot_id, limits.list_items)
    of_links: dict[Kind, Service] = {
        "post": posts,
        "sound": AudioService(toolkit, cache),
        "subtitles": SubtitleService(toolkit, cache),
    }
    if limits.list_items:
        of_links = {kind: LinkService(service, lists) for kind, service in of_links.items()}
    return {
        **of_links,
        "slides": SlideVideoService(toolkit, cache),
        "archive": ArchiveService(toolkit, cache, posts),
        "list": lists,
        "list_archive": ListArchiveService(toolkit, posts, ListArchivePolicy()),
    }


def build_fetcher(
    settings: Settings, registry: Registry, is_truncated: IsTruncated = trust_length
) -> Fetcher:
    """Build the fetcher; `is_truncated` is asked about files of an unknown size.

    Raises:
        SettingsError: the proxies or cookies cannot be used.
    """
    limits, network, helpers = settings.limits, settings.network, settings.helpers
    proxies = load_proxies(network.proxy_file, include_direct=network.proxy_include_direct)
    return Fetcher(
        registry,
        proxies,
        FetchPolicy(
            attempts=limits.attempts,
            budget_s=limits.request_budget_s,
            stall_s=limits.stall_s,
            impersonate=network.impersonate,
            ca_file=network.ca_file,
            pages_only=network.proxy_pages_only,
            services=ExternalServices(
                cobalt_url=helpers.cobalt_url,
                cobalt_key=helpers.cobalt_key.get_secret_value(),
                rapidapi_url=helpers.rapidapi_url,
                rapidapi_key=helpers.rapidapi_key.get_secret_value(),
            ),
            breaker=BreakerPolicy(network.breaker_failures, network.breaker_pause_s),
            pot_url=helpers.pot_url,
        ),
        is_truncated,
        build_identities(settings, proxies),
    )


def build_identities(settings: Settings, proxies: ProxyPool) -> Identities:
    """Build the identities.

    Raises:
        SettingsError: the cookie file that the settings name cannot be used.
    """
    section, cookies_file = settings.identities, settings.network.cookies_file
    if cookies_file:
        check_cookies(cookies_file)
    return Identities(section.folder, proxies, cookies_file, wait_s=section.wait_s)


def _botstat(settings: Settings, spool: Spool) -> BotStat | None:
    key = settings.statistics.botstat_key.get_secret_value()
    if not key:
        return None
    notify = settings.bot.admins[0] if settings.bot.admins else 0
    token = settings.bot.token.get_secret_value()
    return BotStat(settings.statistics.botstat_url, token, key, notify, spool)


def check_files(settings: Settings, registry: Registry) -> None:
    """Check the sites, the canaries, and the files that the settings name.

    Raises:
        SettingsError: some cannot be used; it lists the mistakes of all of them.
    """
    network, ads = settings.network, settings.ads
    checks: tuple[Callable[[], object], ...] = (
        lambda: check_sites(settings, registry),
        lambda: canary_links(settings, registry),
        lambda: network.cookies_file and check_cookies(network.cookies_file),
        lambda: load_proxies(network.proxy_file, include_direct=network.proxy_include_direct),
        lambda: load_ads(ads.link, ads.file, load_texts()),
    )
    mistakes: list[str] = []
    for check in checks:
        try:
            check()
        except SettingsError as error:
            mistakes += error.mistakes
    if mistakes:
        raise SettingsError(mistakes)


def check_sites(settings: Settings, registry: Registry) -> None:
    """Check that every allowed site can be read.

    Raises:
        SettingsError: some can be read only by cobalt, and there is none.
    """
    if settings.helpers.cobalt_url:
        return
    if names := [name for name, site in registry.by_name.items() if site.needs_cobalt]:
        raise SettingsError(
            [
                f"[sites] allowed (SITES_ALLOWED): {', '.join(names)} can be read only by cobalt: "
                "set [helpers] cobalt_url"
            ]
        )


def canary_links(settings: Settings, registry: Registry) -> list[Link]:
    """Return the links of the canaries.

    Raises:
        SettingsError: some are not links of an allowed site.
    """
    found = {text: registry.find_all(text, []) for text in settings.watch.canaries}
    if unknown := [text for text, links in found.items() if not links]:
        raise SettingsError(
            [f"[watch] canaries (WATCH_CANARIES): no site is known for {text}" for text in unknown]
        )
    return [links[0] for links in found.values()]
