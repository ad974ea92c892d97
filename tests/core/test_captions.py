"""Captions to the letter, and where a text is cut."""

import pytest

from core.captions import Source, caption, cut, short_count, signature, units
from simulator.telegram.markup import parse_html

SOURCE = Source("Source", "https://x.example/?a=1&b=2")
SOURCE_HTML = '<a href="https://x.example/?a=1&amp;b=2">Source</a>'
SIGNATURE = '<b><a href="https://t.me/bot">@bot</a></b>'


def write(
    author: str = "", text: str = "", notes: tuple[str, ...] = (), source: Source = SOURCE
) -> str:
    return caption(
        source, bot_name="@bot", bot_url="https://t.me/bot", notes=notes, author=author, text=text
    )


@pytest.mark.parametrize(
    ("author", "text", "notes", "expected"),
    [
        ("", "", (), f"{SOURCE_HTML}\n\n{SIGNATURE}"),
        ("", "", ("1/2", "a < b"), f"{SOURCE_HTML}\n1/2\na &lt; b\n\n{SIGNATURE}"),
        ("A & B", "", (), f"<b>A &amp; B</b>\n\n{SOURCE_HTML}\n\n{SIGNATURE}"),
        (
            "",
            " 1 < 2 ",
            (),
            f"<blockquote expandable>1 &lt; 2</blockquote>\n\n{SOURCE_HTML}\n\n{SIGNATURE}",
        ),
        (
            "Ann",
            "Hi",
            ("note",),
            "<b>Ann</b>\n<blockquote expandable>Hi</blockquote>\n\n"
            f"{SOURCE_HTML}\nnote\n\n{SIGNATURE}",
        ),
        ("Ann", "   ", (), f"<b>Ann</b>\n\n{SOURCE_HTML}\n\n{SIGNATURE}"),
    ],
)
def test_captions_have_these_parts_in_this_order(
    author: str, text: str, notes: tuple[str, ...], expected: str
):
    assert write(author, text, notes) == expected


def test_a_signature_is_a_bold_link_and_is_escaped():
    assert signature("R&D", 'https://t.me/?a="b"') == (
        '<b><a href="https://t.me/?a=&quot;b&quot;">R&amp;D</a></b>'
    )


@pytest.mark.parametrize("notes", [(), ("one",), ("one", "two", "⛴️ three")])
@pytest.mark.parametrize("letter", ["a", "😀", "&"])
def test_a_long_text_leaves_at_most_two_or_three_of_1024_units_free(
    letter: str, notes: tuple[str, ...]
):
    shown, _ = parse_html(write("Ann", letter * 2_000, notes))
    lost = 1 if letter == "😀" else 0  # half a character does not fit
    assert 1_022 - lost <= units(shown) <= 1_024
    assert shown.startswith(f"Ann\n{letter}")
    assert shown.endswith("\n\n" + "\n".join(["Source", *notes]) + "\n\n@bot")
    alone, _ = parse_html(write("", letter * 2_000, notes))
    assert 1_021 - lost <= units(alone) <= 1_024


def test_a_text_that_has_no_room_at_all_is_left_out():
    label = "S" * 1_010
    html = write("Ann", "text", source=Source(label, "https://x.example"))
    shown, _ = parse_html(html)
    assert shown == f"Ann\n\n{label}\n\n@bot"


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
