"""Buttons that only show something, ours and those of older bots with the same token."""

from aiogram import Router
from aiogram.types import CallbackQuery

from misc.callbacks import INERT
from misc.filters import Carries


def router() -> Router:
    """Build the router."""
    router = Router(name="inert")
    router.callback_query.register(on_inert, Carries(one_of=INERT))
    return router


async def on_inert(query: CallbackQuery) -> None:
    """Answer, so that the button stops waiting."""
    await query.answer()
