"""The button that fetches the other links of a message with more links than are served at once."""

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from core.choices import NO_CHOICE, choice_in
from misc.filters import Carries, links_of
from misc.intake import RequestIntake
from misc.middlewares.registration import STORES, ChatView
from misc.middlewares.update_acks import UpdateAck
from misc.ui.callback_data import REST, read_index
from misc.ui.texts import Texts, choice_words
from platforms import Registry


def router() -> Router:
    """Register the button."""
    router = Router(name="rest")
    router.callback_query.register(on_rest, Carries(prefix=REST), flags=STORES)
    return router


async def on_rest(
    query: CallbackQuery,
    chat: ChatView,
    texts: Texts,
    intake: RequestIntake,
    registry: Registry,
    ack: UpdateAck,
) -> None:
    """Queue the next links of the message that is replied to. Only its sender may press.

    An anonymous administrator cannot be recognised, so anybody may press for one.
    """
    note, start, words = query.message, read_index(query.data or ""), texts[chat.lang]
    request = note.reply_to_message if isinstance(note, Message) else None
    if not isinstance(note, Message) or request is None or start is None:
        await query.answer(words["button_expired"], show_alert=True)
    elif not (request.sender_chat or _is_by(request, query)):
        await query.answer(words["not_yours"])
    elif not intake.has_room_for(query.from_user.id):
        await query.answer(words["busy"], show_alert=True)
    else:
        choice = choice_in(request.text or request.caption or "", choice_words()) or NO_CHOICE
        links = links_of(request, registry)
        is_new = await intake.submit_rest(note, links, start, chat, ack, choice)
        await query.answer(None if is_new else words["already_running"])


def _is_by(request: Message, query: CallbackQuery) -> bool:
    return request.from_user is not None and request.from_user.id == query.from_user.id
