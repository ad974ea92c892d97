"""What is measured while the bot runs: how requests end, and how long their stages take."""

import time
from collections import Counter as Tally
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from core.errors import ClipferryError, PlatformError
from data.statistics import add_outcomes

#: How a request has ended that was answered: from what Telegram has, or by a download.
KNOWN: Final = "known"
FETCHED: Final = "fetched"
#: Of so many downloads from a site, the share that has failed is looked at.
LOOKED_AT: Final = 20
_SECONDS: Final = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)


class Metrics:
    """Counts. Everything is there for Prometheus; how requests end is in the database besides."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
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
        self.paced = Histogram(
            "clipferry_pacing_seconds",
            "How long messages have waited for Telegram's pace",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._unwritten: Tally[tuple[str, str]] = Tally()
        #: By site: how the last downloads have ended; True is well.
        self._downloads: defaultdict[str, deque[bool]] = defaultdict(
            lambda: deque(maxlen=LOOKED_AT)
        )

    def updated(self, kind: str) -> None:
        """Count an update."""
        self._updates.labels(kind).inc()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the block as a stage of a request, if it comes to its end."""
        began = time.monotonic()
        yield
        self.took(name, time.monotonic() - began)

    def took(self, name: str, seconds: float) -> None:
        """Note how long a stage of a request has taken."""
        self._stages.labels(name).observe(seconds)

    def delivered(self, platform: str, *, is_known: bool) -> None:
        """Count a request that was answered."""
        self._count(platform, KNOWN if is_known else FETCHED)
        if not is_known:
            self._downloads[platform].append(True)

    def refused(self, platform: str, error: ClipferryError) -> None:
        """Count a request that was not. Only what is the site's fault speaks against the site."""
        self._count(platform, error.code)
        if isinstance(error, PlatformError):
            self._downloads[platform].append(False)

    def failing(self) -> dict[str, float]:
        """Give the share of failures by site, of those that have been asked for often enough."""
        return {
            platform: 1 - sum(ends) / len(ends)
            for platform, ends in self._downloads.items()
            if len(ends) == LOOKED_AT
        }

    async def write(self) -> None:
        """Write to the database what has not been written.

        Raises:
            StorageError: it did not take it; the next time brings it.
        """
        unwritten, self._unwritten = self._unwritten, Tally()
        if not unwritten:
            return
        try:
            await add_outcomes([(*key, number) for key, number in unwritten.items()])
        except BaseException:  # whatever it was, a shutdown too: what is counted is kept
            self._unwritten += unwritten
            raise

    def _count(self, platform: str, outcome: str) -> None:
        self._requests.labels(platform, outcome).inc()
        self._unwritten[platform, outcome] += 1
