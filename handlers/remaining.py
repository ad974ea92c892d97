"""The buttons that fetch what is more than one answer: links of a message, items of a post."""

from functools import partial

from aiogram import Router
from aiogram.filters import Filter
from aiogram.types import CallbackQuery, Message

from misc.filters import Carries
from misc.intake import RequestIntake
from misc.message_links import carried_links, text_of
from misc.middlewares.registration import STORES, ChatView
from misc.middlewares.running_buttons import RunningButtons
from misc.middlewares.update_acks import UpdateAck
from misc.ui import messages
from misc.ui.callback_data import REMAINING, RemainingLinks, read_remaining_items
from misc.ui.texts import Texts, named_choice
from platforms import Registry


def router() -> Router:
    """Register the button for items before that for links, whose prefix its data has, too."""
    router = Router(name="remaining")
    router.callback_query.register(on_remaining_items, CarriesRemainingItems(), flags=STORES)
    router.callback_query.register(on_remaining_links, Carries(prefix=REMAINING), flags=STORES)
    return router


class CarriesRemainingItems(Filter):
    """Match a button that fetches the other items of a post."""

    async def __call__(self, query: CallbackQuery) -> bool:
        """Return True if the data of the button names a post."""
        return read_remaining_items(query.data or "") is not None


async def on_remaining_items(
    query: CallbackQuery,
    chat: ChatView,
    texts: Texts,
    intake: RequestIntake,
    running_buttons: RunningButtons,
    registry: Registry,
    ack: UpdateAck,
) -> None:
    """Queue the next items of a post, as an answer to the message with the button."""
    message, words = query.message, texts[chat.lang]
    remaining = read_remaining_items(query.data or "")
    link = registry.link_to(*remaining[1:]) if remaining else None
    if not isinstance(message, Message) or remaining is None or link is None:
        await query.answer(words["button_expired"], show_alert=True)
        return
    submit = partial(intake.submit_remaining_items, query, message, link, chat, remaining[0], ack)
    await running_buttons.answer(query, submit, words)


async def on_remaining_links(
    query: CallbackQuery,
    chat: ChatView,
    texts: Texts,
    intake: RequestIntake,
    registry: Registry,
    ack: UpdateAck,
) -> None:
    """Queue the next links of the message that is replied to, for the person who has asked."""
    # Forged data could name anybody as the person who has asked, below any answer.
    note, words = messages.pressed_message(query), texts[chat.lang]
    button = RemainingLinks.parse(query.data or "")
    request = note.reply_to_message if note else None
    links = carried_links(request, registry) if request else []
    if note is None or request is None or button is None or not links:
        await query.answer(words["button_expired"], show_alert=True)
    elif not _may_press(button, request, query):
        await query.answer(words["not_yours"])
    elif not intake.has_room_for(query.from_user.id):
        await query.answer(words["busy"], show_alert=True)
    else:
        choice = named_choice(text_of(request)) if button.person is None else button.choice
        is_new = await intake.submit_remaining_links(note, links, button, chat, ack, choice)
        await query.answer(None if is_new else words["already_running"])


def _may_press(button: RemainingLinks, request: Message, query: CallbackQuery) -> bool:
    """Return True if a press is by the person who has asked for the links of `request`.

    People who write as a chat, such as anonymous administrators, cannot be recognised, so anybody
    may press for them.
    """
    person = button.person
    if person is None:
        author = request.sender_chat or request.from_user
        person = author.id if author else None
    return person is not None and (person < 0 or person == query.from_user.id)
