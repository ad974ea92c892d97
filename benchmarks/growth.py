"""Measure how a fleet grows: links delivered a second by one, two and four workers.

What scales here is waiting, not CPU: pages take 2 s and uploads 1 s, and a worker has few slots.
The CPU share of the machine, simulator included, is printed beside each ratio.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fleet import postgres
from benchmarks.results import Result
from benchmarks.stage import World, child, new_world, program
from benchmarks.world import GROWTH_POSTS

_FIRST_PERSON = 500_000
_LINK = "https://www.tiktok.com/@a/video/"
#: Requests that a worker answers at a time: it delivers about seven links a second.
_SLOTS = 22
#: Links asked for per worker; the rate is that between these shares of them.
_LINKS, _FROM, _TO = 100, 0.2, 0.85
_WORKERS = (1, 2, 4)
_PATIENCE_S = 120
_ENVIRONMENT = {
    "LIMITS_ACTIVE_REQUESTS": str(_SLOTS),
    "LIMITS_SPAM_GUARD": "false",
    # No status notes: they are messages of their own, which the limits count as well.
    "LIMITS_PATIENCE_S": "60",
}


@dataclass(frozen=True, slots=True)
class _Moment:
    """What has been sent, and the CPU ticks of the machine, at a time."""

    time_s: float
    sent: int
    busy: int
    idle: int


def growth(_world: World) -> list[Result]:
    """Measure deliveries a second without Telegram's limits, then with them and the shared pace."""
    return [*_grow(is_paced=False), *_grow(is_paced=True)]


def _grow(*, is_paced: bool) -> list[Result]:
    """Measure one, two and four workers; the baseline is one worker."""
    results: list[Result] = []
    posts = iter(GROWTH_POSTS)
    alone = 0.0
    with _fleet(is_paced=is_paced) as (slow, start_worker):
        started = 0
        for number in _WORKERS:
            for _ in range(number - started):
                start_worker(started)
                started += 1
            rate, cpu = _deliveries(slow, number * _LINKS, posts)
            alone = alone or rate
            results.append(_result(number, rate, alone, cpu, is_paced=is_paced))
        refused = slow.control("limits", body=False) if is_paced else 0
    return [*results, *([_refusals(refused)] if is_paced else [])]


def _result(number: int, rate: float, alone: float, cpu: float, *, is_paced: bool) -> Result:
    share = rate / (alone * number)
    return Result(
        f"links/s, {number} workers{', paced' if is_paced else ''}, {cpu:.0%} CPU",
        f"{rate:.1f}/s",
        f"{number} x {alone:.1f}/s",
        f"{share:.0%}",
        ">= 90 %",
        is_met=share >= 0.9,
    )


def _refusals(number: int) -> Result:
    return Result("messages refused by the limits", str(number), "", "", "0", is_met=not number)


@contextmanager
def _fleet(*, is_paced: bool) -> Iterator[tuple[World, Callable[[int], None]]]:
    """Start slow sites, PostgreSQL, receiver and scheduler; yield what starts a worker."""
    with (
        new_world("slow") as slow,
        postgres() as url,
        ExitStack() as processes,
    ):
        environment = {
            **_ENVIRONMENT,
            "DATABASE_URL": url,
            "TELEGRAM_PACING": str(is_paced).lower(),
        }
        for role in ("receiver", "scheduler"):
            processes.enter_context(_process(slow, role, role, environment))
        people = range(_FIRST_PERSON, _FIRST_PERSON + max(_WORKERS) * _LINKS)
        slow.say("/start", people)
        _wait_for(slow, "sendMessage", len(people))
        slow.control("limits", body=is_paced)

        def start_worker(number: int) -> None:
            name = f"worker{number}"
            processes.enter_context(_process(slow, "worker", name, environment))

        yield slow, start_worker


@contextmanager
def _process(world: World, role: str, name: str, environment: dict[str, str]) -> Iterator[None]:
    folder = world.folder / name
    folder.mkdir()
    start = program if role == "receiver" else child
    own = {
        "RUN_ROLES": role,
        "FILES_SPOOL_DIR": str(folder / "spool"),
        "FILES_HEARTBEAT": str(folder / "heartbeat"),
    }
    with start(world, "main.py", "run", **environment, **own):
        yield


def _deliveries(world: World, number: int, posts: Iterator[str]) -> tuple[float, float]:
    """Return how many of `number` links are delivered a second, and the machine's CPU share."""
    before = world.count("sendVideo")
    for person in range(_FIRST_PERSON, _FIRST_PERSON + number):
        world.say(_LINK + next(posts), [person])
    first = _wait_for(world, "sendVideo", before + int(number * _FROM))
    last = _wait_for(world, "sendVideo", before + int(number * _TO))
    _wait_for(world, "sendVideo", before + number)
    busy, idle = last.busy - first.busy, last.idle - first.idle
    return (last.sent - first.sent) / (last.time_s - first.time_s), busy / (busy + idle)


def _wait_for(world: World, method: str, number: int) -> _Moment:
    deadline = time.monotonic() + _PATIENCE_S
    while (sent := world.count(method)) < number:
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {sent} of {number} {method}")
        time.sleep(0.1)
    ticks = [int(n) for n in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return _Moment(time.monotonic(), sent, sum(ticks) - idle, idle)
