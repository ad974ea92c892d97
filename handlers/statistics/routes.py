"""/stats: what has happened, for those who may know."""

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from handlers.statistics.menu import StatisticsMenu
from misc.filters import Carries, FromAdmin, InPrivate
from misc.middlewares.registration import ChatView
from misc.ui.callback_data import HISTORY, STATISTICS


def commands(readers: frozenset[int]) -> Router:
    """Build the router of the command."""
    router = Router(name="statistics commands")
    router.message.register(on_stats, Command("stats"), FromAdmin(readers), InPrivate())
    return router


def router(readers: frozenset[int], admins: frozenset[int]) -> Router:
    """Build the router of the buttons. What single chats have had is for administrators."""
    router = Router(name="statistics")
    is_reader, is_admin = FromAdmin(readers), FromAdmin(admins)
    router.callback_query.register(on_screen, Carries(prefix=STATISTICS), is_reader)
    router.callback_query.register(on_history, Carries(prefix=HISTORY), is_admin)
    return router


async def on_stats(message: Message, chat: ChatView, statistics: StatisticsMenu) -> None:
    """Show the menu."""
    await statistics.open(message, chat.lang)


async def on_screen(query: CallbackQuery, chat: ChatView, statistics: StatisticsMenu) -> None:
    """Show what a button leads to."""
    await statistics.press(query, chat.lang)


async def on_history(query: CallbackQuery, chat: ChatView, statistics: StatisticsMenu) -> None:
    """Send a chat's history."""
    await statistics.send_history(query, (query.data or "").removeprefix(HISTORY), chat.lang)
