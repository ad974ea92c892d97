"""Moves a database from SQLite to PostgreSQL: every row, once, with counts compared."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    RowMapping,
    Table,
    create_engine,
    delete,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.engine import URL

from core.errors import StorageError, WrongFileError
from data import database
from data.backup import copy_backup
from data.lifespan import database_lifespan
from data.models import Broadcasts, Music, Requests, Users, Video

#: Rows that are read and written at a time.
_BATCH: Final = 1_000
#: A database with rows of these is in use. An empty one has rows of others, such as its counters.
_IN_USE: Final = (Users, Video, Music, Requests, Broadcasts)


async def copy_to_postgres(source: Path, db_url: str, scratch: Path) -> Mapping[str, int]:
    """Copy an SQLite backup of this or an earlier version into an empty PostgreSQL database.

    `scratch` is a folder with room for the backup once more: /tmp may be small. Return the number
    of rows by table. After a failure the target is empty, as it was.

    Raises:
        WrongFileError: the backup is not sound, or not for this target, which is in use.
        StorageError: the target did not take all rows, or did not respond.
    """
    with _temporary_folder(scratch) as folder:
        copy = folder / "copy.db"
        copy_backup(source, copy)
        async with database_lifespan(f"sqlite:///{copy}"):
            pass  # the copy has the newest schema now, as the target
        async with database_lifespan(db_url):
            with database.without_time_limits():
                return await database.write(partial(_copy_all, copy))


@contextmanager
def _temporary_folder(scratch: Path) -> Iterator[Path]:
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=scratch, prefix=".transfer-") as folder:
            yield Path(folder)
    except OSError as error:
        raise StorageError(f"cannot write to {scratch}: {error.strerror}") from error


def _copy_all(copy: Path, target: Connection) -> dict[str, int]:
    tables = database.Base.metadata.sorted_tables
    if any(_count(target, database.table_of(model)) for model in _IN_USE):
        raise WrongFileError(
            "the PostgreSQL database has rows already: create an empty one, or name that one in "
            "[database] url (DATABASE_URL)"
        )
    for table in reversed(tables):
        target.execute(delete(table))
    engine = create_engine(URL.create("sqlite", database=str(copy)))
    try:
        with engine.connect() as source:
            return {table.name: _copy_table(source, target, table) for table in tables}
    finally:
        engine.dispose()


def _copy_table(source: Connection, target: Connection, table: Table) -> int:
    """Copy the rows of a table, compare the counts, and return the count."""
    rows = source.execution_options(yield_per=_BATCH).execute(select(table))
    for batch in rows.mappings().partitions():
        target.execute(insert(table), list(map(_storable, batch)))
    number, copied = _count(source, table), _count(target, table)
    if copied != number:
        raise StorageError(f"{table.name}: {copied} of {number} rows were copied")
    if (key := table.autoincrement_column) is not None and (last := _last_key(source, key)):
        # The next row gets the next key.
        target.execute(
            text("SELECT setval(pg_get_serial_sequence(:table, :key), :last)"),
            {"table": table.name, "key": key.name, "last": last},
        )
    return number


def _storable(row: RowMapping) -> dict[str, Any]:
    """Return a row without NULs in its texts, which PostgreSQL does not take."""
    return {
        name: value.replace("\0", "") if isinstance(value, str) else value
        for name, value in row.items()
    }


def _last_key(source: Connection, key: Column[int]) -> int:
    """Return the last key of a table, also that of a deleted row if it must not come again."""
    largest = source.execute(select(func.max(key))).scalar()
    given = source.execute(
        text("SELECT seq FROM sqlite_sequence WHERE name = :table"), {"table": key.table.name}
    ).scalar()
    return max(largest or 0, given or 0)


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()
