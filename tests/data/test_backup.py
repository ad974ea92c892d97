"""Backups: copied whole, restored with a mark, and never mixed with a foreign log."""

import asyncio
import errno
import os
import resource
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from core.errors import StorageError, WrongFileError
from data import database
from data.backup import (
    back_up,
    check_backup,
    put_in_place,
    refuse_foreign_wal,
    restoring,
    sqlite_path,
    url_of,
)
from data.key_values import read_value, set_value
from data.new_file import new_file
from data.secrets_archive import archive_of, pack, unpack
from data.starts import clear_restored, count_start, mark_restored

#: The user and group id of nobody.
NOBODY = 65_534


async def open_database(path: Path) -> None:
    database.initialize_database_components(f"sqlite:///{path}")
    await database.init_db()


def restore(source: Path, path: Path, marker: Path | None = None) -> Path | None:
    """Put a backup in the place of a database, as the command does."""
    with restoring(source, path) as new:
        return put_in_place(new, path, marker or path.with_name("no marker"))


def crash_copy(path: Path, target: Path) -> None:
    """Copy a database with its log as a crash would leave it."""
    target.mkdir()
    for file in path.parent.glob(f"{path.name}*"):
        shutil.copy(file, target / file.name)


async def test_a_backup_of_a_database_in_use_is_whole(tmp_path: Path):
    path, target = tmp_path / "bot.db", tmp_path / "backup.db"
    await open_database(path)
    await set_value("a", "1")
    await asyncio.to_thread(back_up, path, target)
    assert target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(StorageError, match="exists already"):
        back_up(path, target)
    await set_value("a", "2")
    await database.close()
    assert restore(target, path) == tmp_path / "bot.db.before-restore"
    await open_database(path)
    assert await read_value("a") == "1"
    await database.close()
    # What was there is kept.
    await open_database(tmp_path / "bot.db.before-restore")
    assert await read_value("a") == "2"
    await database.close()


async def test_every_database_that_a_restore_replaces_is_kept(tmp_path: Path):
    """After a restore of the wrong file, the right database is still there."""
    path, backup = tmp_path / "bot.db", tmp_path / "backup.db"
    await open_database(path)
    await set_value("a", "the right one")
    back_up(path, backup)
    crash_copy(path, tmp_path / "crashed")
    await database.close()
    crashed = tmp_path / "crashed" / "bot.db"  # with its log
    kept = [restore(backup, crashed) for _ in range(3)]
    assert [each and each.name for each in kept] == [
        "bot.db.before-restore",
        "bot.db.before-restore-2",
        "bot.db.before-restore-3",
    ]
    # Its log is in its file, so that it is one file to delete or to put back.
    assert {file.name for file in crashed.parent.iterdir()} == {
        *("bot.db", *(each.name for each in kept if each))
    }
    await open_database(crashed.with_name("bot.db.before-restore"))
    assert await read_value("a") == "the right one"
    await database.close()


async def test_a_log_that_has_lost_its_database_does_not_come_beside_the_restored_one(
    tmp_path: Path,
):
    path, backup = tmp_path / "bot.db", tmp_path / "backup.db"
    await open_database(path)
    await set_value("a", "1")
    back_up(path, backup)
    await set_value("a", "x" * 50_000)
    crash_copy(path, tmp_path / "crashed")
    await database.close()
    crashed = tmp_path / "crashed" / "bot.db"
    crashed.unlink()
    assert restore(backup, crashed) is None
    assert {file.name for file in crashed.parent.iterdir()} == {
        *("bot.db", "bot.db.before-restore-wal")
    }
    await open_database(crashed)
    assert await read_value("a") == "1"
    await database.close()


@pytest.mark.parametrize("trouble", ["damaged", "foreign"])
async def test_what_cannot_take_its_log_keeps_it_beside_it(tmp_path: Path, trouble: str):
    """A damaged database, and one that was copied beside the log of another."""
    path, backup, marker = tmp_path / "bot.db", tmp_path / "backup.db", tmp_path / "starts"
    await open_database(path)
    await count_start(marker)
    back_up(path, backup)
    await count_start(marker)
    crash_copy(path, tmp_path / "crashed")
    await database.close()
    crashed = tmp_path / "crashed" / "bot.db"
    crashed.write_bytes(b"x" * 50_000 if trouble == "damaged" else backup.read_bytes())
    old, log = (file.read_bytes() for file in (crashed, crashed.with_name("bot.db-wal")))
    kept = restore(backup, crashed, marker)
    assert kept
    assert (kept.read_bytes(), kept.with_name(f"{kept.name}-wal").read_bytes()) == (old, log)
    assert not crashed.with_name("bot.db-wal").exists()
    await open_database(crashed)
    assert await read_value("starts") == "1"
    await database.close()


