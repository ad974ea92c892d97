"""Captions to the letter, and where a text is cut."""

from typing import Any

import pytest

from core.captions import (
    MAX_AUTHOR,
    MAX_CAPTION,
    CaptionContent,
    CaptionPart,
    caption,
    cut,
    layout_of,
    short_count,
    units,
)
from simulator.telegram.markup import parse_html

TEXT, AUTHOR, SOURCE, BOT = CaptionPart
USUAL = (TEXT, AUTHOR, SOURCE)
URL = "https://x.example/?a=1&b=2"
BOT_HTML = '<a href="https://t.me/ferry_bot">@ferry_bot</a>'


def link(words: str) -> str:
    return f'<a href="https://x.example/?a=1&amp;b=2">{words}</a>'


def write(*parts: CaptionPart, notes: tuple[str, ...] = (), **content: str) -> str:
    """Return the caption of a chat that wants these parts; by default a post has all of them."""
    values: dict[str, Any] = {"author": "R & D", "text": "1 < 2", "site": "X", "bot": "ferry_bot"}
    return caption(layout_of(parts), CaptionContent(URL, notes=notes, **(values | content)))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (USUAL, f"1 &lt; 2\n{link('R &amp; D · X')}"),
        ((*USUAL, BOT), f"1 &lt; 2\n{link('R &amp; D · X')} · {BOT_HTML}"),
        ((TEXT, BOT, SOURCE, AUTHOR), f"1 &lt; 2\n{BOT_HTML} · {link('R &amp; D · X')}"),
        ((AUTHOR, TEXT, SOURCE, BOT), f"R &amp; D\n1 &lt; 2\n{link('X')} · {BOT_HTML}"),
        ((SOURCE, TEXT, AUTHOR), f"{link('X')}\n1 &lt; 2\nR &amp; D"),
        ((AUTHOR, BOT), f"R &amp; D · {BOT_HTML}"),
        ((TEXT,), "1 &lt; 2"),
        ((), ""),
    ],
)
def test_the_text_has_its_own_lines_and_the_other_parts_one(
    parts: tuple[CaptionPart, ...], expected: str
):
    assert write(*parts) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"text": ""}, link("R &amp; D · X")),
        ({"author": ""}, f"1 &lt; 2\n{link('X')}"),
        ({"site": ""}, "1 &lt; 2"),
        ({"text": " \n ", "author": " "}, link("X")),
        ({"text": "", "author": "", "site": ""}, ""),
    ],
)
def test_what_a_post_lacks_leaves_nothing_behind(content: dict[str, Any], expected: str):
    assert write(*USUAL, **content) == expected


def test_notes_are_lines_at_the_end():
    assert write(SOURCE, author="", notes=("1/2", "by A &amp; B")) == (
        f"{link('X')}\n1/2\nby A &amp; B"
    )
    assert write(notes=("1/2",)) == "1/2"


def test_blank_lines_of_a_text_are_left_out():
    assert write(TEXT, text="\n one \n\n\r\n \u2028two\n") == "one\ntwo"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("with @ferry and (@x_1)", "with @\u2060ferry and (@\u2060x_1)"),
        ("@ferry", "@\u2060ferry"),
        ("/start now", "/\u2060start now"),
        ("mail me: a@b.example, and/or 24/7 @ home", "mail me: a@b.example, and/or 24/7 @ home"),
        ("https://x.example/@ferry/1", "https://x.example/@ferry/1"),
        ("#ferry", "#ferry"),
    ],
)
def test_names_in_a_post_mention_nobody_and_its_words_are_no_commands(text: str, shown: str):
    content = CaptionContent("https://x.example", author=text, text=text, bot="ferry_bot")
    for part in (CaptionPart.TEXT, CaptionPart.AUTHOR):
        assert parse_html(caption(layout_of((part, CaptionPart.BOT)), content))[0].startswith(shown)
    bot = caption(layout_of((CaptionPart.BOT,)), content)
    assert "@ferry_bot" in bot


def test_an_author_is_one_short_line():
    shown, _ = parse_html(write(AUTHOR, author="A\nB " + "x" * 99))
    assert shown.startswith("A B xxx")
    assert units(shown) == MAX_AUTHOR


