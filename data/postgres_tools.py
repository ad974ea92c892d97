"""Backups of a PostgreSQL database by its own tools, where they are installed."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.engine import URL, make_url

from core.errors import StorageError
from data.backup import DUMP_MAGIC, refuse_newer
from data.new_file import new_file


def is_dump(file: Path) -> bool:
    """Return True if a file is a dump of pg_dump in its custom format."""
    try:
        with file.open("rb") as opened:
            return opened.read(len(DUMP_MAGIC)) == DUMP_MAGIC
    except OSError:
        return False


def dump(db_url: str, target: Path) -> None:
    """Write a consistent copy of a database, in use or not, to a new file.

    Raises:
        StorageError: pg_dump is not installed or fails, or the target exists.
    """
    tool = _find("pg_dump")
    with new_file(target) as unfinished, _connection(db_url) as connection:
        to_file = (f"--dbname={connection}", f"--file={unfinished}")
        _run(tool, *to_file, "--format=custom", "--no-owner")


def load(source: Path, db_url: str) -> None:
    """Replace the tables of a database by those of a dump, all or none of them.

    Raises:
        NewerDatabaseError: a newer version of Clipferry has made the dump.
        StorageError: pg_restore is not installed or fails.
    """
    tool = _find("pg_restore")
    refuse_newer(source, _schema_of(tool, source))
    options = ("--clean", "--if-exists", "--no-owner", "--single-transaction")
    with _connection(db_url) as connection:
        _run(tool, f"--dbname={connection}", *options, str(source))


def _schema_of(tool: str, source: Path) -> str | None:
    """Return the version of a dump's schema; None if it does not have one.

    Raises:
        StorageError: it is damaged, or no dump of Clipferry.
    """
    text = _run(tool, "--data-only", "--table=alembic_version", "--file=-", str(source))
    found = re.search(r"^COPY .*alembic_version .*\n(\w+)$", text, re.MULTILINE)
    if found is None:
        raise StorageError(f"{source} is no backup of Clipferry: it has no alembic_version")
    return found[1]


def _find(tool: str) -> str:
    path = shutil.which(tool)
    if path is None:
        raise StorageError(
            f"{tool} is not installed: it comes with PostgreSQL's client programs; "
            "docs/operating/database.md shows how to use those of the server"
        )
    return path


def _run(tool: str, *arguments: str) -> str:
    """Run a tool and return what it prints.

    Raises:
        StorageError: it has failed.
    """
    done = subprocess.run(  # noqa: S603 - the tool was found on PATH, no shell is used
        [tool, *arguments], capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        raise StorageError(f"{Path(tool).name} has failed: {_reason(done.stderr)}")
    return done.stdout


def _reason(errors: str) -> str:
    """Return what a tool says is wrong: its first line, and the details of that.

    The connection, without its password, may be in it.
    """
    first, *others = errors.strip().splitlines() or ["it does not say why"]
    details = [line.partition("detail: ")[2] for line in others if "detail: " in line]
    return "; ".join([first, *details[:1]])


@contextmanager
def _connection(db_url: str) -> Iterator[str]:
    """Yield the URL for libpq. The password is in a file: everybody sees a process's arguments.

    Source: https://www.postgresql.org/docs/current/libpq-pgpass.html

    Raises:
        StorageError: it is a database of SQLite that has no file.
    """
    url = make_url(db_url)
    if url.get_backend_name() not in {"postgres", "postgresql"}:
        raise StorageError("a database in memory has no backups")
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