async def test_a_database_that_is_in_use_is_not_replaced(tmp_path: Path):
    path, backup = tmp_path / "bot.db", tmp_path / "backup.db"
    await open_database(path)
    await set_value("a", "1")
    back_up(path, backup)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM notes").fetchall()
        await set_value("a", "2")
        with pytest.raises(StorageError, match=r"is in use|is locked"):
            restore(backup, path)
    assert await read_value("a") == "2"
    await database.close()


@pytest.mark.usefixtures("no_links")
async def test_without_links_the_old_database_is_copied(tmp_path: Path):
    path, backup = tmp_path / "bot.db", tmp_path / "backup.db"
    await open_database(path)
    await set_value("a", "1")
    await database.close()
    back_up(path, backup)
    kept = restore(backup, path)
    assert kept
    assert kept.read_bytes()
    assert not kept.samefile(path)


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)


def test_the_url_of_a_file_leads_to_it(tmp_path: Path):
    for path in (tmp_path / "a b.db", Path("bot.db"), Path("var/bot.db")):
        assert sqlite_path(url_of(path)) == path


async def test_a_backup_in_a_folder_that_may_not_be_written_is_restored(tmp_path: Path):
    """SQLite would create files beside it. Root may write everywhere, so they are looked for."""
    path, folder = tmp_path / "bot.db", tmp_path / "mounted"
    folder.mkdir()
    await open_database(path)
    await database.close()
    back_up(path, folder / "backup.db")
    assert restore(folder / "backup.db", tmp_path / "new" / "bot.db") is None
    assert [file.name for file in folder.iterdir()] == ["backup.db"]


