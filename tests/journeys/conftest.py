"""The stage of a journey."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulator.samples import SampleStore
from simulator.sites.proxy import Authority
from tests.journeys.ferry import Ferry
from tests.journeys.inline_ferry import InlineFerry


@pytest.fixture
async def ferry(samples: SampleStore, authority: Authority, tmp_path: Path) -> AsyncIterator[Ferry]:
    """A world with Ada in it; the bot is started by the journey. Nothing may be left amiss."""
    ferry = Ferry(tmp_path, samples, authority)
    await ferry.simulator.start()
    yield ferry
    await ferry.close()
    assert ferry.api.methods.violations == []


@pytest.fixture
async def inline(ferry: Ferry) -> InlineFerry:
    """A world with a storage channel, and Ada's friends, whose group the bot is no member of."""
    return InlineFerry(ferry)
