"""Requests survive the database, and progress tells what certainly, or perhaps, arrived."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.choices import Piece
from core.formats import Quality
from core.media import Link
from core.preferences import Preferences
from core.request import (
    MAX_ATTEMPTS,
    REFUSED,
    UNKNOWN,
    WANTED,
    Asker,
    ButtonPress,
    ChatSettings,
    Continuation,
    Origin,
    Progress,
    Request,
    Selection,
    Target,
    Ticket,
    is_from_newer_version,
    is_given_up,
    press_id,
)
from tests.records import changed

PLAIN = Request(
    "post",
    Link("tiktok", "https://t.example/1", "1"),
    Target(5, 6, is_private=True),
    1_800_000_000,
    ChatSettings("en"),
)
FULL = Request(
    kind="sound",
    link=Link("x", "https://x.example/s", None),
    target=Target(
        -100,
        7,
        is_private=False,
        thread_id=9,
        business_id="b",
        inline_id="i",
        direct_topic_id=4,
    ),
    asked_at=1_800_000_001,
    chat=ChatSettings("uk", True, Preferences(quality=Quality.HD, muted=("x",))),
    asker=Asker(8, "Ann"),
    origin=Origin(2, 3, ButtonPress("again", "{}"), is_addressed=True),
    selection=Selection(
        is_mp3=True,
        piece=Piece(30, 70),
        subtitles="uk",
        continuation=Continuation(10, "1f2e3d"),
        posts=("1", "a/b"),
    ),
    is_recorded=False,
)


#: `FULL`, as the program stored it when a request was one flat record, and what came later.
FLAT = (
    '{"kind": "sound", "chat_id": -100, "message_id": 7, "is_private": false, '
    '"asked_at": 1800000001, "lang": "uk", "file_mode": true, "asker": "Ann", '
    '"sender_id": 8, "index": 2, "thread_id": 9, "business_id": "b", "inline_id": "i", '
    '"direct_topic_id": 4, "entry": 3, "is_recorded": false, '
    '"link": ["x", "https://x.example/s", null], '
    r'"wishes": "{\"quality\": \"720p\", \"muted\": [\"x\"]}", "press": ["again", "{}"], '
    '"piece": "30-70", "is_mp3": true, "subtitles": "uk", "continuation": "10.1f2e3d", '
    '"posts": ["1", "a/b"], "is_addressed": true}'
)


def test_the_stored_form_is_flat_as_it_always_was():
    assert FULL.as_json() == FLAT
    assert Request.from_json(FLAT) == FULL


@pytest.mark.parametrize("request_", [PLAIN, FULL])
def test_a_request_comes_back_as_it_was(request_: Request):
    assert Request.from_json(request_.as_json()) == request_


def test_what_a_request_does_not_have_takes_no_room():
    stored = json.loads(PLAIN.as_json())
    assert stored["link"] == ["tiktok", "https://t.example/1", "1"]
    optional = {"wishes", "press", "thread_id", "business_id", "inline_id", "piece", "is_mp3"}
    optional |= {"continuation", "posts", "is_addressed", "direct_topic_id"}
    assert not optional & stored.keys()


@pytest.mark.parametrize("text", ["10", "1", "9999", "10.1f2e3d", "35.a_B"])
def test_a_continuation_comes_back_as_it_was(text: str):
    assert str(Continuation.parse(text)) == text


@pytest.mark.parametrize("text", ["", "0", "-1", "01", "10000", "10.", "10.a/b", "²", "x", "10 "])
def test_other_texts_are_no_continuation(text: str):
    assert Continuation.parse(text) is None


@pytest.mark.parametrize("name", ["kind", "link", "chat_id", "message_id", "asked_at", "lang"])
def test_a_request_without_one_of_its_parts_is_invalid(name: str):
    stored = json.loads(PLAIN.as_json())
    del stored[name]
    assert Request.from_json(json.dumps(stored)) is None


@pytest.mark.parametrize(
    ("name", "value"), [("link", ["x"]), ("link", 5), ("press", ["only data"]), ("from_2030", 1)]
)
def test_a_request_with_an_invalid_part_is_invalid(name: str, value: object):
    stored = {**json.loads(PLAIN.as_json()), name: value}
    assert Request.from_json(json.dumps(stored)) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7"])
def test_other_texts_are_no_request(text: str):
    assert Request.from_json(text) is None


def test_two_albums_and_a_text_below():
    progress = Progress(total=3).record_sending(2)
    assert progress == Progress(total=3, in_flight=2)
    progress = progress.record_sent((11, 12))
    assert progress == Progress((11, 12), 3)
    progress = progress.record_sending(1).record_sent((13,))
    assert progress == Progress((11, 12, 13), 3)
    assert not progress.is_complete
    progress = progress.record_sending(0)
    assert progress == Progress((11, 12, 13), 3, in_flight=0)
    progress = progress.record_sent(())
    assert progress == Progress((11, 12, 13), 3, has_text=True)
    assert progress.is_complete
    assert not progress.is_uncertain


def test_a_text_that_was_sent_stays_sent():
    progress = Progress((1,), 2, has_text=True)
    assert progress.record_sending(1).record_sent((2,)) == Progress((1, 2), 2, has_text=True)


def test_a_send_that_failed_for_certain_leaves_no_trace():
    before = Progress((1, 2), 4, has_text=True)
    assert before.record_sending(2).record_not_sent() == before


def test_after_a_crash_what_was_on_its_way_may_have_arrived():
    assert Progress((5,), 4, in_flight=2).interrupted() == Progress((5, 0, 0), 4)
    assert Progress((5,), 4, in_flight=2).interrupted().is_uncertain
    text = Progress((5, 6), 2, in_flight=0).interrupted()
    assert text == Progress((5, 6), 2, has_text=True, is_text_unknown=True)
    assert text.is_uncertain
    assert text.is_complete
    assert Progress.from_json(text.as_json()) == text
    assert text.wanted_again() == Progress((5, 6), 2)
    quiet = Progress((5,), 4)
    assert quiet.interrupted() == quiet
    assert not quiet.is_uncertain


@pytest.mark.parametrize(
    ("progress", "is_complete"),
    [
        (Progress(), False),
        (Progress((), 1), False),
        (Progress((1,), 0), False),
        (Progress((1,), 1), True),
        (Progress((1,), 2, has_text=True), False),
        (Progress((1, 2), 2), False),
        (Progress((1, 2), 2, has_text=True), True),
        (Progress((1, 2, 3), 2, has_text=True), True),
        (Progress((), 0, has_text=True), False),
    ],
)
def test_an_answer_is_complete_with_all_files_and_the_text(progress: Progress, is_complete: bool):
    assert progress.is_complete is is_complete


@given(
    st.builds(
        Progress,
        st.lists(st.integers(0)).map(tuple),
        st.integers(0),
        st.none() | st.integers(0),
        st.booleans(),
    )
)
def test_progress_comes_back_as_it_was(progress: Progress):
    assert Progress.from_json(progress.as_json()) == progress


def test_no_progress_means_that_nothing_was_sent():
    assert Progress.from_json(None) == Progress((), 0, None, False)


def test_a_status_note_is_stored_only_while_there_is_one():
    progress = Progress((5,), 4, has_text=True, note=77)
    assert json.loads(progress.as_json()) == [[5], 4, None, True, 77]
    assert Progress.from_json(progress.as_json()) == progress
    assert len(json.loads(Progress((5,), 4).as_json())) == 4


def test_a_status_note_outlives_every_step():
    progress = Progress(total=2, note=77).record_sending(1)
    assert progress.interrupted().note == 77
    assert progress.record_not_sent().note == 77
    assert progress.record_sent((5,)).note == 77


# --- sending again --------------------------------------------------------------------------------

FILES = "abcdef"


def test_what_may_have_arrived_is_wanted_again_and_nothing_else():
    progress = Progress((11, UNKNOWN, UNKNOWN, REFUSED), 6, in_flight=1, has_text=True)
    again = progress.wanted_again()
    assert again == Progress((11, WANTED, WANTED, REFUSED, WANTED), 6, has_text=True)
    assert again.left_of(FILES) == ["b", "c", "e", "f"]
    assert not again.is_uncertain
    assert (again.settled, again.arrived, again.missing) == (2, 1, 1)
    assert Progress.from_json(again.as_json()) == again


def test_what_is_sent_again_takes_its_place():
    progress = Progress((11, WANTED, WANTED, 14), 6).record_sending(3)
    assert not progress.is_complete
    progress = progress.record_sent((12, 13, 15))
    assert progress == Progress((11, 12, 13, 14, 15), 6)
    assert progress.left_of(FILES) == ["f"]


def test_what_is_sent_again_may_remain_unknown():
    progress = Progress((11, WANTED, WANTED), 3).record_sending(2).interrupted()
    assert progress == Progress((11, UNKNOWN, UNKNOWN), 3)
    assert progress.is_uncertain
    assert progress.wanted_again().left_of(FILES[:3]) == ["b", "c"]


def test_an_answer_with_a_wanted_part_is_not_complete():
    assert Progress((11, UNKNOWN), 2, has_text=True).is_complete
    assert not Progress((11, WANTED), 2, has_text=True).is_complete
    assert not Progress((WANTED,), 1).is_complete


@pytest.mark.parametrize(
    ("request_", "is_askers"),
    [
        (changed(PLAIN, asker=Asker(5)), True),
        (changed(PLAIN, asker=Asker(6)), False),
        (changed(PLAIN, chat_id=5), True),
        (changed(PLAIN, chat_id=-5, is_private=False), False),
        (changed(PLAIN, chat_id=-5, is_private=False, asker=Asker(5)), True),
        (changed(PLAIN, chat_id=5, inline_id="i"), True),
        (changed(PLAIN, chat_id=5, is_private=False, business_id="b"), False),
    ],
)
def test_a_request_belongs_to_the_person_who_asked(request_: Request, is_askers: bool):
    assert request_.is_of(5) is is_askers


def stored_with(**changes: object) -> str:
    return json.dumps({**json.loads(PLAIN.as_json()), **changes})


@pytest.mark.parametrize(
    "text",
    [
        stored_with(v=2),
        stored_with(kind="dance"),
        stored_with(steps=3),
        stored_with(kind=["x"]),
        '{"v": 2}',
        '{"v": 9, "link": 1}',
    ],
)
def test_the_request_of_a_newer_version_is_known_for_one(text: str):
    assert Request.from_json(text) is None
    assert is_from_newer_version(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "null",
        "[]",
        "{",
        stored_with(link=None),
        stored_with(v="x"),
        stored_with(kind="sound"),
    ],
)
def test_damage_is_no_newer_version(text: str):
    assert not is_from_newer_version(text)


def test_requests_of_today_have_no_version():
    assert "v" not in json.loads(PLAIN.as_json())
    assert Request.from_json(stored_with(v=1)) == PLAIN


@given(st.lists(st.integers(0, MAX_ATTEMPTS - 1), max_size=100))
def test_presses_do_not_count_as_attempts_and_each_has_a_ticket_of_its_own(attempts: list[int]):
    """However often somebody presses, the attempts since the last press are what counts."""
    count, tickets = 0, set()
    for number in attempts:
        for _ in range(number):
            count += 1
            assert not is_given_up(count)
        assert count not in tickets
        tickets.add(count)
        count = Ticket(1, count).attempts_after_press
    assert is_given_up(count + MAX_ATTEMPTS)


def test_a_press_gives_no_further_attempts_to_a_request_that_was_given_up():
    pressed = Ticket(1, MAX_ATTEMPTS).attempts_after_press
    assert pressed != MAX_ATTEMPTS
    assert is_given_up(pressed)
    assert is_given_up(Ticket(1, pressed).attempts_after_press)


def test_every_press_of_a_button_has_the_same_id_in_every_version():
    assert press_id(1, 2, "sound/tiktok/7") == -1723491914875889149
    assert press_id(1, 2, "sound/tiktok/7", "b1") == -4167112377689002320
    assert press_id(1, 2, "sound/tiktok/7", "") == press_id(1, 2, "sound/tiktok/7")


@given(st.integers(), st.integers(), st.text(), st.text(min_size=1))
def test_the_ids_of_presses_are_those_of_no_update(
    chat_id: int, message_id: int, data: str, business_id: str
):
    ids = {press_id(chat_id, message_id, data), press_id(chat_id, message_id, data, business_id)}
    assert len(ids) == 2
    assert all(-(2**63) <= number < 0 for number in ids)  # what a column of the database takes


def test_each_part_of_a_press_counts():
    presses = {press_id(*where) for where in ((1, 2, "a"), (2, 2, "a"), (1, 3, "a"), (1, 2, "b"))}
    assert len(presses) == 4


def test_what_an_old_version_did_not_store_has_the_usual_value():
    least = {"kind", "link", "chat_id", "message_id", "is_private", "asked_at", "lang"}
    stored = json.dumps({key: value for key, value in stored_values().items() if key in least})
    assert Request.from_json(stored) == PLAIN


def stored_values() -> dict[str, Any]:
    values: dict[str, Any] = json.loads(FULL.as_json())
    return {**values, **json.loads(PLAIN.as_json())}


def test_a_kind_or_a_version_that_is_missing_says_nothing_about_newer_ones():
    assert not is_from_newer_version("{}")
    assert not is_from_newer_version('{"kind": "post", "v": 1}')
