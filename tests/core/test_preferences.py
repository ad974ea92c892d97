"""A chat's preferences survive the database, and whatever else may stand there does no harm."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.formats import Quality
from core.preferences import ALBUM_CAPS, Preferences

WISHES = st.builds(
    Preferences,
    quality=st.sampled_from(Quality),
    describe=st.booleans(),
    muted=st.lists(st.sampled_from(["tiktok", "x"]), unique=True).map(tuple),
    album_cap=st.sampled_from([None, *ALBUM_CAPS]),
    delete_request=st.booleans(),
    silent=st.booleans(),
    spoiler=st.booleans(),
    only_mentioned=st.booleans(),
)


@given(WISHES)
def test_they_come_back_as_they_were(preferences: Preferences):
    assert Preferences.from_json(preferences.as_json()) == preferences


def test_usual_wishes_take_no_room():
    assert Preferences().as_json() is None
    assert json.loads(Preferences(silent=True).as_json() or "") == {"silent": True}


@given(st.one_of(st.none(), st.text(), st.dictionaries(st.text(), st.integers()).map(json.dumps)))
def test_nonsense_in_the_database_is_as_if_it_were_not_there(text: str | None):
    assert Preferences.from_json(text) == Preferences()


@pytest.mark.parametrize(
    ("name", "value"),
    [("quality", "8k"), ("describe", 1), ("album_cap", 7), ("muted", "x"), ("muted", [1])],
)
def test_a_value_that_makes_no_sense_changes_nothing(name: str, value: object):
    assert Preferences.from_json(json.dumps({name: value, "silent": True})) == Preferences(
        silent=True
    )


def test_switches_and_sites_turn_over():
    preferences = (
        Preferences().toggled("silent").with_platform_toggled("x").with_platform_toggled("tiktok")
    )
    assert (preferences.silent, preferences.muted) == (True, ("tiktok", "x"))
    assert preferences.toggled("silent").with_platform_toggled("x").muted == ("tiktok",)


@pytest.mark.parametrize("text", ["[]", "[1]", "7", "null", "true", '"silent"'])
def test_json_of_another_shape_is_as_if_it_were_not_there(text: str):
    assert Preferences.from_json(text) == Preferences()
