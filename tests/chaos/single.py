"""Disturbances of one process, and of two that know nothing of each other."""

import asyncio
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import aiohttp

from app.polling import End
from data.config import ROOT
from simulator.telegram.api import BotApi, Call, FaultRule
from simulator.telegram.world import Json
from tests.chaos.postgres import Postgres
from tests.chaos.stage import Stage, Supervisor, chaos_s, shifted_clock
from tests.ports import free_port

#: Downloads in the history of the database that is upgraded: they are counted after the migrations.
_DOWNLOADS: Final = 300_000
#: Two instances with one token find out about each other by a few conflicts, soon after the start.
_MOST_CONFLICTS: Final = 3
_QUIET_S: Final = 60
_HISTORY: Final = f"""
    DELETE FROM notes WHERE name = 'rollups';
    INSERT INTO videos (user_id, downloaded_at, video_link, is_images, is_processed, is_inline)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {_DOWNLOADS})
        SELECT 42, 1700000000 + i * 60, 'https://www.tiktok.com/@a/video/' || i, 0, 0, 0 FROM n;
"""


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
        async with stage.asking(0.3):
            for number in range(15):
                await asyncio.sleep(random.uniform(0.3, 2.5))
                polls = stage.simulator.api.polls
                bot.signal(signal.SIGKILL)
                # Only every third one is killed while it starts.
                while number % 3 and stage.simulator.api.polls == polls:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)

    bot = await _with_bot(stage, disturb)
    return f"{len(bot.exits) - 1} kills"


async def restart(stage: Stage) -> str:
    """SIGTERM at random moments."""

    async def disturb(bot: Supervisor) -> None:
        for _ in range(8):
            await stage.keep_asking(random.uniform(0.5, 3))
            bot.signal(signal.SIGTERM)

    bot = await _with_bot(stage, disturb)
    return f"{len(bot.exits) - 1} restarts, exit codes {sorted(set(bot.exits))}"


async def freeze(stage: Stage) -> str:
    """SIGSTOP for longer than the lease."""

    async def disturb(bot: Supervisor) -> None:
        for _ in range(3):
            await stage.keep_asking(2)
            bot.signal(signal.SIGSTOP)
            await stage.keep_asking(8)
            bot.signal(signal.SIGCONT)

    await _with_bot(stage, disturb)
    return "3 x 8 s"


async def cut(stage: Stage) -> str:
    """Connections to Telegram are cut, before or after the call was carried out."""

    async def disturb(_bot: Supervisor) -> None:
        for kind in ("cut", "lost", "500", "429"):
            stage.simulator.api.faults.append(FaultRule("*", kind, times=15, seconds=1))
            await stage.keep_asking(5)

    await _with_bot(stage, disturb)
    return "60 faults"


async def lock(stage: Stage) -> str:
    """Another program holds the write lock of the SQLite database."""

    async def disturb(_bot: Supervisor) -> None:
        await stage.keep_asking(2)
        other = sqlite3.connect(stage.folder / "bot.db", isolation_level=None, timeout=30)
        other.execute("BEGIN IMMEDIATE")
        await stage.keep_asking(15)
        other.execute("ROLLBACK")
        other.close()
        await stage.keep_asking(3)

    await _with_bot(stage, disturb)
    return "15 s"


async def postgres(stage: Stage) -> str:
    """The PostgreSQL server is frozen, and ends all connections once."""
    with Postgres() as server:

        async def disturb(_bot: Supervisor) -> None:
            await stage.keep_asking(2)
            server.freeze()
            await stage.keep_asking(20)
            server.thaw()
            await stage.keep_asking(3)
            await server.cut_connections()
            await stage.keep_asking(3)

        await _with_bot(stage, disturb, DATABASE_URL=server.url)
    return "frozen for 20 s, all connections ended once"


async def postgres_restart(stage: Stage) -> str:
    """The PostgreSQL server is stopped for a while, and starts again."""
    with Postgres() as server:

        async def disturb(_bot: Supervisor) -> None:
            for _ in range(2):
                await stage.keep_asking(3)
                await server.stop()
                await stage.keep_asking(8)
                await server.start()
            await stage.keep_asking(3)

        await _with_bot(stage, disturb, DATABASE_URL=server.url)
    return "stopped twice for 8 s"


async def upgrade(stage: Stage) -> str:
    """A large old database is upgraded, with kill -9 in between, while people ask."""
    source = sqlite3.connect(stage.folder / "bot.db")
    source.executescript((ROOT / "tests/compatibility/database.sql").read_text())
    source.executescript(_HISTORY)
    stage.ask(5)
    bot = Supervisor("bot", stage.folder / "bot", stage.environment())
    await bot.start()
    found: Counter[str] = Counter()
    for number in range(12):
        await stage.keep_asking(0.8 + number * 0.25)
        bot.signal(signal.SIGKILL)
        found[str(source.execute("SELECT version_num FROM alembic_version").fetchone()[0])] += 1
    source.close()
    await stage.keep_asking(2)
    await stage.settle()
    await bot.stop()
    kills = ", ".join(f"{times} at version {version}" for version, times in found.items())
    return f"{_DOWNLOADS} downloads in it; kills: {kills}"


async def maintenance(stage: Stage) -> str:
    """The bot makes way for maintenance mode and comes back, twice, while people ask."""
    stage.has_notices = True

    async def disturb(bot: Supervisor) -> None:
        for command in ("maintenance", "run") * 2:
            await stage.keep_asking(4)
            bot.command = command
            bot.signal(signal.SIGTERM)
            async with stage.asking(0.3):
                await bot.restarted()
        await stage.keep_asking(4)

    await _with_bot(stage, disturb)
    return f"twice; {stage.told_to_come_back()} got the notice"


