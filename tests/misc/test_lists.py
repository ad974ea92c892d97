"""The card of a list: its text, its buttons, and the data that they carry."""

from dataclasses import replace

import pytest
from aiogram.types import InlineKeyboardMarkup

from core.lists import Entry, ListCard, Listing
from core.media import Link
from delivery.api_requests import MessageOptions
from misc.ui import lists
from misc.ui.callback_data import MAX_BYTES, ListAction, ListPress
from misc.ui.texts import load_texts

TEXTS = load_texts()
LINK = Link("tiktok", "https://www.tiktok.com/@ferry.demo", "@ferry.demo")
ENTRIES = tuple(Entry(str(n), f"Crossing {n}", 60 + n) for n in range(14))
CARD = ListCard(3, 7, 70, 7, Listing(LINK, "Ferry & <co>", ENTRIES, total=14))


def with_listing(**values) -> ListCard:
    return replace(CARD, listing=replace(CARD.listing, **values))


def rows(view: MessageOptions) -> list[list[tuple[str, str | None]]]:
    """Return label and data of each button."""
    assert isinstance(view.buttons, InlineKeyboardMarkup)
    return [[(b.text, b.callback_data) for b in row] for row in view.buttons.inline_keyboard]


def front(card: ListCard) -> MessageOptions:
    return lists.front(card, TEXTS, "en")


def test_a_card_says_how_many_posts_there_are_and_offers_them():
    view = front(CARD)
    assert view.caption == "<b>Ferry &amp; &lt;co&gt;</b>\n14 posts"
    assert rows(view) == [
        [("First 10", "list/3/first")],
        [("Choose…", "list/3/page/0"), ("All (14)", "list/3/all")],
        [("🗜 10 as a ZIP", "list/3/zipfirst"), ("✖️", "list/3/close")],
    ]


def test_the_newest_posts_of_a_profile_are_called_so():
    assert rows(front(with_listing(is_by_date=True)))[0] == [("Latest 10", "list/3/first")]


def test_a_short_list_is_offered_as_a_whole():
    assert rows(front(with_listing(entries=ENTRIES[:10])))[0] == [
        ("Choose…", "list/3/page/0"),
        ("All (10)", "list/3/all"),
    ]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"total": 120}, "<b>F</b>\n120 posts\nI can fetch the first 14."),
        ({"total": None}, "<b>F</b>\nI can fetch the first 14."),
        (
            {"total": 120, "is_by_date": True},
            "<b>F</b>\n120 posts\nI can fetch the newest 14.",
        ),
    ],
)
def test_a_card_says_what_it_leaves_out(values: dict[str, object], text: str):
    assert front(with_listing(title="F", has_more=True, **values)).caption == text


def test_a_list_without_a_title_has_its_id():
    assert front(with_listing(title="")).caption.startswith("<b>@ferry.demo</b>")


def test_posts_are_chosen_on_pages():
    card = replace(CARD, ticked=frozenset({1, 7, 13}))
    assert rows(lists.page(card, 1, TEXTS, "en")) == [
        [("☐ Crossing 6 · 1:06", "list/3/tick/6")],
        [("✅ Crossing 7 · 1:07", "list/3/tick/7")],
        *([(f"☐ Crossing {n} · 1:{n:02}", f"list/3/tick/{n}")] for n in range(8, 12)),
        [("◀️", "list/3/page/0"), ("2/3", "stats_noop"), ("▶️", "list/3/page/2")],
        [("⬇️ Get 3 posts", "list/3/get"), ("🗜 3 as a ZIP", "list/3/zip")],
        [("‹ Back", "list/3/front")],
    ]


def test_the_first_page_follows_the_last_one():
    *_, arrows, _ = rows(lists.page(CARD, 99, TEXTS, "en"))
    assert [data for _, data in arrows] == ["list/3/page/1", "stats_noop", "list/3/page/0"]


def test_one_page_has_no_arrows_and_nothing_chosen_no_button():
    view = lists.page(with_listing(entries=ENTRIES[:2]), 0, TEXTS, "en")
    assert [data for row in rows(view) for _, data in row] == [
        "list/3/tick/0",
        "list/3/tick/1",
        "list/3/front",
    ]


@pytest.mark.parametrize(
    ("entry", "label"),
    [
        (Entry("1", "A bell", 61, 1_760_000_000), "☐ A bell · Oct 9, 2025"),
        (Entry("1", "Two\nlines  of it"), "☐ Two lines of it"),
        (Entry("1"), "☐ № 1"),
        # A site that states milliseconds, or nonsense.
        (Entry("1", "A bell", 61, 1_760_000_000_000), "☐ A bell · 1:01"),
        (Entry("1", "A bell", 0, 2**53), "☐ A bell"),
        (Entry("1", "long " * 40), f"☐ {'long ' * 7}long…"),
    ],
)
def test_an_entry_has_a_title_and_a_date_or_a_length(entry: Entry, label: str):
    view = lists.page(with_listing(entries=(entry,)), 0, TEXTS, "en")
    assert rows(view)[0][0][0] == label


def test_an_arabic_entry_has_its_box_at_the_right_whatever_its_title():
    assert rows(lists.page(CARD, 1, TEXTS, "ar"))[0][0][0] == "\u200f☐ Crossing 6 · 1:06"


@pytest.mark.parametrize("language", TEXTS.languages)
def test_a_card_can_be_shown_in_every_language(language: str):
    card = replace(with_listing(has_more=True, is_by_date=True), ticked=frozenset({2}))
    for view in (lists.front(card, TEXTS, language), lists.page(card, 0, TEXTS, language)):
        assert "14" in view.caption or "Ferry" in view.caption
        assert all(label for row in rows(view) for label, _ in row)


@pytest.mark.parametrize(
    ("data", "press"),
    [
        ("list/3/all", ListPress(3, "all")),
        ("list/3/tick/17", ListPress(3, "tick", 17)),
        ("list/3/page/0", ListPress(3, "page", 0)),
        ("list/3/nothing", None),
        ("list/x/all", None),
        ("list/3", None),
        ("list/3/tick/-1", None),
        ("list/3/tick/٣", None),
        ("list/1234567890123456789012/all", None),
    ],
)
def test_the_data_of_a_button_is_read_back_or_refused(data: str, press: ListPress | None):
    assert ListPress.parse(data) == press
    assert press is None or str(press) == data


@pytest.mark.parametrize("action", ["first", "tick"])
def test_the_data_of_a_button_is_never_too_long(action: ListAction):
    assert len(str(ListPress(10**18 - 1, action, 9_999)).encode()) <= MAX_BYTES
