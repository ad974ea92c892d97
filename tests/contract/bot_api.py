"""The contract with Telegram: what the Bot API accepts and sends, independent of the bot's library.

`bot_api.json` was made by `extract.mjs` from the npm package @grammyjs/types, whose authors follow
the documentation by hand. It holds names and types only.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

_DOCUMENT: Final[dict[str, Any]] = json.loads(
    Path(__file__).with_name("bot_api.json").read_text(encoding="utf-8")
)
SOURCE: Final[str] = _DOCUMENT["source"]
METHODS: Final[dict[str, dict[str, Any]]] = _DOCUMENT["methods"]
RESULTS: Final[dict[str, dict[str, Any]]] = _DOCUMENT["results"]
TYPES: Final[dict[str, dict[str, Any]]] = _DOCUMENT["types"]
UPDATE: Final[dict[str, Any]] = _DOCUMENT["update"]
_ERROR: Final[dict[str, Any]] = _DOCUMENT["error"]

Check = Callable[[Any], bool]
Json = dict[str, Any]


def mistakes_in(method: str, params: Mapping[str, Any], uploads: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a call, as sentences. `uploads` are the names of uploaded files."""
    declared = METHODS.get(method)
    if declared is None:
        return [f"there is no method {method}"]
    mistakes = [
        f"{method} needs {name}"
        for name in _required(method)
        if name not in params and name not in uploads
    ]
    for name, value in params.items():
        if name not in declared:
            mistakes.append(f"{method} has no parameter {name}")
        elif not _parameter(method, name)(value):
            mistakes += _mismatches(value, declared[name], f"{method}.{name}")
    return mistakes


def mistakes_in_answer(method: str, answer: Json) -> list[str]:
    """Return what is wrong with the answer to a call, as sentences."""
    if answer.get("ok") is not True:
        return _mistakes(_error(), answer, _ERROR, "error")
    if answer.keys() != {"ok", "result"}:
        return [f"the answer to {method} has other fields than ok and result"]
    result = answer["result"]
    if method == "getUpdates":
        return [mistake for update in result for mistake in mistakes_in_update(update)]
    return _mistakes(_result(method), result, RESULTS[method], f"{method}()")


def mistakes_in_update(update: Json) -> list[str]:
    """Return what is wrong with an update, as sentences."""
    mistakes = _mistakes(_update(), update, UPDATE, "update")
    return mistakes if len(update) == 2 else [*mistakes, f"{len(update) - 1} events in an update"]


def _mistakes(is_right: Check, value: Any, rule: Json, path: str) -> list[str]:
    # The mistakes are looked for only where there are any: this is done for every call.
    return [] if is_right(value) else _mismatches(value, rule, path)


# --- whether a value is right -------------------------------------------------------------------


@cache
def _required(method: str) -> tuple[str, ...]:
    return tuple(name for name, rule in METHODS[method].items() if rule.get("required"))


@cache
def _parameter(method: str, name: str) -> Check:
    return _compiled(METHODS[method][name])


@cache
def _type(name: str) -> Check:
    return _compiled(TYPES[name])


@cache
def _result(method: str) -> Check:
    return _compiled(RESULTS[method])


@cache
def _update() -> Check:
    return _compiled(UPDATE)


@cache
def _error() -> Check:
    return _compiled(_ERROR)


def _compiled(rule: Json) -> Check:
    """Return a function that tells whether a value obeys a rule."""
    if name := rule.get("ref"):
        return lambda value: _type(name)(value)  # a type may contain itself
    if "anyOf" in rule:
        parts = [_compiled(part) for part in rule["anyOf"]]
        return lambda value: any(part(value) for part in parts)
    if "const" in rule:
        wanted = rule["const"]
        return lambda value: value == wanted and type(value) is type(wanted)
    if "items" in rule:
        item = _compiled(rule["items"])
        return lambda value: isinstance(value, list) and all(map(item, value))
    if "fields" in rule:
        return _compiled_object(rule["fields"])
    return _SIMPLE[rule.get("type")]


def _compiled_object(fields: Json) -> Check:
    required = {name for name, rule in fields.items() if rule.get("required")}
    checks = {name: _compiled(rule) for name, rule in fields.items()}

    def check(value: Any) -> bool:
        return (
            isinstance(value, dict)
            and required <= value.keys()
            and all(name in checks and checks[name](inner) for name, inner in value.items())
        )

    return check


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_SIMPLE: Final[Mapping[str | None, Check]] = {
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "file": lambda value: isinstance(value, str),
    None: lambda _: True,
}


# --- what is wrong with it ----------------------------------------------------------------------


def _mismatches(value: Any, rule: Json, path: str) -> list[str]:
    if "ref" in rule:
        return _mismatches(value, TYPES[rule["ref"]], path)
    if "anyOf" in rule:
        # The member that was meant has the fewest mistakes, or those furthest inside.
        found = [_mismatches(value, part, path) for part in rule["anyOf"]]
        return min(found, key=lambda mistakes: (len(mistakes), -" ".join(mistakes).count(".")))
    if "const" in rule:
        return [] if _compiled(rule)(value) else [f"{path} is not {rule['const']!r}"]
    if "items" in rule:
        if not isinstance(value, list):
            return [f"{path} is no list"]
        inner = [_mismatches(item, rule["items"], f"{path}[]") for item in value]
        return [mistake for mistakes in inner for mistake in mistakes]
    if "fields" in rule:
        return _object_mismatches(value, rule["fields"], path)
    return [] if _compiled(rule)(value) else [f"{path} is no {rule['type']}"]


def _object_mismatches(value: Any, fields: Mapping[str, Any], path: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path} is no object"]
    mistakes = [
        f"{path} needs {name}"
        for name, rule in fields.items()
        if rule.get("required") and name not in value
    ]
    for name, inner in value.items():
        if name in fields:
            mistakes += _mismatches(inner, fields[name], f"{path}.{name}")
        else:
            mistakes.append(f"{path} has no field {name}")
    return mistakes
