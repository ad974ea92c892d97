"""Handlers: an update comes in, one call, one answer goes out. Routes are registered here."""

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
from handlers.admin import bans as ban_commands
from handlers.admin import broadcast_routes, chats
from handlers.inline import routes as inline_routes
from handlers.statistics import routes as statistics_routes
from misc.filters import LooksLikeCommand
from misc.middlewares.ban_list import BanList
from misc.middlewares.flood_guard import FloodGuard
from misc.middlewares.registration import Registration
from misc.middlewares.update_acks import UpdateAcks


def setup(
    dispatcher: Dispatcher,
    update_acks: UpdateAcks,
    bans: BanList,
    registration: Registration,
    guard: FloodGuard | None = None,
    admins: frozenset[int] = frozenset(),
    readers: frozenset[int] = frozenset(),
) -> None:
    """Put the handlers in place, in the order in which they are asked; the guards before them all.

    `readers` are those who may look at statistics, the administrators among them.
    """
    dispatcher.update.outer_middleware(update_acks)
    dispatcher.message.outer_middleware(bans)
    for kind in (
        dispatcher.callback_query,
        dispatcher.inline_query,
        dispatcher.chosen_inline_result,
        dispatcher.guest_message,
    ):
        kind.outer_middleware(bans)
    if guard:
        dispatcher.message.outer_middleware(guard)
    dispatcher.message.middleware(registration)
    dispatcher.callback_query.middleware(registration)
    commands = Router(name="commands")
    # Asked once, instead of by each of them: most messages are none.
    commands.message.filter(LooksLikeCommand())
    commands.include_routers(
        ban_commands.router(admins),
        broadcast_routes.commands(admins),
        chats.router(admins),
        statistics_routes.commands(readers),
        *(module.router() for module in (start, mode, language, settings, privacy)),
    )
    dispatcher.include_routers(
        commands, broadcast_routes.router(admins), statistics_routes.router(readers, admins)
    )
    for module in (
        links,
        audio,
        retry,
        cancel,
        inline_routes,
        chat_member,
        noop,
        fallback,
        errors,
    ):
        dispatcher.include_router(module.router())
