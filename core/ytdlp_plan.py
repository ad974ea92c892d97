"""Which yt-dlp all processes are to use, and when downloads have got worse with a new one."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from core.ytdlp_releases import YTDLP, Release, version_key

#: Successful and failed downloads of a site; failures of the post itself count as neither.
Counts = tuple[int, int]

#: Downloads that are looked at, at least: of a site, or of all sites together.
ENOUGH: Final = 20
#: Fall of the success rate after which the version before comes back, in percentage points.
MOST_FALL: Final = 30
#: How long a new version is watched, in seconds. Whatever fails later, the sites have changed.
WATCHED_S: Final = 48 * 3_600
#: How long before a switch the downloads count for the comparison, in seconds.
BEFORE_S: Final = 24 * 3_600


@dataclass(frozen=True, slots=True)
class Plan:
    """The version that all processes are to use, the one before it, and what was refused."""

    #: The wheels of the version; empty for the installed one.
    chosen: tuple[Release, ...] = ()
    previous: tuple[Release, ...] = ()
    #: Unix time of the switch to `chosen`; 0 if it is not watched.
    switched_at: int = 0
    #: Downloads by site in the day before the switch.
    before: Mapping[str, Counts] = field(default_factory=dict)
    #: Downloads by site in the half-hour of the switch, until then.
    at_switch: Mapping[str, Counts] = field(default_factory=dict)
    #: Versions that are not used.
    refused: tuple[str, ...] = ()
    #: Unix time of the last look at the index.
    looked_at: int = 0

    @property
    def version(self) -> str | None:
        """The version of yt-dlp; None for the installed one."""
        return version_of(self.chosen)

    def is_watched(self, now: int) -> bool:
        """Return True if the version is new; `now` is a Unix time."""
        return bool(self.switched_at) and now - self.switched_at < WATCHED_S

    def switched(
        self,
        to: tuple[Release, ...],
        now: int,
        before: Mapping[str, Counts],
        at_switch: Mapping[str, Counts],
    ) -> "Plan":
        """Return the plan with a new version."""
        return replace(
            self,
            chosen=to,
            previous=self.chosen,
            switched_at=now,
            before=before,
            at_switch=at_switch,
            refused=tuple(version for version in self.refused if version != version_of(to)),
        )

    def refusing(self, version: str) -> "Plan":
        """Return the plan without a version; the index is looked at again at once."""
        return replace(self, refused=(*self._others(version), version), looked_at=0)

    def rolled_back(self) -> "Plan":
        """Return the plan with the version before the last switch."""
        refused = (*self._others(self.version), self.version) if self.version else self.refused
        return Plan(self.previous, refused=refused, looked_at=self.looked_at)

    def _others(self, version: str | None) -> tuple[str, ...]:
        return tuple(other for other in self.refused if other != version)

    def as_json(self) -> str:
        """Return the form that is stored."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str | None) -> "Plan":
        """Return a plan from its stored form; an empty one if it cannot be read."""
        try:
            values = json.loads(text or "{}")
            return cls(
                chosen=_wheels(values.get("chosen", ())),
                previous=_wheels(values.get("previous", ())),
                switched_at=int(values.get("switched_at", 0)),
                before=_counts(values.get("before", {})),
                at_switch=_counts(values.get("at_switch", {})),
                refused=tuple(map(str, values.get("refused", ()))),
                looked_at=int(values.get("looked_at", 0)),
            )
        except (ValueError, TypeError, AttributeError):
            return cls()


def _wheels(values: Sequence[Any]) -> tuple[Release, ...]:
    return tuple(Release(**value) for value in values)


def _counts(values: Mapping[str, Any]) -> dict[str, Counts]:
    return {site: (int(done), int(failed)) for site, (done, failed) in values.items()}


def version_of(wheels: Iterable[Release]) -> str | None:
    """Return the version of yt-dlp among the wheels of a version; None if there is none."""
    return next((wheel.version for wheel in wheels if wheel.project == YTDLP), None)


