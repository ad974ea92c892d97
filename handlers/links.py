"""Messages with links to supported platforms: the bot's main function."""

from aiogram import Router
from aiogram.types import Message

from core.choices import NO_CHOICE, Choice, choice_in
from core.media import Link
from misc.bundles import Bundles
from misc.filters import HasLinks, NamesVersion
from misc.intake import RequestIntake
from misc.middlewares.deduplication import Deduplicator
from misc.middlewares.registration import STORES, ChatView
from misc.middlewares.update_acks import UpdateAck
from misc.ui.texts import Texts, choice_words


def router() -> Router:
    """Register messages with links, also those in chats of business accounts."""
    router = Router(name="links")
    router.message.register(on_link, HasLinks(), flags=STORES)
    router.message.register(on_choice, NamesVersion(), flags=STORES)
    router.business_message.register(on_business_link, HasLinks())
    return router


async def on_link(
    message: Message,
    links: list[Link],
    chat: ChatView,
    intake: RequestIntake,
    deduplicator: Deduplicator,
    ack: UpdateAck,
    bundles: Bundles,
) -> None:
    """Queue the links of a message, unless the message has arrived before."""
    bundles.mark_answered(message)
    if deduplicator.is_first(message):
        choice = choice_in(message.text or message.caption or "", choice_words()) or NO_CHOICE
        await intake.submit_links(message, links, chat, ack, choice)


async def on_choice(
    message: Message,
    links: list[Link],
    choice: Choice,
    chat: ChatView,
    intake: RequestIntake,
    deduplicator: Deduplicator,
    ack: UpdateAck,
) -> None:
    """Queue the links of the message that is replied to, in the version that the reply names."""
    if deduplicator.is_first(message):
        await intake.submit_links(message, links, chat, ack, choice)


async def on_business_link(
    message: Message,
    links: list[Link],
    texts: Texts,
    intake: RequestIntake,
    deduplicator: Deduplicator,
    ack: UpdateAck,
) -> None:
    """Queue the links of a message in a business account's chat, unless it has arrived before.

    The chat is not registered. Its language follows the sender's Telegram language.
    """
    if not deduplicator.is_first(message):
        return
    person = message.from_user
    chat = ChatView(texts.closest(person.language_code if person else None))
    choice = choice_in(message.text or message.caption or "", choice_words()) or NO_CHOICE
    await intake.submit_links(message, links, chat, ack, choice)
