"""aiogram started lean reads and writes the same as stock, in a process of its own."""

import json
import subprocess
from pathlib import Path

import pytest

from data.config import ROOT
from tests.measured import measured

PROGRAM = """
import json, sys
if sys.argv[1] == "lean":
    from delivery.lean_aiogram import install
    assert install()
    assert not install()  # too late the second time, and harmless
import typing
from aiogram import methods, types
from aiogram.methods.base import Response, TelegramMethod
from pydantic import BaseModel

user = {"id": 7, "is_bot": False, "first_name": "A"}
chat = {"id": -1, "type": "supergroup", "title": "T"}
message = {"message_id": 1, "date": 1, "chat": chat, "from": user, "text": "/x y",
           "entities": [{"type": "bot_command", "offset": 0, "length": 2}]}
updates = [
    {"update_id": 1, "message": {**message, "reply_to_message": message}},
    {"update_id": 2, "callback_query": {"id": "1", "from": user, "chat_instance": "1", "data": "d",
        "message": {"message_id": 1, "date": 0, "chat": chat}}},
    {"update_id": 3, "inline_query": {"id": "1", "from": user, "query": "q", "offset": ""}},
    {"update_id": 4, "my_chat_member": {"chat": chat, "from": user, "date": 1,
        "old_chat_member": {"status": "member", "user": user},
        "new_chat_member": {"status": "kicked", "user": user, "until_date": 0}}},
]
parsed = [types.Update.model_validate(u).model_dump_json(exclude_none=True) for u in updates]
built = []
for name in types.__all__:
    kind = getattr(types, name)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        kind.model_rebuild()
        assert kind.__pydantic_complete__, name
        built.append(name)
for name in methods.__all__:
    kind = getattr(methods, name)
    is_method = isinstance(kind, type) and issubclass(kind, TelegramMethod)
    if is_method and hasattr(kind, "__returning__"):
        kind.model_rebuild()
        assert kind.__pydantic_complete__, name
        if name != "TelegramMethod":
            answer = Response[kind.__returning__]
            answer.model_rebuild()
            assert answer.__pydantic_complete__, name
            built.append(name)
print(json.dumps([parsed, sorted(built)]))
"""


class Programs:
    """Runs programs in processes of their own: nothing else runs the module."""

    def __init__(self, folder: Path) -> None:
        self._script = folder / "program.py"

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        self._script.write_text(program)
        command, environment = measured(self._script)
        result = subprocess.run(
            [*command, *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    return Programs(tmp_path)


@pytest.mark.slow
def test_lean_and_stock_build_the_same_models_and_read_the_same(programs: Programs):
    lean, stock = (json.loads(programs.run(PROGRAM, mode).stdout) for mode in ("lean", "stock"))
    assert lean == stock
    assert isinstance(lean, list)
    assert len(lean[1]) > 500


@pytest.mark.slow
def test_when_pydantic_changes_the_stock_way_takes_over(programs: Programs):
    program = (
        "from unittest import mock\n"
        "from delivery import lean_aiogram\n"
        "with mock.patch.object(lean_aiogram, '_try', side_effect=TypeError):\n"
        "    assert not lean_aiogram.install()\n"
        "from aiogram.types import Update\n"
        "assert Update.model_validate({'update_id': 1}).update_id == 1\n"
    )
    assert "building all models" in programs.run(program).stderr


@pytest.mark.slow
def test_a_pydantic_without_the_method_is_left_alone(programs: Programs):
    program = (
        "from delivery import lean_aiogram\n"
        "lean_aiogram.BaseModel = object\n"
        "assert not lean_aiogram.install()\n"
        "from aiogram.types import Update\n"
        "assert Update.model_validate({'update_id': 1}).update_id == 1\n"
    )
    assert "models are built at import" in programs.run(program).stderr
