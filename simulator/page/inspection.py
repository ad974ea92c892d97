"""What can be seen of the bot from outside: its processes, their metrics, and its database."""

import asyncio
import json
import os
import re
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

from simulator.telegram.world import Json

_METRICS_S: Final = aiohttp.ClientTimeout(total=1)
_SAMPLE: Final = re.compile(r"^(\w+)(?:\{([^}]*)\})? (\S+)$", re.MULTILINE)
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')
#: The newest requests of a chat. The message that a request answers is in its JSON, and so is the
#: id of its post, by which the post's rows are found.
_NEWEST: Final = "SELECT * FROM requests WHERE chat_id = {chat} ORDER BY id DESC LIMIT 50"
_CACHED: Final = "SELECT * FROM cached_posts ORDER BY used_at DESC LIMIT 50"
_FLIGHTS: Final = "SELECT * FROM flights LIMIT 50"
_HELD: Final = (
    "SELECT id, owner FROM requests WHERE finished_at IS NULL AND owner IS NOT NULL "
    "ORDER BY id LIMIT 50"
)
#: The jobs of the job queue, which only a fleet has.
_JOBS: Final = (
    "SELECT id, status, priority, attempts, args FROM procrastinate_jobs "
    "WHERE args->'rows' @> to_jsonb({row}::bigint)"
)


@dataclass(frozen=True, slots=True)
class BotProcess:
    """A process of the bot."""

    name: str
    #: See the setting [run] roles.
    roles: str
    #: None while it does not run.
    pid: int | None
    #: Port of its metrics on loopback; 0 for none.
    metrics_port: int = 0


async def _nothing_to_kill(name: str) -> None:
    raise ValueError(f"no process {name}")


@dataclass(slots=True)
class BotSwitch:
    """The page's control over the bot's processes, and its view of them."""

    crash: Callable[[], Awaitable[None]]
    is_running: Callable[[], bool]
    processes: Callable[[], Sequence[BotProcess]] = list
    #: Kills the process with this name, and starts it again a little later.
    kill: Callable[[str], Awaitable[None]] = _nothing_to_kill
    #: URL of the bot's database; empty if it is not to be shown.
    database: str = ""
    #: User ids of the bot's administrators.
    admins: frozenset[int] = field(default_factory=frozenset)


async def vitals(switch: BotSwitch, chat: int, message: int = 0) -> Json:
    """Return what the bot's processes do now, and the database's rows of a chat's newest request.

    With `message`, that is the newest one that answers this message.

    Each process has its CPU time, and that of its children, in seconds since its start; a
    difference of two answers is a share. `left` are requests of processes that are gone.
    """
    database = _Database(switch.database)
    processes = await asyncio.gather(*(_process(one) for one in switch.processes()))
    rows, held = await database.rows(chat, message), await database.held()
    for process in processes:
        process["requests"] = [row["id"] for row in held if row["owner"] == process["worker"]]
    alive = {process["worker"] for process in processes}
    left = [row["id"] for row in held if row["owner"] not in alive]
    return {"at": time.monotonic(), "processes": processes, "left": left, "rows": rows}


async def _process(process: BotProcess) -> Json:
    metrics = await _metrics(process.metrics_port) if process.pid else []
    family = _family(process.pid) if process.pid else []
    requests = {labels["state"]: int(n) for labels, n in _named(metrics, "clipferry_requests_now")}
    return {
        "name": process.name,
        "roles": process.roles,
        "pid": process.pid,
        "cpu_s": sum(cpu_s for _, cpu_s in family[:1]),
        "children": [{"pid": pid, "cpu_s": cpu_s} for pid, cpu_s in family[1:]],
        "running": requests.get("running"),
        "waiting": requests.get("waiting"),
        "paused": [labels["way"] for labels, _ in _named(metrics, "clipferry_way_resting")],
        "worker": next((one["name"] for one, _ in _named(metrics, "clipferry_worker_info")), ""),
    }


