"""Untrusted JSON: odd numbers, wrong types, missing keys."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import PlatformChangedError
from platforms._json import Json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (0, 0),
        (17, 17),
        (17.9, 17),
        ("17", 17),
        (2**53, 2**53),
        (2**53 + 1, None),
        (-1, None),
        ("-1", None),
        ("", None),
        ("1" * 17, None),
        ("9" * 5_000, None),
        ("٣", None),
        ("²", None),
        (True, None),
        (None, None),
        ([1], None),
        ({"a": 1}, None),
    ],
)
def test_a_count_is_a_number_that_can_be_stored(value, count):
    assert Json(value, "x").count() == count
    assert Json(value, "x").number(-5) == (-5 if count is None else count)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_a_number_that_is_none_is_no_count(text: str):
    assert Json(json.loads(text), "x").count() is None


@given(JSON)
def test_no_value_raises_anything_but_our_error(value):
    json = Json(value, "x")
    for inner in (json, json["a"], json["a"]["b"], *json):
        assert isinstance(inner.text(), str)
        assert inner.count() is None or inner.number() >= 0
        assert isinstance(bool(inner), bool)
    try:
        assert json.needed() is json
    except PlatformChangedError:
        assert not json