async def test_a_backup_that_fails_half_way_leaves_nothing(tmp_path: Path):
    path, target = tmp_path / "bot.db", tmp_path / "backup.db"
    await open_database(path)
    await set_value("a", "x" * 3_000_000)
    await database.close()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # As on a full disk: SQLite can write no more.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with pytest.raises(StorageError, match="cannot copy"):
            back_up(path, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [file.name for file in tmp_path.iterdir()] == ["bot.db"]
    target.with_name("backup.db.unfinished").write_text("of a process that was killed")
    back_up(path, target)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["backup.db", "bot.db"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can create files of others")
async def test_what_root_restores_belongs_to_the_user_of_the_bot(tmp_path: Path):
    """`sudo clipferry restore FILE` at night, without `-u clipferry`."""
    home, backup = tmp_path / "home", tmp_path / "x.backup"
    await open_database(tmp_path / "old.db")
    back_up(tmp_path / "old.db", backup)
    await database.close()
    site = tmp_path / "identities" / "demo"
    site.mkdir(parents=True)
    (site / "a.txt").touch()
    pack(site.parent, "7:x", archive_of(backup))
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    restore(backup, home / "var" / "bot.db")
    unpack(archive_of(backup), home / "var" / "identities")
    created = list(home.rglob("*"))
    assert len(created) == 5
    assert {(path.stat().st_uid, path.stat().st_gid) for path in created} == {(NOBODY, NOBODY)}
    assert backup.stat().st_uid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can create files of others")
async def test_what_root_backs_up_stays_roots(tmp_path: Path):
    """A folder's owner must not be able to read what root writes there."""
    folder = tmp_path / "folder"
    folder.mkdir()
    await open_database(tmp_path / "old.db")
    os.chown(folder, NOBODY, NOBODY)
    back_up(tmp_path / "old.db", folder / "x.backup")
    await database.close()
    pack(tmp_path / "identities", "7:x", archive_of(folder / "x.backup"))
    assert [path.stat().st_uid for path in folder.iterdir()] == [0, 0]


@pytest.mark.parametrize("number", [errno.EPERM, errno.EINVAL, errno.EROFS])
def test_a_folder_whose_owner_cannot_be_given_anything_stops_no_restore(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
):
    """In a container, it may be a user of the host that the container does not have (EINVAL)."""

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", fail)
    with new_file(tmp_path / "file", is_restored=True) as unfinished:
        unfinished.touch()
    assert (tmp_path / "file").exists()


@pytest.mark.parametrize("is_running", [True, False])
def test_a_new_file_appears_when_it_is_complete(tmp_path: Path, is_running: bool):
    target = tmp_path / "file"
    with suppress(KeyboardInterrupt), new_file(target) as unfinished:
        unfinished.write_text("half")
        assert not target.exists()
        if is_running:
            raise KeyboardInterrupt
        unfinished.write_text("whole")
    assert [file.name for file in tmp_path.iterdir()] == ([] if is_running else ["file"])


async def test_a_backup_of_a_newer_version_replaces_nothing(tmp_path: Path):
    path, source = tmp_path / "bot.db", tmp_path / "backup.db"
    await open_database(path)
    await database.close()
    back_up(path, source)
    with closing(sqlite3.connect(source)) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.commit()
    with pytest.raises(WrongFileError, match="its schema is 9999, the newest known one 0"):
        restore(source, path)
    assert not list(tmp_path.glob("*before-restore*"))


def test_without_a_database_there_is_no_backup(tmp_path: Path):
    with pytest.raises(StorageError, match="there is no database"):
        back_up(tmp_path / "bot.db", tmp_path / "backup.db")
    with pytest.raises(StorageError, match=r"cannot read x+: File name"):
        back_up(Path("x" * 300), tmp_path / "backup.db")
    with pytest.raises(StorageError, match=r"cannot read x+: File name"):
        refuse_foreign_wal(Path("x" * 300), tmp_path / "starts")


async def test_a_folder_that_may_not_be_written_is_named_unless_what_is_needed_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "bot.db"
    await open_database(path)
    await database.close()
    monkeypatch.setattr(os, "access", lambda path, _mode: path != tmp_path)
    with pytest.raises(StorageError, match=f"{tmp_path} may not be written by this user"):
        back_up(path, tmp_path / "backup.db")
    (tmp_path / "bot.db-shm").touch()
    back_up(path, tmp_path / "backup.db")


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.EACCES, WrongFileError), (errno.ENOSPC, StorageError)],
    ids=["no permission", "disk full"],
)
def test_only_what_will_not_pass_is_a_wrong_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[StorageError]
):
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(StorageError, match="cannot create") as caught, new_file(tmp_path / "x"):
        pass
    assert type(caught.value) is kind


def test_a_name_that_no_file_can_have_is_a_wrong_file(tmp_path: Path):
    for name in (Path(), Path("/"), tmp_path, Path("x" * 300)):
        with pytest.raises(WrongFileError), new_file(name):
            pass


def test_a_backup_whose_name_is_no_text_can_be_checked(tmp_path: Path):
    source = tmp_path / os.fsdecode(b"\xff.db")
    with closing(sqlite3.connect(source)) as other, other:
        other.execute("CREATE TABLE alembic_version (version_num TEXT)")
    check_backup(source)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("text", "is no backup of Clipferry: file is not a database"),
        ("empty", "is no backup of Clipferry: no such table"),
        ("foreign", "is no backup of Clipferry: no such table"),
        ("missing", "cannot read .*: No such file"),
        ("folder", "cannot read .*: Is a directory"),
        ("damaged", "is damaged"),
        ("cut off", "is damaged"),
        ("dump", r"is a dump of PostgreSQL: \[database\] url"),
    ],
)
async def test_what_is_no_sound_backup_is_refused(kind: str, sentence: str, tmp_path: Path):
    path, source = tmp_path / "bot.db", tmp_path / "backup.db"
    await open_database(path)
    await set_value("a", "x" * 200_000)
    await database.close()
    content = bytearray(path.read_bytes())
    match kind:
        case "text":
            source.write_text("hello")
        case "empty":
            source.touch()
        case "folder":
            source.mkdir()
        case "foreign":
            with closing(sqlite3.connect(source)) as other:
                other.execute("CREATE TABLE things (name TEXT)")
        case "damaged":
            content[20_000:60_000] = b"\xff" * 40_000
            source.write_bytes(content)
        case "cut off":
            source.write_bytes(content[:100_000])
        case "dump":
            source.write_bytes(b"PGDMP\x01\x0f")
    with pytest.raises(StorageError, match=sentence):
        restore(source, path)
    await open_database(path)
    assert await read_value("a") == "x" * 200_000
    await database.close()
    assert not list(tmp_path.glob("*before-restore*"))


