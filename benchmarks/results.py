"""Define one line of the report, and when a promise counts as broken."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """A line of the report, ready to print."""

    what: str
    value: str
    baseline: str
    #: Ratio of the value to the baseline, and the target for it.
    ratio: str
    target: str
    is_met: bool = True


@dataclass(frozen=True)
class Rounds:
    """What was measured in several rounds, one after the other.

    A limit counts as missed only if the median misses it by more than the noise.
    """

    values: Sequence[float]

    @property
    def median(self) -> float:
        """Return the median of the rounds."""
        return statistics.median(self.values)

    @property
    def noise(self) -> float:
        """Return half of the distance between the quartiles; of three rounds, between all."""
        if len(self.values) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.values)
        return (high - low) / 2

    def is_at_most(self, limit: float) -> bool:
        """Return True unless the rounds are above the limit."""
        return self.median - self.noise <= limit

    def is_at_least(self, limit: float) -> bool:
        """Return True unless the rounds are below the limit."""
        return self.median + self.noise >= limit


def ratios(ours: Sequence[float], baseline: Sequence[float]) -> Rounds:
    """Return the ratio to the baseline in each round: both were measured right after each other."""
    return Rounds([one / other for one, other in zip(ours, baseline, strict=True)])
