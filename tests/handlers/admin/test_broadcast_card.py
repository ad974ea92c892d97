"""The card of a broadcast: its words and buttons in every state."""

import json
from typing import Any

import pytest
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from core.broadcasts import Audience, Broadcast, Chats, RecipientCounts, State
from core.errors import CardReplyError
from core.link_buttons import Button
from handlers.admin import broadcast_card
from misc.ui.texts import load_texts
from tests.fakes import buttons_in
from tests.records import changed

TEXTS = load_texts()
WORDS = TEXTS["en"]


def broadcast(state: State = State.DRAFT, **values: Any) -> Broadcast:
    return changed(Broadcast(4, 1, state, Audience()), **values)


def text(one: Broadcast, per_second: float = 0.0, unknown: tuple[int, ...] = ()) -> str:
    return broadcast_card.text_of(one, TEXTS, "en", per_second, unknown)


def actions(one: Broadcast, *, is_asking: bool = False, may_pay: bool = False) -> list[str]:
    markup = broadcast_card.buttons_of(one, TEXTS, "en", is_asking=is_asking, may_pay=may_pay)
    return [data.removeprefix("cast/4/") for data in buttons_in(markup)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("cast/4/send", (4, "send")),
        ("cast/4", (4, "")),
        ("cast/new", (None, "new")),
        ("cast/²/send", (None, "²")),
    ],
)
def test_a_press_says_which_broadcast_and_what(data: str, expected: tuple[int | None, str]):
    assert broadcast_card.read_press(data) == expected


def test_the_list_offers_a_new_one_and_those_that_have_not_ended():
    running = Broadcast(5, 1, State.RUNNING, Audience(), counts=RecipientCounts(total=9))
    waiting = Broadcast(6, 1, State.RUNNING, Audience(), starts_at=2_000_000_000)
    rows = broadcast_card.list_rows([broadcast(total=3), running, waiting], TEXTS, "en")
    data = [row[0].callback_data for row in rows]
    assert data == ["cast/new", "cast/4/open", "cast/5/open", "cast/6/open"]
    labels = [row[0].text for row in rows[1:]]
    assert labels == [
        f"4: {WORDS['broadcast_unsent']} · 3",
        f"5: {WORDS['broadcast_running']}",
        f"6: {WORDS['broadcast_waiting']}",
    ]


def test_a_draft_says_to_how_many_it_goes_and_how_long_it_takes():
    plain = text(broadcast(total=18_000))
    draft = TEXTS("en", "broadcast_draft", number=4, count=18_000, time="10 minutes")
    assert plain == f"{draft}\n\n{WORDS['broadcast_how']}"
    assert "1 chat and" in text(broadcast(total=1))
    rows = ((Button("a", "https://a.b"), Button("c", "https://c.d")), (Button("e", "https://e.f"),))
    buttons = broadcast_card.with_buttons(rows)
    full = text(broadcast(total=95, buttons=buttons, is_paid=True, starts_at=1_900_000_000))
    assert "🔘 3 buttons below it" in full
    assert "⭐ It costs up to 10 Stars." in full
    assert TEXTS("en", "broadcast_at", time="Mar 17, 2030, 17:46") in full
    assert "album" not in full


def test_a_draft_of_an_album_says_so_and_has_neither_buttons_nor_a_price():
    rows = ((Button("a", "https://a.b"),),)
    album = broadcast(
        total=18_000, album=(7, 8, 9), buttons=broadcast_card.with_buttons(rows), is_paid=True
    )
    full = text(album)
    assert "🖼 An album of 3 items" in full
    assert "30 minutes" in full
    assert "🔘" not in full
    assert "⭐" not in full
    assert "paid" not in actions(album, may_pay=True)


def test_a_running_one_says_how_far_it_is():
    one = broadcast(State.RUNNING, total=100_000, sent=20, blocked=3, failed=2, unknown=1)
    full = text(one, per_second=15)
    assert "sent: 20 of 100000" in full
    assert "blocked the bot: 3" in full
    assert TEXTS("en", "broadcast_pace", time="2 hours") in full
    assert TEXTS("en", "broadcast_pace", time="56 minutes") in text(one)
    assert WORDS["broadcast_unknown"] in full
    started = broadcast(State.RUNNING, total=100, sent=20, starts_at=1_900_000_000)
    assert "2030" not in text(started)


