"""Backups of an SQLite database. PostgreSQL has its own tools (pg_dump, pg_restore)."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy.engine import URL

from core.errors import StorageError, WrongFileError
from data.database import get_async_db_url, known_schemas
from data.new_file import (
    BESIDE,
    add_name,
    delete,
    file_error,
    make_folder,
    make_names_durable,
    new_file,
)
from data.starts import as_number

#: Files beside a database without which it is not whole.
_LOGS: Final = ("-wal", "-journal")
#: First bytes of a file in the custom format of PostgreSQL's pg_dump.
DUMP_MAGIC: Final = b"PGDMP"


def sqlite_path(db_url: str) -> Path | None:
    """Return the file of an SQLite database, or None for PostgreSQL.

    Raises:
        ValueError: the URL is invalid.
    """
    url = get_async_db_url(db_url)
    is_file = url.get_backend_name() == "sqlite"
    return Path(url.database or "") if is_file else None


def url_of(database: Path) -> str:
    """Return the URL of an SQLite file, the inverse of `sqlite_path`."""
    return URL.create("sqlite", database=str(database)).render_as_string()


def back_up(database: Path, target: Path) -> None:
    """Copy a database, in use or not, to a new file.

    Raises:
        StorageError: there is no such database, or the target exists or cannot be written.
    """
    check_access(database)
    try:
        with new_file(target) as unfinished, closing(sqlite3.connect(database)) as source:
            _copy(source, unfinished)
    except sqlite3.Error as error:
        raise StorageError(f"cannot copy {database} to {target}: {error}") from error


def check_access(database: Path) -> None:
    """Check that there is a database, and that this user may use it.

    Raises:
        StorageError: there is none, or this user may not.
    """
    try:
        is_file = database.is_file()
    except OSError as error:
        raise StorageError(f"cannot read {database}: {error.strerror}") from error
    if not is_file:
        raise StorageError(f"there is no database {database}")
    if not os.access(database, os.R_OK | os.W_OK):
        raise StorageError(f"{database} may not be read and written by this user")
    may_add = os.access(database.parent, os.W_OK | os.X_OK)
    if not may_add and not _named(database, "-shm").exists():
        raise StorageError(
            f"{database.parent} may not be written by this user, and SQLite writes beside its file"
        )


def copy_backup(source: Path, target: Path) -> None:
    """Copy a backup to a new file, after checking it.

    Raises:
        StorageError: the backup is not sound, or cannot be copied.
    """
    check_backup(source)
    try:
        with (
            new_file(target, is_restored=True) as unfinished,
            closing(_open_backup(source)) as backup,
        ):
            _copy(backup, unfinished)
    except sqlite3.Error as error:
        raise StorageError(f"cannot copy {source}: {error}") from error


@contextmanager
def restoring(source: Path, database: Path) -> Iterator[Path]:
    """Yield a copy of a backup beside a database, for `put_in_place`; delete what is left of it.

    Raises:
        StorageError: the backup is not sound, or cannot be copied.
    """
    new = database.with_name(f"{database.name}.restoring")
    try:
        make_folder(database.parent)
        delete(new)  # of a process that was killed
    except OSError as error:
        raise file_error(f"cannot write to {database.parent}", error) from error
    try:
        copy_backup(source, new)
        yield new
    finally:
        with suppress(OSError):
            delete(new)


def put_in_place(new: Path, database: Path, marker: Path) -> Path | None:
    """Replace a database that is not in use by another; return where the old one is now, if any.

    A process that is killed leaves one of them in place, and whole: the log of the old one is moved
    into its file before, so that the switch is a single renaming. `marker` is that of the old one's
    starts, see `data.starts`.

    Raises:
        StorageError: the files cannot be written. The database is as it was.
    """
    try:
        _fold_in(new)
        if not _has_foreign_log(database, marker):
            with suppress(_DamagedError):
                _fold_in(database)
        return _switch(new, database)
    except OSError as error:
        raise StorageError(f"cannot replace {database}: {error.strerror}") from error
    except _DamagedError as error:
        raise StorageError(f"the copy of the backup is damaged: {error}") from error


class _DamagedError(Exception):
    """A database is damaged, so that its log stays beside it."""


def _fold_in(database: Path) -> None:
    """Move what SQLite has beside a database into it.

    Raises:
        _DamagedError: that is impossible because it is damaged.
        StorageError: that is impossible at the moment.
    """
    if not database.exists() or not _logs(database):
        return
    try:
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master")
            (is_busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise _DamagedError(str(error)) from error
        raise StorageError(f"cannot write {database}: {error}") from error
    if is_busy:
        raise StorageError(f"{database} is in use")


def _switch(new: Path, database: Path) -> Path | None:
    """Put a file in the place of a database, which gets another name.

    A log that could not be moved into its database keeps its name beside it. It must not lie beside
    the new one: SQLite would apply it.
    """
    kept, has_old = _free_name(database), database.exists()
    suffixes = [*([""] if has_old else []), *_logs(database)]
    try:
        for suffix in suffixes:
            add_name(_named(database, suffix), _named(kept, suffix))
        make_names_durable(database.parent)
        for suffix in BESIDE:
            _named(database, suffix).unlink(missing_ok=True)
        new.replace(database)
    except (OSError, StorageError):
        for suffix in suffixes:
            if not _named(database, suffix).exists():
                add_name(_named(kept, suffix), _named(database, suffix))
            _named(kept, suffix).unlink(missing_ok=True)
        raise
    make_names_durable(database.parent)
    return kept if has_old else None


def _free_name(database: Path) -> Path:
    """Return a name that no earlier restore has given, other than one that was killed just after.

    Such a one has left a second name of the database, and has changed nothing else.
    """
    number = 1
    while True:
        kept = _named(database, f".before-restore{f'-{number}' if number > 1 else ''}")
        if not kept.exists() and not _logs(kept):
            return kept
        if kept.exists() and database.exists() and kept.samefile(database) and not _logs(kept):
            kept.unlink()
            return kept
        number += 1


def _logs(database: Path) -> list[str]:
    """Return the suffixes of what is beside a database and belongs to its contents."""
    return [suffix for suffix in _LOGS if _size(_named(database, suffix))]


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _named(database: Path, suffix: str) -> Path:
    return database.with_name(database.name + suffix)


def check_backup(source: Path) -> None:
    """Check that a file is a sound SQLite database of this or an earlier version of Clipferry.

    Raises:
        WrongFileError: it is no such file.
    """
    try:
        with source.open("rb") as file:
            start = file.read(len(DUMP_MAGIC))
    except OSError as error:
        raise WrongFileError(f"cannot read {source}: {error.strerror}") from error
    if start == DUMP_MAGIC:
        raise WrongFileError(
            f"{source} is a dump of PostgreSQL: [database] url (DATABASE_URL) must be one of "
            "PostgreSQL, too"
        )
    try:
        with closing(_open_backup(source)) as backup:
            (found,) = backup.execute("PRAGMA integrity_check").fetchone()
            row = backup.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        raise WrongFileError(f"{source} {_what_it_is(error)}: {error}") from error
    if found != "ok":
        raise WrongFileError(f"{source} is damaged: {found}")
    refuse_newer(source, row and row[0])


def _what_it_is(error: sqlite3.Error) -> str:
    """Return what is wrong with a backup that SQLite cannot read."""
    if error.sqlite_errorcode == sqlite3.SQLITE_CORRUPT:
        return "is damaged"
    is_another = error.sqlite_errorcode in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
    return "is no backup of Clipferry" if is_another else "cannot be read"


def refuse_newer(source: Path, schema: str | None) -> None:
    """Refuse a backup of a newer version, which this one could not use.

    Raises:
        WrongFileError: it is one.
    """
    newest = known_schemas()[-1]
    if schema and schema > newest:
        raise WrongFileError(
            f"a newer Clipferry has made {source}: its schema is {schema}, the newest known one "
            f"{newest}"
        )


def _open_backup(source: Path) -> sqlite3.Connection:
    """Open a database that nobody uses, also in a folder that may not be written."""
    log = source.with_name(f"{source.name}-wal")
    # Without a log beside it, the file is complete. "immutable" creates no files, unlike "ro".
    mode = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    return sqlite3.connect(f"file:{quote(os.fsencode(source))}?{mode}", uri=True)


def refuse_foreign_wal(database: Path, marker: Path) -> None:
    """Refuse a database file beside which lies the write-ahead log of another state of it.

    SQLite would apply the log and damage the database. The marker knows the number of starts that
    the file itself contained when the log was begun (see `data.starts`).

    Raises:
        StorageError: the log belongs to another state of the database, or it cannot be looked at.
        OSError: the marker cannot be read.
    """
    if _has_foreign_log(database, marker):
        log = _named(database, "-wal")
        raise StorageError(
            f"{database.name} has been copied here, but {log.name} beside it belongs to another "
            f"state of the database and would damage it. If you have restored a backup, move "
            f"{log.name} and {database.name}-shm away, or use `python main.py restore <backup>`"
        )


def _has_foreign_log(database: Path, marker: Path) -> bool:
    try:
        has_log = database.exists() and _size(_named(database, "-wal"))
    except OSError as error:
        raise StorageError(f"cannot read {error.filename}: {error.strerror}") from error
    if not (has_log and marker.exists()):
        return False
    try:
        # "immutable" ignores the log, and creates no files.
        uri = f"file:{quote(str(database))}?immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            row = connection.execute("SELECT value FROM notes WHERE name = 'starts'").fetchone()
    except sqlite3.Error:
        row = None
    # Only an older file is certainly not that of the log: the marker is written after the file.
    return as_number(row and row[0]) < as_number(marker.read_text())


def _copy(source: sqlite3.Connection, target: Path) -> None:
    with closing(sqlite3.connect(target)) as new:
        source.backup(new)
