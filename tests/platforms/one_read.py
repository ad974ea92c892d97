"""Read one post in a process of its own, and print how it ended and how much memory it took.

Arguments: the proxy's URL, the CA file, the post's URL, and the seconds until the reader leaves.
"""

import asyncio
import json
import re
import sys
import time
from pathlib import Path

from core.errors import ClipferryError
from platforms import Fetcher, FetchPolicy, ProxyPool, load_registry
from platforms._proxies import Proxy


def memory_kib(name: str) -> int:
    """Return VmRSS (now) or VmHWM (highest since the reset) of this process, in KiB."""
    found = re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1])


async def main(proxy_url: str, ca_file: str, url: str, leave_after_s: float) -> None:
    """Read the post twice: the first read imports everything that a read needs."""
    policy = FetchPolicy(attempts=1, budget_s=60, stall_s=30, ca_file=Path(ca_file))
    fetcher = Fetcher(load_registry(), ProxyPool([Proxy("exit", proxy_url)]), policy)
    link = fetcher.registry.find(url)
    assert link
    warm_up = fetcher.registry.find("https://www.tiktok.com/@a/video/1111111111111111111")
    assert warm_up
    outcome, idle = "post", 0
    try:
        async with asyncio.timeout(leave_after_s):
            for each in (warm_up, link):
                Path("/proc/self/clear_refs").write_text("5")
                idle = memory_kib("VmRSS")
                try:
                    await fetcher.attempt(each, lambda attempt: attempt.read())
                except ClipferryError as error:
                    outcome = type(error).__name__
    except TimeoutError:
        outcome = "left"
    await fetcher.close()
    report = {"outcome": outcome, "mib": (memory_kib("VmHWM") - idle) / 1024, "at": time.time()}
    sys.stdout.write(json.dumps(report))
    sys.stdout.flush()


proxy, ca, post, seconds = sys.argv[1:]
asyncio.run(main(proxy, ca, post, float(seconds)))
