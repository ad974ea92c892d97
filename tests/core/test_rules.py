"""The pure rules, by table and by law."""

from html import escape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import errors
from core.captions import CaptionContent, CaptionPart, caption, cut, layout_of, short_count
from core.errors import ClipferryError, NoMediaError, TooLargeError, TooLongError
from core.facts import FileSize
from core.formats import Quality, rank_renditions
from core.limits import upload_ceiling
from core.media import Rendition
from core.referrals import read_referral
from simulator.telegram.markup import parse_html, units


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1K"),
        (12_500, "12.5K"),
        (999_949, "999.9K"),
        (999_950, "1M"),
        (1_000_000, "1M"),
        (1_234_567, "1.2M"),
        (48_300_000, "48.3M"),
    ],
)
def test_numbers_are_shortened(number: int, expected: str):
    assert short_count(number) == expected


#: What Telegram keeps as it is: it trims white space around a caption by itself.
#: Stands behind an @ that is no mention.
JOINER = "\u2060"
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=3_000)


@given(url=st.text(max_size=200), site=WORDS.filter(str.strip), author=st.text(max_size=30))
def test_a_caption_is_always_good_html(url: str, site: str, author: str):
    content = CaptionContent(f"https://{url}", site=site[:40], author=author)
    text, _ = parse_html(caption(layout_of((CaptionPart.SOURCE, CaptionPart.AUTHOR)), content))
    expected = " · ".join(filter(None, [" ".join(author.split()), site[:40]]))
    assert text.replace(JOINER, "") == expected.replace(JOINER, "")


@given(author=st.text(max_size=60), text=WORDS, note=st.text(max_size=80))
def test_a_description_fills_what_room_there_is_and_no_more(author: str, text: str, note: str):
    content = CaptionContent(
        "https://x.example", "Site", author, text, "ferry", notes=(escape(note),)
    )
    html = caption(layout_of(tuple(CaptionPart)), content)
    shown, _ = parse_html(html)
    assert units(shown) <= 1024
    assert "Site · @ferry" in shown
    if units(text) + text.count("@") + text.count("/") < 700:
        assert text.strip().replace(JOINER, "") in shown.replace(JOINER, "")


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("short", 10, "short"),
        ("one two three", 9, "one two…"),
        ("onetwothree", 6, "onetw…"),
        ("a👨‍👩‍👧b", 3, "a…"),
        ("⛴️⛴️", 0, ""),
    ],
)
def test_a_text_is_cut_at_a_word_and_never_inside_a_character(text: str, most: int, expected: str):
    assert cut(text, most) == expected


def rendition(codec: str = "h264", width: int = 576, size: int | None = 10, **more) -> Rendition:
    return Rendition(urls=("u",), codec=codec, width=width, height=1000, size_bytes=size, **more)


def first_of(*arguments: Any, **options: Any) -> Rendition:
    """Return the rendition that is tried first."""
    return rank_renditions(*arguments, **options)[0].rendition


def test_the_best_rendition_that_fits_is_chosen():
    small, large, huge = rendition(width=300), rendition(width=900), rendition(width=999, size=99)
    h265 = rendition("h265", width=2000)
    assert first_of([small, h265, large, huge], 50) is large
    assert first_of([h265], 50) is h265
    unknown = rendition(width=901, size=None)
    assert first_of([large, unknown], 50) is unknown
    rich = rendition(bitrate=9)
    assert first_of([rendition(bitrate=1), rich], 50) is rich


def test_a_chat_gets_the_quality_it_has_chosen():
    small, middle, large = (rendition(width=width) for width in (480, 720, 999))
    everything = [small, middle, large]
    assert first_of(everything, 50, quality=Quality.HD) is middle
    assert first_of(everything, 50, quality=Quality.SMALL) is small
    assert first_of([middle, large], 50, quality=Quality.SMALL) is middle
    wide = rendition(width=3000)
    assert first_of([small, wide], 50, quality=Quality.HD) is small


def test_what_is_too_large_is_taken_small_if_it_can_be_shrunk():
    small, large = rendition(size=60), rendition(size=90)
    assert first_of([large, small], 50, shrinkable_bytes=70) is small
    with pytest.raises(TooLargeError):
        first_of([large, small], 50, shrinkable_bytes=55)


def test_nothing_that_fits_is_said_with_the_smallest_size():
    with pytest.raises(TooLargeError) as caught:
        first_of([rendition(size=200), rendition(size=100)], 50)
    assert caught.value.size_bytes == 100


@pytest.mark.parametrize("unusable", [[], [rendition("bytevc2")], [Rendition((), "h264")]])
def test_nothing_playable_is_no_media(unusable: list[Rendition]):
    with pytest.raises(NoMediaError):
        first_of(unusable, 50)


def test_the_ceiling_follows_the_server():
    assert upload_ceiling(local_server=False) == 50_000_000
    assert upload_ceiling(local_server=True) == 2_000_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/start Abc-1_x", "abc-1_x"),
        ("/start@some_bot abc", "abc"),
        ("/start", None),
        ("/start a b", None),
        ("/start " + "x" * 65, None),
        ("/start é", None),
        ("hello friend", None),
        (None, None),
    ],
)
def test_only_a_start_with_a_proper_payload_is_a_referral(text: str | None, expected: str | None):
    assert read_referral(text) == expected


def test_lengths_and_sizes_have_readable_units():
    assert TooLongError(200, 90).facts == {"length": "3:20", "limit": "1:30"}
    for size in (50_000_001, None):
        facts = TooLargeError(size, 50_000_000).facts
        shown = [fact.in_unit() for fact in facts.values() if isinstance(fact, FileSize)]
        assert shown == [(51, "MB"), (50, "MB")]


def leaves(kind: type[ClipferryError] = ClipferryError) -> list[type[ClipferryError]]:
    below = kind.__subclasses__()
    return [leaf for sub in below for leaf in leaves(sub)] or [kind]


def test_the_tree_in_the_docstring_is_the_tree():
    assert errors.__doc__
    names = {leaf.__name__ for leaf in leaves()}
    assert len(names) > 20
    assert not [name for name in names if name not in errors.__doc__]
