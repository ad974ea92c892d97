"""Handlers of messages and buttons that no other handler accepts.

In private chats the answer is a hint; in groups only a command or a link gets one that is sent to
the bot by its name.
"""

from typing import Final

from aiogram import Router
from aiogram.enums import ContentType
from aiogram.types import CallbackQuery, Message

from core.choices import choice_in
from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.bundles import Bundles
from misc.filters import AnyCommand, AsksForOtherLink, InPrivate, OfKind
from misc.message_links import asked_messages, marked_urls, page_of
from misc.middlewares.deduplication import Deduplicator
from misc.middlewares.registration import TURNS_AWAY, ChatView
from misc.middlewares.update_acks import UpdateAck
from misc.ui.texts import Texts, choice_words
from misc.utils import platform_titles
from platforms import Registry

#: Content types of messages that users send, as opposed to service messages.
_USER_CONTENT = {
    ContentType.ANIMATION,
    ContentType.AUDIO,
    ContentType.CHECKLIST,
    ContentType.CONTACT,
    ContentType.DICE,
    ContentType.DOCUMENT,
    ContentType.GAME,
    ContentType.LIVE_PHOTO,
    ContentType.LOCATION,
    ContentType.PAID_MEDIA,
    ContentType.PHOTO,
    ContentType.POLL,
    ContentType.STICKER,
    ContentType.STORY,
    ContentType.TEXT,
    ContentType.VENUE,
    ContentType.VIDEO,
    ContentType.VIDEO_NOTE,
    ContentType.VOICE,
}
#: The hint for messages that say nothing more specific.
_GENERAL: Final = "links_only"
#: Hints that say no more than the welcome message.
_SAID_BY_WELCOME: Final = {_GENERAL, "send_link"}


def router() -> Router:
    """Register the handlers of unmatched private messages and buttons. Include it last."""
    router = Router(name="fallback")
    router.message.register(on_unknown_command, InPrivate(), AnyCommand())
    router.message.register(on_unknown_command, AnyCommand(is_addressed=True), flags=TURNS_AWAY)
    router.message.register(on_anything, InPrivate(), OfKind(_USER_CONTENT))
    router.message.register(on_other_link, AsksForOtherLink(), flags=TURNS_AWAY)
    router.callback_query.register(on_old_button)
    return router


async def on_unknown_command(
    message: Message, chat: ChatView, sender: Sender, texts: Texts
) -> None:
    """Point to /help, except in a new chat: the welcome message has just done so.

    Raises:
        DeliveryError: the hint is not sent.
    """
    if not chat.is_new:
        await sender.send_text(ChatTarget.of(message), texts[chat.lang]["unknown_command"])


async def on_anything(
    message: Message,
    chat: ChatView,
    sender: Sender,
    texts: Texts,
    registry: Registry,
    bundles: Bundles,
) -> None:
    """Explain what to send, or why this is not answered.

    A new chat gets no hint that the welcome message has just given. An album gets one hint, and
    none if one of its captions has a link.

    Raises:
        DeliveryError: the hint is not sent.
    """
    if chat.is_new and _hint_key(message, registry) in _SAID_BY_WELCOME:
        bundles.mark_answered(message)
        return
    hints = [(_hint_key(item, registry), item) for item in await bundles.collect(message)]
    if hints:
        key, item = min(hints, key=lambda hint: hint[0] == _GENERAL)
        text = texts(chat.lang, key, platforms=platform_titles(registry))
        await sender.send_text(ChatTarget.of(item), text)


async def on_other_link(
    message: Message,
    chat: ChatView,
    sender: Sender,
    texts: Texts,
    registry: Registry,
    deduplicator: Deduplicator,
    ack: UpdateAck,
) -> None:
    """Say why a link that was sent to the bot in a group is not answered, without a sound.

    A call of the bot as a guest, which may be the same message, gets a hint as well.

    Raises:
        DeliveryError: the hint is not sent.
    """
    if not deduplicator.is_first(message, ack.update_id):
        return
    pages = (page_of(one, registry) for one in asked_messages(message))
    page = next(filter(None, pages), None)
    key = page.error.text_key if page else "foreign_link"
    text = texts(chat.lang, key, platforms=platform_titles(registry))
    await sender.send_text(ChatTarget.of(message), text, silent=True)


async def on_old_button(query: CallbackQuery, chat: ChatView, texts: Texts) -> None:
    """Answer that the button has expired."""
    await query.answer(texts[chat.lang]["button_expired"], show_alert=True)


def _hint_key(message: Message, registry: Registry) -> str:
    """Return the locale key of the hint for a message without a supported link."""
    if page := page_of(message, registry):
        return page.error.text_key
    if message.video or message.video_note:
        return "uploads_not_processed"
    if any(marked_urls(message)):
        return "foreign_link"
    if message.text is None:
        return _GENERAL
    return "which_post" if choice_in(message.text, choice_words()) else "send_link"
