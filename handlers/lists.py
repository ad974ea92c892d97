"""Links to lists of posts, and the buttons of the cards that answer them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from core.errors import UnchangedError
from core.lists import LATEST, ListCard, page_of, toggled
from core.media import Link
from data.lists import change_ticks, find_list, forget_list
from delivery.api_requests import MessageOptions
from misc.bundles import Bundles
from misc.filters import Carries, HasList
from misc.intake import RequestIntake, Taken
from misc.middlewares.deduplication import Deduplicator
from misc.middlewares.registration import STORES, ChatView
from misc.middlewares.update_acks import UpdateAck
from misc.ui import lists, messages
from misc.ui.callback_data import LIST, ListPress
from misc.ui.texts import Texts
from platforms import Registry


def router() -> Router:
    """Register links to lists, and the buttons of their cards.

    Chats of business accounts and channels have no cards: nobody could press their buttons.
    """
    router = Router(name="lists")
    router.message.register(on_list, HasList(), flags=STORES)
    router.callback_query.register(on_press, Carries(prefix=LIST), flags=STORES)
    return router


async def on_list(
    message: Message,
    list_link: Link,
    chat: ChatView,
    intake: RequestIntake,
    deduplicator: Deduplicator,
    ack: UpdateAck,
    bundles: Bundles,
) -> None:
    """Queue the request for the card of a list, unless the message has arrived before."""
    bundles.mark_answered(message)
    if deduplicator.is_first(message, ack.update_id):
        await intake.submit_list(message, list_link, chat, ack)


@dataclass(frozen=True, slots=True)
class _Press:
    """A press of one of a card's buttons by somebody who may press it."""

    query: CallbackQuery
    message: Message
    card: ListCard
    data: ListPress
    chat: ChatView
    texts: Texts
    intake: RequestIntake
    registry: Registry
    ack: UpdateAck


async def on_press(
    query: CallbackQuery,
    chat: ChatView,
    texts: Texts,
    intake: RequestIntake,
    registry: Registry,
    ack: UpdateAck,
) -> None:
    """Handle a button of a card. Only the person who asked for the card may press it.

    Raises:
        StorageError: the database did not answer, and nothing has changed.
    """
    message, data = query.message, ListPress.parse(query.data or "")
    card = await find_list(intake.groups.account.id, data.card) if data else None
    is_known = isinstance(message, Message) and card and _is_message_of(card, message)
    if not isinstance(message, Message) or data is None or card is None or not is_known:
        await query.answer(texts[chat.lang]["button_expired"], show_alert=True)
    elif not card.is_of(query.from_user.id):
        await query.answer(texts[chat.lang]["not_yours"])
    else:
        press = _Press(query, message, card, data, chat, texts, intake, registry, ack)
        await _ACTIONS[data.action](press)


def _is_message_of(card: ListCard, message: Message) -> bool:
    """Return True if a message shows a card. Callback data can be forged for any message."""
    is_here = card.chat_id == message.chat.id
    return is_here and messages.has_button(message, f"{LIST}{card.id}/")


async def _first(press: _Press) -> None:
    await _fetch(press, press.card.listing.indexes[:LATEST])


async def _all(press: _Press) -> None:
    await _fetch(press, press.card.listing.indexes)


async def _get(press: _Press) -> None:
    """Fetch what is chosen, and show the front again, with nothing chosen.

    As long as something finds no room, everything stays chosen: another press fetches it.
    """
    taken = await _fetch(press, sorted(press.card.ticked))
    if taken.left or not taken.new:
        return
    if card := await change_ticks(press.card, lambda _: frozenset()):
        await _show(press, lists.front(card, press.texts, press.chat.lang))


async def _zip_first(press: _Press) -> None:
    await _fetch_archive(press, press.card.listing.indexes[:LATEST])


async def _zip(press: _Press) -> None:
    await _fetch_archive(press, sorted(press.card.ticked))


async def _front(press: _Press) -> None:
    await press.query.answer()
    await _show(press, lists.front(press.card, press.texts, press.chat.lang))


async def _page(press: _Press) -> None:
    await press.query.answer()
    await _show(press, lists.page(press.card, press.data.number, press.texts, press.chat.lang))


async def _tick(press: _Press) -> None:
    index = press.data.number
    change = partial(toggled, index=index, listing=press.card.listing)
    card = await change_ticks(press.card, change)
    await press.query.answer()
    if card:
        await _show(press, lists.page(card, page_of(index), press.texts, press.chat.lang))


async def _close(press: _Press) -> None:
    await press.query.answer()
    await forget_list(press.card)
    await messages.delete(press.message)


_ACTIONS: Final[Mapping[str, Callable[[_Press], Awaitable[None]]]] = {
    "first": _first,
    "all": _all,
    "get": _get,
    "zipfirst": _zip_first,
    "zip": _zip,
    "front": _front,
    "page": _page,
    "tick": _tick,
    "close": _close,
}


async def _fetch(press: _Press, wanted: Sequence[int]) -> Taken:
    """Queue the requests for entries of the list, and say how many they are."""
    about = press.query, press.message, press.card
    links = _links(press, wanted)
    taken = await press.intake.submit_entries(*about, links, press.chat, press.ack)
    await press.query.answer(_outcome(press, taken), show_alert=bool(taken.left))
    return taken


async def _fetch_archive(press: _Press, wanted: Sequence[int]) -> None:
    """Queue the request for an archive of entries of the list, and say so."""
    about = press.query, press.message, press.card
    posts = [link.post_id or "" for link in _links(press, wanted).values()]
    taken = await press.intake.submit_list_archive(*about, posts, press.chat, press.ack)
    if taken.new:
        notice = press.texts.plain(press.chat.lang, "list_zip_taken", count=taken.new)
    else:
        notice = _outcome(press, taken)
    await press.query.answer(notice, show_alert=True)


def _links(press: _Press, wanted: Sequence[int]) -> dict[int, Link]:
    """Return the links to entries by their indexes, without those of a site not allowed."""
    listing = press.card.listing
    return {
        index: link
        for index in wanted
        if (link := press.registry.link_to(listing.link.platform, listing.entries[index].post_id))
    }


def _outcome(press: _Press, taken: Taken) -> str:
    if taken.new:
        key = "list_taken_some" if taken.left else "list_taken"
        return press.texts.plain(press.chat.lang, key, count=taken.new)
    return press.texts[press.chat.lang]["list_no_room" if taken.left else "list_nothing_new"]


async def _show(press: _Press, view: MessageOptions) -> None:
    """Show another view of the card. A second press of the same button changes nothing."""
    with suppress(UnchangedError):
        await press.message.edit_text(view.caption, reply_markup=view.buttons)
