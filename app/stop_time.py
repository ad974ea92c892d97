"""The time for a stop: all of its steps share one deadline.

A supervisor kills a process that takes longer than it allows, so what it allows must be more than
`StopTime.longest_s`. The deploy files are checked for that.
"""

import math
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Final

#: Longest time for handlers whose updates are acknowledged, in seconds.
HANDLERS_S: Final = 10.0
#: Longest time for the last acknowledgement, and then for leaving work to other processes, in
#: seconds; requests run meanwhile.
ACKNOWLEDGE_S: Final = 5.0
RELEASE_S: Final = 5.0
#: Longest time for the open requests of a server when it closes, in seconds. aiohttp waits twice.
SERVER_S: Final = 0.5


class StopStep(Enum):
    """What follows once requests and handlers have had their time, in this order."""

    #: The requests that are cancelled end.
    REQUESTS = auto()
    #: The last counters are written.
    COUNTERS = auto()
    #: The handlers that are cancelled end.
    HANDLERS = auto()
    #: Two servers close.
    SERVERS = auto()
    JOBS = auto()
    PERIODIC_TASKS = auto()
    HAND_BACK = auto()
    #: Files, processes and connections are closed, and threads end.
    CLOSE = auto()


#: Longest time for each step, in seconds.
_LIMITS_S: Final = {
    StopStep.REQUESTS: 10.0,
    StopStep.COUNTERS: 1.0,
    StopStep.HANDLERS: 1.0,
    StopStep.SERVERS: 2 * 2 * SERVER_S,
    StopStep.JOBS: 2.0,
    StopStep.PERIODIC_TASKS: 3.0,
    StopStep.HAND_BACK: 5.0,
    StopStep.CLOSE: 5.0,
}


class StopTime:
    """Counts from the signal. A step that begins late has less time, so that the end is not late.

    Before `begin`, every step has its whole time.
    """

    def __init__(self, drain_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`drain_s` is the time for running requests."""
        self._drain_s = drain_s
        self._clock = clock
        self._began_at = math.inf

    def begin(self) -> None:
        """Count from now: the process is asked to stop, or has to end what it does."""
        self._began_at = self._clock()

    @property
    def longest_s(self) -> float:
        """How long a stop takes at most, in seconds."""
        return self._end_of(StopStep.CLOSE)

    @property
    def requests_s(self) -> float:
        """How long running requests have from now on, in seconds."""
        return max(self._drain_s - self._elapsed_s, 0)

    @property
    def handlers_s(self) -> float:
        """How long running handlers have from now on, in seconds."""
        return max(HANDLERS_S - self._elapsed_s, 0)

    def left_s(self, step: StopStep) -> float:
        """Return how long a step may take from now on, in seconds."""
        return max(min(_LIMITS_S[step], self._end_of(step) - self._elapsed_s), 0)

    def _end_of(self, step: StopStep) -> float:
        """Return when a step has ended at the latest, in seconds after `begin`."""
        steps = list(StopStep)
        others_s = sum(_LIMITS_S[other] for other in steps[: steps.index(step) + 1])
        return max(self._drain_s, HANDLERS_S, ACKNOWLEDGE_S + RELEASE_S) + others_s

    @property
    def _elapsed_s(self) -> float:
        return max(self._clock() - self._began_at, 0)
