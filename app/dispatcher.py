"""Builds the dispatcher: which objects the handlers get, and which middlewares come before them."""

from functools import partial

from aiogram import Dispatcher

from app.container import Container
from core.captions import checked_template
from data.config import Settings
from handlers import Menus, Middlewares, setup
from handlers.chat_member import BotMembership
from handlers.injected import Injected
from handlers.inline.buttons import InlineButtons
from handlers.inline.lookup import Lookup
from handlers.inline.queries import InlineQueries
from misc.addressing import BotAccount
from misc.bundles import Bundles
from misc.chat_lookup import ChatLookup
from misc.fleet_intake import FleetIntake
from misc.group_rules import GroupRules
from misc.intake import IntakeLimits, RequestIntake
from misc.join_log import JoinLog
from misc.middlewares.access_gate import AccessGate
from misc.middlewares.chat_order import ChatOrder
from misc.middlewares.deduplication import Deduplicator
from misc.middlewares.flood_guard import FloodGuard
from misc.middlewares.other_bots import OtherBots
from misc.middlewares.registration import Registration
from misc.middlewares.running_buttons import RunningButtons
from misc.middlewares.usernames import Usernames
from misc.queue_notices import QueueNotices
from misc.served_links import ServedLinks
from misc.ui.caption_writer import CaptionWriter
from misc.ui.help import BotProfile
from misc.ui.keyboards import Extras
from misc.ui.presenter import PresenterFactory
from misc.ui.settings_menu import SettingsMenu
from misc.ui.statuses import StatusFactory
from misc.ui.texts import load_texts
from misc.utils import platform_titles
from services.requests.cancelling import Canceller, LocalCanceller
from services.requests.queue import UNLIMITED


def build_intake(
    container: Container, settings: Settings, *, bot_username: str, can_share: bool
) -> RequestIntake:
    """Build the request intake.

    `bot_username` comes without the @; `can_share`: inline mode is on, so posts can be shared.
    """
    limits, buttons = settings.limits, settings.buttons
    most = limits.active_requests + limits.waiting_requests
    build = partial(FleetIntake, max_messages=most) if settings.run.is_fleet else RequestIntake
    return build(
        store=container.request_store,
        queue=container.request_queue,
        presenters=PresenterFactory(
            texts=load_texts(),
            sender=container.sender,
            bot_username=bot_username,
            ads=container.ads,
            admins=frozenset(settings.bot.admins),
            extras=Extras(share=buttons.share and can_share, copy_link=buttons.copy_link),
            captions=_captions(container, settings, bot_username),
        ),
        statuses=StatusFactory(container.bot, container.sender, load_texts()),
        notices=QueueNotices(container.bot, container.sender, load_texts()),
        metrics=container.metrics,
        limits=IntakeLimits(
            links_per_message=limits.links_per_message,
            waiting_links=limits.waiting_links,
            private_queue=limits.private_queue or UNLIMITED,
            group_queue=limits.group_queue or UNLIMITED,
            max_age_s=limits.max_age_s,
            list_items=limits.list_items,
        ),
        registry=container.fetcher.registry,
        groups=GroupRules(
            BotAccount(container.bot.id, bot_username),
            container.opt_outs,
            container.metrics.dropped,
            answers_channels=settings.chats.channels,
        ),
        served=ServedLinks(container.bot.id, is_alone=not settings.run.is_fleet),
    )


def _canceller(container: Container, intake: RequestIntake) -> Canceller:
    if isinstance(intake, FleetIntake):
        return intake
    return LocalCanceller(container.request_queue)


def _captions(container: Container, settings: Settings, bot_username: str) -> CaptionWriter:
    platforms = container.fetcher.registry.by_name.items()
    template = settings.captions.template
    return CaptionWriter(
        bot_username,
        sites={name: platform.title for name, platform in platforms},
        template=checked_template(template) if template else None,
    )


