"""Queries for statistics. Each one reads a few rows, whatever the size of the history."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, case, func, or_, select

from core.statistics import (
    COUNTED,
    DAY_S,
    FINE_OUTCOMES_S,
    Counts,
    Metric,
    Period,
    Scope,
    fine_from,
    slot_of,
)
from data.database import read, table_of, unix_now, write
from data.models import Outcomes, Stats, Users, Video
from data.rollups import removing_half_hours
from data.upserts import insert_into

_STATS, _OUTCOMES = table_of(Stats), table_of(Outcomes)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One download in a chat's history."""

    pk_id: int
    #: Unix time; None in rows older than the column.
    at: int | None
    link: str


async def counts_since(since: int | None, until: int | None = None) -> dict[Scope, Counts]:
    """Return the counters of private chats, of groups and of both.

    `since` is the Unix time of the first half-hour that counts, or None for all time; `until` is
    that of the first one that no longer counts. With `until`, the numbers of distinct chats are
    those of chats that have not come back later.
    """
    numbers = (func.sum(_STATS.c[name]) for name in COUNTED)
    query = select(_STATS.c.is_group, *numbers).group_by(_STATS.c.is_group)
    if since is not None:
        query = query.where(_STATS.c.slot >= since)
    if until is not None:
        query = query.where(_STATS.c.slot < until)
    rows = await read(lambda db: db.execute(query).all())
    counts = {bool(is_group): Counts(*map(int, sums)) for is_group, *sums in rows}
    private, groups = counts.get(False, Counts()), counts.get(True, Counts())
    return {Scope.ALL: private + groups, Scope.PRIVATE: private, Scope.GROUPS: groups}


async def active_people(now: int) -> dict[Period, int]:
    """Return how many people have received a post in private in the last day, week and month.

    `now` is a Unix time.
    """
    periods = (Period.DAY, Period.WEEK, Period.MONTH)
    numbers = [
        func.sum(case((_STATS.c.slot >= period.since(now), _STATS.c.post_chats), else_=0))
        for period in periods
    ]
    query = select(*numbers).where(
        _STATS.c.is_group.is_(False), _STATS.c.slot >= Period.MONTH.since(now)
    )
    row = await read(lambda db: db.execute(query).one())
    return dict(zip(periods, (int(number or 0) for number in row), strict=True))


async def first_slot() -> int | None:
    """Return the Unix time of the first half-hour (or day) with any event, or None."""
    query = select(func.min(_STATS.c.slot)).where(_STATS.c.slot > 0)
    return await read(lambda db: db.execute(query).scalar())


async def by_slot(metric: Metric, scope: Scope, begin: int, end: int) -> list[tuple[int, int]]:
    """Return (Unix time, number) per stored slot, from `begin` to before `end`, in no order.

    With `Scope.ALL` a time may occur twice, for private chats and for groups.
    """
    query = select(_STATS.c.slot, _STATS.c[metric.value]).where(
        _STATS.c.slot >= begin, _STATS.c.slot < end
    )
    if scope is not Scope.ALL:
        query = query.where(_STATS.c.is_group.is_(scope is Scope.GROUPS))
    rows = await read(lambda db: db.execute(query).all())
    return [(slot, number) for slot, number in rows]


async def blocked_chats() -> int:
    """Return the number of chats that blocked the bot."""
    query = select(func.count()).select_from(Users).where(Users.blocked_at.is_not(None))
    return await read(lambda db: db.execute(query).scalar_one())


async def last_download_at() -> int | None:
    """Return the Unix time of the newest download, or None if there is none."""
    query = select(func.max(Video.downloaded_at))
    return await read(lambda db: db.execute(query).scalar())


async def history_before(
    chat_id: int, last: HistoryEntry | None, number: int
) -> list[HistoryEntry]:
    """Return up to `number` of a chat's downloads older than `last`, newest first.

    With None for `last`, return the newest ones. Downloads of unknown time come last.
    """
    at, pk_id = Video.downloaded_at, Video.pk_id
    of_chat = select(pk_id, at, Video.video_link).where(Video.user_id == chat_id)
    # Two queries, because SQLite and PostgreSQL sort NULL differently.
    dated = of_chat.where(at.is_not(None)).order_by(at.desc(), pk_id.desc())
    undated = of_chat.where(at.is_(None)).order_by(pk_id.desc())
    if last is not None and last.at is not None:
        # The first condition is redundant, but lets the database seek in the index.
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
    """Add outcomes of requests to the current half-hour, as (platform, outcome, number)."""
    slot = slot_of(unix_now())
    await write(lambda db: _add(db, [(slot, *outcome) for outcome in outcomes]))


async def outcomes_since(since: int | None) -> list[tuple[str, str, int]]:
    """Return (platform, outcome, number), most frequent first.

    `since` is the Unix time of the first half-hour that counts, or None for all time. A time that
    is older than the half-hour rows is rounded down to the beginning of its day.
    """
    if since is not None and since < fine_from(unix_now(), FINE_OUTCOMES_S):
        since = since // DAY_S * DAY_S
    number = func.sum(_OUTCOMES.c.number)
    query = (
        select(_OUTCOMES.c.platform, _OUTCOMES.c.outcome, number)
        .group_by(_OUTCOMES.c.platform, _OUTCOMES.c.outcome)
        .order_by(number.desc(), _OUTCOMES.c.platform, _OUTCOMES.c.outcome)
    )
    if since is not None:
        query = query.where(_OUTCOMES.c.slot >= since)
    rows = await read(lambda db: db.execute(query).all())
    return [(platform, outcome, int(total)) for platform, outcome, total in rows]


async def outcomes_by_slot(since: int) -> list[tuple[int, str, str, int]]:
    """Return (half-hour, platform, outcome, number) from the half-hour that contains `since`."""
    query = select(_OUTCOMES).where(_OUTCOMES.c.slot >= slot_of(since))
    rows = await read(lambda db: db.execute(query).all())
    return [(row.slot, row.platform, row.outcome, row.number) for row in rows]


async def fold_outcomes() -> None:
    """Merge old half-hour rows of outcomes into day rows."""
    before = fine_from(unix_now(), FINE_OUTCOMES_S)
    old = removing_half_hours(_OUTCOMES, before)

    def work(db: Connection) -> None:
        rows = db.execute(old).all()
        _add(db, [(slot // DAY_S * DAY_S, *rest) for slot, *rest in rows])

    await write(work)


def _add(db: Connection, rows: Sequence[tuple[int, str, str, int]]) -> None:
    statement = insert_into(db, _OUTCOMES)
    statement = statement.on_conflict_do_update(
        index_elements=["slot", "platform", "outcome"],
        set_={"number": _OUTCOMES.c.number + statement.excluded.number},
    )
    for slot, platform, outcome, number in sorted(rows):
        row = {"slot": slot, "platform": platform, "outcome": outcome, "number": number}
        db.execute(statement, row)