def newer_wheels(wheels: tuple[Release, ...], installed: str) -> tuple[Release, ...]:
    """Return the wheels of a version, or none if the installed version is not older.

    The installed one may have been raised by a new release of Clipferry.
    """
    return wheels if version_key(version_of(wheels) or "") > version_key(installed) else ()


def in_use(wheels: tuple[Release, ...], installed: str) -> str:
    """Return the version of yt-dlp that a plan with these wheels means."""
    return version_of(newer_wheels(wheels, installed)) or installed


def sum_by_site(slots: Mapping[tuple[int, str], Counts]) -> dict[str, Counts]:
    """Return the downloads by site of downloads by half-hour and site."""
    found: defaultdict[str, Counts] = defaultdict(lambda: (0, 0))
    for (_, site), (done, failed) in slots.items():
        found[site] = found[site][0] + done, found[site][1] + failed
    return dict(found)


def subtract(
    slots: Mapping[tuple[int, str], Counts], slot: int, counted: Mapping[str, Counts]
) -> dict[tuple[int, str], Counts]:
    """Return downloads by half-hour and site without those that were counted in one half-hour."""
    left = dict(slots)
    for site, (done, failed) in counted.items():
        all_done, all_failed = left.get((slot, site), (0, 0))
        left[slot, site] = max(all_done - done, 0), max(all_failed - failed, 0)
    return left


@dataclass(frozen=True, slots=True)
class Fall:
    """A success rate that has fallen: of one site, before and after, in percent."""

    site: str
    before: int
    after: int


def find_fall(before: Mapping[str, Counts], after: Mapping[tuple[int, str], Counts]) -> Fall | None:
    """Return the site whose success rate has fallen most, if that is too much; else None.

    `before` are downloads by site, `after` those since the switch by half-hour and site. The newest
    half-hours with enough downloads count, so that a version that fails later is noticed, too. If
    no site alone has enough downloads, all are judged together: by what each site's rate before
    would have let expect.
    """
    known = {site: counts for site, counts in before.items() if counts != (0, 0)}
    since = {key: counts for key, counts in after.items() if key[1] in known and counts != (0, 0)}
    falls = []
    for site in sorted({site for _, site in since}):
        recent = _recent({key: counts for key, counts in since.items() if key[1] == site})
        if recent and sum(known[site]) >= ENOUGH:
            falls.append(Fall(site, _percent(known[site]), _percent(recent[site])))
    worst = max(falls, key=lambda fall: fall.before - fall.after, default=None)
    if worst and worst.before - worst.after >= MOST_FALL:
        return worst
    return _fall_together(known, _recent(since))


def _fall_together(known: Mapping[str, Counts], recent: Mapping[str, Counts] | None) -> Fall | None:
    if not recent or _number(known) < ENOUGH:
        return None
    number = _number(recent)
    expected = sum(
        sum(counts) * known[site][0] / sum(known[site]) for site, counts in recent.items()
    )
    done = sum(done for done, _ in recent.values())
    if (expected - done) * 100 < MOST_FALL * number:
        return None
    falls = [Fall(site, _percent(known[site]), _percent(counts)) for site, counts in recent.items()]
    return max(falls, key=lambda fall: fall.before - fall.after)


def _recent(since: Mapping[tuple[int, str], Counts]) -> dict[str, Counts] | None:
    """Return the downloads by site of the newest half-hours that have enough; None if none do."""
    for first in sorted({slot for slot, _ in since}, reverse=True):
        found = sum_by_site({key: counts for key, counts in since.items() if key[0] >= first})
        if _number(found) >= ENOUGH:
            return found
    return None


def _number(downloads: Mapping[str, Counts]) -> int:
    return sum(done + failed for done, failed in downloads.values())


def _percent(counts: Counts) -> int:
    return round(counts[0] * 100 / sum(counts))
