"""Find the URLs in what people write: with or without a scheme, glued to words and to each other.

Nothing is known here about sites. Every step is linear in the length of the text.
"""

import re
from collections.abc import Iterator
from typing import Final

_SCHEME: Final = "[Hh][Tt][Tt][Pp][Ss]?://"
#: Scripts that are written without spaces: a host may follow one of their letters.
_SPACELESS: Final = r"\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
#: A host name that is followed by a path or query.
_BARE_HOST: Final = r"(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24}(?=[/?])"
#: A scheme, or a host name without one. Such a name does not begin within a word, a longer host
#: name, an e-mail address or the path of another URL; "link=" and "link:" may stand before it, and
#: a scheme that is mistyped or was not copied as a whole: "https:/", "https//", "ttps://".
_BROKEN_SCHEME: Final = "[Hh]?[Tt]{0,2}[Pp]?[Ss]?(?:://?|//)"
_START: Final = re.compile(
    rf"{_SCHEME}"
    rf"|(?<![^\W{_SPACELESS}])(?<![@./%&?#~+$-])(?:(?<!:){_BROKEN_SCHEME})?(?P<host>{_BARE_HOST})"
)
#: What no URL contains: spaces, quotes, and the punctuation of other scripts; or the start of the
#: next URL: its scheme, or a host name behind a mark that separates them. Behind "=" the next URL
#: is a parameter of this one.
_END: Final = re.compile(
    r"[\s\x00-\x20<>\"«»،؛؟۔।॥\u2010-\u2027\u2030-\u205e\u3000-\u303f\uff00-\uffef]"
    rf"|(?<!=){_SCHEME}|[,;|](?={_BARE_HOST})"
)
#: The characters of a URL (RFC 3986) without brackets and marks that enclose it in a text.
_ASCII_PART: Final = re.compile(r"[A-Za-z0-9._~:/?#@!$&+,;=%-]*")
#: Characters after a URL that are punctuation of the text and not part of the URL.
_TRAILING: Final = ".,;:!?)]}*~|`'"
#: Invisible characters that copying adds: zero-width, direction marks, soft hyphen.
_INVISIBLE: Final = [
    *(0xAD, 0x61C, 0x180E, 0xFEFF),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
]
#: Full-width letters, digits, full stop, slash and colon, which East Asian keyboards type.
_WIDE: Final = [*range(0xFF0E, 0xFF1B), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B)]
#: What is typed, or copied, for the characters of a URL.
_INSTEAD: Final = {**dict.fromkeys(_INVISIBLE), **{code: code - 0xFEE0 for code in _WIDE}}


def urls_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield the readings of every URL in a text, in order.

    The first reading ends before the first character that is not ASCII: words of many scripts
    follow a URL without a space. The second one contains such characters. Both have a scheme in
    lower case and no punctuation at the end.
    """
    text = text.translate(_INSTEAD)
    position = 0
    while start := _START.search(text, position):
        end = _END.search(text, start.end())
        position = end.start() if end else len(text)
        begin = start.start("host") if start["host"] else start.start()
        whole = text[begin:position]
        # An id may end with "_", so it counts as markup only if it also stands before the URL.
        before = text[begin - 1 : begin]
        trailing = f"{_TRAILING}_" if before == "_" else _TRAILING
        ascii_part = _ASCII_PART.match(whole)
        assert ascii_part
        yield _complete(ascii_part[0].rstrip(trailing)), _complete(whole.rstrip(trailing))


def _complete(url: str) -> str:
    """Return the URL with its scheme in lower case, or with https if it has none."""
    scheme, separator, rest = url.partition("://")
    if not separator or not scheme.isalpha():
        return f"https://{url}"
    return f"{scheme.lower()}://{rest}"