def test_the_text_changes_only_when_there_is_something_to_see():
    one = broadcast(State.RUNNING, total=100_000, sent=20)
    assert text(one, per_second=15.01) == text(one, per_second=15.02)


def test_every_mistake_of_a_reply_is_named_with_its_line():
    error = CardReplyError([(2, "broadcast_no_link"), (3, "broadcast_no_label")])
    assert broadcast_card.mistakes_text(error, TEXTS, "en") == (
        "Line 2: a link is missing at the end.\nLine 3: a button has no text.\n\n"
        + WORDS["broadcast_note_wrong"]
    )
    started = CardReplyError([(0, "broadcast_not_draft")])
    assert broadcast_card.mistakes_text(started, TEXTS, "en").startswith(
        WORDS["broadcast_not_draft"]
    )


def test_a_paused_one_says_why_and_a_finished_one_whom_it_may_have_missed():
    assert WORDS["broadcast_gone"] in text(broadcast(State.PAUSED, trouble="broadcast_gone"))
    assert WORDS["broadcast_gone"] not in text(broadcast(State.DONE, trouble="broadcast_gone"))
    done = text(broadcast(State.DONE, unknown=2), unknown=(8, -9))
    assert done.endswith("<code>8</code>, <code>-9</code>")


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (broadcast(State.RUNNING), ["pause", "stop", "back"]),
        (broadcast(State.PAUSED), ["resume", "stop", "back"]),
        (broadcast(State.DONE), ["back"]),
        (broadcast(State.DONE, unknown=2), ["again", "back"]),
        (broadcast(State.CANCELLED, unknown=2), ["back"]),
    ],
)
def test_every_state_offers_what_can_be_done(one: Broadcast, expected: list[str]):
    assert actions(one) == expected


def test_a_draft_offers_everything_and_asks_before_it_is_sent():
    draft = ["preview", "test", "chats", "lang", "days", "from", "silent", "send"]
    draft += ["discard", "back"]
    assert actions(broadcast()) == draft
    assert actions(broadcast(), may_pay=True) == [*draft[:7], "paid", *draft[7:]]
    assert actions(broadcast(), is_asking=True) == ["yes", "open"]


def labels(one: Broadcast) -> set[str]:
    markup = broadcast_card.buttons_of(one, TEXTS, "en", is_asking=False, may_pay=True)
    return {button.text for row in markup.inline_keyboard for button in row}


def test_the_buttons_say_what_is_chosen():
    assert {
        f"{WORDS['broadcast_private']} ›",
        f"{WORDS['broadcast_langs']} ›",
        f"{WORDS['broadcast_ever']} ›",
        f"{WORDS['broadcast_from_all']} ›",
        WORDS["broadcast_loud"],
        WORDS["broadcast_free"],
    } <= labels(broadcast())
    audience = Audience(Chats.GROUPS, "uk", 30, "friend")
    assert {
        f"{WORDS['broadcast_groups']} ›",
        f"🌐 {TEXTS['uk']['language_name']} ›",
        f"{TEXTS('en', 'broadcast_days', count=30)} ›",
        "🔗 friend ›",
        WORDS["broadcast_silent"],
        WORDS["broadcast_paid"],
    } <= labels(broadcast(audience=audience, is_silent=True, is_paid=True))


def test_buttons_that_open_an_address_are_taken_over_and_no_others():
    url = InlineKeyboardButton(text="a", url="https://a.b/")
    other = InlineKeyboardButton(text="c", callback_data="c")
    taken = broadcast_card.buttons_from(InlineKeyboardMarkup(inline_keyboard=[[url, other]]))
    assert json.loads(taken or "") == {"inline_keyboard": [[{"text": "a", "url": "https://a.b/"}]]}
    markup = InlineKeyboardMarkup(inline_keyboard=[[other]])
    assert broadcast_card.buttons_from(markup) is None
    assert broadcast_card.buttons_from(None) is None
