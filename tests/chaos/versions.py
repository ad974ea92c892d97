"""An upgrade of a fleet from this version of the bot to a next one, which is made from this one."""

import asyncio
import random
import shutil
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from data.config import ROOT
from data.database import known_schemas
from tests.architecture import PACKAGES
from tests.chaos.fleet import running
from tests.chaos.postgres import Postgres
from tests.chaos.stage import Stage, Supervisor

#: Seconds between two requests.
_EVERY_S: Final = 0.1
#: What a program of the old version logs about a request that it leaves to the next one.
_LEFT: Final = b"is left to a newer version"
#: The order of the upgrade, and the seconds after each step. The receiver of the next version polls
#: when the lease of the old one has ended; it stores what the old workers cannot read.
_ORDER: Final = {"scheduler": 5, "worker0": 5, "receiver": 30, "worker1": 10, "worker2": 5}
#: What is different in the next version: its requests have a form that this version cannot read.
_CHANGES: Final = {
    "SCHEMA: Final = 1": "SCHEMA: Final = 2",
    "in _values_of(self).items()": 'in (_values_of(self) | {"v": SCHEMA}).items()',
}
_MIGRATION: Final = '''"""A column of the next version."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "{next}", "{newest}"
branch_labels = depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("requests", sa.Column("next_version", sa.Text))
'''


async def versions(stage: Stage) -> str:
    """A fleet is upgraded process by process; old workers meet requests of the next version."""
    program = make_next_version(stage.folder / "next version")
    with Postgres() as server:
        async with running(stage, server, RUN_LOG_LEVEL="WARNING") as fleet, stage.asking(_EVERY_S):
            await asyncio.sleep(5)
            for name, seconds in _ORDER.items():
                await _upgrade(fleet[name], program)
                await asyncio.sleep(seconds)
            stage.failures += [
                f"{name} ended {len(process.exits)} times instead of once"
                for name, process in fleet.items()
                if len(process.exits) != 1
            ]
    left = _times_left(fleet.values())
    if not left:
        stage.failures.append("no worker of the old version met a request of the next one")
    return f"old workers left requests to the next version {left} times"


async def _upgrade(process: Supervisor, program: Path) -> None:
    """Replace a process by one of the next version, gently or not."""
    process.program, ended = program, len(process.exits)
    process.signal(random.choice([signal.SIGTERM, signal.SIGKILL]))
    await process.restarted(ended)


def _times_left(processes: Iterable[Supervisor]) -> int:
    return sum(process.log.read_bytes().count(_LEFT) for process in processes)


def make_next_version(folder: Path) -> Path:
    """Copy the program into a new folder, make it the next version, and return its `main.py`.

    Raises:
        ValueError: the code is not what the changes are made for.
    """
    for name in {*PACKAGES, "locale"} - {"simulator"}:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("main.py", "config.ini"):
        shutil.copy(ROOT / name, folder / name)
    changed = folder / "core" / "request.py"
    text = changed.read_text()
    for old, new in _CHANGES.items():
        if old not in text:
            raise ValueError(f"core/request.py has no {old!r}")
        text = text.replace(old, new)
    changed.write_text(text)
    newest = known_schemas()[-1]
    next_one = f"{int(newest) + 1:04}"
    migration = folder / "data" / "migrations" / "versions" / f"{next_one}_next_version.py"
    migration.write_text(_MIGRATION.format(next=next_one, newest=newest))
    return folder / "main.py"
