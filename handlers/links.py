"""The main job: a message with a link."""

from aiogram import Router
from aiogram.types import Message

from core.media import Link
from misc.doubles import Doubles
from misc.filters import HasLinks
from misc.middlewares import STORES, ChatView
from misc.orders import OrderDesk
from misc.receipts import Receipt
from misc.texts import Texts


def router() -> Router:
    """Build the router."""
    router = Router(name="links")
    router.message.register(on_link, HasLinks(), flags=STORES)
    router.business_message.register(on_business_link, HasLinks())
    return router


async def on_link(
    message: Message,
    links: list[Link],
    chat: ChatView,
    orders: OrderDesk,
    doubles: Doubles,
    receipt: Receipt,
) -> None:
    """Put the links of a message into the queue."""
    if doubles.is_first(message):
        await orders.submit_links(message, links, chat, receipt)


async def on_business_link(
    message: Message, links: list[Link], texts: Texts, orders: OrderDesk, receipt: Receipt
) -> None:
    """Do the same in a chat of a business account. Its customer is not registered, and not welcomed."""
    person = message.from_user
    chat = ChatView(texts.closest(person.language_code if person else None))
    await orders.submit_links(message, links, chat, receipt)
