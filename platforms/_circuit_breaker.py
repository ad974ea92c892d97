"""How the ways to the sites are doing: one that keeps failing rests for a while."""

import logging
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Record:
    #: What it has failed at since it worked last.
    failed_at: set[str] = field(default_factory=set)
    #: When it may be tried again; None while it is open.
    rests_until: float | None = None


class CircuitBreaker:
    """A circuit breaker for each way.

    A way is open until it has failed at `most_failures` different posts in a row; then it rests for
    `pause_s` seconds. After that one try is let through: if it works the way is open again, if not it
    rests once more. A single post that is broken, asked for again and again, stops nobody.
    """

    def __init__(
        self, *, most_failures: int, pause_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most_failures = most_failures
        self._pause_s = pause_s
        self._clock = clock
        self._records: dict[Hashable, _Record] = {}

    def allows(self, way: Hashable) -> bool:
        """Tell whether a way may be taken now; the try after a rest is taken by asking."""
        record = self._records.get(way)
        if record is None or record.rests_until is None:
            return True
        now = self._clock()
        if now < record.rests_until:
            return False
        # Until this try has ended, nobody else takes the way.
        record.rests_until = now + self._pause_s
        return True

    def resting(self) -> list[str]:
        """Name the ways that rest now."""
        now = self._clock()
        return [
            str(way)
            for way, record in self._records.items()
            if record.rests_until is not None and record.rests_until > now
        ]

    def worked(self, way: Hashable) -> None:
        """Note that a way has led to an answer."""
        if self._records.pop(way, _Record()).rests_until is not None:
            logger.info("%s works again", way)

    def failed(self, way: Hashable, post: str) -> None:
        """Note that a way has led nowhere for a post."""
        record = self._records.setdefault(way, _Record())
        if len(record.failed_at) < self._most_failures:
            record.failed_at.add(post)
        if len(record.failed_at) >= self._most_failures:
            if record.rests_until is None:
                logger.warning(
                    "%s has failed at %d posts in a row and rests for %d s",
                    way,
                    self._most_failures,
                    self._pause_s,
                )
            record.rests_until = self._clock() + self._pause_s
