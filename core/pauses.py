"""Times in which the bot has finished nothing: they make waiting requests too old."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pause:
    """A time between two requests that were finished one after the other, in Unix time.

    The last one ends when the process that looks at it has begun.
    """

    began_at: int
    ended_at: int


def downtime_s(asked_at: int, pauses: Iterable[Pause]) -> int:
    """Return the longest time without a finished request since one was sent, in seconds.

    Waiting behind others that are finished makes no request too old. All processes come to the same
    result, also one that begins when another has gone on with the work.
    """
    waits = (pause.ended_at - max(pause.began_at, asked_at) for pause in pauses)
    return max([0, *waits])