# --- metrics ----------------------------------------------------------------------------------


async def _metrics(port: int) -> list[tuple[str, dict[str, str], float]]:
    """Return the samples of a process's metrics; none if it does not answer."""
    if not port:
        return []
    try:
        async with (
            aiohttp.ClientSession(timeout=_METRICS_S) as session,
            session.get(f"http://127.0.0.1:{port}/metrics") as response,
        ):
            text = await response.text()
    except (aiohttp.ClientError, TimeoutError):
        return []
    return [
        (name, dict(_LABEL.findall(labels)), float(number))
        for name, labels, number in _SAMPLE.findall(text)
    ]


def _named(
    samples: list[tuple[str, dict[str, str], float]], name: str
) -> list[tuple[dict[str, str], float]]:
    return [(labels, number) for one, labels, number in samples if one == name]


# --- processes --------------------------------------------------------------------------------


def _family(pid: int) -> list[tuple[int, float]]:
    """Return a process and its descendants with their CPU time in seconds, as Linux counts it.

    Source: proc_pid_stat(5). Elsewhere there is nothing to read, and the list is empty.
    """
    found: dict[int, tuple[int, float]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has exited meanwhile
            continue
        ticks = int(fields[11]) + int(fields[12])
        found[int(path.parent.name)] = int(fields[1]), ticks / os.sysconf("SC_CLK_TCK")
    if pid not in found:
        return []
    family = [pid]
    for member in family:
        family += sorted(child for child, (parent, _) in found.items() if parent == member)
    return [(member, found[member][1]) for member in family]


# --- the database -----------------------------------------------------------------------------


class _Database:
    """The bot's database, read only."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def rows(self, chat: int, message: int) -> dict[str, list[Json]]:
        """Return the rows of the newest request of a chat, or of its message, by table."""
        requests = await self._select(_NEWEST.format(chat=int(chat)))
        requests = [row for row in requests if message in {0, _answered(row)}][:1]
        if not requests:
            return {}
        what, tables = str(requests[0]["what"]), {"requests": requests}
        for table, query in (("cached_posts", _CACHED), ("flights", _FLIGHTS)):
            tables[table] = [
                row for row in await self._select(query) if str(row["post_id"]) in what
            ]
        if not self._is_sqlite:
            query = _JOBS.format(row=int(requests[0]["id"]))
            tables["procrastinate_jobs"] = await self._select(query)
        return {table: rows for table, rows in tables.items() if rows}

    async def held(self) -> list[Json]:
        """Return the open requests that a process has, with the name of its lease."""
        return await self._select(_HELD)

    @property
    def _is_sqlite(self) -> bool:
        return self._url.startswith("sqlite:")

    async def _select(self, query: str) -> list[Json]:
        if not self._url:
            return []
        if self._is_sqlite:
            return await asyncio.to_thread(self._select_sqlite, query)
        return await self._select_postgres(query)

    def _select_sqlite(self, query: str) -> list[Json]:
        path = self._url.removeprefix("sqlite:///")
        try:
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)
        except sqlite3.OperationalError:  # not created yet
            return []
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(query)]
        except sqlite3.OperationalError:  # a table that is not created yet
            return []
        finally:
            connection.close()

    async def _select_postgres(self, query: str) -> list[Json]:
        import asyncpg  # only for a fleet

        try:
            connection = await asyncpg.connect(self._url, timeout=1)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return []
        try:
            return [_plain(row) for row in await connection.fetch(query)]
        except asyncpg.PostgresError:
            return []
        finally:
            await connection.close()


def _answered(request: Json) -> Any:
    """Return the id of the message that a row's request answers."""
    return json.loads(request["what"]).get("message_id")


def _plain(row: Any) -> Json:
    kept = (int, str, type(None))
    return {key: value if isinstance(value, kept) else str(value) for key, value in row.items()}
