"""What an administrator writes about a broadcast, and who gets it."""

from datetime import UTC, datetime

import pytest

from core.broadcasts import (
    Audience,
    Broadcast,
    Button,
    Chats,
    State,
    duration,
    parse_card_reply,
)
from core.errors import CardReplyError

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "buttons"),
    [
        ("News - https://example.org", [("News", "https://example.org")]),
        ("  Read – all — http://a.example/x?y=1#z  ", [("Read – all", "http://a.example/x?y=1#z")]),
        (
            "One - https://a.example\nTwo - https://b.example",
            [("One", "https://a.example"), ("Two", "https://b.example")],
        ),
    ],
)
def test_buttons_are_read_a_line_each(text: str, buttons: list[tuple[str, str]]):
    assert parse_card_reply(text, NOW) == tuple(Button(*button) for button in buttons)


def test_a_time_is_read_in_utc():
    assert parse_card_reply(" 2026-11-24 12:01 ", NOW) == NOW + 60


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "2026-11-24 12:00",
        "2026-02-30 12:00",
        "News https://example.org",
        "News - ftp://example.org",
        "News - https://localhost",
        "News - https://example.org\nand so on",
        "\n".join(f"B{n} - https://example.org" for n in range(21)),
    ],
)
def test_everything_else_is_refused(text: str):
    with pytest.raises(CardReplyError):
        parse_card_reply(text, NOW)


def test_each_press_goes_on_to_the_next_choice_and_comes_round():
    audience = Audience()
    seen = [audience := audience.next_chats() for _ in Chats]
    assert [one.chats for one in seen] == [Chats.GROUPS, Chats.ALL, Chats.PRIVATE]
    langs = [audience := audience.next_lang(["en", "uk"]) for _ in range(3)]
    assert [one.lang for one in langs] == ["en", "uk", None]
    days = [audience := audience.next_days() for _ in range(4)]
    assert [one.active_days for one in days] == [7, 30, 90, None]
    links = [audience := audience.next_referral(["spring"]) for _ in range(3)]
    assert [one.referral for one in links] == ["", "spring", None]


def test_a_choice_that_is_gone_begins_anew():
    assert Audience(lang="tlh").next_lang(["en"]).lang is None
    assert Audience(referral="old").next_referral([]).referral is None


def test_an_audience_is_kept_as_json():
    audience = Audience(Chats.ALL, "uk", 30, "spring")
    assert Audience.from_json(audience.as_json()) == audience


def test_what_is_left_and_what_it_costs():
    broadcast = Broadcast(
        1, 2, State.RUNNING, Audience(), total=101, sent=50, blocked=3, failed=2, unknown=1
    )
    assert broadcast.left == 45
    assert broadcast.stars == 11


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3_599, "59:59"), (36_061, "10:01:01")]
)
def test_durations_read_the_same_everywhere(seconds: float, text: str):
    assert duration(seconds) == text


@pytest.mark.usefixtures("tokyo")
def test_a_time_is_read_in_utc_wherever_the_bot_runs():
    assert parse_card_reply("2026-11-24 12:01", NOW) == NOW + 60


def test_a_card_has_room_for_twenty_buttons():
    text = "\n".join(f"B{n} - https://example.org/{n}" for n in range(20))
    buttons = parse_card_reply(text, NOW)
    assert isinstance(buttons, tuple)
    assert buttons[0] == Button("B0", "https://example.org/0")
    assert buttons[19] == Button("B19", "https://example.org/19")


@pytest.mark.parametrize("text", ["hello", "2026-11-24 12:00"])
def test_the_log_says_what_was_refused(text: str):
    with pytest.raises(CardReplyError) as caught:
        parse_card_reply(text, NOW)
    assert caught.value.detail == text


@pytest.mark.parametrize(
    ("letters", "is_accepted"), [(1, True), (63, True), (64, False), (0, False)]
)
def test_a_label_has_one_to_63_letters(letters: int, is_accepted: bool):
    text = f"{'x' * letters} - https://example.org"
    if is_accepted:
        assert parse_card_reply(text, NOW) == (Button("x" * letters, "https://example.org"),)
    else:
        with pytest.raises(CardReplyError):
            parse_card_reply(text, NOW)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(59.4, "0:59"), (60, "1:00"), (3_600, "1:00:00"), (7_200, "2:00:00"), (86_399, "23:59:59")],
)
def test_a_duration_gets_hours_from_the_first_full_hour(seconds: float, text: str):
    assert duration(seconds) == text


@pytest.mark.parametrize(("total", "stars"), [(0, 0), (1, 1), (10, 1), (11, 2), (20, 2)])
def test_a_star_is_paid_for_each_ten_messages_begun(total: int, stars: int):
    assert Broadcast(1, 2, State.DRAFT, Audience(), total=total).stars == stars


def test_more_outcomes_than_recipients_leave_nothing():
    broadcast = Broadcast(1, 2, State.DONE, Audience(), total=3, sent=2, unknown=2)
    assert broadcast.left == 0
