"""Inline mode: `@bot link` in any chat, the cards that are sent, and the buttons below them."""

from aiogram import Router
from aiogram.types import CallbackQuery, ChosenInlineResult, InlineQuery

from misc.callbacks import AGAIN, PAGE
from misc.filters import Carries
from misc.inline import InlineDesk
from misc.middlewares import STORES
from misc.receipts import Receipt


def router() -> Router:
    """Build the router."""
    router = Router(name="inline")
    router.inline_query.register(on_query)
    router.chosen_inline_result.register(on_chosen)
    router.callback_query.register(on_again, Carries(one_of=(AGAIN,)), flags=STORES)
    router.callback_query.register(on_page, Carries(prefix=PAGE), flags=STORES)
    return router


async def on_query(query: InlineQuery, inline: InlineDesk, receipt: Receipt) -> None:
    """Answer what is typed. Who types on asks anew, so nothing is lost by forgetting it."""
    receipt.give()
    await inline.answer(query)


async def on_chosen(chosen: ChosenInlineResult, inline: InlineDesk, receipt: Receipt) -> None:
    """Put what a card promises into its sender's queue."""
    await inline.choose(chosen, receipt)


async def on_again(query: CallbackQuery, inline: InlineDesk, receipt: Receipt) -> None:
    """Try again, for the owner."""
    await inline.try_again(query, receipt)


async def on_page(query: CallbackQuery, inline: InlineDesk, receipt: Receipt) -> None:
    """Show another item of an album."""
    await inline.turn(query, receipt)
