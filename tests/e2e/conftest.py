"""Provide the harnesses of the e2e tests."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from app.bot_commands import publish_commands
from data import database
from data.lifespan import upgrade
from misc.ui.texts import load_texts
from simulator.samples import SampleStore
from simulator.sites.proxy import Authority
from tests.e2e.bot_harness import BotHarness, BothDatabases
from tests.e2e.browser_harness import BrowserHarness, open_browser, show_page
from tests.e2e.inline_harness import InlineHarness
from tests.e2e.lasting_workers import LentExecutor, end_workers
from tests.fakes import FakeTelegram


@pytest.fixture(autouse=True, scope="session")
def _ended_workers() -> Iterator[None]:
    yield
    end_workers()


@pytest.fixture(autouse=True)
def _lasting_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the worker processes for media files go from test to test."""
    monkeypatch.setattr("media.worker_pool.ProcessPoolExecutor", LentExecutor)


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a new database in which the command lists are published, which takes 24 calls."""
    path = tmp_path_factory.mktemp("new") / "bot.db"

    async def create() -> None:
        database.initialize_database_components(f"sqlite:///{path}")
        await upgrade()
        await publish_commands(FakeTelegram().bot, load_texts(), frozenset(), frozenset())
        await database.close()

    asyncio.run(create())
    return path


@pytest.fixture
async def harness(
    request: pytest.FixtureRequest,
    samples: SampleStore,
    authority: Authority,
    new_database: Path,
    tmp_path: Path,
) -> AsyncIterator[BotHarness]:
    """Yield a harness whose bot is not started; fail if the bot made a careless API call."""
    updates = getattr(request, "param", "poll")
    harness = BotHarness(tmp_path, samples, authority, updates)
    harness.new_database = new_database
    try:
        await harness.simulator.start()
        yield harness
    finally:
        await harness.close()
    assert harness.api.methods.violations == []


@pytest.fixture
async def both_databases(
    harness: BotHarness, authority: Authority, new_postgres: str, tmp_path: Path
) -> AsyncIterator[BothDatabases]:
    """Yield two harnesses that run at the same time, for SQLite and for PostgreSQL."""
    other = BotHarness(tmp_path / "other", harness.samples, authority)
    try:
        await other.simulator.start()
        yield (harness, f"sqlite:///{tmp_path / 'killed.db'}"), (other, new_postgres)
    finally:
        await other.close()
    assert other.api.methods.violations == []


@pytest.fixture
async def inline(harness: BotHarness) -> InlineHarness:
    """Return a harness with a storage channel and a group that the bot is not a member of."""
    return InlineHarness(harness)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Yield the browser that all tests of this process share; each window has its own context."""
    async with open_browser() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def browser_harness(
    browser: Browser,
    samples: SampleStore,
    authority: Authority,
    new_database: Path,
    tmp_path: Path,
) -> AsyncIterator[BrowserHarness]:
    """Yield the bot, the chat page and a browser."""
    harness = BotHarness(tmp_path, samples, authority)
    harness.new_database = new_database
    async with show_page(harness, browser) as browser_harness:
        yield browser_harness
