"""Statistics as pure values: counters, periods, and how a curve is divided into points."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

HOUR_S: Final = 3_600
DAY_S: Final = 86_400
#: Counting interval, in seconds. Half an hour is the finest resolution that any screen shows.
SLOT_S: Final = 1_800
#: Half-hour rows older than this, in seconds, are merged into days. No screen needs them finer.
FINE_S: Final = 40 * DAY_S
#: The same for request outcomes and ads. They have more rows, so they are merged sooner; queries
#: that reach further back start at the beginning of a day.
FINE_OUTCOMES_S: Final = 8 * DAY_S
#: Maximum number of points of a curve. More cannot be distinguished on a phone.
MAX_POINTS: Final = 720
#: 2000-01-01 UTC. Earlier times come from a wrong clock, or from rows that have no time.
_EARLIEST: Final = 946_684_800


class Scope(StrEnum):
    """Kinds of chats whose downloads are counted."""

    ALL = "all"
    PRIVATE = "private"
    GROUPS = "groups"


class Period(StrEnum):
    """How far back statistics reach."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    ALL = "ever"

    @property
    def length_s(self) -> int | None:
        """Return the length in seconds, or None for all time."""
        return {Period.DAY: DAY_S, Period.WEEK: 7 * DAY_S, Period.MONTH: 31 * DAY_S}.get(self)

    def since(self, now: int) -> int | None:
        """Return the Unix time at which the period begins, rounded down to a half-hour.

        Return None for all time.
        """
        return None if self.length_s is None else slot_of(now - self.length_s)

    def before(self, now: int) -> tuple[int, int] | None:
        """Return (begin, end) of the span of the same length before the period, as Unix times.

        Return None for all time. A begin that is older than the half-hour rows is rounded up to a
        day, so that no row is counted of which a part is older.
        """
        if (end := self.since(now)) is None or self.length_s is None:
            return None
        begin = end - self.length_s
        return (begin if begin >= fine_from(now) else -(-begin // DAY_S) * DAY_S), end


class Metric(StrEnum):
    """What a curve shows. The values are field names of `Counts`."""

    CHATS = "chats"
    POSTS = "posts"
    SOUNDS = "sounds"


@dataclass(frozen=True, slots=True)
class Counts:
    """Counters of a time span.

    `…_chats` are numbers of distinct chats. Each chat counts only in the slot of its last event,
    so the sums over all slots up to now are numbers of distinct chats as well.
    """

    #: New chats.
    chats: int = 0
    posts: int = 0
    post_chats: int = 0
    #: Posts with pictures, included in `posts`.
    slideshows: int = 0
    slideshow_chats: int = 0
    #: Posts delivered into inline messages, included in `posts`.
    inline_posts: int = 0
    sounds: int = 0
    sound_chats: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Return the field-wise sum."""
        return Counts(*(getattr(self, name) + getattr(other, name) for name in COUNTED))

    def __neg__(self) -> "Counts":
        """Return the counters with all signs flipped, for subtraction."""
        return Counts(*(-getattr(self, name) for name in COUNTED))


COUNTED: Final = tuple(field.name for field in fields(Counts))


@dataclass(frozen=True, slots=True)
class Trend:
    """Counters of a period, and those of the period before; None if there was none."""

    counts: Counts
    before: Counts | None = None

    def change(self, name: str) -> int | None:
        """Return by how many percent a counter has grown; None if that is unknown.

        It is unknown for the numbers of distinct chats: those of the period before are incomplete,
        because each chat counts where its last event is.
        """
        return growth(getattr(self.counts, name), getattr(self.before, name, 0))


def growth(number: int, before: int | None) -> int | None:
    """Return by how many percent a number has grown; None if there was nothing before."""
    return round((number - before) * 100 / before) if before else None


def slot_of(unix: int | None) -> int:
    """Return the beginning of the half-hour that contains a Unix time; 0 if the time is unknown."""
    return (unix or 0) // SLOT_S * SLOT_S


def fine_from(now: int, length_s: int = FINE_S) -> int:
    """Return the Unix time from which half-hour rows are kept: the beginning of a day (UTC)."""
    return (now - length_s) // DAY_S * DAY_S


@dataclass(frozen=True, slots=True)
class Curve:
    """A series with a fixed step.

    `values[n]` covers `step_s` seconds from `starts_at + n * step_s`, a Unix time.
    """

    starts_at: int
    step_s: int
    values: Sequence[int]


def curve_times(period: Period, first: int | None, now: int) -> tuple[int, int, int]:
    """Return (begin, end, step) of a curve in Unix seconds; the range is half-open.

    Steps are half-hours for a day, hours for a week, days for a month. The last one is the running
    step, and the first one contains the beginning of the period, so that a curve shows everything
    that the period's counts contain. All time begins at `first`, the first half-hour with any event
    (None if there is none), and has the finest step that gives at most `MAX_POINTS` complete points
    and is still stored.
    """
    since = period.since(now)
    if since is None:
        since = min(max(now if first is None else first, _EARLIEST), now)
    step_s = {Period.DAY: SLOT_S, Period.WEEK: HOUR_S, Period.MONTH: DAY_S}.get(period)
    step_s = step_s or _step_for(now - since)
    return since // step_s * step_s, now // step_s * step_s + step_s, step_s


def curve_of(slots: Iterable[tuple[int, int]], begin: int, end: int, step_s: int) -> Curve:
    """Sum (Unix time, number) pairs into a curve. Steps without events are 0."""
    values = [0] * ((end - begin + step_s - 1) // step_s)
    for at, number in slots:
        if begin <= at < end:
            values[(at - begin) // step_s] += number
    return Curve(begin, step_s, values)


def _step_for(length_s: int) -> int:
    for step_s in (SLOT_S, HOUR_S):
        if length_s <= MAX_POINTS * step_s and length_s < FINE_S:
            return step_s
    return DAY_S * -(-length_s // (DAY_S * MAX_POINTS))
