"""Regular backups: due by the age of the newest one, rotated, and never half written."""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from core.clock import shared_clock
from core.errors import StorageError
from data import scheduled_backups
from data.backup import check_backup
from data.lifespan import database_lifespan
from data.scheduled_backups import BackupPlan

HOUR_S = 3_600
T0 = 1_700_000_000.0


@pytest.fixture
def clock_of_database() -> Iterator[Callable[[float], None]]:
    """Yield what sets the database's clock, as this process has read it."""

    def set_clock(theirs: float) -> None:
        now = time.time()
        shared_clock.compare(theirs, now, now)

    yield set_clock
    shared_clock.forget()


async def test_backups_are_made_when_due_and_rotated(tmp_path: Path):
    folder, url = tmp_path / "backups", f"sqlite:///{tmp_path / 'bot.db'}"
    numbers = []
    async with database_lifespan(url):
        for half_hours in range(10):
            now = T0 + half_hours * HOUR_S / 2
            # A new object each time: a restart changes nothing.
            await BackupPlan(folder, HOUR_S, 3, partial(float, now)).follow(url)
            numbers.append(len(list(folder.iterdir())))
    assert numbers == [1, 1, 2, 2, 3, 3, 3, 3, 3, 3]
    files = sorted(file.name for file in folder.iterdir())
    assert files[0] == "clipferry-20231115T001320Z.backup"  # T0 + 2 h
    for file in folder.iterdir():
        check_backup(file)


async def test_a_machine_whose_clock_is_off_names_backups_by_the_databases_clock(
    tmp_path: Path, clock_of_database: Callable[[float], None]
):
    """The scheduler's machine may change, and the folder be shared."""
    folder, url = tmp_path / "backups", f"sqlite:///{tmp_path / 'bot.db'}"
    plan = BackupPlan(folder, HOUR_S, 2)
    async with database_lifespan(url):
        clock_of_database(T0)
        await plan.follow(url)
        clock_of_database(T0 + 1.1 * HOUR_S)
        await plan.follow(url)
    hours = sorted(file.name[:21] for file in folder.iterdir())
    assert hours == ["clipferry-20231114T22", "clipferry-20231114T23"]


@pytest.mark.parametrize("kept", [1, 2])
async def test_backups_of_a_clock_that_was_ahead_neither_stop_the_next_nor_outlive_them(
    tmp_path: Path, kept: int
):
    """A machine may start with the year 2036, until it has reached a time server."""
    folder, url = tmp_path / "backups", f"sqlite:///{tmp_path / 'bot.db'}"
    async with database_lifespan(url):
        for now in (T0 + 90_000 * HOUR_S, T0, T0 + HOUR_S / 2, T0 + HOUR_S, T0 + 2 * HOUR_S):
            await BackupPlan(folder, HOUR_S, kept, partial(float, now)).follow(url)
    times = sorted(file.name[10:25] for file in folder.iterdir())
    assert times == ["20231114T231320", "20231115T001320"][-kept:]


async def test_a_machine_that_starts_in_1970_deletes_no_backup(tmp_path: Path):
    """One without a battery does so at each start, until it has reached a time server."""
    folder, url = tmp_path / "backups", f"sqlite:///{tmp_path / 'bot.db'}"
    months = []
    async with database_lifespan(url):
        for now in (T0, T0 + HOUR_S, 5 * HOUR_S, 0.0, T0 + 2 * HOUR_S):
            await BackupPlan(folder, HOUR_S, 2, partial(float, now)).follow(url)
            months.append(sorted(file.name[10:16] for file in folder.iterdir()))
    assert months[2:4] == [["197001", *months[1]], ["197001", "197001", *months[1]]]
    assert months[-1] == months[1] == ["202311", "202311"]


async def test_a_clock_that_is_set_back_by_a_little_makes_no_further_backup(tmp_path: Path):
    folder, url = tmp_path / "backups", f"sqlite:///{tmp_path / 'bot.db'}"
    async with database_lifespan(url):
        for now in (T0, T0 - 60):
            await BackupPlan(folder, HOUR_S, 2, partial(float, now)).follow(url)
    assert len(list(folder.iterdir())) == 1


async def test_files_of_others_in_the_folder_stay_and_do_no_harm(tmp_path: Path):
    folder, url = tmp_path / "backups", f"sqlite:///{tmp_path / 'bot.db'}"
    folder.mkdir()
    others = ["clipferry-20239999T000000Z.backup", "clipferry-beforeupTgrade1Z.backup", "x.backup"]
    for name in others:
        (folder / name).touch()
    async with database_lifespan(url):
        await BackupPlan(folder, HOUR_S, 1, lambda: T0).follow(url)
    names = sorted(file.name for file in folder.iterdir())
    assert names == sorted(["clipferry-20231114T221320Z.backup", *others])


async def test_a_failed_backup_deletes_nothing_and_does_not_count(tmp_path: Path):
    folder, url = tmp_path / "backups", f"sqlite:///{tmp_path / 'bot.db'}"
    async with database_lifespan(url):
        await BackupPlan(folder, HOUR_S, 1, lambda: T0).follow(url)
    missing = f"sqlite:///{tmp_path / 'missing.db'}"
    with pytest.raises(StorageError, match="there is no database"):
        await BackupPlan(folder, HOUR_S, 1, lambda: T0 + HOUR_S).follow(missing)
    assert len(list(folder.iterdir())) == 1


async def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    plan = BackupPlan(tmp_path / "file", HOUR_S, 1)
    with pytest.raises(StorageError, match="file: "):
        await plan.follow("sqlite:///x.db")


async def test_what_a_killed_process_has_left_is_deleted(tmp_path: Path):
    folder, url = tmp_path / "backups", f"sqlite:///{tmp_path / 'bot.db'}"
    folder.mkdir()
    for ending in (".backup.unfinished", ".backup.unfinished-journal", ".unfinished"):
        (folder / f"clipferry-20231114T001320Z{ending}").touch()
    (folder / "mine.unfinished").touch()
    async with database_lifespan(url):
        await BackupPlan(folder, HOUR_S, 1, lambda: T0).follow(url)
    names = sorted(file.name for file in folder.iterdir())
    assert names == ["clipferry-20231114T221320Z.backup", "mine.unfinished"]


async def test_a_backup_that_is_cancelled_leaves_neither_its_tool_nor_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder, temporary, seen = (tmp_path / name for name in ("backups", "tmp", "seen"))
    tool = tmp_path / "pg_dump"
    tool.write_text(f"#!/bin/sh\necho $$ > {seen}.new && mv {seen}.new {seen}\nexec sleep 300\n")
    tool.chmod(0o755)
    temporary.mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(scheduled_backups, "_END_S", 60)
    plan = BackupPlan(folder, HOUR_S, 1)
    making = asyncio.create_task(plan.follow("postgresql://u:hunter2@127.0.0.1:9/d"))
    try:
        async with asyncio.timeout(60):
            while not seen.exists():  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.01)
    finally:
        making.cancel()
        await asyncio.wait([making])
    assert making.cancelled()
    with pytest.raises(ProcessLookupError):
        os.kill(int(seen.read_text()), 0)
    assert list(folder.iterdir()) == list(temporary.iterdir()) == []
