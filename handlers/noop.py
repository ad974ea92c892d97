"""Buttons that only show something, ours and those of older bots with the same token."""

from aiogram import Router
from aiogram.types import CallbackQuery

from misc.filters import Carries
from misc.ui.callback_data import NOOP


def router() -> Router:
    """Build the router."""
    router = Router(name="noop")
    router.callback_query.register(on_noop, Carries(one_of=NOOP))
    return router


async def on_noop(query: CallbackQuery) -> None:
    """Answer, so that the button stops waiting."""
    await query.answer()
