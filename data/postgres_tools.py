"""Backups of a PostgreSQL database by its own tools, where they are installed."""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from sqlalchemy.engine import URL, make_url

from core.errors import StorageError, WrongFileError
from data.backup import DUMP_MAGIC, refuse_newer
from data.new_file import new_file
from data.url_checks import OF_LIBPQ

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
        WrongFileError: the dump is damaged, is none of Clipferry, or a newer version has made it.
        StorageError: pg_restore is not installed or fails.
    """
    tool = _find("pg_restore")
    refuse_newer(source, _schema_of(tool, source))
    options = ("--clean", "--if-exists", "--no-owner", "--single-transaction")
    with _connection(db_url) as connection:
        try:
            _run(tool, *options, str(source), connection=connection)
        except StorageError:
            _read(tool, source, f"--file={os.devnull}")  # the whole dump: is it the reason?
            raise


def _schema_of(tool: str, source: Path) -> str | None:
    """Return the version of a dump's schema; None if it does not have one.

    Raises:
        WrongFileError: it is no dump of Clipferry, or cannot be read.
    """
    text = _read(tool, source, "--data-only", "--table=alembic_version", "--file=-")
    found = re.search(r"^COPY .*alembic_version .*\n(\w+)$", text, re.MULTILINE)
    if found is None:
        raise WrongFileError(f"{source} is no backup of Clipferry: it has no alembic_version")
    return found[1]


def _read(tool: str, source: Path, *options: str) -> str:
    """Read a dump with pg_restore, which needs no database for that, and return what it prints.

    Raises:
        WrongFileError: it cannot be read: it is damaged, or a newer pg_dump has made it.
        StorageError: the tool cannot run.
    """
    code, output, errors = _call([tool, *options, str(source)])
    if code:
        raise WrongFileError(f"cannot read {source}: {_failure(tool, errors)}")
    return output


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
    connection: _Connection,
    must_end: threading.Event | None = None,
) -> None:
    """Run a tool with a database.

    Raises:
        StorageError: it cannot run, has failed, or was ended because `must_end` was set.
    """
    command = [tool, f"--dbname={connection.url}", *arguments]
    code, _, errors = _call(command, [connection.passwords], must_end)
    if code:
        raise StorageError(_failure(tool, errors))


def _call(
    command: list[str],
    descriptors: Sequence[int] = (),
    must_end: threading.Event | None = None,
) -> tuple[int, str, str]:
    """Call a tool, which inherits the descriptors; return its exit code, its output and its errors.

    Raises:
        StorageError: it cannot run.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the tool was found on PATH, no shell is used
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            pass_fds=descriptors,
        )
    except OSError as error:
        raise StorageError(f"cannot run {command[0]}: {error.strerror}") from error
    with process:
        output, errors = _output(process, must_end or threading.Event())
    return process.returncode, output, errors


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


def _failure(tool: str, errors: str) -> str:
    """Return what a tool says is wrong: its first line, and the details of that.

    The connection, without its password, may be in it.
    """
    first, *others = errors.strip().splitlines() or ["it does not say why"]
    details = [line.partition("detail: ")[2] for line in others if "detail: " in line]
    return f"{Path(tool).name} has failed: {'; '.join([first, *details[:1]])}"


@contextmanager
def _connection(db_url: str) -> Iterator[_Connection]:
    """Yield the connection. The password is in a file: everybody sees a process's arguments.

    The file has no name, so that nothing of it is left, however this process ends.
    Source: https://www.postgresql.org/docs/current/libpq-pgpass.html
    """
    url = make_url(db_url)
    query = {name: value for name, value in url.query.items() if name in OF_LIBPQ}
    if mode := url.query.get("sslmode", url.query.get("ssl")):  # asyncpg's name
        query["sslmode"] = str(mode).replace("_", "-")
    with TemporaryFile("w") as passwords:
        password = (str(url.password) if url.password else "").replace("\\", "\\\\")
        passwords.write("*:*:*:*:" + password.replace(":", "\\:") + "\n")
        passwords.flush()
        query["passfile"] = f"/dev/fd/{passwords.fileno()}"
        # Built anew, because `URL.set` keeps a password that is to become None.
        place = (url.host, url.port, url.database or str(url.query.get("database", "")))
        new = URL.create("postgresql", url.username, None, *place, query)
        yield _Connection(new.render_as_string(), passwords.fileno())