@pytest.mark.parametrize(
    ("text", "is_quoted"),
    [("a" * 200, False), ("a" * 201, True), ("1\n2\n3", False), ("1\n2\n3\n4", True)],
)
def test_a_long_text_is_a_quotation_that_opens_with_a_tap(text: str, is_quoted: bool):
    quoted = f"<blockquote expandable>{text}</blockquote>" if is_quoted else text
    assert write(*USUAL, text=text) == f"{quoted}\n{link('R &amp; D · X')}"


@pytest.mark.parametrize("notes", [(), ("one",), ("one", "two", "⛴️ three &lt;")])
@pytest.mark.parametrize("parts", [USUAL, (AUTHOR, TEXT, SOURCE, BOT), (TEXT,)])
@pytest.mark.parametrize("letter", ["a", "😀", "&"])
def test_a_long_text_fills_all_1024_units(
    letter: str, parts: tuple[CaptionPart, ...], notes: tuple[str, ...]
):
    shown, _ = parse_html(write(*parts, text=letter * 2_000, notes=notes))
    lost = 1 if letter == "😀" else 0  # half a character does not fit
    assert MAX_CAPTION - lost <= units(shown) <= MAX_CAPTION
    assert "\n\n" not in shown


def test_a_text_that_has_no_room_at_all_is_left_out():
    note = "n" * 1_017
    assert write(TEXT, SOURCE, author="ab", notes=(note,)) == f"{link('ab · X')}\n{note}"


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("12345", 5, "12345"),
        ("12345", 4, "123…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
        ("abc", -1, ""),
        ("", 0, ""),
        # The last word that fits as a whole ends the text, not the first one.
        ("one two three", 11, "one two…"),
        # A word that ends where the room ends is whole.
        ("one two three", 8, "one two…"),
        ("one two\nthree", 8, "one two…"),
        ("one two\nthree", 11, "one two…"),
        # Hashtags at the end go first, and then nothing more has to.
        ("one two #three #four", 10, "one two"),
        ("one two\n#three\n #four ", 10, "one two"),
        ("one #two three #four", 10, "one #two…"),
        ("one two #three", 14, "one two #three"),
        ("#one #two #three", 10, "#one #two…"),
        # Five of nine letters are left: more than half.
        ("abcde fghijk", 10, "abcde…"),
        # Four of nine would be left: too few, so the word is cut.
        ("abcd efghijk", 10, "abcd efgh…"),
        ("one\ntwo", 5, "one…"),
        ("one  two", 6, "one…"),
        (" onetwothree", 6, " onet…"),
        # A character beyond the BMP takes two units and is dropped as a whole.
        ("😀😀", 4, "😀😀"),
        ("😀😀😀", 5, "😀😀…"),
        ("😀😀😀", 4, "😀…"),
        # Nor is what looks like one character: a family, a skin tone, a keycap, a flag.
        ("ab👨‍👩‍👧", 9, "ab…"),
        ("ab👍🏽", 5, "ab…"),
        ("ab1️⃣", 4, "ab…"),
        ("ab🇺🇦🇩🇪", 7, "ab🇺🇦…"),
        ("ab🇺🇦🇩🇪", 9, "ab🇺🇦…"),
        ("ab🏴󠁧󠁢󠁥󠁮󠁧󠁿", 9, "ab…"),
        ("abe\u0301x", 4, "ab…"),
        ("नमस्ते", 5, "नम…"),
        ("กำข", 2, "…"),
        ("\u1112\u1161\u11ab\u1100", 3, "…"),
        ("ab\r\ncdefghij", 4, "ab…"),
    ],
)
def test_a_text_is_cut_exactly_here(text: str, most: int, expected: str):
    assert cut(text, most) == expected


@pytest.mark.parametrize(("text", "length"), [("", 0), ("a", 1), ("é", 1), ("😀", 2), ("⛴️", 2)])
def test_a_length_is_counted_in_utf_16_units(text: str, length: int):
    assert units(text) == length


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1_049, "1K"), (1_051, "1.1K"), (100_000_000_000, "100000M")],
)
def test_large_numbers_are_rounded_to_one_decimal(number: int, expected: str):
    assert short_count(number) == expected
