"""Templates of captions: Telegram HTML with placeholders, parsed once and filled per post."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

#: What a template may contain: `{text}`, `{author}`, `{site}`, `{source}` (a link to the post whose
#: text is author and site, or only the site if the template has `{author}`) and `{bot}`.
PLACEHOLDERS: Final = ("text", "author", "site", "source", "bot")
#: Stands for the post's URL in an operator's own link, `<a href="{url}">`.
_URL: Final = "{url}"
_PART: Final = re.compile(
    r"(?P<tag><[^<>\n]*>)|\{(?P<name>[^{}\n]*)\}|(?P<line>\n)|(?P<words>[^<{\n]+|[<{])"
)
_TAG: Final = re.compile(r"</?([a-z][a-z0-9-]*)(?:\s+[a-z-]+(?:=\"[^\"]*\")?)*\s*>")
_HREF: Final = re.compile(r'\shref="(?:https?://|tg://|mailto:|tel:|\{url\}")')
#: Source: https://core.telegram.org/bots/api#html-style
_TAGS: Final = frozenset(
    {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "a", "code", "pre", "blockquote"}
    | {"span", "tg-spoiler", "tg-emoji"}
)
#: Tags whose content cannot be a link.
_NO_LINKS: Final = frozenset({"a", "code", "pre"})
_BAD_REFERENCE: Final = re.compile(r"&(?!(?:lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);).{0,10}")
#: Between two placeholders: what closes the first one, what separates the two, and the rest.
_GAP: Final = re.compile(r"([)\]}»”’\"']*)([\s·•|/,;:–—-]*)(.*)")


class _Role(Enum):
    """When a token of a template is shown."""

    TAG = auto()
    #: In a line without placeholders.
    FIXED = auto()
    VALUE = auto()
    #: Around a placeholder: shown if it has a value.
    WORDS = auto()
    #: Shown if the placeholder behind it has a value and there is text before it.
    SEPARATOR = auto()


@dataclass(frozen=True, slots=True)
class _Token:
    role: _Role
    html: str
    #: The placeholder that decides; for tags and fixed words none.
    name: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template; see `parse_template`."""

    lines: tuple[tuple[_Token, ...], ...]
    #: `{text}` has a line of its own, outside of all tags, so a long text may become a quotation.
    is_text_alone: bool

    def has(self, name: str) -> bool:
        """Return True if the template contains a placeholder."""
        return any(_value(name) in line for line in self.lines)

    def fill(self, values: Mapping[str, str], url: str) -> str:
        """Return the HTML for one post. `values` are HTML by placeholder, `url` is escaped.

        A missing or empty value leaves neither an empty line nor a separator, and the words around
        its placeholder vanish with it.
        """
        filled: list[str] = []
        tags = ""  # of lines without text; what they begin may be in the next line
        for tokens in self.lines:
            line, has_text = _fill_line(tokens, values, url)
            if has_text or (not tokens and filled and filled[-1]):
                filled.append(tags + line)
                tags = ""
            elif filled and not tags and line.startswith("</"):
                filled[-1] += line
            else:
                tags += line
        return "\n".join(filled).rstrip("\n") + tags


def parse_template(text: str) -> Template:
    r"""Parse a template. Line breaks may also be written as `\n`, for environment variables.

    Raises:
        ValueError: a placeholder is unknown or misplaced, or Telegram would refuse the HTML.
    """
    lines: list[list[_Token]] = [[]]
    open_tags: list[str] = []
    is_text_alone = False
    for token in _tokens(text.replace("\\n", "\n").strip()):
        if token is None:
            lines.append([])
            continue
        if token.role is _Role.TAG:
            _open_or_close(token.html, open_tags)
        elif token.role is _Role.VALUE:
            _check_place(token.name, lines, open_tags)
            is_text_alone |= token.name == "text" and not open_tags
        lines[-1].append(token)
    if open_tags:
        raise ValueError(f"<{open_tags[-1]}> is not closed")
    is_text_alone &= [_value("text")] in lines
    return Template(tuple(tuple(_with_roles(line)) for line in lines), is_text_alone)


