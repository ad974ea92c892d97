"""Repairs responses of Telegram that aiogram's models do not accept.

A new version of the Bot API may send a kind of content that this version of aiogram does not know.
What cannot be read is removed from the response, part by part, and the rest is used.
"""

import math
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from aiogram import Bot
from aiogram.types import Update
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from core.clock import shared_clock

#: Parts that are removed from one object before it is given up.
_MAX_PARTS: Final = 100
#: The events that are messages.
_MESSAGES: Final = (
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "business_message",
)
#: Values for required fields that the bot can do without: of the event or message itself, and of
#: any object inside.
_EVENT_DEFAULTS: Final[Mapping[str, Callable[[], Any]]] = {
    "date": lambda: int(shared_clock()),
    "chat_instance": str,
    "query": str,
    "offset": str,
}
_DEFAULTS: Final[Mapping[str, Callable[[], Any]]] = {"first_name": str, "is_bot": bool}


@dataclass(frozen=True, slots=True)
class UnreadableUpdate:
    """What is known of an update that aiogram could not read completely; never its contents."""

    update_id: int
    #: Such as "message"; "unknown" if the update has no event.
    kind: str
    #: Path of the first part that could not be read, such as "message.forward_origin.type".
    path: str
    #: True if the rest of the update is handled.
    is_handled: bool


def repair(
    model: type[BaseModel], raw: dict[str, Any], bot: Bot, *, kept: int
) -> tuple[dict[str, Any], str] | None:
    """Return a copy of `raw` that `model` accepts, and the path of the first removed part.

    Optional parts that are not valid are removed, the innermost first. Parts at depth `kept` and
    above are never removed. Return None if the rest is still not valid.
    """
    data = deepcopy(raw)
    first_path = ""
    for _ in range(_MAX_PARTS):
        try:
            model.model_validate(data, context={"bot": bot})
        except ValidationError as error:
            found = [_locate(data, details) for details in error.errors(include_input=False)]
        except RecursionError:
            return None
        else:
            return data, first_path
        # Of several members of a union, the one that got furthest is the one that was meant.
        part = max(found, key=lambda each: len(each.path))
        first_path = first_path or str(part)
        if not part.mend(data, kept):
            return None
    return None


def read_updates(raw: object, bot: Bot) -> tuple[list[dict[str, Any]], list[UnreadableUpdate]]:
    """Return the updates of a batch such that aiogram accepts each, and what had to be removed.

    `raw` is the result of getUpdates. An update whose event cannot be read has only its id.
    """
    updates, unreadable = [], []
    for each in raw if isinstance(raw, list) else []:
        update_id = each.get("update_id") if isinstance(each, dict) else None
        if type(update_id) is not int:
            continue
        repaired = repair(Update, each, bot, kept=1)
        if repaired is None:
            kind = next((name for name in each if name != "update_id"), "unknown")
            path = _first_path(each, bot)
            unreadable.append(UnreadableUpdate(update_id, kind, path, is_handled=False))
            updates.append({"update_id": update_id})
            continue
        update, path = repaired
        if path:
            kind = path.partition(".")[0]
            unreadable.append(UnreadableUpdate(update_id, kind, path, is_handled=True))
        updates.append(update)
    return updates, unreadable


def split_by_age(updates: list[Any], since: float) -> tuple[list[Any], list[dict[str, Any]]]:
    """Split updates into others and those with a message from before a Unix time.

    Only messages are old: what changes a chat's state must keep its order, and presses expire.
    """
    new: list[Any] = []
    old: list[dict[str, Any]] = []
    for update in updates:
        (old if _sent_at(update) < since else new).append(update)
    return new, old


def _sent_at(update: Any) -> float:
    if not isinstance(update, dict) or type(update.get("update_id")) is not int:
        return math.inf
    message = next((update[kind] for kind in _MESSAGES if kind in update), None)
    if not isinstance(message, dict) or "migrate_to_chat_id" in message:
        return math.inf
    sent_at = message.get("date")
    return sent_at if type(sent_at) is int else math.inf


def _first_path(raw: object, bot: Bot) -> str:
    """Return the path of the first part of an update that cannot be read."""
    try:
        Update.model_validate(raw, context={"bot": bot})
    except ValidationError as error:
        return str(_locate(raw, error.errors(include_input=False)[0]))
    except RecursionError:
        pass
    return ""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the data that is not valid."""

    #: Keys and indexes that lead to the innermost existing part.
    path: tuple[str | int, ...]
    #: The name of the missing field, if one is missing there.
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the names on the path, without indexes."""
        return ".".join(key for key in self.path + self.missing if isinstance(key, str))

    def mend(self, data: Any, kept: int) -> bool:
        """Add a default for the missing field or remove the part; return False if impossible."""
        defaults = _EVENT_DEFAULTS if len(self.path) == 1 else _DEFAULTS
        if self.missing and self.missing[0] in defaults:
            _at(data, self.path)[self.missing[0]] = defaults[self.missing[0]]()
            return True
        if len(self.path) <= kept:
            return False
        del _at(data, self.path[:-1])[self.path[-1]]
        return True


def _at(data: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def _locate(data: Any, details: ErrorDetails) -> _Part:
    """Return the part that pydantic's error is about.

    The error's location also names members of unions, which are no keys of the data.
    """
    location = details["loc"]
    missing = (str(location[-1]),) if details["type"] == "missing" else ()
    path: list[str | int] = []
    for key in location[:-1] if missing else location:
        is_key = isinstance(data, dict) and key in data
        is_index = isinstance(data, list) and isinstance(key, int) and key < len(data)
        if is_key or is_index:
            data = data[key]
            path.append(key)
    return _Part(tuple(path), missing if isinstance(data, dict) else ())
