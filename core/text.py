"""Clean texts from outside, so that every part of the program can store and show them."""

import re
from typing import Final

#: What is removed:
#: - controls other than tab and line feed, of which a NUL cannot be stored in PostgreSQL,
#: - controls of the text direction, which can reorder everything that is shown after them,
#: - invisible marks at the start of files (U+FEFF), and code points that are no characters.
#: Joiners and variation selectors stay, because emoji and many scripts need them.
_UNWANTED: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufdd0-\ufdef\ufff9-\uffff]"
)
#: Line breaks other than a line feed.
_LINE_BREAKS: Final = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")


def clean(text: str) -> str:
    """Return a text without characters that cannot be stored or that distort what follows.

    Halves of surrogate pairs are joined where they belong together, and removed otherwise: no
    encoding can represent them. All line breaks become line feeds.
    """
    if text.isascii() and text.isprintable():
        return text
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    return _UNWANTED.sub("", _LINE_BREAKS.sub("\n", whole))


def marked_part(text: str, offset: int, length: int) -> str:
    """Return the part of a text that a Telegram entity marks.

    `offset` and `length` count UTF-16 code units. What lies outside of the text, and halves of
    characters at its ends, are left out.
    """
    units = text.encode("utf-16-le", "surrogatepass")
    start, end = max(offset, 0), max(offset + length, 0)
    return units[start * 2 : end * 2].decode("utf-16-le", "ignore")


def without_part(text: str, offset: int, length: int) -> str:
    """Return a text with spaces instead of the part that a Telegram entity marks.

    See `marked_part`.
    """
    units = text.encode("utf-16-le", "surrogatepass")
    start, end = (min(max(place, 0) * 2, len(units)) for place in (offset, offset + length))
    blank = " ".encode("utf-16-le") * (max(end - start, 0) // 2)
    return (units[:start] + blank + units[max(start, end) :]).decode("utf-16-le", "surrogatepass")
