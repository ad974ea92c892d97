"""Captions of posts: author, text, source link, signature and short numbers."""

from dataclasses import dataclass
from html import escape
from typing import Final

#: Longest caption, in UTF-16 units after HTML parsing ("0-1024 characters after entities parsing").
#: Source: https://core.telegram.org/bots/api#sendvideo
MAX_CAPTION: Final = 1_024


@dataclass(frozen=True, slots=True)
class Source:
    """The link to the original post."""

    #: Link text, such as "Source".
    label: str
    url: str


def signature(name: str, url: str) -> str:
    """Return the bot's name as a bold link, as Telegram HTML."""
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
    """Return a caption as Telegram HTML: author and text, source link, notes, signature.

    All arguments are plain text and get escaped. The text is truncated so that everything else
    fits. URLs do not count, because Telegram counts only visible characters.
    """
    below = [f'<a href="{escape(source.url)}">{escape(source.label)}</a>', *map(escape, notes)]
    visible = [source.label, *notes, "", bot_name]
    head = [f"<b>{escape(author)}</b>"] if author else []
    if text:
        used = units("\n".join([author, "", "", *visible])) + 2
        if shown := cut(text.strip(), MAX_CAPTION - used):
            head.append(f"<blockquote expandable>{escape(shown)}</blockquote>")
    blocks = ["\n".join(head), "\n".join(below), signature(bot_name, bot_url)]
    return "\n\n".join(filter(None, blocks))


def cut(text: str, most_units: int) -> str:
    """Truncate a text to at most `most_units` UTF-16 units, with an ellipsis.

    The cut falls on a word boundary, unless that would drop more than half of the text.
    """
    if units(text) <= most_units:
        return text
    kept = text.encode("utf-16-le")[: max(most_units - 1, 0) * 2].decode("utf-16-le", "ignore")
    at_word = kept.rpartition(" ")[0]
    if len(at_word) > len(kept) // 2:
        kept = at_word
    return f"{kept.rstrip()}…" if most_units > 0 else ""


def units(text: str) -> int:
    """Return the length of a text in UTF-16 units, which is how Telegram counts."""
    return len(text.encode("utf-16-le")) // 2


def short_count(number: int) -> str:
    """Format a number for a button, rounded to one decimal: 999, 12.5K, 999.9K, 1M."""
    if number < 1_000:
        return str(number)
    size, unit = (1_000, "K") if number < 999_950 else (1_000_000, "M")
    return f"{number / size:.1f}".removesuffix(".0") + unit
