"""Backups of an SQLite database. PostgreSQL has its own tools (pg_dump, pg_restore)."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from core.errors import NewerDatabaseError, StorageError
from data.database import get_async_db_url, known_schemas
from data.new_file import new_file
from data.starts import as_number

#: Files that SQLite keeps beside a database.
_BESIDE: Final = ("-wal", "-shm")
#: First bytes of a file in the custom format of PostgreSQL's pg_dump.
DUMP_MAGIC: Final = b"PGDMP"


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
    if not os.access(database, os.R_OK | os.W_OK):  # SQLite writes files beside it
        raise StorageError(f"{database} may not be read and written by this user")
    try:
        with new_file(target) as unfinished, closing(sqlite3.connect(database)) as source:
            _copy(source, unfinished)
    except sqlite3.Error as error:
        raise StorageError(f"cannot copy {database} to {target}: {error}") from error


def restore(source: Path, database: Path) -> Path | None:
    """Replace a database that is not in use by a backup; return where the old one is now, if any.

    Raises:
        StorageError: the backup is not sound, or the files cannot be written. The database is as it
            was.
    """
    check_backup(source)
    new = database.with_name(f"{database.name}.restoring")
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        with new_file(new) as unfinished, closing(_open_backup(source)) as backup:
            _copy(backup, unfinished)
        kept = _keep(database)
        new.replace(database)
    except OSError as error:
        raise StorageError(f"cannot replace {database}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise StorageError(f"cannot copy {source}: {error}") from error
    return kept


def _keep(database: Path) -> Path | None:
    """Give a database and its log another name, which no earlier restore has given."""
    number = 1
    while (kept := _kept_name(database, number)).exists():
        number += 1
    if not database.exists():
        return None
    # A link, so that there is a database at every moment: without one a start makes an empty one.
    try:
        os.link(database, kept)
    except OSError:  # a file system without links
        database.replace(kept)
    for suffix in _BESIDE:
        beside = database.with_name(database.name + suffix)
        if beside.exists():
            beside.replace(kept.with_name(kept.name + suffix))
    return kept


def _kept_name(database: Path, number: int) -> Path:
    return database.with_name(f"{database.name}.before-restore{f'-{number}' if number > 1 else ''}")


def check_backup(source: Path) -> None:
    """Check that a file is a sound SQLite database of this or an earlier version of Clipferry.

    Raises:
        NewerDatabaseError: a newer version has made it.
        StorageError: it is no such file.
    """
    try:
        with source.open("rb") as file:
            start = file.read(len(DUMP_MAGIC))
    except OSError as error:
        raise StorageError(f"cannot read {source}: {error.strerror}") from error
    if start == DUMP_MAGIC:
        raise StorageError(
            f"{source} is a dump of PostgreSQL: [database] url (DATABASE_URL) must be one of "
            "PostgreSQL, too"
        )
    try:
        with closing(_open_backup(source)) as backup:
            (found,) = backup.execute("PRAGMA integrity_check").fetchone()
            row = backup.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        is_damaged = error.sqlite_errorcode == sqlite3.SQLITE_CORRUPT
        what = "is damaged" if is_damaged else "is no backup of Clipferry"
        raise StorageError(f"{source} {what}: {error}") from error
    if found != "ok":
        raise StorageError(f"{source} is damaged: {found}")
    refuse_newer(source, row and row[0])


def refuse_newer(source: Path, schema: str | None) -> None:
    """Refuse a backup of a newer version, which this one could not use.

    Raises:
        NewerDatabaseError: it is one.
    """
    newest = known_schemas()[-1]
    if schema and schema > newest:
        raise NewerDatabaseError(
            f"a newer Clipferry has made {source}: its schema is {schema}, the newest known one "
            f"{newest}"
        )


def _open_backup(source: Path) -> sqlite3.Connection:
    """Open a database that nobody uses, also in a folder that may not be written."""
    log = source.with_name(f"{source.name}-wal")
    # Without a log beside it, the file is complete. "immutable" creates no files, unlike "ro".
    mode = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    return sqlite3.connect(f"file:{quote(str(source))}?{mode}", uri=True)


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


def _copy(source: sqlite3.Connection, target: Path) -> None:
    with closing(sqlite3.connect(target)) as new:
        source.backup(new)
