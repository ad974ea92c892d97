"""A restore that is killed, or fails, at any step leaves the old database or the new one, whole."""

import asyncio
import json
import shutil
import sys
from pathlib import Path

import pytest

from data import database
from data.backup import back_up
from data.key_values import set_value

ROOT = Path(__file__).parents[2]
#: What is in the backup, and what was written since, which is in the log only.
OLD, NEW = "written since", "in the backup"


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """Return a folder with a backup, and a database with a log, as a crash leaves it."""
    path, crashed = tmp_path / "bot.db", tmp_path / "crashed"
    database.initialize_database_components(f"sqlite:///{path}")
    try:
        await database.init_db()
        await set_value("a", NEW)
        crashed.mkdir()
        back_up(path, crashed / "backup.db")
        await set_value("a", OLD)
        for file in tmp_path.glob("bot.db*"):
            shutil.copy(file, crashed / file.name)
    finally:
        await database.close()
    return crashed


@pytest.mark.parametrize("mode", ["kill", "fail"])
async def test_at_every_step_one_of_both_databases_is_whole(folder: Path, mode: str):
    command = [sys.executable, "-m", "tests.data.killed_restores", str(folder), mode]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=-1, stderr=-1)
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    runs = [json.loads(line) for line in output.splitlines()]
    assert len(runs) > 8
    for number, step, code, said, value, mark, soundness in runs:
        run = f"{number} {step}: {code} {said}"
        assert soundness == "ok", run
        # What is restored is marked, so that it sends no broadcast again.
        assert (value, mark) in {(OLD, None), (NEW, "1")}, run
        if code != 9:
            assert (value == NEW) == ("Restored." in said) == (code == 0), run
    # The last run comes to its end.
    assert runs[-1][1:5] == ["", 0, runs[-1][3], NEW]
    assert {run[4] for run in runs} == {OLD, NEW}