def build_dispatcher(
    container: Container, settings: Settings, intake: RequestIntake, *, has_inline: bool
) -> Dispatcher:
    """Build the dispatcher with all handlers; `has_inline`: inline mode is on."""
    injected = Injected(
        sender=container.sender,
        texts=load_texts(),
        registry=container.fetcher.registry,
        intake=intake,
        canceller=_canceller(container, intake),
        running_buttons=RunningButtons(),
        deduplicator=Deduplicator(container.metrics.dropped),
        bundles=Bundles(),
        bans=container.bans,
        account=intake.groups.account,
        opt_outs=container.opt_outs,
        settings_menu=SettingsMenu(
            load_texts(), container.fetcher.registry, settings.limits.group_items
        ),
        spool=container.spool,
        exports=container.exports,
        version_finder=container.version_finder,
        access=container.access,
        moved=container.moved_chats,
        profile=_profile(container, settings, intake, has_inline=has_inline),
        chat_lookup=ChatLookup(container.pseudonyms),
    )
    admins = frozenset(settings.bot.admins)
    # Handlers wait for updates, never for each other: aiogram's state machine is not needed.
    dispatcher = Dispatcher(disable_fsm=True, **injected)
    setup(
        dispatcher,
        _menus(container, settings, injected),
        _middlewares(container, settings, injected),
        admins=admins,
        readers=admins | frozenset(settings.statistics.readers),
    )
    return dispatcher


def _profile(
    container: Container, settings: Settings, intake: RequestIntake, *, has_inline: bool
) -> BotProfile:
    return BotProfile(
        username=intake.presenters.bot_username,
        platforms=platform_titles(container.fetcher.registry),
        limit_mb=container.sender.ceiling_bytes // 1_000_000,
        links_per_message=settings.limits.links_per_message,
        has_inline=has_inline,
        source_url=settings.bot.source_url,
        contact=settings.bot.contact,
    )


def _menus(container: Container, settings: Settings, injected: Injected) -> Menus:
    texts, registry, intake = injected["texts"], injected["registry"], injected["intake"]
    lookup = Lookup(container.bot.id, texts, container.fetcher, container.file_id_cache)
    return Menus(
        inline=InlineQueries(
            bot=container.bot,
            texts=texts,
            registry=registry,
            lookup=lookup,
            intake=intake,
            presenters=intake.presenters,
            deduplicator=injected["deduplicator"],
            metrics=container.metrics,
            is_for_everybody=settings.inline.everybody,
            access=container.access,
        ),
        inline_buttons=InlineButtons(
            sender=container.sender,
            texts=texts,
            registry=registry,
            lookup=lookup,
            intake=intake,
            presenters=intake.presenters,
            running_buttons=injected["running_buttons"],
        ),
        admin=container.admin_tools,
        broadcasts=container.broadcast_menu,
        statistics=container.statistics_menu,
        membership=BotMembership(
            texts,
            container.bans,
            platform_titles(registry),
            _join_log(container, settings),
            answers_channels=settings.chats.channels,
        ),
    )


def _join_log(container: Container, settings: Settings) -> JoinLog | None:
    chat_id = settings.bot.join_log_chat
    return JoinLog(chat_id, container.moved_chats) if chat_id else None


def _middlewares(container: Container, settings: Settings, injected: Injected) -> Middlewares:
    texts, registry = injected["texts"], injected["registry"]
    username = injected["profile"].username
    flood_guard = FloodGuard(
        container.sender,
        texts,
        registry,
        username,
        frozenset(settings.bot.admins),
        container.metrics.dropped,
        container.time_outs,
    )
    access_gate = AccessGate(
        container.access, container.sender, texts, injected["intake"], container.metrics.dropped
    )
    return Middlewares(
        update_acks=container.update_acks,
        chat_order=ChatOrder(keeps_all=settings.run.is_fleet),
        other_bots=OtherBots(username, container.metrics.dropped),
        bans=container.bans,
        registration=Registration(texts, registry, _join_log(container, settings)),
        usernames=Usernames(container.pseudonyms),
        flood_guard=flood_guard if settings.limits.spam_guard else None,
        access_gate=None if container.access.is_open else access_gate,
    )
