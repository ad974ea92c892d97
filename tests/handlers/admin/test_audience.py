"""The audience of a broadcast: what can be chosen, and what the buttons carry."""

import pytest

from core.broadcasts import Audience, Chats
from handlers.admin import audience
from misc.ui.callback_data import MAX_BYTES
from misc.ui.texts import load_texts

TEXTS = load_texts()
LONG = "ж" * 64
EVERYBODY = Audience()


def options(condition: str, current: Audience = EVERYBODY) -> list[audience.Option]:
    return audience.choices(condition, current, TEXTS.languages, ["spring", LONG])


@pytest.mark.parametrize(
    ("condition", "field", "values"),
    [
        ("chats", "chats", list(Chats)),
        ("lang", "lang", [None, *TEXTS.languages]),
        ("days", "active_days", [None, 7, 30, 90]),
        ("from", "referral", [None, "", "spring", LONG]),
    ],
)
def test_each_condition_has_its_choices_and_keeps_the_others(
    condition: str, field: str, values: list[object]
):
    current = Audience(Chats.GROUPS, "uk", 30, "spring")
    found = options(condition, current)
    assert [getattr(one.audience, field) for one in found] == values
    for name in ("chats", "lang", "active_days", "referral"):
        if name != field:
            assert {getattr(one.audience, name) for one in found} == {getattr(current, name)}


@pytest.mark.parametrize("condition", audience.CONDITIONS)
def test_a_button_finds_its_choice_again(condition: str):
    found = options(condition)
    assert len({one.value for one in found}) == len(found)
    for one in found:
        assert audience.chosen(found, one.value) == one.audience
        assert len(f"cast/{10**18}/{condition}={one.value}".encode()) <= MAX_BYTES
    assert audience.chosen(found, "gone") is None


def test_what_is_chosen_stays_among_the_choices():
    assert Audience(lang="tlh") in [one.audience for one in options("lang", Audience(lang="tlh"))]
    old = Audience(referral="old")
    assert old in [one.audience for one in options("from", old)]


def test_choices_have_words_their_number_and_a_mark():
    counted = [(option, number) for number, option in enumerate(options("days"))]
    rows = audience.rows(4, "days", Audience(active_days=30), counted, TEXTS, "en")
    assert [row[0].text for row in rows] == [
        "📅 Any activity – 0",
        "📅 Active in 7 days – 1",
        "• 📅 Active in 30 days – 2",
        "📅 Active in 90 days – 3",
        TEXTS["en"]["broadcast_back"],
    ]
    assert [row[0].callback_data for row in rows] == [
        *(f"cast/4/days={days}" for days in ("", 7, 30, 90)),
        "cast/4/open",
    ]


@pytest.mark.parametrize(
    ("condition", "current", "label"),
    [
        ("lang", Audience(), "🌐 All languages"),
        ("lang", Audience(lang="uk"), "🌐 Українська"),
        ("lang", Audience(lang="tlh"), "🌐 tlh"),
        ("from", Audience(), "🔗 Any source"),
        ("from", Audience(referral=""), "🔗 Any invite link"),
        ("from", Audience(referral="spring"), "🔗 spring"),
        ("days", Audience(), "📅 Any activity"),
        ("days", Audience(active_days=7), "📅 Active in 7 days"),
        ("chats", Audience(Chats.GROUPS), "👥 Groups"),
    ],
)
def test_a_condition_is_said_in_words(condition: str, current: Audience, label: str):
    assert audience.label(condition, current, TEXTS, "en") == label
