"""A text is never cut inside of what a reader sees as one character."""

import pytest

from core.graphemes import boundary_before

#: Parts that belong together, in order.
ONE_CHARACTER = {
    "a line break": ("\r", "\n"),
    "an accent": ("e", "\u0301"),
    "an enclosing sign": ("1", "\u20e3"),
    "a vowel sign with a width": ("\u0915", "\u093e"),
    "a variant of an emoji": ("\u2708", "\ufe0f"),
    "a skin tone, the first": ("👍", "\U0001f3fb"),
    "a skin tone, the last": ("👍", "\U0001f3ff"),
    "a family": ("👩", "\u200d", "👧"),
    "a flag": ("🇩", "🇪"),
    "the first and the last letter of flags": ("\U0001f1e6", "\U0001f1ff"),
    "a flag of tags": ("🏴", "\U000e0067", "\U000e0020", "\U000e007f"),
    "a Thai vowel": ("\u0e01", "\u0e33"),
    "a Lao vowel": ("\u0e81", "\u0eb3"),
    "a conjunct": ("\u0915", "\u094d", "\u0937"),
    "two initial consonants": ("\u1100", "\u115f"),
    "a consonant and a vowel": ("\u1100", "\u1160"),
    "a consonant and a syllable": ("\u115f", "\uac00"),
    "a consonant and the last syllable": ("\u1100", "\ud7a3"),
    "two vowels": ("\u1160", "\u11a7"),
    "a vowel and a final consonant": ("\u11a7", "\u11a8"),
    "two final consonants": ("\u11a8", "\u11ff"),
    "a syllable and a final consonant": ("\uac00", "\u11ff"),
    "a closed syllable and a final consonant": ("\uac01", "\u11a8"),
    "an open syllable and a vowel": ("\uac00", "\u1160"),
    "another open syllable and a vowel": ("\uac1c", "\u11a7"),
}
#: Neighbours that do not belong together.
TWO_CHARACTERS = {
    "letters": ("a", "b"),
    "a line break the other way": ("\n", "\r"),
    "a return alone": ("\r", "a"),
    "a newline alone": ("a", "\n"),
    "emoji": ("👍", "👍"),
    "what follows the skin tones": ("👍", "\U0001f400"),
    "what precedes the skin tones": ("👍", "\U0001f3fa"),
    "what follows the tags": ("🏴", "\U000e0080"),
    "what precedes the flags": ("\U0001f1e5", "\U0001f1e6"),
    "what follows the flags": ("\U0001f1e6", "\U0001f200"),
    "a letter and one of a flag": ("a", "🇩"),
    "consonants that nothing joins": ("\u0915", "\u0937"),
    "a joined consonant and another script": ("\u094d", "a"),
    "a vowel and a consonant": ("\u1160", "\u1100"),
    "a vowel and a syllable": ("\u1160", "\uac00"),
    "a final consonant and a vowel": ("\u11a8", "\u1160"),
    "a final consonant and a syllable": ("\u11a8", "\uac00"),
    "an initial and a final consonant": ("\u1100", "\u11a8"),
    "a closed syllable and a vowel": ("\uac01", "\u1160"),
    "a syllable and a consonant": ("\uac00", "\u1100"),
    "syllables": ("\uac00", "\uac00"),
    "what precedes the syllables": ("\uabff", "\u11a8"),
    "what follows the syllables": ("\ud7a4", "\u11a8"),
    "what precedes the consonants": ("\u10ff", "\u1160"),
    "what follows the final consonants": ("\u11ff", "\u1200"),
}


@pytest.mark.parametrize("parts", ONE_CHARACTER.values(), ids=ONE_CHARACTER)
def test_one_character_is_cut_only_before_itself(parts: tuple[str, ...]):
    text = f"a{''.join(parts)}b"
    whole = 1 + sum(map(len, parts))
    assert [boundary_before(text, index) for index in range(whole)] == [0] + [1] * (whole - 1)
    assert boundary_before(text, whole) == whole


@pytest.mark.parametrize("parts", TWO_CHARACTERS.values(), ids=TWO_CHARACTERS)
def test_two_characters_may_be_cut_apart(parts: tuple[str, str]):
    assert boundary_before("".join(parts), len(parts[0])) == len(parts[0])


def test_flags_pair_up_from_the_left():
    flags = "x🇩🇪🇫🇷🇮"
    assert [boundary_before(flags, index) for index in range(7)] == [0, 1, 1, 3, 3, 5, 6]
    assert [boundary_before("🇩🇪🇫🇷", index) for index in range(5)] == [0, 0, 2, 2, 4]


@pytest.mark.parametrize(("index", "cut"), [(-3, 0), (0, 0), (2, 2), (9, 9)])
def test_a_position_outside_of_the_text_is_not_looked_at(index: int, cut: int):
    assert boundary_before("ab", index) == cut
