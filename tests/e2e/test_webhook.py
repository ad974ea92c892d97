"""Updates by webhook: nothing is lost or served twice, whatever fails on the way."""

import pytest

from tests.e2e.bot_harness import VIDEO, BotHarness

IN_WEBHOOK_MODE = pytest.mark.parametrize("harness", ["webhook"], indirect=True)


@IN_WEBHOOK_MODE
async def test_a_link_is_answered(harness: BotHarness):
    harness.video()
    await harness.start()
    await harness.say(VIDEO)
    assert len(harness.videos()) == 1
