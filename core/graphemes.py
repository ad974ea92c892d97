"""Where a text may be cut: never inside what a reader sees as one character.

The rules are those of Unicode's extended grapheme clusters, as far as Python's own tables go.
Source: https://www.unicode.org/reports/tr29/#Grapheme_Cluster_Boundary_Rules
"""

import unicodedata
from typing import Final

_JOINER: Final = "\u200d"
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)
_TAGS: Final = range(0xE0020, 0xE0080)
_FLAG_LETTERS: Final = range(0x1F1E6, 0x1F200)
#: Thai and Lao AM: letters by their category, but written around the consonant before them.
_SPACING: Final = frozenset("\u0e33\u0eb3")
#: Canonical combining class of signs that join two consonants of an Indic script.
_VIRAMA: Final = 9
_JAMO_L: Final = range(0x1100, 0x1160)
_JAMO_V: Final = range(0x1160, 0x11A8)
_JAMO_T: Final = range(0x11A8, 0x1200)
_SYLLABLES: Final = range(0xAC00, 0xD7A4)


def boundary_before(text: str, index: int) -> int:
    """Return the last position at or before `index` at which a text may be cut."""
    index = max(index, 0)
    while 0 < index < len(text) and _is_joined(text, index):
        index -= 1
    return index


def _is_joined(text: str, index: int) -> bool:
    """Return True if the characters around a position are parts of one."""
    left, right = text[index - 1], text[index]
    if left == "\r" and right == "\n":
        return True
    return (
        _extends(right)
        or left == _JOINER
        or _is_conjunct(left, right)
        or _is_half_flag(text, index)
        or _is_syllable(ord(left), ord(right))
    )


def _extends(char: str) -> bool:
    return (
        char == _JOINER
        or char in _SPACING
        or unicodedata.category(char) in {"Mn", "Mc", "Me"}
        or ord(char) in _SKIN_TONES
        or ord(char) in _TAGS
    )


def _is_conjunct(left: str, right: str) -> bool:
    return unicodedata.combining(left) == _VIRAMA and unicodedata.category(right) == "Lo"


def _is_half_flag(text: str, index: int) -> bool:
    """Return True between the two letters of a flag: letters pair up from the left."""
    if ord(text[index]) not in _FLAG_LETTERS:
        return False
    start = index
    while start > 0 and ord(text[start - 1]) in _FLAG_LETTERS:
        start -= 1
    return (index - start) % 2 == 1


def _is_syllable(left: int, right: int) -> bool:
    """Return True between parts of a Hangul syllable that is written as separate letters."""
    if left in _JAMO_L:
        return right in _JAMO_L or right in _JAMO_V or right in _SYLLABLES
    if left in _JAMO_V:
        return right in _JAMO_V or right in _JAMO_T
    if left in _JAMO_T:
        return right in _JAMO_T
    # A precomposed syllable takes a final letter, and a vowel before it if it has none itself.
    is_open = left in _SYLLABLES and (left - _SYLLABLES.start) % 28 == 0
    return left in _SYLLABLES and (right in _JAMO_T or (is_open and right in _JAMO_V))
