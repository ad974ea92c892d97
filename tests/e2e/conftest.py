"""The stage of a journey."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulator.samples import SampleStore
from simulator.sites.proxy import Authority
from tests.e2e.bot_harness import BotHarness
from tests.e2e.inline_harness import InlineHarness


@pytest.fixture
async def harness(
    samples: SampleStore, authority: Authority, tmp_path: Path
) -> AsyncIterator[BotHarness]:
    """A world with Ada in it; the bot is started by the journey. Nothing may be left amiss."""
    harness = BotHarness(tmp_path, samples, authority)
    await harness.simulator.start()
    yield harness
    await harness.close()
    assert harness.api.methods.violations == []


@pytest.fixture
async def inline(harness: BotHarness) -> InlineHarness:
    """A world with a storage channel, and Ada's friends, whose group the bot is no member of."""
    return InlineHarness(harness)