@pytest.mark.parametrize(
    ("url", "name"),
    [("sqlite:///a/bot.db", "bot.db"), ("postgresql://u@h/d", None), ("", "clipferry.db")],
)
def test_only_files_can_be_backed_up(url: str, name: str | None):
    path = sqlite_path(url)
    assert (path and path.name) == name


# --- the counter of starts ------------------------------------------------------------------------


async def test_starts_are_counted_in_the_database_and_beside_it(tmp_path: Path):
    path, marker = tmp_path / "bot.db", tmp_path / "var" / "starts"
    await open_database(path)
    assert [await count_start(marker) for _ in range(3)] == [False] * 3
    assert (await read_value("starts"), marker.read_text()) == ("3", "3")
    await database.close()


async def test_a_database_that_is_behind_its_marker_was_restored(tmp_path: Path):
    path, marker = tmp_path / "bot.db", tmp_path / "starts"
    await open_database(path)
    await count_start(marker)
    await database.close()
    shutil.copy(path, tmp_path / "backup.db")
    await open_database(path)
    await count_start(marker)
    await database.close()
    shutil.copy(tmp_path / "backup.db", path)
    for _ in range(2):  # whoever counts first may be killed, or have no broadcasts
        await open_database(path)
        assert await count_start(marker)
        await database.close()
    await open_database(path)
    await clear_restored()
    assert not await count_start(marker)
    await database.close()


@pytest.mark.parametrize("marker_text", ["", "x", "-5", "9" * 50, "²"])
async def test_a_useless_marker_is_no_alarm(marker_text: str, tmp_path: Path):
    marker = tmp_path / "starts"
    marker.write_text(marker_text)
    await open_database(tmp_path / "bot.db")
    assert not await count_start(marker)
    assert marker.read_text() == "1"
    await database.close()


@pytest.mark.usefixtures("db")
async def test_the_mark_of_a_restored_database_stays_until_it_is_cleared(tmp_path: Path):
    marker = tmp_path / "starts"
    await count_start(marker)
    await mark_restored()
    assert [await count_start(marker) for _ in range(2)] == [True, True]
    await clear_restored()
    await clear_restored()
    assert not await count_start(marker)


# --- a foreign log --------------------------------------------------------------------------------


async def test_the_log_of_a_crash_is_the_databases_own(tmp_path: Path):
    path, marker = tmp_path / "bot.db", tmp_path / "starts"
    await open_database(path)
    await count_start(marker)
    await set_value("a", "1")
    crash_copy(path, tmp_path / "crashed")
    await database.close()
    crashed = tmp_path / "crashed" / "bot.db"
    assert crashed.with_name("bot.db-wal").stat().st_size
    refuse_foreign_wal(crashed, marker)
    await open_database(crashed)
    assert await read_value("a") == "1"
    await database.close()


async def test_a_copied_database_beside_a_foreign_log_is_refused_undamaged(tmp_path: Path):
    path, marker = tmp_path / "bot.db", tmp_path / "starts"
    await open_database(path)
    await count_start(marker)
    await database.close()
    old = path.read_bytes()
    await open_database(path)
    await count_start(marker)
    await set_value("a", "x" * 50_000)
    crash_copy(path, tmp_path / "crashed")
    await database.close()
    crashed = tmp_path / "crashed" / "bot.db"
    crashed.write_bytes(old)
    log = crashed.with_name("bot.db-wal").read_bytes()
    with pytest.raises(StorageError, match=r"move bot\.db-wal and bot\.db-shm away"):
        refuse_foreign_wal(crashed, marker)
    assert crashed.read_bytes() == old
    assert crashed.with_name("bot.db-wal").read_bytes() == log
    for name in ("bot.db-wal", "bot.db-shm"):
        crashed.with_name(name).unlink()
    refuse_foreign_wal(crashed, marker)
