"""Make up values that obey the contract: every kind of update of the newest Bot API."""

import random
from typing import Any, Final

from tests.contract.bot_api import TYPES, UPDATE, Json

#: Objects that are nested deeper have only what they must have.
_DEPTH: Final = 5
#: Optional fields of one object at most.
_MOST_FIELDS: Final = 4
_NUMBERS: Final = (
    *(0, 1, -1, 7, 42, 70, 1_790_000_000, 2**31, -(2**31), 2**52, -1_002_000_000_000),
    *(2**63 - 1, -(2**63), 2**63, 10**30, 1.5, -0.1),
)
LINK: Final = "https://www.tiktok.com/@demo/video/7301234567890123456"
_TEXTS: Final = (
    *("", " ", "x", "0", "-1", "/start", "/start x", "/help@demo_bot", "/cancel", "@demo_bot"),
    *(LINK, f"look {LINK}", f"/audio {LINK}", f"@demo_bot {LINK}", "tiktok.com/@demo/video/73"),
    *(f"\u202e{LINK}", f"{LINK[:20]}\u200b{LINK[20:]}", f"{LINK}\ufe0f", "\u0661\u0662", "﷽" * 99),
    *(
        "<b>x</b>",
        "&amp;",
        "\x00",
        "\n",
        "e\u0301" * 300,
        "👨‍👩‍👧‍👦",
        "9" * 400,
        "lang/uk",
        "set/x/1",
    ),
    *("https://x.com/a/status/" + "9" * 400, "https://t.me/demo_bot?start=x", "t.me/x/1?single"),
)


def update(rng: random.Random, kind: str) -> Json:
    """Return an update of a kind, such as "message", with anything that it may contain."""
    rule = TYPES[UPDATE["ref"]]["fields"][kind]
    return {"update_id": 1, kind: _value(rng, rule, 0)}


def kinds() -> list[str]:
    """Return the kinds of updates."""
    return sorted(TYPES[UPDATE["ref"]]["fields"].keys() - {"update_id"})


def _value(rng: random.Random, rule: Json, depth: int) -> Any:
    if name := rule.get("ref"):
        return _value(rng, TYPES[name], depth)
    if "anyOf" in rule:
        return _value(rng, rng.choice(rule["anyOf"]), depth)
    if "const" in rule:
        return rule["const"]
    if "items" in rule:
        number = 0 if depth > _DEPTH else rng.choice((0, 1, 1, 2))
        return [_value(rng, rule["items"], depth + 1) for _ in range(number)]
    if "fields" in rule:
        return _object(rng, rule["fields"], depth)
    return {
        "number": lambda: rng.choice(_NUMBERS),
        "boolean": lambda: rng.choice((True, False)),
        "string": lambda: rng.choice(_TEXTS),
    }.get(rule.get("type", ""), lambda: "x")()


def _object(rng: random.Random, fields: Json, depth: int) -> Json:
    required = [name for name, rule in fields.items() if rule.get("required")]
    optional = [name for name in fields if name not in required]
    most = 0 if depth > _DEPTH else min(_MOST_FIELDS, len(optional))
    chosen = {*required, *rng.sample(optional, rng.randint(0, most))}
    return {name: _value(rng, fields[name], depth + 1) for name in fields if name in chosen}
