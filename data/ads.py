"""Counters of shown ads."""

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from core.statistics import slot_of
from data.database import read, table_of, unix_now, write
from data.models import AdShows

_SHOWS = table_of(AdShows)


async def count_ad_show(name: str) -> None:
    """Count one impression of the ad with a name, in the current half-hour."""
    row = {"slot": slot_of(unix_now()), "ad": name, "number": 1}

    def upsert(
        into: type[sqlite.Insert] | type[postgresql.Insert],
    ) -> sqlite.Insert | postgresql.Insert:
        return (
            into(_SHOWS)
            .values(row)
            .on_conflict_do_update(
                index_elements=["slot", "ad"], set_={"number": _SHOWS.c.number + 1}
            )
        )

    await write(
        lambda db: db.execute(
            upsert(sqlite.Insert if db.dialect.name == "sqlite" else postgresql.Insert)
        )
    )


async def ad_shows_since(since: int | None) -> list[tuple[str, int]]:
    """Return (ad name, impressions), most frequent first.

    `since` is the Unix time of the first half-hour that counts, or None for all time.
    """
    number = func.sum(_SHOWS.c.number)
    query = select(_SHOWS.c.ad, number).group_by(_SHOWS.c.ad).order_by(number.desc(), _SHOWS.c.ad)
    if since is not None:
        query = query.where(_SHOWS.c.slot >= since)
    rows = await read(lambda db: db.execute(query).all())
    return [(ad, int(total)) for ad, total in rows]
