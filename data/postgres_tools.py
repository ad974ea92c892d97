"""Backups of a PostgreSQL database by its own tools, where they are installed."""

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from sqlalchemy.engine import URL, make_url

from core.errors import StorageError, WrongFileError
from data.backup import DUMP_MAGIC, refuse_newer
from data.new_file import new_file

#: Interval at which it is checked whether a tool that runs shall end, in seconds.
_CHECK_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class _Connection:
    """How a tool reaches a database."""

    #: For libpq, without the password.
    url: str
    #: Descriptor of the file with the password, which the tool inherits.
    passwords: int


def is_dump(file: Path) -> bool:
    """Return True if a file is a dump of pg_dump in its custom format."""
    try:
        with file.open("rb") as opened:
            return opened.read(len(DUMP_MAGIC)) == DUMP_MAGIC
    except OSError:
        return False


def dump(db_url: str, target: Path, must_end: threading.Event | None = None) -> None:
    """Write a consistent copy of a database, in use or not, to a new file.

    Raises:
        StorageError: pg_dump is not installed or fails, the target exists, or `must_end` was set,
            which ends pg_dump.
    """
    tool = _find("pg_dump")
    with new_file(target) as unfinished, _connection(db_url) as connection:
        options = (f"--file={unfinished}", "--format=custom", "--no-owner")
        _run(tool, *options, connection=connection, must_end=must_end)


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
        _run(tool, *options, str(source), connection=connection)


def _schema_of(tool: str, source: Path) -> str | None:
    """Return the version of a dump's schema; None if it does not have one.

    Raises:
        WrongFileError: it is no dump of Clipferry.
        StorageError: the tool fails, for example because the dump is damaged.
    """
    text = _run(tool, "--data-only", "--table=alembic_version", "--file=-", str(source))
    found = re.search(r"^COPY .*alembic_version .*\n(\w+)$", text, re.MULTILINE)
    if found is None:
        raise WrongFileError(f"{source} is no backup of Clipferry: it has no alembic_version")
    return found[1]


def _find(tool: str) -> str:
    path = shutil.which(tool)
    if path is None:
        raise StorageError(
            f"{tool} is not installed: it comes with PostgreSQL's client programs; "
            "docs/operating/database.md shows how to use those of the server"
        )
    return path


def _run(
    tool: str,
    *arguments: str,
    connection: _Connection | None = None,
    must_end: threading.Event | None = None,
) -> str:
    """Run a tool and return what it prints.

    Raises:
        StorageError: it has failed, or was ended because `must_end` was set.
    """
    database = [f"--dbname={connection.url}"] if connection else []
    process = subprocess.Popen(  # noqa: S603 - the tool was found on PATH, no shell is used
        [tool, *database, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        pass_fds=[connection.passwords] if connection else [],
    )
    with process:
        output, errors = _output(process, must_end or threading.Event())
    if process.returncode:
        raise StorageError(f"{Path(tool).name} has failed: {_reason(errors)}")
    return output


def _output(process: subprocess.Popen[str], must_end: threading.Event) -> tuple[str, str]:
    """Wait for a tool, and return its output and its errors."""
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                return process.communicate(timeout=_CHECK_S)
            if must_end.is_set():
                process.terminate()
    except BaseException:  # interrupted: the tool must not outlive the program
        process.kill()
        raise


def _reason(errors: str) -> str:
    """Return what a tool says is wrong: its first line, and the details of that.

    The connection, without its password, may be in it.
    """
    first, *others = errors.strip().splitlines() or ["it does not say why"]
    details = [line.partition("detail: ")[2] for line in others if "detail: " in line]
    return "; ".join([first, *details[:1]])


@contextmanager
def _connection(db_url: str) -> Iterator[_Connection]:
    """Yield the connection. The password is in a file: everybody sees a process's arguments.

    The file has no name, so that nothing of it is left, however this process ends.
    Source: https://www.postgresql.org/docs/current/libpq-pgpass.html
    """
    url = make_url(db_url)
    query = dict(url.query)
    if "ssl" in query:  # asyncpg's name
        query["sslmode"] = query.pop("ssl")
    with TemporaryFile("w") as passwords:
        password = (str(url.password) if url.password else "").replace("\\", "\\\\")
        passwords.write("*:*:*:*:" + password.replace(":", "\\:") + "\n")
        passwords.flush()
        query["passfile"] = f"/dev/fd/{passwords.fileno()}"
        # Built anew, because `URL.set` keeps a password that is to become None.
        place = (url.host, url.port, url.database)
        new = URL.create("postgresql", url.username, None, *place, query)
        yield _Connection(new.render_as_string(), passwords.fileno())
