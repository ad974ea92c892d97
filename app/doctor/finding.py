"""A line of the doctor's report."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and what to do about it."""

    #: Only a failure prevents a start.
    level: Literal["ok", "warning", "failure"]
    text: str
