"""What an administrator writes about a broadcast, and who gets it."""

from datetime import UTC, datetime

import pytest

from core.broadcasts import (
    Audience,
    Broadcast,
    Chats,
    Content,
    RecipientCounts,
    State,
    parse_start_time,
)
from core.errors import CardReplyError

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()


def test_a_time_is_read_in_utc():
    assert parse_start_time(" 2026-11-24 12:01 ", NOW) == NOW + 60


@pytest.mark.parametrize("text", ["", "hello", "2026-02-30 12:00", "2026-11-24"])
def test_other_texts_are_no_time(text: str):
    assert parse_start_time(text, NOW) is None


def test_a_time_that_has_passed_is_a_mistake():
    with pytest.raises(CardReplyError) as caught:
        parse_start_time("2026-11-24 12:00", NOW)
    assert caught.value.mistakes == ((1, "broadcast_past"),)


def test_an_audience_is_kept_as_json():
    audience = Audience(Chats.ALL, "uk", 30, "spring")
    assert Audience.from_json(audience.as_json()) == audience


def test_what_is_left_and_what_it_costs():
    counts = RecipientCounts(total=101, sent=50, blocked=3, failed=2, unknown=1)
    assert counts.left == 45
    assert Broadcast(1, 2, State.RUNNING, Audience(), counts=counts).stars == 11


@pytest.mark.usefixtures("tokyo")
def test_a_time_is_read_in_utc_wherever_the_bot_runs():
    assert parse_start_time("2026-11-24 12:01", NOW) == NOW + 60


@pytest.mark.parametrize(
    ("state", "album", "per_second", "seconds"),
    [
        (State.DRAFT, (), 0, 20),  # Telegram takes 30 messages a second
        (State.DRAFT, (1, 2, 3), 0, 60),
        (State.RUNNING, (), 0, 10),
        (State.RUNNING, (1, 2, 3), 0, 30),
        (State.RUNNING, (1, 2, 3), 6, 50),
    ],
)
def test_the_time_depends_on_the_rate_and_on_the_items_of_an_album(
    state: State, album: tuple[int, ...], per_second: float, seconds: float
):
    broadcast = Broadcast(1, 2, state, Audience(), Content(album=album), RecipientCounts(600, 300))
    assert broadcast.seconds_left(per_second) == pytest.approx(seconds)


def test_one_message_is_no_album():
    assert not Content(album=(5,)).is_album
    assert Content(album=(5, 6)).is_album


@pytest.mark.parametrize(("total", "stars"), [(0, 0), (1, 1), (10, 1), (11, 2), (20, 2)])
def test_a_star_is_paid_for_each_ten_messages_begun(total: int, stars: int):
    assert Broadcast(1, 2, State.DRAFT, Audience(), counts=RecipientCounts(total)).stars == stars


def test_more_outcomes_than_recipients_leave_nothing():
    assert RecipientCounts(total=3, sent=2, unknown=2).left == 0
