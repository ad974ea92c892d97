"""Buttons without an action, such as counters. Some come from older bots with the same token."""

from aiogram import Router
from aiogram.types import CallbackQuery

from misc.filters import Carries
from misc.ui.callback_data import NOOP


def router() -> Router:
    """Register the buttons without an action."""
    router = Router(name="noop")
    router.callback_query.register(on_noop, Carries(one_of=NOOP))
    return router


async def on_noop(query: CallbackQuery) -> None:
    """Answer the press, because Telegram shows a loading animation until then."""
    await query.answer()
