"""Captions of posts: their parts, layouts and lengths, and short numbers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from html import escape, unescape
from typing import Final

from core.caption_template import Template, parse_template
from core.graphemes import boundary_before

#: Longest caption, in UTF-16 units after HTML parsing ("0-1024 characters after entities parsing").
#: Source: https://core.telegram.org/bots/api#sendvideo
MAX_CAPTION: Final = 1_024
#: Longest author that is shown, in UTF-16 units.
MAX_AUTHOR: Final = 64
#: A text with more UTF-16 units or lines becomes a quotation that opens with a tap.
_LONG_TEXT: Final = 200
_MANY_LINES: Final = 3
#: A template without its text may have this many UTF-16 units; the rest is for text and notes.
_MAX_FRAME: Final = 512
#: "@name" and "/command" in a post, which Telegram would turn into a link to whoever has the name
#: there, and into a button that sends the command to the bot.
#: Source: https://github.com/tdlib/td, td/telegram/MessageEntity.cpp, find_mentions
_FOREIGN: Final = re.compile(r"(?<![\w/@<>])([@/])(?=\w)")
#: Invisible, and without a place to break the line; it ends such a link.
_WORD_JOINER: Final = "\u2060"
_TAG: Final = re.compile("<[^<>]*>")
#: Between author, site and bot.
_SEPARATOR: Final = " · "


class CaptionPart(StrEnum):
    """A part of a caption that a chat may leave out or move."""

    TEXT = "text"
    AUTHOR = "author"
    SOURCE = "source"
    BOT = "bot"


@dataclass(frozen=True, slots=True)
class CaptionContent:
    """What a caption says, as plain text; empty for what the chat does not want or the post lacks.

    The notes are Telegram HTML.
    """

    #: URL of the post.
    url: str
    #: Title of the site.
    site: str = ""
    author: str = ""
    text: str = ""
    #: The bot's username, without the @.
    bot: str = ""
    #: Lines below everything else.
    notes: tuple[str, ...] = ()


def checked_template(text: str) -> Template:
    """Return an operator's template.

    Raises:
        ValueError: a placeholder is unknown or misplaced, Telegram would refuse the HTML, or it
            leaves too little room for the text.
    """
    template = parse_template(text)
    longest = CaptionContent("x", site="x" * 32, author="x" * MAX_AUTHOR, bot="x" * 32)
    html = _filled(template, longest, _values(template, longest), "")
    if (length := _visible_units(html)) > _MAX_FRAME:
        raise ValueError(
            f"it has up to {length} characters without the text; {_MAX_FRAME} are allowed"
        )
    return template


@cache
def layout_of(parts: tuple[CaptionPart, ...]) -> Template:
    """Return the layout of a chat's parts: the text in its own lines, the others in one line.

    The source names the author in its link if both are in one line.
    """
    lines: list[list[CaptionPart]] = []
    for part in parts:
        if part is CaptionPart.TEXT or not lines or lines[-1] == [CaptionPart.TEXT]:
            lines.append([])
        lines[-1].append(part)
    for line in lines:
        if {CaptionPart.AUTHOR, CaptionPart.SOURCE} <= set(line):
            line.remove(CaptionPart.AUTHOR)
    return parse_template(
        "\n".join(_SEPARATOR.join(f"{{{part}}}" for part in line) for line in lines)
    )


def caption(template: Template, content: CaptionContent) -> str:
    """Return a caption as Telegram HTML. The text is truncated so that everything fits.

    URLs do not count, because Telegram counts only visible characters.
    """
    text = _plain("\n".join(filter(None, map(str.strip, content.text.splitlines()))))
    values = _values(template, content)
    used = _visible_units(_filled(template, content, values, "x")) - 1
    shown = cut(text, MAX_CAPTION - used)
    html = escape(shown, quote=False)
    is_long = units(shown) > _LONG_TEXT or shown.count("\n") >= _MANY_LINES
    if template.is_text_alone and is_long:
        html = f"<blockquote expandable>{html}</blockquote>"
    return _filled(template, content, values, html)


def _values(template: Template, content: CaptionContent) -> dict[str, str]:
    """Return what a template's placeholders stand for, except for the text."""
    url = escape(content.url)
    author = escape(cut(_plain(" ".join(content.author.split())), MAX_AUTHOR), quote=False)
    site = escape(content.site, quote=False)
    named = [name for name in ("" if template.has("author") else author, site) if name]
    return {
        "author": author,
        "site": site,
        "source": f'<a href="{url}">{_SEPARATOR.join(named)}</a>' if site else "",
        "bot": f'<a href="https://t.me/{content.bot}">@{content.bot}</a>' if content.bot else "",
    }


def _filled(
    template: Template, content: CaptionContent, values: Mapping[str, str], text: str
) -> str:
    """Return a template filled with everything, notes included; `text` is HTML."""
    html = template.fill({**values, "text": text}, escape(content.url))
    lines = "\n".join(filter(None, [html, *content.notes]))
    return lines if _visible_units(lines) else ""  # empty tags are no text


def _plain(text: str) -> str:
    """Return a post's text in which Telegram recognises no mentions and no commands."""
    return _FOREIGN.sub(rf"\1{_WORD_JOINER}", text)


def _visible_units(html: str) -> int:
    return units(unescape(_TAG.sub("", html)))


def cut(text: str, most_units: int) -> str:
    """Truncate a text to at most `most_units` UTF-16 units, with an ellipsis.

    Hashtags at the end go first. The cut falls on a word boundary, unless that would drop more than
    half of the text, and never inside what a reader sees as one character.
    """
    if units(text) <= most_units:
        return text
    text = _without_last_tags(text)
    if units(text) <= most_units:
        return text
    fits = text.encode("utf-16-le")[: max(most_units - 1, 0) * 2].decode("utf-16-le", "ignore")
    end = boundary_before(text, len(fits))
    if not text[end : end + 1].isspace():
        at_word = len(text[:end]) - len(re.split(r"\s", text[:end])[-1])
        end = at_word if at_word - 1 > end // 2 else end
    return f"{text[:end].rstrip()}…" if most_units > 0 else ""


def _without_last_tags(text: str) -> str:
    """Return a text without the hashtags at its end; as it is, if it consists of them."""
    words = text.split()
    tags = 0
    while tags < len(words) and words[-1 - tags].startswith("#"):
        tags += 1
    return text.rsplit(None, tags)[0] if 0 < tags < len(words) else text


def units(text: str) -> int:
    """Return the length of a text in UTF-16 units, which is how Telegram counts."""
    return len(text.encode("utf-16-le")) // 2


def short_count(number: int) -> str:
    """Format a number for a button, rounded to one decimal: 999, 12.5K, 999.9K, 1M."""
    if number < 1_000:
        return str(number)
    size, unit = (1_000, "K") if number < 999_950 else (1_000_000, "M")
    return f"{number / size:.1f}".removesuffix(".0") + unit
