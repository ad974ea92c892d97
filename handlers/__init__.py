"""Handlers of updates, and `setup`, which registers them and the middlewares."""

from dataclasses import dataclass

from aiogram import Dispatcher, Router

from handlers import (
    audio,
    cancel,
    chat_member,
    errors,
    fallback,
    help_command,
    language,
    links,
    lists,
    mode,
    my_links,
    noop,
    privacy,
    remaining,
    retry,
    settings,
    start,
    versions,
)
from handlers.admin import access as access_commands
from handlers.admin import broadcasts, chats
from handlers.admin.broadcasts import BroadcastMenu
from handlers.admin.tools import AdminTools
from handlers.chat_member import BotMembership
from handlers.inline import queries
from handlers.inline.buttons import InlineButtons
from handlers.inline.queries import InlineQueries
from handlers.statistics import menu as statistics_menu
from handlers.statistics.menu import StatisticsMenu
from misc.filters import LooksLikeCommand
from misc.middlewares.access_gate import AccessGate
from misc.middlewares.ban_list import BanList
from misc.middlewares.chat_order import ChatOrder
from misc.middlewares.flood_guard import FloodGuard
from misc.middlewares.other_bots import OtherBots
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
    membership: BotMembership


@dataclass(frozen=True, slots=True)
class Middlewares:
    """The middlewares, which process updates before the handlers do."""

    update_acks: UpdateAcks
    chat_order: ChatOrder
    other_bots: OtherBots
    bans: BanList
    registration: Registration
    usernames: Usernames
    #: None if it is disabled in the settings.
    flood_guard: FloodGuard | None = None
    #: None if everyone may use the bot.
    access_gate: AccessGate | None = None


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
    _add_middlewares(dispatcher, middlewares)
    commands = Router(name="commands")
    # One check for the whole router, because most messages are not commands.
    for observer in (commands.message, commands.channel_post):
        observer.filter(LooksLikeCommand())
    commands.include_routers(
        access_commands.router(admins),
        *menus.admin.commands(admins),
        chats.router(admins),
        statistics_menu.commands(menus.statistics, readers),
        *(
            module.router()
            for module in (start, help_command, mode, language, settings, privacy, my_links)
        ),
        cancel.commands(),
    )
    dispatcher.include_routers(
        commands,
        *menus.admin.routers(admins),
        broadcasts.router(menus.broadcasts, admins),
        statistics_menu.router(menus.statistics, readers, admins),
    )
    for before in (links, lists, audio, versions, retry, remaining, cancel):
        dispatcher.include_router(before.router())
    dispatcher.include_router(queries.router(menus.inline, menus.inline_buttons))
    dispatcher.include_router(chat_member.router(menus.membership))
    for after in (noop, fallback, errors):
        dispatcher.include_router(after.router())


def _add_middlewares(dispatcher: Dispatcher, middlewares: Middlewares) -> None:
    """Register the middlewares: the outer ones see every update, the inner ones handled ones."""
    dispatcher.update.outer_middleware(middlewares.update_acks)
    dispatcher.update.outer_middleware(middlewares.chat_order)
    messages = (dispatcher.message, dispatcher.edited_message)
    posts = (dispatcher.channel_post, dispatcher.edited_channel_post)
    business, presses = dispatcher.business_message, dispatcher.callback_query
    inline = (dispatcher.inline_query, dispatcher.chosen_inline_result, dispatcher.guest_message)
    for observer in (*messages, *posts, business):
        observer.outer_middleware(middlewares.other_bots)
    for observer in (*messages, *posts, presses, *inline):
        observer.outer_middleware(middlewares.bans)
    if middlewares.flood_guard:
        for observer in messages:
            observer.outer_middleware(middlewares.flood_guard)
    if middlewares.access_gate:
        for observer in (*messages, *posts, presses, business):
            observer.middleware(middlewares.access_gate)
    for observer in (*messages, *posts, presses):
        observer.middleware(middlewares.registration)
    dispatcher.message.middleware(middlewares.usernames)
