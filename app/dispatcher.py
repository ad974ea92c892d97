"""Builds the dispatcher: which objects the handlers get, and which middlewares come before them."""

from aiogram import Dispatcher

from app.container import Container
from data.config import Settings
from handlers import Menus, Middlewares, setup
from handlers.injected import Injected
from handlers.inline.buttons import InlineButtons
from handlers.inline.lookup import Lookup
from handlers.inline.queries import InlineQueries
from misc.chat_lookup import ChatLookup
from misc.intake import IntakeLimits, RequestIntake
from misc.middlewares.deduplication import Deduplicator
from misc.middlewares.flood_guard import FloodGuard
from misc.middlewares.registration import Registration
from misc.middlewares.running_buttons import RunningButtons
from misc.middlewares.usernames import Usernames
from misc.ui.keyboards import Extras
from misc.ui.presenter import PresenterFactory
from misc.ui.statuses import StatusFactory
from misc.ui.texts import load_texts


def build_intake(
    container: Container, settings: Settings, *, bot_username: str, can_share: bool
) -> RequestIntake:
    """Build the request intake.

    `bot_username` comes without the @; `can_share`: inline mode is on, so posts can be shared.
    """
    limits, buttons = settings.limits, settings.buttons
    return RequestIntake(
        store=container.request_store,
        queue=container.request_queue,
        presenters=PresenterFactory(
            texts=load_texts(),
            sender=container.sender,
            bot_username=bot_username,
            ads=container.ads,
            admins=frozenset(settings.bot.admins),
            extras=Extras(share=buttons.share and can_share, copy_link=buttons.copy_link),
        ),
        statuses=StatusFactory(container.bot, container.sender, load_texts()),
        metrics=container.metrics,
        limits=IntakeLimits(
            links_per_message=limits.links_per_message,
            private_queue=limits.private_queue,
            group_queue=limits.group_queue,
            max_age_s=limits.max_age_s,
        ),
        bot_id=container.bot.id,
    )


def build_dispatcher(container: Container, settings: Settings, intake: RequestIntake) -> Dispatcher:
    """Build the dispatcher with all handlers."""
    injected = Injected(
        sender=container.sender,
        texts=load_texts(),
        registry=container.fetcher.registry,
        intake=intake,
        request_queue=container.request_queue,
        running_buttons=RunningButtons(),
        deduplicator=Deduplicator(container.metrics.dropped),
        bans=container.bans,
        spool=container.spool,
        exports=container.exports,
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
    )


def _middlewares(container: Container, settings: Settings, injected: Injected) -> Middlewares:
    texts, registry = injected["texts"], injected["registry"]
    flood_guard = FloodGuard(
        container.sender,
        texts,
        registry,
        frozenset(settings.bot.admins),
        container.metrics.dropped,
    )
    return Middlewares(
        update_acks=container.update_acks,
        bans=container.bans,
        registration=Registration(texts, registry, settings.bot.join_log_chat),
        usernames=Usernames(container.pseudonyms),
        flood_guard=flood_guard if settings.limits.spam_guard else None,
    )
