"""The contract with Telegram: what the Bot API accepts, independent of the bot's own library.

`bot_api.json` was made by `extract.mjs` from the npm package @grammyjs/types, whose authors follow
the documentation by hand. It holds names and types only.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_DOCUMENT: Final[dict[str, Any]] = json.loads(
    Path(__file__).with_name("bot_api.json").read_text(encoding="utf-8")
)
SOURCE: Final[str] = _DOCUMENT["source"]
METHODS: Final[dict[str, dict[str, Any]]] = _DOCUMENT["methods"]
_TYPES: Final[dict[str, dict[str, Any]]] = _DOCUMENT["types"]

#: Parameters that the documentation has and the package has not, by method.
#: Source: https://core.telegram.org/bots/api
DOCUMENTED: Final[Mapping[str, frozenset[str]]] = {}


def mistakes_in(method: str, params: Mapping[str, Any], uploads: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a call, as sentences. `uploads` are the names of uploaded files."""
    declared = METHODS.get(method)
    if declared is None:
        return [f"there is no method {method}"]
    mistakes = [
        f"{method} needs {name}"
        for name, rule in declared.items()
        if rule["required"] and name not in params and name not in uploads
    ]
    for name, value in params.items():
        if name in declared:
            mistakes += _mismatches(value, declared[name], f"{method}.{name}")
        elif name not in DOCUMENTED.get(method, frozenset()):
            mistakes.append(f"{method} has no parameter {name}")
    return mistakes


def _mismatches(value: Any, rule: Mapping[str, Any], path: str) -> list[str]:
    if "ref" in rule:
        return _mismatches(value, _TYPES[rule["ref"]], path)
    if "anyOf" in rule:
        # The member that was meant has the fewest mistakes, or those furthest inside.
        found = [_mismatches(value, part, path) for part in rule["anyOf"]]
        return min(found, key=lambda mistakes: (len(mistakes), -" ".join(mistakes).count(".")))
    if "const" in rule:
        is_same = value == rule["const"] and type(value) is type(rule["const"])
        return [] if is_same else [f"{path} is not {rule['const']!r}"]
    if "items" in rule:
        if not isinstance(value, list):
            return [f"{path} is no list"]
        inner = [_mismatches(item, rule["items"], f"{path}[]") for item in value]
        return [mistake for mistakes in inner for mistake in mistakes]
    if "fields" in rule:
        return _object_mismatches(value, rule["fields"], path)
    accepted = {"string": str, "number": int | float, "boolean": bool, "file": str}
    kind = rule.get("type")
    if kind is None:
        return []
    is_accepted = isinstance(value, accepted[kind]) and isinstance(value, bool) == (
        kind == "boolean"
    )
    return [] if is_accepted else [f"{path} is no {kind}"]


def _object_mismatches(value: Any, fields: Mapping[str, Any], path: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path} is no object"]
    mistakes = [
        f"{path} needs {name}"
        for name, rule in fields.items()
        if rule["required"] and name not in value
    ]
    for name, inner in value.items():
        if name in fields:
            mistakes += _mismatches(inner, fields[name], f"{path}.{name}")
        else:
            mistakes.append(f"{path} has no field {name}")
    return mistakes
