"""Runs one scenario under thousands of schedules; the only file that knows the scheduler."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import detangle

T = TypeVar("T")

#: Each machine is explored over at least this number of different interleavings.
INTERLEAVINGS = 2_000
#: The same for scenarios whose every run takes many steps.
FEW_INTERLEAVINGS = 500
#: Runs of each scenario; some of them repeat an interleaving.
_RUNS = 4_000


def explore(scenario: Callable[[], Coroutine[Any, Any, None]], runs: int = _RUNS) -> int:
    """Run a scenario under many schedules; each run builds its own objects and asserts.

    Return the number of different interleavings. The seed is fixed, so that a run of the tests is
    repeatable; a failure prints its shortest schedule and a token that replays it.

    Raises:
        AssertionError: an assertion or invariant failed, a task crashed, or nothing can go on.
    """
    stats = detangle.explore(scenario, runs=runs, seed=7, database=False)
    return stats.distinct_schedules


def invariant(check: Callable[[], object], name: str) -> None:
    """Check a condition after every step of the run."""
    detangle.invariant(check, name)


def choice(options: list[T]) -> T:
    """Return one of some options; the scheduler tries all of them."""
    chosen: T = detangle.choice(options)
    return chosen
