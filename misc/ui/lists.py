"""The card of a list: what it says, and its buttons."""

from functools import partial
from typing import Final

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from core.captions import cut
from core.facts import length
from core.lists import LATEST, Entry, ListCard
from delivery.api_requests import MessageOptions
from misc.ui import dates
from misc.ui.callback_data import STATS, ListAction, ListPress
from misc.ui.texts import Texts

#: Longest title on a button, in UTF-16 units: clients cut off more.
_MAX_LABEL: Final = 40
#: Longest title in the text.
_MAX_TITLE: Final = 200
#: The end of the year 9999, as a Unix time: what a site states may be no date at all.
_LAST_DATE: Final = 253_402_300_799


def front(card: ListCard, texts: Texts, lang: str) -> MessageOptions:
    """Return the card as it is sent: how many posts the list has, and what to fetch."""
    press = partial(_button, card)
    number = len(card.listing.entries)
    everything = press(texts(lang, "list_all_button", number=number), "all")
    choose = press(texts[lang]["list_choose_button"], "page")
    first = "list_latest_button" if card.listing.is_by_date else "list_first_button"
    archive = press(texts(lang, "list_zip_button", number=min(number, LATEST)), "zipfirst")
    rows = [[choose, everything], [archive, press("✖️", "close")]]
    if card.listing.has_latest:
        rows.insert(0, [press(texts(lang, first, number=LATEST), "first")])
    return MessageOptions(_about(card, texts, lang), InlineKeyboardMarkup(inline_keyboard=rows))


def page(card: ListCard, number: int, texts: Texts, lang: str) -> MessageOptions:
    """Return a page of the card, from 0, on which posts are chosen."""
    press, listing = partial(_button, card), card.listing
    shown = listing.existing_page(number)
    rows = [
        [press(texts.directed(lang, _label(card, index, lang)), "tick", index)]
        for index in listing.page(shown)
    ]
    if listing.pages > 1:
        rows.append(_arrows(card, shown))
    if card.ticked:
        label = texts(lang, "list_get_button", count=len(card.ticked))
        archive = texts(lang, "list_zip_button", number=len(card.ticked))
        rows.append([press(label, "get"), press(archive, "zip")])
    rows.append([press(texts[lang]["settings_back"], "front")])
    text = texts(lang, "list_choose", title=_title(card))
    return MessageOptions(text, InlineKeyboardMarkup(inline_keyboard=rows))


def _about(card: ListCard, texts: Texts, lang: str) -> str:
    listing, number = card.listing, len(card.listing.entries)
    if not listing.has_more:
        return texts(lang, "list_found", count=number, title=_title(card))
    key = "list_newest_only" if listing.is_by_date else "list_first_only"
    about = f"<b>{texts.escaped(_title(card))}</b>"
    if listing.total is not None:
        about = texts(lang, "list_found", count=listing.total, title=_title(card))
    return f"{about}\n{texts(lang, key, count=number)}"


def _title(card: ListCard) -> str:
    link = card.listing.link
    return cut(card.listing.title.replace("\n", " "), _MAX_TITLE) or link.post_id or link.url


def _label(card: ListCard, index: int, lang: str) -> str:
    """Return the label of an entry: chosen or not, its title or number, and its length or date."""
    entry = card.listing.entries[index]
    mark = "✅" if index in card.ticked else "☐"
    title = cut(" ".join(entry.title.split()), _MAX_LABEL) or f"№ {index + 1}"
    return " · ".join([f"{mark} {title}", *_details(entry, lang)])


def _details(entry: Entry, lang: str) -> list[str]:
    if 0 < entry.posted_at <= _LAST_DATE:
        return [dates.day(entry.posted_at, lang)]
    return [length(entry.duration_s)] if entry.duration_s else []


def _arrows(card: ListCard, shown: int) -> list[InlineKeyboardButton]:
    """Return the buttons that turn pages; the first page follows the last one."""
    pages = card.listing.pages
    return [
        _button(card, "◀️", "page", (shown - 1) % pages),
        InlineKeyboardButton(text=f"{shown + 1}/{pages}", callback_data=STATS),
        _button(card, "▶️", "page", (shown + 1) % pages),
    ]


def _button(card: ListCard, text: str, action: ListAction, number: int = 0) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=text, callback_data=str(ListPress(card.id, action, number)))
