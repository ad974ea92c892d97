"""Backups of a PostgreSQL database by its own tools, where they are installed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from sqlalchemy.engine import URL, make_url

from core.errors import StorageError

#: First bytes of a file in pg_dump's custom format.
_MAGIC: Final = b"PGDMP"


def is_dump(file: Path) -> bool:
    """Return True if a file is a dump of pg_dump in its custom format."""
    try:
        with file.open("rb") as opened:
            return opened.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def dump(db_url: str, target: Path) -> None:
    """Write a consistent copy of a database, in use or not, to a new file.

    Raises:
        StorageError: pg_dump is not installed or fails, or the target exists.
    """
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise StorageError(f"cannot create {target}: {error.strerror}") from error
    try:
        _run(db_url, "pg_dump", "--format=custom", "--no-owner", f"--file={target}")
    except StorageError:
        target.unlink()
        raise


def load(source: Path, db_url: str) -> None:
    """Replace the tables of a database by those of a dump, all or none of them.

    Raises:
        StorageError: pg_restore is not installed or fails.
    """
    options = ("--clean", "--if-exists", "--no-owner", "--single-transaction")
    _run(db_url, "pg_restore", *options, str(source))


def _run(db_url: str, tool: str, *options: str) -> None:
    path = shutil.which(tool)
    if path is None:
        raise StorageError(f"{tool} is not installed: it comes with PostgreSQL's client programs")
    with _connection(db_url) as connection:
        done = subprocess.run(  # noqa: S603 - the tool is found on PATH, no shell is used
            [path, f"--dbname={connection}", *options], capture_output=True, text=True, check=False
        )
    if done.returncode:
        # The first line says what is wrong; the connection, without its password, may be in it.
        reason = done.stderr.strip().partition("\n")[0]
        raise StorageError(f"{tool} has failed: {reason}")


@contextmanager
def _connection(db_url: str) -> Iterator[str]:
    """Yield the URL for libpq. The password is in a file: everybody sees a process's arguments.

    Source: https://www.postgresql.org/docs/current/libpq-pgpass.html
    """
    url = make_url(db_url)
    query = dict(url.query)
    if "ssl" in query:  # asyncpg's name
        query["sslmode"] = query.pop("ssl")
    with TemporaryDirectory() as folder:
        password_file = Path(folder) / "pgpass"
        password = (str(url.password) if url.password else "").replace("\\", "\\\\")
        password_file.touch(0o600)
        password_file.write_text("*:*:*:*:" + password.replace(":", "\\:") + "\n")
        query["passfile"] = str(password_file)
        # Built anew, because `URL.set` keeps a password that is to become None.
        place = (url.host, url.port, url.database)
        yield URL.create("postgresql", url.username, None, *place, query).render_as_string()
