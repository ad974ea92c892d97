"""Texts from outside: what is removed, and what every writing system needs."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import clean, marked_part, without_part


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("", ""),
        ("Crossing at dawn", "Crossing at dawn"),
        ("a\ud83d", "a"),
        ("\ude00a", "a"),
        ("\ud83d\ude00", "😀"),
        ("\ud83d \ude00", " "),
        ("a\x00b", "ab"),
        ("a\x1b[31mb\x7f\x9f", "a[31mb"),
        ("tab\tstays", "tab\tstays"),
        ("one\r\ntwo\rthree\u2028four\x85five\x0bsix", "one\ntwo\nthree\nfour\nfive\nsix"),
        ("\u202etxt.exe", "txt.exe"),
        ("\u2066a\u2069\u202bb\u202c", "ab"),
        ("\ufeffb\uffff\ufdd0", "b"),
        ("مرحبا\u200f!", "مرحبا\u200f!"),
        ("नमस्\u200dते", "नमस्\u200dते"),
        ("👨\u200d👩 ❤\ufe0f 🏴\U000e0067", "👨\u200d👩 ❤\ufe0f 🏴\U000e0067"),
    ],
)
def test_what_is_removed_and_what_stays(text: str, cleaned: str):
    assert clean(text) == cleaned


@given(st.text(alphabet=st.characters()) | st.text(st.sampled_from("\ud83d\ude00\x00\u202ea")))
def test_every_text_can_be_stored_after_cleaning(text: str):
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert cleaned.encode().decode() == cleaned
    with sqlite3.connect(":memory:") as database:
        assert database.execute("SELECT ?", (cleaned,)).fetchone() == (cleaned,)
    assert not set(cleaned) & {"\x00", "\u202e", "\u2067"}


@pytest.mark.parametrize(
    ("offset", "length", "part"),
    [
        (0, 2, "👀"),
        (3, 2, "ab"),
        (1, 4, " ab"),
        (2, 4, " ab"),
        (4, 100, "b😀"),
        (4, 2, "b"),
        (-3, 5, "👀"),
        (50, 5, ""),
        (3, -2, ""),
        (10**30, 10**30, ""),
    ],
)
def test_an_entity_marks_a_part_even_if_it_splits_characters(offset: int, length: int, part: str):
    assert marked_part("👀 ab😀", offset, length) == part


@given(text=st.text(st.characters()), offset=st.integers(), length=st.integers())
def test_any_entity_marks_a_part(text: str, offset: int, length: int):
    assert marked_part(text, offset, length).encode("utf-8", "strict") is not None


@pytest.mark.parametrize(
    ("offset", "length", "left"),
    [
        (3, 2, "👀   😀"),
        (0, 2, "   ab😀"),
        (3, 99, "👀     "),
        (-1, 1, "👀 ab😀"),
        (99, 1, "👀 ab😀"),
    ],
)
def test_a_part_that_is_taken_out_leaves_spaces(offset: int, length: int, left: str):
    assert without_part("👀 ab😀", offset, length) == left


@given(text=st.text(st.characters()), offset=st.integers(), length=st.integers())
def test_any_part_can_be_taken_out(text: str, offset: int, length: int):
    units = len(text.encode("utf-16-le", "surrogatepass"))
    assert len(without_part(text, offset, length).encode("utf-16-le", "surrogatepass")) == units
