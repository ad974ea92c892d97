"""The lock file: at most one holder, and the name of the last one."""

import subprocess
import sys
from pathlib import Path

from app.process_lock import ProcessLock
from data.config import ROOT

_HOLD_AND_DIE = """
import os, sys
from pathlib import Path
from app.process_lock import ProcessLock
ProcessLock(Path(sys.argv[1])).acquire("a process")
os._exit(1)
"""


def test_the_first_holder_has_no_predecessor(tmp_path: Path):
    lock = ProcessLock(tmp_path / "new" / "file.lock")
    assert lock.acquire("one") is None
    lock.release()
    lock.release()


def test_a_released_lock_names_its_last_holder(tmp_path: Path):
    first, second = ProcessLock(tmp_path / "lock"), ProcessLock(tmp_path / "lock")
    first.acquire("a long name")
    first.release()
    assert second.acquire("two") == "a long name"
    second.release()
    assert first.acquire("three") == "two"
    first.release()


def test_a_held_lock_cannot_be_acquired(tmp_path: Path):
    first, second = ProcessLock(tmp_path / "lock"), ProcessLock(tmp_path / "lock")
    first.acquire("one")
    assert second.acquire("two") is None
    first.release()
    assert second.acquire("two") == "one"
    second.release()


def test_a_dead_process_holds_nothing(tmp_path: Path):
    path = tmp_path / "lock"
    process = subprocess.run(
        [sys.executable, "-c", _HOLD_AND_DIE, str(path)], cwd=ROOT, timeout=60, check=False
    )
    assert process.returncode == 1
    lock = ProcessLock(path)
    assert lock.acquire("me") == "a process"
    lock.release()
