"""What statistics ask: every answer is a few rows, however much has been downloaded."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from core.statistics import (
    COUNTED,
    DAY_S,
    FINE_OUTCOMES_S,
    Counts,
    Metric,
    Scope,
    fine_from,
    slot_of,
)
from data.database import read, table_of, unix_now, write
from data.models import Outcomes, Stats, Users, Video

_STATS, _OUTCOMES = table_of(Stats), table_of(Outcomes)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A line of a chat's history."""

    pk_id: int
    #: Unix time; None in rows older than the column.
    at: int | None
    link: str


async def counts_since(since: int | None) -> dict[Scope, Counts]:
    """Count what has happened from a half-hour on, or ever: in private chats, groups, and both."""
    numbers = (func.sum(_STATS.c[name]) for name in COUNTED)
    question = select(_STATS.c.is_group, *numbers).group_by(_STATS.c.is_group)
    if since is not None:
        question = question.where(_STATS.c.slot >= since)
    rows = await read(lambda db: db.execute(question).all())
    counts = {bool(is_group): Counts(*map(int, found)) for is_group, *found in rows}
    private, groups = counts.get(False, Counts()), counts.get(True, Counts())
    return {Scope.ALL: private + groups, Scope.PRIVATE: private, Scope.GROUPS: groups}


async def first_slot() -> int | None:
    """Give the first half-hour (or day) in which anything happened; None when nothing has."""
    question = select(func.min(_STATS.c.slot)).where(_STATS.c.slot > 0)
    return await read(lambda db: db.execute(question).scalar())


async def by_slot(metric: Metric, scope: Scope, begin: int, end: int) -> list[tuple[int, int]]:
    """List (Unix time, number) of what happened from `begin` to before `end`."""
    question = select(_STATS.c.slot, _STATS.c[metric.value]).where(
        _STATS.c.slot >= begin, _STATS.c.slot < end
    )
    if scope is not Scope.ALL:
        question = question.where(_STATS.c.is_group.is_(scope is Scope.GROUPS))
    rows = await read(lambda db: db.execute(question).all())
    return [(slot, number) for slot, number in rows]


async def blocked_chats() -> int:
    """Count the chats that are closed to us."""
    question = select(func.count()).select_from(Users).where(Users.blocked_at.is_not(None))
    return await read(lambda db: db.execute(question).scalar_one())


async def last_download_at() -> int | None:
    """Give the Unix time of the newest download; None when there is none."""
    question = select(func.max(Video.downloaded_at))
    return await read(lambda db: db.execute(question).scalar())


async def history_before(
    chat_id: int, last: HistoryEntry | None, number: int
) -> list[HistoryEntry]:
    """List a chat's next downloads before `last`, newest first."""
    at, pk_id = Video.downloaded_at, Video.pk_id
    of_chat = select(pk_id, at, Video.video_link).where(Video.user_id == chat_id)
    # Apart, because databases do not agree where NULL stands in an order.
    dated = of_chat.where(at.is_not(None)).order_by(at.desc(), pk_id.desc())
    undated = of_chat.where(at.is_(None)).order_by(pk_id.desc())
    if last is not None and last.at is not None:
        # The first condition says nothing new, but lets the index find the place.
        dated = dated.where(at <= last.at, or_(at < last.at, pk_id < last.pk_id))
    elif last is not None:
        undated = undated.where(pk_id < last.pk_id)

    def work(db: Connection) -> list[HistoryEntry]:
        has_dated = last is None or last.at is not None
        rows = list(db.execute(dated.limit(number))) if has_dated else []
        rows += db.execute(undated.limit(number - len(rows)))
        return [HistoryEntry(*row) for row in rows]

    return await read(work)


async def add_outcomes(outcomes: Sequence[tuple[str, str, int]]) -> None:
    """Add how requests have ended just now: (platform, outcome, number)."""
    slot = slot_of(unix_now())
    await write(lambda db: _add(db, [(slot, *outcome) for outcome in outcomes]))


async def outcomes_since(since: int | None) -> list[tuple[str, str, int]]:
    """List (platform, outcome, number) from a half-hour on, or ever; most frequent first.

    What is long ago is counted from the beginning of its day.
    """
    if since is not None and since < fine_from(unix_now(), FINE_OUTCOMES_S):
        since = since // DAY_S * DAY_S
    number = func.sum(_OUTCOMES.c.number)
    question = (
        select(_OUTCOMES.c.platform, _OUTCOMES.c.outcome, number)
        .group_by(_OUTCOMES.c.platform, _OUTCOMES.c.outcome)
        .order_by(number.desc(), _OUTCOMES.c.platform, _OUTCOMES.c.outcome)
    )
    if since is not None:
        question = question.where(_OUTCOMES.c.slot >= since)
    rows = await read(lambda db: db.execute(question).all())
    return [(platform, outcome, int(total)) for platform, outcome, total in rows]


async def fold_outcomes() -> None:
    """Turn old half-hours into days."""
    before = fine_from(unix_now(), FINE_OUTCOMES_S)
    old = (
        delete(_OUTCOMES)
        .where(_OUTCOMES.c.slot < before, _OUTCOMES.c.slot % DAY_S != 0)
        .returning(*_OUTCOMES.c)
    )

    def work(db: Connection) -> None:
        rows = db.execute(old).all()
        _add(db, [(slot // DAY_S * DAY_S, *rest) for slot, *rest in rows])

    await write(work)


def _add(db: Connection, rows: Sequence[tuple[int, str, str, int]]) -> None:
    into = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
    statement = into(_OUTCOMES)
    statement = statement.on_conflict_do_update(
        index_elements=["slot", "platform", "outcome"],
        set_={"number": _OUTCOMES.c.number + statement.excluded.number},
    )
    for slot, platform, outcome, number in sorted(rows):
        row = {"slot": slot, "platform": platform, "outcome": outcome, "number": number}
        db.execute(statement, row)
