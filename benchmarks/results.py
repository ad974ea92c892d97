"""A line of the report."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the report."""

    what: str
    value: str
    floor: str
    #: Value to floor, and what was promised of it.
    ratio: str
    promise: str
    is_kept: bool = True
