"""The source of the current time, replaceable in tests."""

import time
from collections.abc import Callable
from typing import Final

#: Returns the current Unix time in seconds. Objects take one so that tests can control the time.
Clock = Callable[[], float]

system_clock: Clock = time.time

#: Difference between two clocks that is left alone, in seconds: every machine that keeps time has
#: a smaller one, and no decision depends on it.
_TOLERATED_S: Final = 1.0


class SharedClock:
    """The machine's clock, set by the database's: the clocks of several machines may differ.

    What one process stores and another one compares is in this time, and so is the age of what
    Telegram delivers: one machine needs the right time then, not each.
    """

    def __init__(self) -> None:
        #: How far the database's clock is ahead of this machine's, in seconds.
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s

    def compare(self, theirs: float, began: float, ended: float) -> None:
        """Take over the database's time: it was read between two times of this machine's clock."""
        ahead_s = theirs - (began + ended) / 2
        is_off = abs(ahead_s) > (ended - began) / 2 + _TOLERATED_S
        self.ahead_s = ahead_s if is_off else 0.0


#: The clock of this process.
shared_clock: Final = SharedClock()
