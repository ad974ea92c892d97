"""Rich messages: what they say replaces them before aiogram reads a response.

aiogram's models of nested formatting are unions of some twenty models that contain each other.
Reading takes twenty times longer with each level: five levels take seconds, seven would stop the
bot for an hour, and anybody may send them.
"""

from collections.abc import Iterator
from typing import Any, Final

NAME: Final = "rich_message"
#: Longest text and most links that are kept; ordinary messages have no more.
_MAX_TEXT: Final = 4_096
_MAX_LINKS: Final = 100


def without_rich_messages(data: Any) -> Any:
    """Replace all rich messages in a JSON value by their text and links, in place; return it."""
    left = [data]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if NAME in value:
                _flatten(value)
            left += value.values()
        elif isinstance(value, list):
            left += value
    return data


def _flatten(message: dict[str, Any]) -> None:
    texts: list[str] = []
    urls: list[str] = []
    for key, text in _strings(message.pop(NAME)):
        if key == "url":
            urls.append(text)
        elif key == "text":
            texts.append(text)
    text = "\n".join(texts)[:_MAX_TEXT].strip() or "\n".join(urls)[:_MAX_TEXT]
    if text and not message.keys() & {"text", "caption"}:
        links = [{"type": "text_link", "offset": 0, "length": 1, "url": url} for url in urls]
        message.update({"text": text, "entities": links[:_MAX_LINKS]})


def _strings(value: Any) -> Iterator[tuple[str, str]]:
    """Yield all strings in order, each with the name of the field that it is in."""
    left: list[tuple[str, Any]] = [("", value)]
    while left:
        key, part = left.pop()
        if isinstance(part, str):
            yield key, part
        elif isinstance(part, dict):
            left += reversed(part.items())
        elif isinstance(part, list):
            left += [(key, item) for item in reversed(part)]
