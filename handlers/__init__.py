"""Handlers of updates, and `setup`, which registers them and the middlewares."""

from dataclasses import dataclass

from aiogram import Dispatcher, Router

from handlers import (
    audio,
    cancel,
    chat_member,
    errors,
    fallback,
    language,
    links,
    mode,
    noop,
    privacy,
    retry,
    settings,
    start,
)
from handlers.admin import broadcasts, chats
from handlers.admin.broadcasts import BroadcastMenu
from handlers.admin.tools import AdminTools
from handlers.inline import queries
from handlers.inline.buttons import InlineButtons
from handlers.inline.queries import InlineQueries
from handlers.statistics import menu as statistics_menu
from handlers.statistics.menu import StatisticsMenu
from misc.filters import LooksLikeCommand
from misc.middlewares.ban_list import BanList
from misc.middlewares.flood_guard import FloodGuard
from misc.middlewares.registration import Registration
from misc.middlewares.update_acks import UpdateAcks
from misc.middlewares.usernames import Usernames


@dataclass(frozen=True, slots=True)
class Menus:
    """The objects whose methods are handlers."""

    inline: InlineQueries
    inline_buttons: InlineButtons
    admin: AdminTools
    broadcasts: BroadcastMenu
    statistics: StatisticsMenu


@dataclass(frozen=True, slots=True)
class Middlewares:
    """The middlewares, which process updates before the handlers do."""

    update_acks: UpdateAcks
    bans: BanList
    registration: Registration
    usernames: Usernames
    #: None if it is disabled in the settings.
    flood_guard: FloodGuard | None = None


def setup(
    dispatcher: Dispatcher,
    menus: Menus,
    middlewares: Middlewares,
    *,
    admins: frozenset[int] = frozenset(),
    readers: frozenset[int] = frozenset(),
) -> None:
    """Register middlewares and handlers. aiogram tries them in the order of registration.

    `admins` and `readers` are user ids. Readers may use /stats; they include the administrators.
    """
    dispatcher.update.outer_middleware(middlewares.update_acks)
    dispatcher.message.outer_middleware(middlewares.bans)
    for observer in (
        dispatcher.callback_query,
        dispatcher.inline_query,
        dispatcher.chosen_inline_result,
        dispatcher.guest_message,
    ):
        observer.outer_middleware(middlewares.bans)
    if middlewares.flood_guard:
        dispatcher.message.outer_middleware(middlewares.flood_guard)
    dispatcher.message.middleware(middlewares.registration)
    dispatcher.message.middleware(middlewares.usernames)
    dispatcher.callback_query.middleware(middlewares.registration)
    commands = Router(name="commands")
    # One check for the whole router, because most messages are not commands.
    commands.message.filter(LooksLikeCommand())
    commands.include_routers(
        *menus.admin.commands(admins),
        chats.router(admins),
        statistics_menu.commands(menus.statistics, readers),
        *(module.router() for module in (start, mode, language, settings, privacy)),
    )
    dispatcher.include_routers(
        commands,
        *menus.admin.routers(admins),
        broadcasts.router(menus.broadcasts, admins),
        statistics_menu.router(menus.statistics, readers, admins),
    )
    for before in (links, audio, retry, cancel):
        dispatcher.include_router(before.router())
    dispatcher.include_router(queries.router(menus.inline, menus.inline_buttons))
    for after in (chat_member, noop, fallback, errors):
        dispatcher.include_router(after.router())
