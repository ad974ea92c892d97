"""A database that does not answer: people get their answers all the same, and nothing twice."""

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from data import database
from data.models import Requests
from simulator.telegram.world import Json
from tests.e2e.bot_harness import ID, PATIENCE_S, VIDEO, BotHarness
from tests.postgres import running_postgres, signal_server
from tests.readyz import ask_readyz

#: The longest time for an answer; without limits it would not come before its end.
SOON_S = 60.0
#: The same for /readyz, which takes two at most (tests/app/test_health_server.py).
READYZ_S = 10.0
NEW = "7300000000000000777"


async def until_ready(port: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await ask_readyz(port))[0] != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.2)


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[None]:
    """Hold the write lock of an SQLite database, as a careless tool does."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@pytest.fixture
def own_postgres() -> Iterator[tuple[str, int]]:
    """Start a PostgreSQL server of this test's own; yield its URL and its process id."""
    with running_postgres() as server:
        pid = server.get_pid()
        assert pid
        try:
            yield server.get_uri(), pid
        finally:
            signal_server(pid, signal.SIGCONT)


async def open_requests() -> int:
    query = select(func.count()).select_from(Requests).where(Requests.finished_at.is_(None))
    return (await database.read(lambda db: db.execute(query).scalar())) or 0


async def answered_soon(harness: BotHarness, number: int) -> None:
    async with asyncio.timeout(SOON_S):
        while len(harness.videos()) < number:
            await harness.world.changed(0.1)


async def readyz_says_why(port: int) -> None:
    async with asyncio.timeout(READYZ_S):
        status, text = await ask_readyz(port)
    assert (status, "database" in text) == (503, True)


async def settings_menu(harness: BotHarness) -> Json:
    await harness.say("/settings")
    return harness.answers()[-1]


async def others_are_answered_soon(harness: BotHarness, menu: Json) -> None:
    """Send an unknown link, /start of a newcomer and a press; wait for their answers."""
    world, bo = harness.world, harness.world.person(1002, "Bo")
    number = len(harness.videos())
    world.say(harness.ada, VIDEO.replace(ID, NEW))
    world.say(bo, "/start")
    button = menu["reply_markup"]["inline_keyboard"][0][0]
    query_id = world.press(harness.ada, menu, button["callback_data"])
    await answered_soon(harness, number + 1)
    async with asyncio.timeout(SOON_S):
        while not (harness.answers(world.chats[bo.id]) and query_id in world.query_answers):
            await world.changed(0.1)


@pytest.mark.long
async def test_a_locked_sqlite_database_delays_nobody(harness: BotHarness, unused_tcp_port: int):
    harness.video()
    harness.video(NEW)
    await harness.start(WATCH_PORT=str(unused_tcp_port), RUN_LEASE_S="4")
    await harness.say(VIDEO)
    menu = await settings_menu(harness)
    async with locked(harness.folder / "bot.db"):
        for number in range(2, 5):
            harness.world.say(harness.ada, VIDEO)
            await answered_soon(harness, number)
        await readyz_says_why(unused_tcp_port)
        await others_are_answered_soon(harness, menu)
    await until_ready(unused_tcp_port)
    await harness.say(VIDEO)
    await harness.stop()
    # What was answered from memory is not answered again by the next start.
    await harness.start()
    await harness.settled()
    assert await open_requests() == 0
    assert len(harness.videos()) == 6


@pytest.mark.long
async def test_a_frozen_postgresql_server_delays_nobody(
    harness: BotHarness, own_postgres: tuple[str, int], unused_tcp_port: int
):
    url, pid = own_postgres
    harness.video()
    harness.video(NEW)
    await harness.start(DATABASE_URL=url, WATCH_PORT=str(unused_tcp_port), RUN_LEASE_S="4")
    await harness.say(VIDEO)
    menu = await settings_menu(harness)
    signal_server(pid, signal.SIGSTOP)
    for number in range(2, 5):
        harness.world.say(harness.ada, VIDEO)
        await answered_soon(harness, number)
    await readyz_says_why(unused_tcp_port)
    await others_are_answered_soon(harness, menu)
    signal_server(pid, signal.SIGCONT)
    await until_ready(unused_tcp_port)
    await harness.say(VIDEO)
    assert len(harness.videos()) == 6
    await harness.stop()
    await harness.start(DATABASE_URL=url)
    await harness.settled()
    assert await open_requests() == 0
    assert len(harness.videos()) == 6