def _value(name: str) -> _Token:
    return _Token(_Role.VALUE, "", name)


def _tokens(text: str) -> Iterator[_Token | None]:
    """Yield the tokens of a template, all words as FIXED; None for a line break.

    Raises:
        ValueError: a placeholder is unknown, or Telegram wants a character escaped.
    """
    if bad := _BAD_REFERENCE.search(text):
        raise ValueError(f'write "&" as "&amp;" in {bad[0]}')
    for found in _PART.finditer(text):
        if found["line"]:
            yield None
        elif found["tag"]:
            yield _Token(_Role.TAG, found["tag"])
        elif found["name"] in PLACEHOLDERS:
            yield _value(found["name"])
        elif found["name"] is not None:
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise ValueError(f"{found[0]} is not one of {known}")
        elif found["words"] == "<":
            raise ValueError('write "<" as "&lt;"')
        else:
            yield _Token(_Role.FIXED, found["words"])


def _open_or_close(html: str, open_tags: list[str]) -> None:
    """Check a tag, and update the list of open ones.

    Raises:
        ValueError: Telegram would refuse it.
    """
    found = _TAG.fullmatch(html)
    if found is None or found[1] not in _TAGS:
        raise ValueError(f"{html} is not a tag that Telegram knows")
    name = found[1]
    if html.startswith("</"):
        if not open_tags or open_tags.pop() != name:
            raise ValueError(f"{html} does not close the last open tag")
        return
    if name == "a" and not _HREF.search(html):
        raise ValueError(f'{html} needs href="https://…" or href="{_URL}"')
    is_code_block = open_tags == ["pre"] and name == "code"
    if name in open_tags or ({"code", "pre"} & set(open_tags) and not is_code_block):
        raise ValueError(f"{html} cannot be inside <{open_tags[-1]}>")
    open_tags.append(name)


def _check_place(name: str, lines: list[list[_Token]], open_tags: list[str]) -> None:
    """Check the place of a placeholder.

    Raises:
        ValueError: it cannot be there.
    """
    if name == "text" and any(_value(name) in line for line in lines):
        raise ValueError("{text} occurs twice")
    if name in {"source", "bot"} and (around := _NO_LINKS & set(open_tags)):
        raise ValueError(f"{{{name}}} is a link and cannot be inside <{min(around)}>")


def _with_roles(line: Sequence[_Token]) -> Iterator[_Token]:
    """Yield a line's tokens, each with the placeholder that decides about it."""
    before = ""
    is_first_in_gap = False
    for position, token in enumerate(line):
        behind = next((t.name for t in line[position:] if t.role is _Role.VALUE), "")
        if token.role is not _Role.FIXED or not (before or behind):
            yield token
        elif is_first_in_gap and behind:
            yield from _gap(token.html, before, behind)
        else:
            yield _Token(_Role.WORDS, token.html, behind or before)
        is_first_in_gap = token.role is _Role.VALUE or (is_first_in_gap and token.role is _Role.TAG)
        before = token.name or before


def _gap(words: str, before: str, behind: str) -> Iterator[_Token]:
    found = _GAP.fullmatch(words)
    assert found
    yield _Token(_Role.WORDS, found[1], before)
    yield _Token(_Role.SEPARATOR, found[2], behind)
    yield _Token(_Role.WORDS, found[3], behind)


def _fill_line(tokens: Sequence[_Token], values: Mapping[str, str], url: str) -> tuple[str, bool]:
    """Return a line's HTML, and True if it has any text; its tags are always there."""
    html = ""
    has_text = False
    for token in tokens:
        match token.role:
            case _Role.TAG:
                html += token.html.replace(_URL, url)
            case _Role.FIXED:
                html, has_text = html + token.html, True
            case _Role.VALUE:
                html += values.get(token.name, "")
                has_text = has_text or bool(values.get(token.name))
            case _ if values.get(token.name) and (has_text or token.role is _Role.WORDS):
                html += token.html
    return html, has_text
