"""Parse HTML, check lengths and keyboards, and refuse invalid ones as Telegram does.

Source: https://core.telegram.org/bots/api#html-style and telegram-facts.md.
"""

import json
import re
from typing import Any

from simulator.telegram.errors import bad_request

MAX_TEXT_UNITS = 4096
MAX_CAPTION_UNITS = 1024
MAX_RAW_BYTES = 32_768
MAX_CALLBACK_BYTES = 64
MAX_COPIED = 256

_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
    "span": "spoiler",
    "tg-emoji": "custom_emoji",
}
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)([^<>]*)>")
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_REFERENCE = re.compile(r"&(?:#(\d+)|#x([0-9a-fA-F]+)|(lt|gt|amp|quot));")
_PLAIN_URL = re.compile(
    r"(?:(?:https?|ftp)://|(?<![\w@.])(?=[\w-]+\.(?:com|site|example)\b))[^\s<>\"»]+"
)
_COMMAND = re.compile(r"(?<!\S)/[a-zA-Z0-9_]{1,32}(?:@\w+)?")


def units(text: str) -> int:
    """Return the length in UTF-16 code units, as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2


def parse_html(source: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the plain text and its entities.

    Raises:
        ApiError: 400 with Telegram's text, when the HTML is invalid.
    """
    text = ""
    entities: list[dict[str, Any]] = []
    stack: list[tuple[str, int, dict[str, Any]]] = []
    position = 0
    while position < len(source):
        if source[position] != "<":
            end = source.find("<", position)
            end = len(source) if end < 0 else end
            text += _decode(source[position:end])
            position = end
            continue
        offset = len(source[:position].encode())
        match = _TAG.match(source, position)
        if not match or match[2].lower() not in _TAGS:
            name = re.match(r"</?([^\s<>]*)", source[position:])
            raise bad_request(
                f'can\'t parse entities: Unsupported start tag "{name[1] if name else ""}" '
                f"at byte offset {offset}"
            )
        tag = match[2].lower()
        if match[1]:
            entities += _close(tag, stack, text, offset)
        else:
            stack.append((tag, units(text), _entity(tag, match[3], offset)))
        position = match.end()
    if stack:
        raise bad_request(
            "can't parse entities: Can't find end tag corresponding to start tag "
            f'"{stack[-1][0]}"'
        )
    return text, sorted(entities, key=lambda e: (e["offset"], -e["length"]))


def _close(
    tag: str, stack: list[tuple[str, int, dict[str, Any]]], text: str, offset: int
) -> list[dict[str, Any]]:
    if not stack:
        raise bad_request(f"can't parse entities: Unexpected end tag at byte offset {offset}")
    opened, start, entity = stack.pop()
    if opened != tag:
        raise bad_request(
            f"can't parse entities: Unmatched end tag at byte offset {offset}, "
            f'expected "</{opened}>", found "</{tag}>"'
        )
    length = units(text) - start
    # Telegram drops a link without a usable URL silently.
    is_dead_link = entity["type"] == "text_link" and not entity["url"].startswith(
        ("http://", "https://", "tg://")
    )
    return [] if is_dead_link or not length else [{**entity, "offset": start, "length": length}]


def _entity(tag: str, raw_attributes: str, offset: int) -> dict[str, Any]:
    attributes = {
        name.lower(): _decode(double or single)
        for name, double, single in _ATTRIBUTE.findall(raw_attributes)
    }
    if tag == "span" and attributes.get("class") != "tg-spoiler":
        raise bad_request(
            'can\'t parse entities: Tag "span" must have class "tg-spoiler" '
            f"at byte offset {offset}"
        )
    entity: dict[str, Any] = {"type": _TAGS[tag]}
    if tag == "a":
        entity["url"] = attributes.get("href", "")
    return entity


def _decode(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        if match[3]:
            return _NAMED[match[3]]
        return chr(int(match[1]) if match[1] else int(match[2], 16))

    return _REFERENCE.sub(one, text)


def entities_of_plain_text(text: str) -> list[dict[str, Any]]:
    """Return the URL and command entities of a typed text, as clients and the server mark them."""
    found = [
        {"type": kind, "offset": units(text[: match.start()]), "length": units(match[0])}
        for kind, pattern in (("url", _PLAIN_URL), ("bot_command", _COMMAND))
        for match in pattern.finditer(text)
    ]
    return sorted(found, key=lambda entity: int(entity["offset"]))


def formatted(params: dict[str, Any], field: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the text and entities of `text` or `caption`.

    Raises:
        ApiError: 400, when the text is too long or, for `text`, empty.
    """
    raw = params.get(field) or ""
    if len(raw.encode()) > MAX_RAW_BYTES:
        raise bad_request("text is too long")
    mode = (params.get("parse_mode") or "").lower()
    if mode not in {"", "html"}:
        raise bad_request("unsupported parse_mode")
    entities_field = "entities" if field == "text" else "caption_entities"
    text, entities = parse_html(raw) if mode else (raw, params.get(entities_field) or [])
    if field == "text":
        if not text.strip():
            raise bad_request("message text is empty")
        if units(text) > MAX_TEXT_UNITS:
            raise bad_request("message is too long")
    elif units(text) > MAX_CAPTION_UNITS:
        raise bad_request("message caption is too long")
    return text.strip(), entities


def checked_keyboard(markup: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the keyboard if it obeys Telegram's rules; only inline keyboards are checked.

    Raises:
        ApiError: 400, when it does not.
    """
    if not markup or "inline_keyboard" not in markup:
        return markup
    for row in markup["inline_keyboard"]:
        if not row:
            raise bad_request("keyboard row is empty")
        for button in row:
            _check_button(button)
    return markup


def _check_button(button: dict[str, Any]) -> None:
    if not button.get("text"):
        raise bad_request("text buttons are unallowed in the inline keyboard")
    actions = set(button) - {"text", "style", "icon_custom_emoji_id"}
    if len(actions) != 1:
        raise bad_request("text buttons are unallowed in the inline keyboard")
    copied = button.get("copy_text")
    if copied is not None and not 1 <= len(copied["text"]) <= MAX_COPIED:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")
    shared = button.get("switch_inline_query_chosen_chat")
    if shared is not None and not any(v for k, v in shared.items() if k.startswith("allow_")):
        raise bad_request("BUTTON_TYPE_INVALID")
    data = button.get("callback_data")
    if data is not None and not 1 <= len(data.encode()) <= MAX_CALLBACK_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    url = button.get("url")
    if url is not None and not re.match(r"(?:https?|tg)://[^\s/]+", url):
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")


def as_key(value: object) -> str:
    """Return a JSON value as a canonical string, for comparisons."""
    return json.dumps(value, sort_keys=True)
