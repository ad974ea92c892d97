"""The button below a video that shows its versions, and the buttons that send one."""

from collections.abc import Mapping, Sequence
from functools import partial

from aiogram import Router
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from core.chat_queue import Lane
from core.choices import Offer
from core.errors import ClipferryError
from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.filters import Carries
from misc.intake import RequestIntake
from misc.middlewares.registration import STORES, ChatView
from misc.middlewares.running_buttons import RunningButtons
from misc.middlewares.update_acks import UpdateAck
from misc.ui import keyboards, messages
from misc.ui.callback_data import CLOSE, VERSION, VERSIONS, read_post, read_version
from misc.ui.texts import Texts
from platforms import Registry
from services.requests.versions import VersionFinder


def router() -> Router:
    """Register the buttons that list versions, choose one, and close the list."""
    router = Router(name="versions")
    router.callback_query.register(on_versions, Carries(prefix=VERSIONS))
    router.callback_query.register(on_version, Carries(prefix=VERSION), flags=STORES)
    router.callback_query.register(on_close, Carries(one_of=(CLOSE,)))
    return router


async def on_versions(
    query: CallbackQuery,
    chat: ChatView,
    texts: Texts,
    sender: Sender,
    registry: Registry,
    version_finder: VersionFinder,
) -> None:
    """Send the versions of a post as buttons.

    Raises:
        DeliveryError: they are not sent.
    """
    message, post = query.message, read_post(query.data or "")
    link = registry.link_to(*post) if post else None
    if not isinstance(message, Message) or post is None or link is None:
        await query.answer(texts[chat.lang]["button_expired"], show_alert=True)
        return
    try:
        offers = await version_finder.find(link, _lane(query, message), chat.lang)
    except ClipferryError as error:
        await _say(query, sender, texts.plain(chat.lang, error.text_key, **error.facts))
        return
    if offers:
        await query.answer()
        await sender.send_text(ChatTarget.of(message), *_menu(offers, post, texts, chat.lang))
    else:
        await _say(query, sender, texts[chat.lang]["versions_none"], is_alert=False)


async def _say(query: CallbackQuery, sender: Sender, notice: str, *, is_alert: bool = True) -> None:
    """Answer the press with a plain text, or its message if it is too late for that.

    Reading a page may take longer than Telegram waits for the answer to a press.
    """
    assert isinstance(query.message, Message)
    if not await query.answer(notice, show_alert=is_alert):
        await sender.send_text(ChatTarget.of(query.message), Texts.escaped(notice))


def _lane(query: CallbackQuery, message: Message) -> Lane:
    return Lane(message.chat.id, query.from_user.id)


def _menu(
    offers: Sequence[Offer], post: tuple[str, str], texts: Texts, lang: str
) -> tuple[str, InlineKeyboardMarkup]:
    """Return the text and the buttons of the menu."""
    buttons = keyboards.versions(offers, post, texts, lang)
    return _title(offers, texts[lang]), buttons


def _title(offers: Sequence[Offer], words: Mapping[str, str]) -> str:
    has_subtitles = any(offer.choice.subtitles is not None for offer in offers)
    lines = [words["versions_title"], *([words["versions_subtitles"]] if has_subtitles else [])]
    return "\n".join(lines)


async def on_version(
    query: CallbackQuery,
    chat: ChatView,
    texts: Texts,
    intake: RequestIntake,
    running_buttons: RunningButtons,
    registry: Registry,
    ack: UpdateAck,
) -> None:
    """Queue the request for a version, as an answer to the post, and delete the choice."""
    message, words = query.message, texts[chat.lang]
    version = read_version(query.data or "")
    link = registry.link_to(*version[1:]) if version else None
    if not isinstance(message, Message) or version is None or link is None:
        await query.answer(words["button_expired"], show_alert=True)
        return
    is_menu = not (message.caption or message.video)
    answered = (message.reply_to_message if is_menu else None) or message
    submit = partial(intake.submit_version, query, answered, link, chat, version[0], ack)
    if await running_buttons.answer(query, submit, words) and is_menu:
        await messages.delete_pressed(query)


async def on_close(query: CallbackQuery) -> None:
    """Delete the versions."""
    await query.answer()
    await messages.delete_pressed(query)
