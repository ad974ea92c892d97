"""The lines under a post: who made it, source, signature and short numbers."""

from dataclasses import dataclass
from html import escape
from typing import Final

#: Telegram allows so many UTF-16 units after its HTML has been read.
#: Source: https://core.telegram.org/bots/api#sendvideo
MAX_CAPTION: Final = 1_024


@dataclass(frozen=True, slots=True)
class Source:
    """Where a post comes from."""

    #: What the link says, such as "Source".
    label: str
    url: str


def signature(name: str, url: str) -> str:
    """Say in bold who brought it, as Telegram HTML."""
    return f'<b><a href="{escape(url)}">{escape(name)}</a></b>'


def caption(
    source: Source,
    *,
    bot_name: str,
    bot_url: str,
    notes: tuple[str, ...] = (),
    author: str = "",
    text: str = "",
) -> str:
    """Write a caption as Telegram HTML: author and text, a link to the source, notes, the signature.

    Takes plain text and escapes it; the notes are plain as well. The text is cut so that everything
    else fits; an address does not count, because Telegram counts what is seen.
    """
    below = [f'<a href="{escape(source.url)}">{escape(source.label)}</a>', *map(escape, notes)]
    seen = [source.label, *notes, "", bot_name]
    head = [f"<b>{escape(author)}</b>"] if author else []
    if text:
        used = units("\n".join([author, "", "", *seen])) + 2
        if shown := cut(text.strip(), MAX_CAPTION - used):
            head.append(f"<blockquote expandable>{escape(shown)}</blockquote>")
    blocks = ["\n".join(head), "\n".join(below), signature(bot_name, bot_url)]
    return "\n\n".join(filter(None, blocks))


def cut(text: str, most_units: int) -> str:
    """Shorten a text to so many UTF-16 units, at the end of a word where there is one."""
    if units(text) <= most_units:
        return text
    kept = text.encode("utf-16-le")[: max(most_units - 1, 0) * 2].decode("utf-16-le", "ignore")
    at_word = kept.rpartition(" ")[0]
    if len(at_word) > len(kept) // 2:
        kept = at_word
    return f"{kept.rstrip()}…" if most_units > 0 else ""


def units(text: str) -> int:
    """Count UTF-16 units, as Telegram does."""
    return len(text.encode("utf-16-le")) // 2


def short_count(number: int) -> str:
    """Shorten a number for a button, rounded to one decimal: 999, 12.5K, 999.9K, 1M."""
    if number < 1_000:
        return str(number)
    size, unit = (1_000, "K") if number < 999_950 else (1_000_000, "M")
    return f"{number / size:.1f}".removesuffix(".0") + unit
