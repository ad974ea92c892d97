"""200 real links and look-alikes in many forms: only the sites' own hosts are requested."""

import random
import re

from platforms import load_registry
from tests.e2e.bot_harness import BotHarness
from tests.links import draw


async def test_only_hosts_of_the_sites_are_requested(harness: BotHarness):
    await harness.start(
        LIMITS_ATTEMPTS="1",
        SITES_ALLOWED=",".join(load_registry().by_name),
        NETWORK_BREAKER_FAILURES="1000",
    )
    rng = random.Random(20261123)
    samples = [draw(rng) for _ in range(200)]
    assert 60 < sum(bool(sample.platform) for sample in samples) < 140
    for sample in samples:
        harness.world.say(harness.ada, sample.text)
    await harness.settled()
    rules = [p.page_hosts for p in load_registry().by_name.values()]
    asked = {entry.host for entry in harness.simulator.log}
    assert asked
    for host in asked:
        assert any(rule.allows(f"https://{host}/") for rule in rules), host
        assert not re.search(r"evil|127\.0\.0\.1", host)
    # Every real link was requested; no look-alike was.
    tried = [r for r in harness.home.reactions.values() if r == "😢"]
    assert len(tried) == sum(bool(sample.platform) for sample in samples)
