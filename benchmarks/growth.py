"""Measure how a fleet grows: links delivered a second by one, two and four workers.

What scales here is waiting, not CPU: pages take 2 s and uploads 1 s. The CPU share of the machine,
simulator included, is printed beside each ratio.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.fleet import postgres
from benchmarks.results import Result
from benchmarks.stage import World, child, program, world
from benchmarks.world import GROWTH_POSTS

_FIRST_PERSON = 500_000
_LINK = "https://www.tiktok.com/@a/video/"
#: Requests that a worker answers at a time: it delivers about seven links a second.
_SLOTS = 23
#: Links asked for per worker; the rate is that between these shares of them.
_LINKS, _FROM, _TO = 140, 0.2, 0.85
_PATIENCE_S = 120
_ENVIRONMENT = {
    "LIMITS_ACTIVE_REQUESTS": str(_SLOTS),
    "LIMITS_SPAM_GUARD": "false",
    "LIMITS_PATIENCE_S": "60",
}


def growth(_world: World) -> list[Result]:
    """Measure deliveries a second, without Telegram's limits; the baseline is one worker."""
    results: list[Result] = []
    posts = iter(GROWTH_POSTS)
    with (
        tempfile.TemporaryDirectory(prefix="clipferry-bench-") as folder,
        world(Path(folder), "slow") as slow,
        postgres() as url,
        _part(slow, url, "receiver"),
        _part(slow, url, "scheduler"),
        ExitStack() as workers,
    ):
        people = range(_FIRST_PERSON, _FIRST_PERSON + 4 * _LINKS)
        slow.say("/start", people)
        while slow.count("sendMessage") < len(people):
            time.sleep(0.1)
        alone, started = 0.0, 0
        for number in (1, 2, 4):
            for _ in range(number - started):
                workers.enter_context(_part(slow, url, f"worker{started}"))
                started += 1
            rate, cpu = _deliveries(slow, number * _LINKS, posts)
            alone = alone or rate
            share = rate / (alone * number)
            results.append(
                Result(
                    f"links a second, {number} workers, {cpu:.0%} CPU",
                    f"{rate:.1f}/s",
                    f"{number} × {alone:.1f}/s",
                    f"{share:.0%}",
                    "≥ 90 %",
                    share >= 0.9,
                )
            )
    return results


@contextmanager
def _part(world: World, url: str, name: str) -> Iterator[None]:
    """Run a process of the fleet; the digits of its name are no part of its role."""
    role, folder = name.rstrip("0123456789"), world.folder / name
    folder.mkdir()
    start = program if role == "receiver" else child
    environment = {
        **_ENVIRONMENT,
        "DATABASE_URL": url,
        "RUN_ROLES": role,
        "FILES_SPOOL_DIR": str(folder / "spool"),
        "FILES_HEARTBEAT": str(folder / "heartbeat"),
    }
    with start(world, "main.py", "run", **environment):
        yield


def _deliveries(world: World, number: int, posts: Iterator[str]) -> tuple[float, float]:
    """Return how many of `number` links are delivered a second, and the machine's CPU share."""
    before = world.count("sendVideo")
    for person in range(_FIRST_PERSON, _FIRST_PERSON + number):
        world.say(_LINK + next(posts), [person])
    first = _wait_for(world, before + int(number * _FROM))
    last = _wait_for(world, before + int(number * _TO))
    _wait_for(world, before + number)
    (began, sent, busy, idle), (ended, sent_then, busy_then, idle_then) = first, last
    busy, idle = busy_then - busy, idle_then - idle
    return (sent_then - sent) / (ended - began), busy / (busy + idle)


def _wait_for(world: World, number: int) -> tuple[float, int, int, int]:
    """Wait for a number of videos; return time, videos, and the CPU ticks busy and idle."""
    deadline = time.monotonic() + _PATIENCE_S
    while (sent := world.count("sendVideo")) < number:
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {sent} of {number} videos")
        time.sleep(0.1)
    ticks = [int(n) for n in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return time.monotonic(), sent, sum(ticks) - idle, idle
