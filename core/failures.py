"""How often the last downloads from each site failed, from counters that only grow."""

from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Final

#: The failure rate of a site is taken over this number of its last downloads.
LOOKED_AT: Final = 20
#: Steps with downloads that are kept of a site: each has at least one download.
_MOST_STEPS: Final = LOOKED_AT


class RecentDownloads:
    """The last downloads of all processes, from the counters that they share.

    The counters say how many, not in which order: within a step, from one look to the next, the
    failures count as evenly distributed.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[int, str], tuple[int, int]] = {}
        #: By site: successes and failures of each step, newest last.
        self._steps: defaultdict[str, deque[tuple[int, int]]] = defaultdict(
            lambda: deque(maxlen=_MOST_STEPS)
        )

    def update(self, counters: Mapping[tuple[int, str], tuple[int, int]]) -> None:
        """Take the counters of now: successes and failures by time slot and site."""
        steps: defaultdict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for key, (successes, failures) in counters.items():
            before = self._seen.get(key, (0, 0))
            done, failed = steps[key[1]]
            steps[key[1]] = done + successes - before[0], failed + failures - before[1]
        self._seen = dict(counters)
        for site, step in steps.items():
            if sum(step) > 0:
                self._steps[site].append(step)

    def failing(self) -> dict[str, float]:
        """Return the failure rate by site, from 0 to 1, for sites with enough downloads."""
        rates = {site: _rate(steps) for site, steps in self._steps.items()}
        return {site: rate for site, rate in rates.items() if rate is not None}


def _rate(steps: "deque[tuple[int, int]]") -> float | None:
    """Return the failure rate of the last downloads; None if there are too few."""
    left, failed = LOOKED_AT, 0.0
    for successes, failures in reversed(steps):
        taken = min(left, successes + failures)
        # A long step is looked at as a whole: its order is not known.
        failed += taken * failures / (successes + failures)
        left -= taken
    return None if left else failed / LOOKED_AT
