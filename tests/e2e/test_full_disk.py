"""Full and read-only disks: people are served as far as possible, and administrators told once."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.pool import Pool

from core.errors import StorageError
from data import database
from data.key_values import set_value
from data.models import Requests
from misc.ui.texts import load_texts
from platforms import DiskWaits
from tests.e2e.bot_harness import VIDEO, BotHarness
from tests.ports import free_port
from tests.readyz import ask_readyz

EN = load_texts()["en"]


async def test_a_full_disk_is_explained_and_reported_once(
    harness: BotHarness, monkeypatch: pytest.MonkeyPatch
):
    free = [0]

    def usage(_folder: Path) -> Any:
        return SimpleNamespace(free=free[0])

    monkeypatch.setattr("shutil.disk_usage", usage)
    post = harness.video()
    await harness.start(BOT_ADMINS="1001", NETWORK_BREAKER_FAILURES="1")
    assert harness.application
    container = harness.application.container
    container.spool.waits = DiskWaits(patience_s=0.1, check_s=0.02)
    bo = harness.world.person(1002, "Bo")
    for _ in range(2):
        await harness.say(VIDEO, bo)
    (first, second) = harness.answers(harness.world.chats[1002])[-2:]
    assert first["text"] == second["text"] == EN["disk_full"]
    assert first["reply_markup"]["inline_keyboard"]  # the retry button
    assert post.page_requests == 2  # the circuit breaker is closed
    assert container.fetcher.open_routes() == []
    for _ in range(2):
        await container.alarms.check_disk()
    alarm = EN["alarm_disk"].partition("{")[0]
    reports = [text for text in harness.texts() if text.startswith(alarm)]
    assert len(reports) == 1

    free[0] = 10**12
    container.spool.waits = DiskWaits(remembered_s=0.0)
    await harness.say(VIDEO, bo)
    assert len(harness.videos(harness.world.chats[1002])) == 1
    for _ in range(2):
        await container.alarms.check_disk()
    assert harness.texts().count(EN["alarm_disk_over"]) == 1


@contextmanager
def unwritable(*pragmas: str) -> Iterator[None]:
    """Let SQLite refuse to write, by settings of its own, on every connection in use."""
    (to_refuse, to_accept) = pragmas

    def refuse(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(to_refuse)

    def accept(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(to_accept)

    event.listen(Pool, "checkout", refuse)
    event.listen(Pool, "checkin", accept)
    try:
        yield
    finally:
        event.remove(Pool, "checkout", refuse)
        event.remove(Pool, "checkin", accept)


async def stored_requests() -> int:
    return await database.read(
        lambda db: db.execute(select(func.count()).select_from(Requests)).scalar_one()
    )


def database_alarms(harness: BotHarness) -> list[str]:
    """Return the alarms that the database cannot be written."""
    alarm = EN["alarm_database"].partition("{")[0]
    return [text for text in harness.texts() if text.startswith(alarm)]


async def test_a_database_that_cannot_be_written_is_reported_once_and_recovers(
    harness: BotHarness,
):
    harness.video()
    await harness.start(BOT_ADMINS="1001")
    assert harness.application
    alarms = harness.application.container.alarms
    await harness.say(VIDEO)
    stored = await stored_requests()
    with unwritable("PRAGMA query_only = 1", "PRAGMA query_only = 0"):
        bo = harness.world.person(1002, "Bo")
        for number in range(1, 4):
            await harness.say(VIDEO, bo)
            assert len(harness.videos(harness.world.chats[1002])) == number
            await alarms.check_database()
        (report,) = database_alarms(harness)
        assert "readonly" in report
        assert await stored_requests() == stored
    for _ in range(2):
        await alarms.check_database()
    assert harness.texts().count(EN["alarm_database_over"]) == 1
    await harness.say(VIDEO)
    assert await stored_requests() == stored + 1


async def test_a_full_database_disk_is_reported_and_delays_nobody(harness: BotHarness):
    """A page limit is what a full disk is to SQLite: whatever needs a new page is refused."""
    port = free_port()
    harness.video()
    await harness.start(BOT_ADMINS="1001", WATCH_PORT=str(port))
    assert harness.application
    alarms = harness.application.container.alarms
    await harness.say(VIDEO)
    assert await ask_readyz(port) == (200, "ready\n")
    with unwritable("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1073741823"):
        await fill()
        status, text = await ask_readyz(port)
        assert status == 503
        assert "database or disk is full" in text
        for _ in range(3):
            await alarms.check_database()
        (report,) = database_alarms(harness)
        assert "full" in report
        stored = await stored_requests()
        for number in range(2, 30):
            await harness.say(VIDEO)
            assert len(harness.videos()) == number
    assert await stored_requests() < stored + 28
    assert await ask_readyz(port) == (200, "ready\n")
    for _ in range(2):
        await alarms.check_database()
    assert harness.texts().count(EN["alarm_database_over"]) == 1
    assert len(database_alarms(harness)) == 1
    await harness.say(VIDEO)
    assert len(harness.videos()) == 30


async def fill() -> None:
    """Take all free pages of the database."""
    size = 2_000_000
    while size > 100:
        try:
            await set_value(f"filler {size}", "x" * size)
        except StorageError as error:
            assert "full" in error.detail  # noqa: PT017 - it may also be written
        size //= 2
