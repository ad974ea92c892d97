"""Measure how a fleet grows: links delivered a second by one, two and four workers.

What scales here is waiting, not CPU: pages take 2 s and uploads 1 s, and a worker has few slots.
The CPU share of the machine, simulator included, is printed beside each ratio.

With Telegram's limits the fleet cannot send 30 a second: a token is taken before the last byte
leaves and returns one window after the answer, so that a turn lasts longer than a second. What the
tokens allow is measured in the same run: 30 by the mean length of a turn, which is the mean number
of tokens in use by the rate (Little's law). The rows without limits measure linear growth.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.fleet import postgres
from benchmarks.results import Result
from benchmarks.stage import World, child, new_world, program
from benchmarks.world import GROWTH_POSTS
from core.pacing import OVERALL, shared_limits

_FIRST_PERSON = 500_000
_LINK = "https://www.tiktok.com/@a/video/"
#: Requests that a worker answers at a time: it delivers about seven links a second.
_SLOTS = 22
#: Links asked for per worker; the rate is that between these shares of them.
_LINKS, _FROM, _TO = 100, 0.2, 0.85
_WORKERS = (1, 2, 4)
_PATIENCE_S = 120
#: Tokens of the bot that are in use.
_IN_USE = f"""
    SELECT coalesce(sum(weight), 0) FROM sends
    WHERE ends_at > extract(epoch FROM clock_timestamp()) - {shared_limits()["overall"][1]}
"""
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


@dataclass(frozen=True, slots=True)
class _Growth:
    """What a number of workers delivers."""

    per_s: float
    #: Share of the machine's CPU.
    cpu: float
    #: Tokens in use, on average; 0 without limits.
    tokens: float

    @property
    def turn_s(self) -> float:
        """How long a token is in use, on average."""
        return self.tokens / self.per_s


@dataclass(frozen=True, slots=True)
class _Fleet:
    """A fleet without workers, and how to start one."""

    world: World
    start_worker: Callable[[int], None]
    #: Returns how many tokens are in use.
    tokens: Callable[[], int]


def growth(_world: World) -> list[Result]:
    """Measure deliveries a second without Telegram's limits, then with them and the shared pace."""
    return [*_grow(is_paced=False), *_grow(is_paced=True)]


def _grow(*, is_paced: bool) -> list[Result]:
    """Measure one, two and four workers; the baseline is one worker."""
    results: list[Result] = []
    posts = iter(GROWTH_POSTS)
    alone = 0.0
    with _fleet(is_paced=is_paced) as fleet:
        started = 0
        for number in _WORKERS:
            for _ in range(number - started):
                fleet.start_worker(started)
                started += 1
            found = _deliveries(fleet, number * _LINKS, posts)
            alone = alone or found.per_s
            results.append((_paced if is_paced else _free)(number, found, number * alone))
        refused = fleet.world.control("limits", body=False) if is_paced else 0
    return [*results, *([_refusals(refused)] if is_paced else [])]


def _free(number: int, found: _Growth, linear: float) -> Result:
    """Return the line of a number of workers without limits."""
    share = found.per_s / linear
    return Result(
        f"links/s, {number} workers, {found.cpu:.0%} CPU",
        f"{found.per_s:.1f}/s",
        f"{number} x {linear / number:.1f}/s",
        f"{share:.0%}",
        ">= 90 %",
        is_met=share >= 0.9,
    )


def _paced(number: int, found: _Growth, linear: float) -> Result:
    """Return the line of a number of workers with the limits: of linear, or what these allow."""
    most = OVERALL[0] / found.turn_s
    share = found.per_s / min(linear, most)
    return Result(
        f"links/s, paced, {found.turn_s:.2f} s a turn, {found.per_s / linear:.0%} of linear, "
        f"{number} workers, {found.cpu:.0%} CPU",
        f"{found.per_s:.1f}/s",
        f"{number} x {linear / number:.1f}/s, most {most:.1f}/s",
        f"{share:.0%}",
        ">= 90 %",
        is_met=share >= 0.9,
    )


def _refusals(number: int) -> Result:
    return Result("messages refused by the limits", str(number), "", "", "0", is_met=not number)


@contextmanager
def _fleet(*, is_paced: bool) -> Iterator[_Fleet]:
    """Start slow sites, PostgreSQL, receiver and scheduler."""
    with (
        new_world("slow") as slow,
        postgres() as url,
        psycopg.connect(url, autocommit=True) as connection,
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

        def tokens() -> int:
            row = connection.execute(_IN_USE).fetchone()
            return int(row[0]) if row else 0

        yield _Fleet(slow, start_worker, tokens)


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


def _deliveries(fleet: _Fleet, number: int, posts: Iterator[str]) -> _Growth:
    """Return how many of `number` links are delivered a second, and what is in use meanwhile."""
    world, in_use = fleet.world, []
    before = world.count("sendVideo")
    for person in range(_FIRST_PERSON, _FIRST_PERSON + number):
        world.say(_LINK + next(posts), [person])
    first = _wait_for(world, "sendVideo", before + int(number * _FROM))
    last = _wait_for(
        world, "sendVideo", before + int(number * _TO), lambda: in_use.append(fleet.tokens())
    )
    _wait_for(world, "sendVideo", before + number)
    busy, idle = last.busy - first.busy, last.idle - first.idle
    per_s = (last.sent - first.sent) / (last.time_s - first.time_s)
    return _Growth(per_s, busy / (busy + idle), statistics.mean(in_use))


def _wait_for(
    world: World, method: str, number: int, look: Callable[[], None] = lambda: None
) -> _Moment:
    """Wait until a method was called `number` times; `look` every 0.1 s meanwhile."""
    deadline = time.monotonic() + _PATIENCE_S
    while (sent := world.count(method)) < number:
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {sent} of {number} {method}")
        look()
        time.sleep(0.1)
    ticks = [int(n) for n in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return _Moment(time.monotonic(), sent, sum(ticks) - idle, idle)
