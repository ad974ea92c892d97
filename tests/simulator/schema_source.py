"""Build simulator/telegram/schema.json from the models of the installed aiogram.

Run `python -m tests.simulator.schema_source` after an update of aiogram.
"""

import json
import types
import typing
from pathlib import Path
from typing import Any

import aiogram.methods
from aiogram.methods.base import TelegramMethod
from aiogram.types import InputFile

TARGET = Path(__file__).parents[2] / "simulator" / "telegram" / "schema.json"

#: Parameters that Telegram has replaced and that aiogram still offers.
LEGACY = {"reply_to_message_id", "allow_sending_without_reply", "disable_web_page_preview"}


def build() -> dict[str, dict[str, list[Any]]]:
    """Return, by method name, the kind of each parameter and whether it is required."""
    schema = {}
    for name in sorted(aiogram.methods.__all__):
        method = getattr(aiogram.methods, name)
        if not isinstance(method, type) or not issubclass(method, TelegramMethod):
            continue
        api_method = getattr(method, "__api_method__", None)
        if not isinstance(api_method, str):
            continue
        schema[api_method] = {
            key: [_kind(field.annotation), field.is_required()]
            for key, field in method.model_fields.items()
            if key not in LEGACY
        }
    return schema


def _kind(annotation: Any) -> str:
    """Return the kind of a parameter: file, chat, int, bool, float, str or json."""
    options = (
        typing.get_args(annotation)
        if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union
        else (annotation,)
    )
    kinds = {option for option in options if option is not type(None)}
    if any(isinstance(k, type) and issubclass(k, InputFile) for k in kinds):
        return "file"
    if kinds == {int, str}:
        return "chat"
    for kind in (bool, int, float, str):
        if kind in kinds:
            return kind.__name__
    return "json"


def render() -> str:
    """Return the content of the schema file."""
    lines = (f"{json.dumps(name)}: {json.dumps(params)}" for name, params in build().items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    TARGET.write_text(render())
