"""Provide the harnesses of the e2e tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from simulator.samples import SampleStore
from simulator.sites.proxy import Authority
from tests.e2e.bot_harness import BotHarness
from tests.e2e.browser_harness import BrowserHarness, open_browser, show_page
from tests.e2e.inline_harness import InlineHarness


@pytest.fixture
async def harness(
    request: pytest.FixtureRequest, samples: SampleStore, authority: Authority, tmp_path: Path
) -> AsyncIterator[BotHarness]:
    """Yield a harness whose bot is not started; fail if the bot made a careless API call."""
    updates = getattr(request, "param", "poll")
    harness = BotHarness(tmp_path, samples, authority, updates)
    await harness.simulator.start()
    yield harness
    await harness.close()
    assert harness.api.methods.violations == []


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
    browser: Browser, samples: SampleStore, authority: Authority, tmp_path: Path
) -> AsyncIterator[BrowserHarness]:
    """Yield the bot, the chat page and a browser."""
    async with show_page(BotHarness(tmp_path, samples, authority), browser) as browser_harness:
        yield browser_harness
