"""Metrics: how requests end, how long their stages take, and what is dropped on purpose."""

import asyncio
import logging
import time
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

from core.drop_reasons import DropReason
from core.errors import ClipferryError
from core.outcomes import is_site_fault
from core.pseudonyms import LoggedChat
from data.statistics import add_outcomes

logger = logging.getLogger(__name__)

#: Outcomes of answered requests: from the file-id cache, or by a download.
KNOWN: Final = "known"
FETCHED: Final = "fetched"
#: Largest number of unreadable parts of updates that are remembered.
_MAX_PARTS: Final = 20
#: Delay of the timer that measures the event loop's lag, and buckets of that lag, in seconds.
_LAG_TIMER_S: Final = 1.0
_LAG_S: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3)
_SECONDS: Final = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)


def downloads_by_slot(
    rows: Iterable[tuple[int, str, str, int]],
) -> dict[tuple[int, str], tuple[int, int]]:
    """Return the successful and the failed downloads by half-hour and site.

    `rows` are (half-hour, site, outcome, number). Errors of the post, and posts from the cache, say
    nothing about the site.
    """
    counters: defaultdict[tuple[int, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for slot, platform, outcome, number in rows:
        done, failed = counters[slot, platform]
        done += number * (outcome == FETCHED)
        failed += number * is_site_fault(outcome)
        counters[slot, platform] = done, failed
    return dict(counters)


class UnreadableUpdates:
    """Counts updates that could not be read completely, and keeps what could not be read."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counter = Counter(
            "clipferry_unreadable_updates",
            "Updates from Telegram that could not be read completely",
            ["kind"],
            registry=registry,
        )
        #: Paths of the unreadable parts, or kinds of updates; the first few.
        self.parts: set[str] = set()
        #: Set when there is another part: Telegram may send each one only once.
        self.found = asyncio.Event()

    def record(self, kind: str, path: str) -> None:
        """Count an update of which the part at `path` could not be read."""
        self._counter.labels(kind).inc()
        part = path or kind
        if part not in self.parts and len(self.parts) < _MAX_PARTS:
            self.parts.add(part)
            self.found.set()


class Traffic:
    """Measures what goes over the network, and how promptly the event loop serves it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.paced = Histogram(
            "clipferry_pacing_seconds",
            "How long messages have waited for Telegram's pace",
            buckets=_SECONDS,
            registry=registry,
        )
        self._errors = Counter(
            "clipferry_telegram_errors",
            "Calls of the Bot API that have failed, repeated or not; FloodError is a 429",
            ["method", "error"],
            registry=registry,
        )
        moved = Counter(
            "clipferry_bytes",
            "Bytes of media downloaded from sites (in), and of requests sent to Telegram (out)",
            ["direction"],
            registry=registry,
        )
        self._lag = Histogram(
            "clipferry_event_loop_lag_seconds",
            "How much later than due the event loop has called a timer",
            buckets=_LAG_S,
            registry=registry,
        )
        # A counter that starts with 0 has a rate at once.
        self._in, self._out = moved.labels("in"), moved.labels("out")

    def failed(self, method: str, code: str) -> None:
        """Count a failed call by its method and the code of its error."""
        self._errors.labels(method, code).inc()

    def uploaded(self, size: int) -> None:
        """Count bytes sent to Telegram."""
        self._out.inc(size)

    def downloaded(self, size: int) -> None:
        """Count bytes of media received from a site."""
        self._in.inc(size)

    async def measure_lag(self) -> None:
        """Measure the lag of the event loop once, in a second."""
        loop = asyncio.get_running_loop()
        due = loop.time() + _LAG_TIMER_S
        await asyncio.sleep(_LAG_TIMER_S)
        self._lag.observe(max(loop.time() - due, 0))


class Metrics:
    """Counters for Prometheus. Outcomes of requests are also written to the database."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # CPU, memory, file descriptors of this process
        self._updates = Counter(
            "clipferry_updates", "Updates from Telegram", ["kind"], registry=self.registry
        )
        self._requests = Counter(
            "clipferry_requests",
            "Requests that have ended, by outcome: known, fetched or the name of an error",
            ["platform", "outcome"],
            registry=self.registry,
        )
        self._stages = Histogram(
            "clipferry_stage_seconds",
            "How long the stages of requests have taken",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.traffic = Traffic(self.registry)
        self._dropped = Counter(
            "clipferry_dropped",
            "Updates that are not answered on purpose, by reason",
            ["reason"],
            registry=self.registry,
        )
        self._crashes = Counter(
            "clipferry_worker_crashes",
            "Crashes of the processes that work on media files",
            registry=self.registry,
        )
        self.unreadable_updates = UnreadableUpdates(self.registry)
        #: Outcomes that are not in the database yet.
        self._unwritten: Tally[tuple[str, str]] = Tally()

    def updated(self, kind: str) -> None:
        """Count an update of a kind, such as "message"."""
        self._updates.labels(kind).inc()

    def dropped(self, reason: DropReason, chat_id: int) -> None:
        """Count an update that is not answered on purpose, and log why."""
        self._dropped.labels(reason).inc()
        logger.debug(
            "An update from chat %s is not answered: %s",
            LoggedChat(chat_id),
            reason,
            extra={"event": "update_dropped", "reason": reason},
        )

    def worker_crashed(self) -> None:
        """Count a crash of a process that works on media files."""
        self._crashes.inc()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the block as a stage of a request, unless it raises."""
        began = time.monotonic()
        yield
        self.took(name, time.monotonic() - began)

    def took(self, name: str, seconds: float) -> None:
        """Record the duration of a stage in seconds."""
        self._stages.labels(name).observe(seconds)

    def delivered(self, platform: str, *, is_known: bool) -> None:
        """Count an answered request; `is_known`: from the file-id cache."""
        self._count(platform, KNOWN if is_known else FETCHED)

    def refused(self, platform: str, error: ClipferryError) -> None:
        """Count a request that was refused."""
        self._count(platform, error.code)

    async def write(self) -> None:
        """Write new outcomes to the database.

        Raises:
            StorageError: they were not written; the next call writes them.
        """
        unwritten, self._unwritten = self._unwritten, Tally()
        if not unwritten:
            return
        try:
            await add_outcomes([(*key, number) for key, number in unwritten.items()])
        except BaseException:  # also at shutdown: what was counted is kept
            self._unwritten += unwritten
            raise

    def _count(self, platform: str, outcome: str) -> None:
        self._requests.labels(platform, outcome).inc()
        self._unwritten[platform, outcome] += 1
