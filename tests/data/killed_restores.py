"""Runs `restore` again and again, each time killed or failing one step later; prints what is left.

Called as a program by `test_killed_restores`: a process that is killed runs no `finally`, so that
each run is a process of its own. It is forked, because importing everything takes longer than that.

    python -m tests.data.killed_restores FOLDER (kill | fail)

FOLDER has the database "bot.db" with its log, and the backup "backup.db". Each line of the output
is a JSON list: the number of the step, its name, the exit code, what the command has printed, and
the content of the database then.
"""

import asyncio
import errno
import json
import os
import runpy
import shutil
import sqlite3
import sys
import traceback
from contextlib import closing
from pathlib import Path
from typing import Any

import alembic.command  # noqa: F401 - before the fork, as all others

import app.application  # noqa: F401
import data.backup
import data.lifespan
import data.postgres_tools
import data.restored
import data.schema_state
import data.starts  # noqa: F401
from data.config import Settings, load_settings

restore = runpy.run_path("main.py", run_name="command line")["restore"]
#: Changes of the folder, as Python reports them to an audit hook.
_STEPS = {"os.link", "os.rename", "os.remove"}
#: How a killed process ends, and one whose restore was refused.
_KILLED, _FAILED = 9, 1


def main() -> None:
    folder, mode = Path(sys.argv[1]), sys.argv[2]
    place, nothing = folder / "place", folder / "nothing"
    environment = {
        "DATABASE_URL": f"sqlite:///{place / 'bot.db'}",
        "FILES_HEARTBEAT": str(place / "var" / "heartbeat"),
    }
    settings = load_settings(nothing, nothing, environment)
    for number in range(1_000):
        place.mkdir()
        for file in folder.glob("*.db*"):
            shutil.copy(file, place / file.name)
        read_end, write_end = os.pipe()
        child = os.fork()
        if not child:
            os.dup2(write_end, 1)
            os.dup2(write_end, 2)
            _run(place, settings, number, mode)
        os.close(write_end)
        with os.fdopen(read_end, encoding="utf-8") as output:
            said = output.read()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        step, _, said = said.rpartition("\0")
        found = [number, step, code, said, *_contents(place / "bot.db")]
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()
        shutil.rmtree(place)
        if not step:
            return


def _run(place: Path, settings: Settings, last: int, mode: str) -> None:
    """Restore, and end the process at a step; never return."""
    steps = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal steps
        if event not in _STEPS or str(place) not in f"{arguments[0]}":
            return
        steps += 1
        if steps == last + 1:
            sys.stdout.write(f"{event} {Path(str(arguments[0])).name}\0")
            sys.stdout.flush()
            if mode == "kill":
                os._exit(_KILLED)
            raise OSError(errno.EIO, "Input/output error")

    code = 99
    try:
        sys.addaudithook(hook)
        code = asyncio.run(restore(place / "backup.db", settings))
    except Exception as error:  # noqa: BLE001 - printed
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        if type(error).__name__ != "StorageError":
            traceback.print_exc()
        code = _FAILED
    finally:
        sys.stdout.flush()
        os._exit(code)


def _contents(database: Path) -> tuple[str, str | None, str]:
    """Return the value that tells the old from the new, the mark, and whether it is sound."""
    with closing(sqlite3.connect(database)) as connection:
        notes = dict(connection.execute("SELECT name, value FROM notes").fetchall())
        (found,) = connection.execute("PRAGMA integrity_check").fetchone()
    return notes["a"], notes.get("restored"), found


if __name__ == "__main__":
    main()
