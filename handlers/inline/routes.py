"""In any chat: `@bot link` typed or called, the cards that are sent, and the buttons below them."""

from aiogram import Router
from aiogram.types import CallbackQuery, ChosenInlineResult, InlineQuery, Message

from handlers.inline.buttons import InlineButtons
from handlers.inline.queries import InlineQueries
from misc.filters import Carries
from misc.middlewares.registration import STORES
from misc.middlewares.update_acks import UpdateAck
from misc.ui.callback_data import AGAIN, OLD_INLINE, PAGE


def router() -> Router:
    """Build the router."""
    router = Router(name="inline")
    router.inline_query.register(on_query)
    router.chosen_inline_result.register(on_chosen)
    router.callback_query.register(on_again, Carries(one_of=(AGAIN,)), flags=STORES)
    router.callback_query.register(on_page, Carries(prefix=PAGE), flags=STORES)
    for prefix in OLD_INLINE:
        router.callback_query.register(on_old, Carries(prefix=prefix), flags=STORES)
    router.guest_message.register(on_call)
    return router


async def on_query(query: InlineQuery, inline: InlineQueries, ack: UpdateAck) -> None:
    """Answer what is typed. Who types on asks anew, so nothing is lost by forgetting it."""
    ack.give()
    await inline.answer(query)


async def on_chosen(chosen: ChosenInlineResult, inline: InlineQueries, ack: UpdateAck) -> None:
    """Put what a card promises into its sender's queue."""
    await inline.choose(chosen, ack)


async def on_call(message: Message, inline: InlineQueries, ack: UpdateAck) -> None:
    """Answer a call into a chat that the bot is no member of."""
    await inline.visit(message, ack)


async def on_again(query: CallbackQuery, inline_buttons: InlineButtons, ack: UpdateAck) -> None:
    """Try again, for the owner."""
    await inline_buttons.try_again(query, ack)


async def on_page(query: CallbackQuery, inline_buttons: InlineButtons, ack: UpdateAck) -> None:
    """Show another item of an album."""
    await inline_buttons.turn(query, ack)


async def on_old(query: CallbackQuery, inline_buttons: InlineButtons, ack: UpdateAck) -> None:
    """Do what an older bot's button promises, for the owner."""
    await inline_buttons.revive(query, ack)
