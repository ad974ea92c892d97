"""Subtitles: which are offered, in which order, and their conversion to SubRip."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.choices import Choice, Piece
from core.errors import BrokenFileError, NoSubtitlesError
from core.media import Subtitles
from core.subtitles import Cue, as_srt, best, cut, offered, read_cues

VTT = """\ufeffWEBVTT Kind: captions; Language: en

STYLE
::cue { color: white }

NOTE 00:00 --> nothing

intro
00:01.000 --> 00:02.500 align:start position:0%
Hello,<00:00:01.500><c> world</c>

1:00:00.000 --> 1:00:01.000
- Tom &amp; Jerry
- &lt;both&gt;
00:02:00.000 --> 00:02:01.000

00:03:00.000 --> 00:03:01.000

the end
"""
SRT = (
    "1\r\n00:00:01,000 --> 00:00:02,500\r\n<b>Hello</b>\r\n\r\n"
    "2\r\n00:00:03,000 --> 00:00:04,000\r\nWorld\r\n"
)


def subtitles(*languages: str) -> list[Subtitles]:
    """Return subtitles: "de" somebody wrote, "de!" are recognised, "de?" are a translation."""
    return [
        Subtitles(name.rstrip("!?"), (name,), name[-1] in "!?", name.endswith("!"))
        for name in languages
    ]


def urls(found: list[Subtitles]) -> list[str]:
    return [one.urls[0] for one in found]


@pytest.mark.parametrize(
    ("listed", "language", "expected"),
    [
        (("en", "de", "uk"), "uk", ["uk", "en", "de"]),
        (("en?", "de!", "uk?"), "uk", ["uk?", "de!", "en?"]),
        (("en?", "en", "de!"), "en", ["en", "de!"]),
        (("fr", "pt-BR", "en!"), "pt", ["pt-BR", "en!", "fr"]),
        (("pt", "pt-BR", "fr"), "pt-BR", ["pt-BR", "pt", "fr"]),
        (("a1", "a2", "a3", "a4", "a5", "a6", "a7!"), "xx", ["a7!", "a1", "a2", "a3", "a4", "a5"]),
        ((), "en", []),
    ],
)
def test_the_persons_language_comes_first_then_the_videos_own(
    listed: tuple[str, ...], language: str, expected: list[str]
):
    found = subtitles(*listed)
    assert urls(offered(found, language)) == expected
    assert best(found, language) == next(iter(offered(found, language)), None)


def test_webvtt_is_read_without_styles_notes_and_markup():
    assert read_cues(VTT) == [
        Cue(1_000, 2_500, "Hello, world"),
        Cue(3_600_000, 3_601_000, "- Tom & Jerry\n- <both>"),
    ]


def test_subrip_is_read_and_written():
    cues = read_cues(SRT)
    assert cues == [Cue(1_000, 2_500, "Hello"), Cue(3_000, 4_000, "World")]
    assert as_srt(cues) == (
        "1\n00:00:01,000 --> 00:00:02,500\nHello\n\n2\n00:00:03,000 --> 00:00:04,000\nWorld\n"
    )
    assert read_cues(as_srt(cues)) == cues


def test_recognised_speech_in_json_has_each_line_once_and_does_not_overlap():
    events = [
        {"tStartMs": 0, "dDurationMs": 9_000, "id": 1},
        {"tStartMs": 1_000, "dDurationMs": 5_000, "segs": [{"utf8": "Hello"}, {"utf8": " world"}]},
        {"tStartMs": 3_000, "dDurationMs": 3_000, "aAppend": 1, "segs": [{"utf8": "\n"}]},
        {"tStartMs": 3_000, "dDurationMs": 4_000, "segs": [{"utf8": "again"}]},
    ]
    assert read_cues(json.dumps({"events": events})) == [
        Cue(1_000, 3_000, "Hello world"),
        Cue(3_000, 7_000, "again"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        *("", "WEBVTT\n", "<html>no</html>", "{", "{}", '{"events": 1}', '{"events": [1]}'),
        *('{"events": [{"segs": 1}]}', '{"events": [{"segs": ["a"]}]}', "[" * 10_000),
        '{"events": ' + "[" * 100_000,
        "--> -->\n" * 1_000,
        "00:00:01.000 --> 00:00:02.000\n" * 1_000,
        *('{"events": []}', '{"events": [{"segs": []}]}'),
        '{"events": [{"tStartMs": Infinity, "segs": [{"utf8": "a"}]}]}',
        '{"events": [{"dDurationMs": 1e999, "segs": [{"utf8": "a"}]}]}',
        '{"events": [{"tStartMs": NaN, "segs": [{"utf8": "a"}]}]}',
    ],
)
def test_anything_else_is_a_broken_file(content: str):
    with pytest.raises(BrokenFileError):
        read_cues(content)


def test_an_emoji_in_two_halves_and_impossible_times_are_mended():
    events = [
        {"tStartMs": -5, "dDurationMs": 10**40, "segs": [{"utf8": "\ud83d"}, {"utf8": "\ude00"}]},
        {"tStartMs": 5, "dDurationMs": -1, "segs": [{"utf8": "half \ud83d\x00\u202e"}]},
    ]
    cues = read_cues(json.dumps({"events": events}))
    assert cues == [Cue(0, 5, "\U0001f600"), Cue(5, 5, "half")]
    assert as_srt(cues).encode()


_EVENT = st.fixed_dictionaries(
    {},
    optional={
        "tStartMs": st.integers() | st.floats() | st.text(max_size=3) | st.none(),
        "dDurationMs": st.integers() | st.floats() | st.booleans(),
        "segs": st.lists(st.fixed_dictionaries({}, optional={"utf8": st.text(max_size=5)})),
    },
)


@given(
    content=st.lists(_EVENT, max_size=4).map(lambda events: json.dumps({"events": events}))
    | st.lists(
        st.sampled_from(["WEBVTT", "1", "00:01.000 --> 00:02.000", "-->", "&#xD83D;", "<c>a</c>"])
        | st.text(max_size=9),
        max_size=9,
    ).map("\n".join)
)
def test_any_content_is_subtitles_or_a_broken_file(content: str):
    try:
        cues = read_cues(content)
    except BrokenFileError:
        return
    assert as_srt(cues).encode()
    assert all(cue.start_ms >= 0 for cue in cues)


def test_a_piece_has_its_own_times_and_needs_a_line():
    cues = [Cue(0, 1_500, "a"), Cue(2_000, 4_000, "b"), Cue(5_000, 6_000, "c")]
    assert cut(cues, Piece(1, 3)) == [Cue(0, 500, "a"), Cue(1_000, 2_000, "b")]
    assert cut(cues, Piece(3)) == [Cue(0, 1_000, "b"), Cue(2_000, 3_000, "c")]
    with pytest.raises(NoSubtitlesError):
        cut(cues, Piece(4, 5))


@pytest.mark.parametrize("text", ["subs.", "subs.en", "subs.pt-BR", "subs.en,30-70"])
def test_a_choice_of_subtitles_has_a_form_for_callback_data(text: str):
    choice = Choice.parse(text)
    assert choice
    assert choice.subtitles is not None
    assert str(choice) == text


@pytest.mark.parametrize("text", ["subs.e n", "subs.é", "subs", "subs./x", "subs." + "a" * 21])
def test_other_texts_are_no_choice(text: str):
    assert Choice.parse(text) is None