async def inline(stage: Stage) -> str:
    """kill -9 while inline messages, albums and sounds are on their way."""

    async def disturb(bot: Supervisor) -> None:
        await stage.keep_asking(6)
        for _ in range(10):
            for _ in range(6):
                stage.ask_inline()
                stage.ask_album()
                stage.ask_sound()
                await asyncio.sleep(random.uniform(0.1, 0.5))
            polls = stage.simulator.api.polls
            bot.signal(signal.SIGKILL)
            while stage.simulator.api.polls == polls:  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.1)

    bot = await _with_bot(stage, disturb)
    return f"{len(bot.exits) - 1} kills, {stage.kinds()}"


async def clock(stage: Stage) -> str:
    """The system clock jumps an hour ahead, back by two, and is set right again."""
    offset = stage.folder / "offset"
    jumping = shifted_clock(offset, 0)

    async def disturb(_bot: Supervisor) -> None:
        for seconds in (0, 3_600, -3_600, 0):
            offset.write_text(str(seconds))
            await stage.keep_asking(5)

    await _with_bot(stage, disturb, **jumping)
    return "+1 h, -2 h, +1 h"


async def supergroups(stage: Stage) -> str:
    """Groups become supergroups while their links are being worked on."""

    async def disturb(_bot: Supervisor) -> None:
        for number in range(12):
            stage.ask_in_group(number)
            await stage.keep_asking(random.uniform(0.0, 0.6), 0.1)
            stage.migrate(number)
            await stage.keep_asking(0.5)

    await _with_bot(stage, disturb)
    return "12 groups"


async def sounds(stage: Stage) -> str:
    """kill -9 while the sounds of delivered videos are asked for by their buttons."""

    async def disturb(bot: Supervisor) -> None:
        await stage.keep_asking(8)
        for _ in range(6):
            for _ in range(6):
                stage.ask_sound()
                await asyncio.sleep(random.uniform(0.05, 0.3))
            bot.signal(signal.SIGKILL)
            await asyncio.sleep(2)

    await _with_bot(stage, disturb)
    return "6 kills"


async def disk(stage: Stage) -> str:
    """The disk for downloads is small, and full for a while."""
    spool = stage.folder / "small"
    spool.mkdir()
    if await _run("mount", "-t", "tmpfs", "-o", "size=150m", "tmpfs", str(spool)):
        return "skipped: no right to mount a file system"

    async def disturb(_bot: Supervisor) -> None:
        await stage.keep_asking(3)
        filler = spool / "filler"
        filler.write_bytes(bytes(140_000_000))
        await stage.keep_asking(15)
        filler.unlink()
        await stage.keep_asking(3)

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


class _Conflicts:
    """The calls of getUpdates that were answered 409, by their monotonic times."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def called(self, call: Call, _answer: Json | None) -> None:
        """Take note of a call."""
        if call.method == "getUpdates" and call.status == 409:
            self.at.append(call.at + call.seconds)

    def delivered(self, _update: Json) -> None:
        """There is no webhook."""


async def two(stage: Stage) -> str:
    """Two instances with the same token and their own databases, each under a supervisor."""
    ports = {name: free_port() for name in ("one", "two")}
    bots = [
        Supervisor(
            name,
            stage.folder / name,
            stage.environment(
                DATABASE_URL=f"sqlite:///{stage.folder / f'{name}.db'}", WATCH_PORT=str(port)
            ),
        )
        for name, port in ports.items()
    ]
    conflicts = _Conflicts()
    BotApi.watchers.append(conflicts)
    try:
        for bot in bots:
            await bot.start()
            await asyncio.sleep(3)
        for _ in range(36):
            stage.ask(1)
            await asyncio.sleep(chaos_s() / 36)
        await stage.settle()
        ended = time.monotonic()
        readiness = {name: await _readiness(port) for name, port in ports.items()}
        exits = {bot.name: list(bot.exits) for bot in bots}
    finally:
        BotApi.watchers.remove(conflicts)
        for bot in bots:
            await bot.stop()
    quiet_s = min(_QUIET_S, chaos_s() / 2)
    late = sum(at > ended - quiet_s for at in conflicts.at)
    stage.failures += not_one_poller(len(conflicts.at), late, readiness)
    return f"{len(conflicts.at)} conflicts; exits: {exits}"


async def _readiness(port: int) -> tuple[int, str]:
    """Return status and text of /readyz; status 0 without an answer."""
    url, limit = f"http://127.0.0.1:{port}/readyz", aiohttp.ClientTimeout(20)
    try:
        async with aiohttp.ClientSession(timeout=limit) as session, session.get(url) as response:
            return response.status, (await response.text()).strip()
    except (aiohttp.ClientError, TimeoutError) as error:
        return 0, repr(error)


def not_one_poller(
    conflicts: int, late: int, readiness: Mapping[str, tuple[int, str]]
) -> Sequence[str]:
    """Return what speaks against one of two instances polling, and the other one saying why not.

    `conflicts` are the calls of getUpdates that were answered 409, `late` those of the last minute.
    """
    found = []
    if conflicts > _MOST_CONFLICTS:
        found.append(f"{conflicts} calls of getUpdates were answered 409")
    if late:
        found.append(f"{late} of them at the end")
    (status, _), (other_status, reason) = sorted(readiness.values())
    if (status, other_status) != (200, 503) or End.CONFLICT.value not in reason:
        found.append(f"/readyz: {dict(readiness)}")
    return found
