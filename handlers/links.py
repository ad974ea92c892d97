"""The main job: a message with a link."""

from aiogram import Router
from aiogram.types import Message

from core.media import Link
from misc.filters import HasLinks
from misc.middlewares import ChatView
from misc.orders import OrderDesk


def router() -> Router:
    """Build the router."""
    router = Router(name="links")
    router.message.register(on_link, HasLinks())
    return router


async def on_link(message: Message, links: list[Link], chat: ChatView, orders: OrderDesk) -> None:
    """Put the links of a message into the queue."""
    orders.submit_links(message, links, chat)
