"""Counters of shown ads."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from core.statistics import DAY_S, FINE_OUTCOMES_S, fine_from, slot_of
from data.database import read, table_of, unix_now, write
from data.models import AdShows
from data.rollups import removing_half_hours
from data.upserts import insert_into

_SHOWS = table_of(AdShows)


async def count_ad_show(name: str) -> None:
    """Count one impression of the ad with a name, in the current half-hour."""
    slot = slot_of(unix_now())
    await write(lambda db: _add(db, [(slot, name, 1)]))


async def ad_shows_since(since: int | None) -> list[tuple[str, int]]:
    """Return (ad name, impressions), most frequent first.

    `since` is the Unix time of the first half-hour that counts, or None for all time. A time that
    is older than the half-hour rows is rounded down to the beginning of its day.
    """
    if since is not None and since < fine_from(unix_now(), FINE_OUTCOMES_S):
        since = since // DAY_S * DAY_S
    number = func.sum(_SHOWS.c.number)
    query = select(_SHOWS.c.ad, number).group_by(_SHOWS.c.ad).order_by(number.desc(), _SHOWS.c.ad)
    if since is not None:
        query = query.where(_SHOWS.c.slot >= since)
    rows = await read(lambda db: db.execute(query).all())
    return [(ad, int(total)) for ad, total in rows]


async def fold_ad_shows() -> None:
    """Merge old half-hour rows of ads into day rows."""
    before = fine_from(unix_now(), FINE_OUTCOMES_S)
    old = removing_half_hours(_SHOWS, before)

    def work(db: Connection) -> None:
        rows = db.execute(old).all()
        _add(db, [(slot // DAY_S * DAY_S, ad, number) for slot, ad, number in rows])

    await write(work)


def _add(db: Connection, rows: Sequence[tuple[int, str, int]]) -> None:
    statement = insert_into(db, _SHOWS)
    statement = statement.on_conflict_do_update(
        index_elements=["slot", "ad"],
        set_={"number": _SHOWS.c.number + statement.excluded.number},
    )
    for slot, ad, number in sorted(rows):
        db.execute(statement, {"slot": slot, "ad": ad, "number": number})
