"""Backups of an SQLite database. PostgreSQL has its own tools (pg_dump, pg_restore)."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from core.errors import StorageError
from data.database import get_async_db_url
from data.starts import as_number

#: Files that SQLite keeps beside a database.
_BESIDE: Final = ("-wal", "-shm")


def sqlite_path(db_url: str) -> Path | None:
    """Return the file of an SQLite database, or None for PostgreSQL or a database in memory.

    Raises:
        ValueError: the URL is invalid.
    """
    url = get_async_db_url(db_url)
    is_file = url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}
    return Path(url.database or "") if is_file else None


def back_up(database: Path, target: Path) -> None:
    """Copy a database, in use or not, to a new file.

    Raises:
        StorageError: there is no such database, or the target exists or cannot be written.
    """
    if not database.is_file():
        raise StorageError(f"there is no database {database}")
    _copy(database, target)


def restore(source: Path, database: Path) -> None:
    """Replace a database that is not in use by a backup; the old files are renamed.

    Raises:
        StorageError: the backup is not sound, or the files cannot be written.
    """
    check_backup(source)
    new = database.with_name(f"{database.name}.restoring")
    new.unlink(missing_ok=True)
    _copy(source, new)
    try:
        for suffix in ("", *_BESIDE):
            old = database.with_name(f"{database.name}{suffix}")
            if old.exists():
                old.replace(database.with_name(f"{database.name}.before-restore{suffix}"))
        new.replace(database)
    except OSError as error:
        raise StorageError(f"cannot replace {database}: {error.strerror}") from error


def check_backup(source: Path) -> None:
    """Check that a file is a sound SQLite database of any version of Clipferry.

    Raises:
        StorageError: it is not.
    """
    try:
        with closing(sqlite3.connect(f"file:{quote(str(source))}?mode=ro", uri=True)) as backup:
            (found,) = backup.execute("PRAGMA integrity_check").fetchone()
            backup.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise StorageError(f"{source.name} is no backup of Clipferry: {error}") from error
    if found != "ok":
        raise StorageError(f"{source.name} is damaged: {found}")


def refuse_foreign_wal(database: Path, marker: Path) -> None:
    """Refuse a database file beside which lies the write-ahead log of another state of it.

    SQLite would apply the log and damage the database. The marker knows the number of starts that
    the file itself contained when the log was begun (see `data.starts`).

    Raises:
        StorageError: the log belongs to another state of the database.
    """
    log = database.with_name(f"{database.name}-wal")
    if not (database.exists() and marker.exists() and log.exists() and log.stat().st_size):
        return
    try:
        # "immutable" ignores the log, and creates no files.
        uri = f"file:{quote(str(database))}?immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            row = connection.execute("SELECT value FROM notes WHERE name = 'starts'").fetchone()
    except sqlite3.Error:
        row = None
    # Only an older file is certainly not that of the log: the marker is written after the file.
    if as_number(row and row[0]) < as_number(marker.read_text()):
        raise StorageError(
            f"{database.name} has been copied here, but {log.name} beside it belongs to another "
            f"state of the database and would damage it. If you have restored a backup, move "
            f"{log.name} and {database.name}-shm away, or use `python main.py restore <backup>`"
        )


def _copy(source: Path, target: Path) -> None:
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise StorageError(f"cannot create {target}: {error.strerror}") from error
    try:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)
    except sqlite3.Error as error:
        target.unlink()
        raise StorageError(f"cannot copy {source.name}: {error}") from error
