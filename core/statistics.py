"""What is counted, over which times, and how a curve is cut into points: pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

HOUR_S: Final = 3_600
DAY_S: Final = 86_400
#: Everything is counted by half-hours: the finest that any screen shows.
SLOT_S: Final = 1_800
#: Half-hours older than this are kept as days. No screen looks at them more closely.
FINE_S: Final = 40 * DAY_S
#: How requests end has many more rows, so its half-hours become days sooner; longer times begin with
#: the beginning of a day.
FINE_OUTCOMES_S: Final = 8 * DAY_S
#: A curve has no more points than this: more cannot be told apart on a phone.
MAX_POINTS: Final = 720
#: What claims to be older than the year 2000 was written by a wrong clock, or before times were kept.
_EARLIEST: Final = 946_684_800


class Scope(StrEnum):
    """Whose downloads."""

    ALL = "all"
    PRIVATE = "private"
    GROUPS = "groups"

    def includes(self, *, is_group: bool) -> bool:
        """Tell whether a kind of chat is meant."""
        return self is Scope.ALL or (self is Scope.GROUPS) == is_group


class Period(StrEnum):
    """How far back."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    ALL = "ever"

    @property
    def length_s(self) -> int | None:
        """Give its length in seconds; None for all time."""
        return {Period.DAY: DAY_S, Period.WEEK: 7 * DAY_S, Period.MONTH: 31 * DAY_S}.get(self)

    def since(self, now: int) -> int | None:
        """Give the Unix time at which it begins: always a half-hour. None for all time."""
        return None if self.length_s is None else slot_of(now - self.length_s)


class Metric(StrEnum):
    """What a curve shows, by the names of `Counts`."""

    CHATS = "chats"
    POSTS = "posts"
    SOUNDS = "sounds"


@dataclass(frozen=True, slots=True)
class Counts:
    """What has happened in some time. `…_chats` are the different chats that have had such a thing;
    over times that end now they can be summed up, because each chat counts where it was last seen.
    """

    #: New chats.
    chats: int = 0
    posts: int = 0
    post_chats: int = 0
    #: Of the posts, those with pictures, and those that went into inline messages.
    slideshows: int = 0
    slideshow_chats: int = 0
    inline_posts: int = 0
    sounds: int = 0
    sound_chats: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Add up."""
        return Counts(*(getattr(self, name) + getattr(other, name) for name in COUNTED))

    def __neg__(self) -> "Counts":
        """Take away."""
        return Counts(*(-getattr(self, name) for name in COUNTED))


COUNTED: Final = tuple(field.name for field in fields(Counts))


def slot_of(unix: int | None) -> int:
    """Give the beginning of the half-hour of a Unix time; 0 where nobody knows it."""
    return (unix or 0) // SLOT_S * SLOT_S


def fine_from(now: int, length_s: int = FINE_S) -> int:
    """Give the Unix time from which half-hours are kept: the beginning of a day."""
    return (now - length_s) // DAY_S * DAY_S


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of equal length; `values[n]` is what happened from `starts_at + n * step_s` on."""

    starts_at: int
    step_s: int
    values: Sequence[int]


def curve_times(period: Period, first: int | None, now: int) -> tuple[int, int, int]:
    """Give (begin, end, step) of a curve in Unix seconds, half-open, of whole steps that are over.

    A day has half-hours, a week hours, a month days. All time begins with `first`, the first half-hour
    in which anything happened, and has the finest steps that are neither too many nor too fine.
    """
    step_s = {Period.DAY: SLOT_S, Period.WEEK: HOUR_S, Period.MONTH: DAY_S}.get(period)
    if step_s is None or period.length_s is None:
        first = min(max(now if first is None else first, _EARLIEST), now)
        step_s = _step_for(now - first)
        begin = first // step_s * step_s
        # A young bot sees its first half-hours at once.
        end = now // step_s * step_s if now - begin > 2 * step_s else slot_of(now) + SLOT_S
        return begin, max(end, begin + step_s), step_s
    end = now // step_s * step_s
    return end - period.length_s // step_s * step_s, end, step_s


def curve_of(slots: Iterable[tuple[int, int]], begin: int, end: int, step_s: int) -> Curve:
    """Sum (Unix time, number) up to a curve; where nothing happened it is zero."""
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
