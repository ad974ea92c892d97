"""A chat's preferences survive the database, and whatever else may stand there does no harm."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.captions import CaptionPart
from core.formats import Quality
from core.preferences import ALBUM_CAPS, Preferences

PREFERENCES = st.builds(
    Preferences,
    quality=st.sampled_from(Quality),
    caption=st.lists(st.sampled_from(CaptionPart), unique=True).map(tuple),
    muted=st.lists(st.sampled_from(["tiktok", "x"]), unique=True).map(tuple),
    album_cap=st.sampled_from([None, *ALBUM_CAPS]),
    delete_request=st.booleans(),
    silent=st.booleans(),
    spoiler=st.booleans(),
    only_mentioned=st.booleans(),
)


@given(PREFERENCES)
def test_they_come_back_as_they_were(preferences: Preferences):
    assert Preferences.from_json(preferences.as_json()) == preferences


def test_usual_preferences_take_no_room():
    assert Preferences().as_json() is None
    assert json.loads(Preferences(silent=True).as_json() or "") == {"silent": True}


@given(st.one_of(st.none(), st.text(), st.dictionaries(st.text(), st.integers()).map(json.dumps)))
def test_invalid_preferences_in_the_database_are_ignored(text: str | None):
    assert Preferences.from_json(text) == Preferences()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("quality", "8k"),
        ("caption", "text"),
        ("caption", ["text", "rating"]),
        ("caption", [[]]),
        ("album_cap", 7),
        ("muted", "x"),
        ("muted", [1]),
    ],
)
def test_an_invalid_value_changes_nothing(name: str, value: object):
    assert Preferences.from_json(json.dumps({name: value, "silent": True})) == Preferences(
        silent=True
    )


def test_switches_and_sites_turn_over():
    preferences = (
        Preferences().toggled("silent").with_platform_toggled("x").with_platform_toggled("tiktok")
    )
    assert (preferences.silent, preferences.muted) == (True, ("tiktok", "x"))
    assert preferences.toggled("silent").with_platform_toggled("x").muted == ("tiktok",)


TEXT, AUTHOR, SOURCE, BOT = CaptionPart


def test_a_new_chat_has_text_author_and_source():
    assert Preferences().caption == (TEXT, AUTHOR, SOURCE)


@pytest.mark.parametrize(
    ("stored", "caption"),
    [
        ({"describe": False}, (SOURCE, BOT)),
        ({"describe": True}, (AUTHOR, TEXT, SOURCE, BOT)),
        ({"describe": 1}, (TEXT, AUTHOR, SOURCE)),
        ({"describe": True, "caption": ["bot"]}, (BOT,)),
        ({"caption": ["bot", "text", "bot"], "describe": False}, (BOT, TEXT)),
    ],
)
def test_the_switch_of_older_versions_is_understood(
    stored: dict[str, object], caption: tuple[CaptionPart, ...]
):
    preferences = Preferences.from_json(json.dumps(stored))
    assert preferences.caption == caption
    assert Preferences.from_json(preferences.as_json()) == preferences


def test_a_part_that_is_added_comes_last():
    without = Preferences().with_part_toggled(TEXT)
    assert without.caption == (AUTHOR, SOURCE)
    assert without.with_part_toggled(TEXT).caption == (AUTHOR, SOURCE, TEXT)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((TEXT, AUTHOR, SOURCE), (SOURCE,)),
        ((AUTHOR, TEXT, SOURCE, BOT), (SOURCE, BOT)),
        ((SOURCE, BOT), (TEXT, AUTHOR, SOURCE, BOT)),
        ((SOURCE, TEXT), (TEXT, AUTHOR, SOURCE)),
        ((), (TEXT, AUTHOR)),
    ],
)
def test_text_and_author_come_and_go_together(
    before: tuple[CaptionPart, ...], after: tuple[CaptionPart, ...]
):
    assert Preferences(caption=before).with_description_toggled().caption == after


@pytest.mark.parametrize("text", ["[]", "[1]", "7", "null", "true", '"silent"'])
def test_json_of_another_shape_is_ignored(text: str):
    assert Preferences.from_json(text) == Preferences()
