"""Reads the lines with which an administrator puts link buttons below a broadcast.

People write such lines in many ways, so a line is not split at a separator: every address ends a
button, and the text before it is the button's label. "News - https://a.example | Shop - b.example"
and "News | a.example, Shop: b.example" both mean two buttons in one row.
"""

import re
from dataclasses import dataclass
from typing import Final

from core.errors import CardReplyError

#: Source: https://core.telegram.org/bots/api#inlinekeyboardmarkup does not state the width of a
#: row; clients show at most eight buttons side by side.
_MAX_IN_ROW: Final = 8
_MAX_BUTTONS: Final = 20
_MAX_LABEL: Final = 64
#: An address: with a scheme, as a host with a path or query, or as the @name of a chat.
_ADDRESS: Final = re.compile(
    r"(?<!\S)(?P<quote>[(<\[]?)"
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<rest>[^\s<>]+)"
    r"|(?P<bare>(?:[\w-]+\.)+[^\W\d_]{2,24}(?::\d+)?(?:[/?#][^\s<>]*)?)"
    r"|@(?P<name>[a-z]\w{3,31}))"
    r"(?=[)>\],;|&]*(?:\s|$))",
    re.IGNORECASE,
)
#: What Telegram accepts as the URL of a button.
_VALID: Final = re.compile(r"tg://|https?://(?:[\w-]+\.)+[^\W\d_]{2,24}(?::\d+)?(?:[/?#]|$)")
#: What people put between a label and an address, and between two buttons.
_SEPARATORS: Final = " \t\u00a0-–—−|:=>→,;&)(<>[]"
_TRAILING: Final = ",;|&)>]"


@dataclass(frozen=True, slots=True)
class Button:
    """A button that opens a URL."""

    label: str
    url: str


Rows = tuple[tuple[Button, ...], ...]


def parse_buttons(text: str) -> Rows:
    """Parse lines of labels and addresses into rows of buttons; empty lines are skipped.

    Raises:
        CardReplyError: some lines are wrong; it names each of them, and nothing of what they say.
    """
    rows: list[tuple[Button, ...]] = []
    mistakes: list[tuple[int, str]] = []
    for number, line in enumerate(text.strip().splitlines(), start=1):
        if not line.strip():
            continue
        row = _row(line)
        if isinstance(row, str):
            mistakes.append((number, row))
        else:
            rows.append(row)
    if not mistakes and not 0 < sum(map(len, rows)) <= _MAX_BUTTONS:
        mistakes.append((len(text.strip().splitlines()), "broadcast_many_buttons"))
    if mistakes:
        raise CardReplyError(mistakes)
    return tuple(rows)


def _row(line: str) -> tuple[Button, ...] | str:
    """Return the buttons of a line, or the key of the text about its mistake."""
    buttons: list[Button] = []
    end, label_start = 0, 0
    found = list(_ADDRESS.finditer(line))
    for number, address in enumerate(found):
        following = found[number + 1] if number + 1 < len(found) else None
        if _is_in_label(line, address, following):
            continue
        label = line[label_start : address.start()].strip(_SEPARATORS)
        if mistake := _mistake(label, address):
            return mistake
        buttons.append(Button(label, _url(address)))
        label_start = end = address.end()
    if not buttons or line[end:].strip(_SEPARATORS):
        return "broadcast_no_link"
    return tuple(buttons) if len(buttons) <= _MAX_IN_ROW else "broadcast_wide_row"


def _is_in_label(line: str, address: re.Match[str], following: re.Match[str] | None) -> bool:
    """Return True if an address is part of a label, as in "example.org - https://example.org"."""
    if following is None or address["scheme"]:
        return False
    return not line[address.end() : following.start()].strip(_SEPARATORS)


def _mistake(label: str, address: re.Match[str]) -> str | None:
    if not label:
        return "broadcast_no_label"
    if len(label) > _MAX_LABEL:
        return "broadcast_long_label"
    return None if _VALID.match(_url(address)) else "broadcast_bad_link"


def _url(address: re.Match[str]) -> str:
    """Return the URL of an address, without the punctuation after it."""
    if address["name"]:
        return f"https://t.me/{address['name']}"
    url = address["bare"] or address["rest"]
    url = url.rstrip(_TRAILING if "(" not in url else _TRAILING.replace(")", ""))
    return f"{(address['scheme'] or 'https').lower()}://{url}"
