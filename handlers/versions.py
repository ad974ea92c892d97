"""The button below a video that shows its versions, and the buttons that send one."""

from collections.abc import Mapping, Sequence
from functools import partial

from aiogram import Router
from aiogram.types import CallbackQuery, Message

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

    Reading the page may take longer than Telegram waits for the answer to a press. Then a text says
    what the answer would have said.

    Raises:
        DeliveryError: they are not sent.
    """
    words, message = texts[chat.lang], query.message
    post = read_post(query.data or "")
    link = registry.link_to(*post) if post else None
    if not isinstance(message, Message) or post is None or link is None:
        await query.answer(words["button_expired"], show_alert=True)
        return
    try:
        offers = await version_finder.find(link, _lane(query, message), chat.lang)
    except ClipferryError as error:
        notice = texts.plain(chat.lang, error.text_key, **error.facts)
        if not await query.answer(notice, show_alert=True):
            text = texts(chat.lang, error.text_key, **error.facts)
            await sender.send_text(ChatTarget.of(message), text)
        return
    is_in_time = await query.answer("" if offers else words["versions_none"])
    if offers:
        buttons = keyboards.versions(offers, post, texts, chat.lang)
        await sender.send_text(ChatTarget.of(message), _title(offers, words), buttons)
    elif not is_in_time:
        await sender.send_text(ChatTarget.of(message), words["versions_none"])


def _lane(query: CallbackQuery, message: Message) -> Lane:
    return Lane(message.chat.id, query.from_user.id)


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
