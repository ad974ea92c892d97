"""The source of the current time, replaceable in tests."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: Returns the current Unix time in seconds. Objects take one so that tests can control the time.
Clock = Callable[[], float]

system_clock: Clock = time.time

#: Difference between two clocks that is left alone, in seconds: every machine that keeps time has
#: a smaller one, and no decision depends on it.
_TOLERATED_S: Final = 1.0
#: How fast two clocks that nobody sets drift apart, in seconds per second; quartz is better.
_DRIFT: Final = 1e-4


@dataclass(frozen=True, slots=True)
class _Difference:
    """How far the database's clock was ahead of this machine's when they were compared."""

    ahead_s: float
    #: Largest error, in seconds: all of the answer's time may have passed on one of its ways.
    error_s: float
    #: Time of this machine's clock.
    known_at: float

    def at(self, now: float) -> "_Difference":
        """Return what is left of this knowledge at a later time."""
        age_s = max(now - self.known_at, 0.0)
        return _Difference(self.ahead_s, self.error_s + age_s * _DRIFT, now)

    def contradicts(self, other: "_Difference") -> bool:
        """Return True if not both can be true: one of the clocks was set in between."""
        return abs(self.ahead_s - other.ahead_s) > self.error_s + other.error_s


class SharedClock:
    """The machine's clock, set by the database's: the clocks of several machines may differ.

    What one process stores and another one compares is in this time, and so is the age of what
    Telegram delivers: one machine needs the right time then, not each.
    """

    def __init__(self) -> None:
        self._known: _Difference | None = None

    def __call__(self) -> float:
        return time.time() + self.ahead_s

    @property
    def ahead_s(self) -> float:
        """How far the database's clock is ahead of this machine's, in seconds; 0 if hardly."""
        known = self._known
        if known is None or abs(known.ahead_s) <= known.error_s + _TOLERATED_S:
            return 0.0
        return known.ahead_s

    def compare(self, theirs: float, began: float, ended: float) -> None:
        """Take over the database's time: it was read between two times of this machine's clock.

        After a slow answer, what was known before may be better.
        """
        new = _Difference(theirs - (began + ended) / 2, (ended - began) / 2, ended)
        old = self._known and self._known.at(ended)
        is_better = old is None or new.error_s <= old.error_s or new.contradicts(old)
        self._known = new if is_better else old

    def forget(self) -> None:
        """Be the machine's clock, until it is compared with another database's."""
        self._known = None


#: The clock of this process.
shared_clock: Final = SharedClock()
