"""Messages with links to supported platforms: the bot's main function."""

from aiogram import Router
from aiogram.types import Message

from core.choices import Choice
from core.media import Link
from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.bundles import Bundles
from misc.filters import EditedSoon, HasLinks, InPrivate, MadeByBot, NamesVersion
from misc.intake import RequestIntake
from misc.message_links import text_of
from misc.middlewares.deduplication import Deduplicator
from misc.middlewares.registration import STORES, TURNS_AWAY, ChatView
from misc.middlewares.update_acks import UpdateAck
from misc.ui.texts import Texts, named_choice


def router() -> Router:
    """Register messages with links, in chats of business accounts and channels, too.

    Updates of edited messages and of channels arrive only where the settings ask for them.
    """
    router = Router(name="links")
    router.message.register(
        on_forwarded_answer, InPrivate(), MadeByBot(is_forward=True), flags=TURNS_AWAY
    )
    for observer in (
        router.message,
        router.edited_message,
        router.channel_post,
        router.edited_channel_post,
        router.business_message,
    ):
        observer.register(on_own_answer, MadeByBot(), flags=TURNS_AWAY)
    for posted in (router.message, router.channel_post):
        posted.register(on_link, HasLinks(), flags=STORES)
    router.message.register(on_choice, NamesVersion(), flags=STORES)
    for edited in (router.edited_message, router.edited_channel_post):
        edited.register(on_edited_link, EditedSoon(), HasLinks(), flags=STORES)
    router.business_message.register(on_business_link, HasLinks())
    return router


async def on_forwarded_answer(
    message: Message, chat: ChatView, sender: Sender, texts: Texts, bundles: Bundles
) -> None:
    """Say how to get another version of an answer that is forwarded back; once for a bundle.

    Raises:
        DeliveryError: it is not said.
    """
    for first in (await bundles.collect(message))[:1]:
        await sender.send_text(ChatTarget.of(first), texts[chat.lang]["own_answer"])


async def on_own_answer(message: Message, intake: RequestIntake) -> None:
    """Ignore an answer of the bot that somebody has sent inline or forwarded."""
    intake.metrics.dropped("own_answer", message.chat.id)


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
    if deduplicator.is_first(message, ack.update_id):
        choice = named_choice(text_of(message))
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
    if deduplicator.is_first(message, ack.update_id):
        await intake.submit_links(message, links, chat, ack, choice)


async def on_edited_link(
    message: Message, links: list[Link], chat: ChatView, intake: RequestIntake, ack: UpdateAck
) -> None:
    """Queue the links that an edit has added to a message."""
    choice = named_choice(text_of(message))
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
    if not deduplicator.is_first(message, ack.update_id):
        return
    person = message.from_user
    chat = ChatView(texts.closest(person.language_code if person else None))
    choice = named_choice(text_of(message))
    await intake.submit_links(message, links, chat, ack, choice)
