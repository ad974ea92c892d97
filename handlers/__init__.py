"""The reception: an update comes in, one service is called, an answer goes out."""

from aiogram import Dispatcher, Router

from handlers import bans as bans_of_admins
from handlers import (
    broadcasts,
    cancel,
    errors,
    fallback,
    inert,
    inline,
    language,
    links,
    membership,
    mode,
    office,
    privacy,
    retry,
    settings,
    sound,
    start,
    statistics,
)
from misc.ban_list import BanList
from misc.filters import LooksLikeCommand
from misc.middlewares import Registration
from misc.receipts import Receipts
from misc.spam_guard import SpamGuard


def setup(
    dispatcher: Dispatcher,
    receipts: Receipts,
    bans: BanList,
    registration: Registration,
    guard: SpamGuard | None = None,
    admins: frozenset[int] = frozenset(),
    readers: frozenset[int] = frozenset(),
) -> None:
    """Put the handlers in place, in the order in which they are asked; the guards before them all.

    `readers` are those who may look at statistics, the administrators among them.
    """
    dispatcher.update.outer_middleware(receipts)
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
        bans_of_admins.router(admins),
        broadcasts.commands(admins),
        office.router(admins),
        statistics.commands(readers),
        *(part.router() for part in (start, mode, language, settings, privacy)),
    )
    dispatcher.include_routers(
        commands, broadcasts.router(admins), statistics.router(readers, admins)
    )
    for part in (
        links,
        sound,
        retry,
        cancel,
        inline,
        membership,
        inert,
        fallback,
        errors,
    ):
        dispatcher.include_router(part.router())
