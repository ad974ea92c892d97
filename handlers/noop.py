"""Buttons that only show something, also those of older bots with the same token."""

from aiogram import Router
from aiogram.types import CallbackQuery

from misc.filters import Carries
from misc.ui.callback_data import NOOP


def router() -> Router:
    """Register the buttons."""
    router = Router(name="noop")
    router.callback_query.register(on_noop, Carries(one_of=NOOP))
    return router


async def on_noop(query: CallbackQuery) -> None:
    """Answer the press, so that the button stops loading."""
    await query.answer()
