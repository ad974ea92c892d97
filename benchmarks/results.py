"""Define one line of the report."""

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
