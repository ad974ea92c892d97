"""Rollups: counters that are updated in the transaction of each event, so screens need no scans.

They duplicate the history in two places: per chat in `users`, and per half-hour over all chats in
`stats`. `recount` rebuilds both from the history. On a consistent database it changes nothing.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import (
    Connection,
    Select,
    Table,
    case,
    delete,
    func,
    literal,
    select,
    update,
)
from sqlalchemy import bindparam as place
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningDelete

from core.statistics import COUNTED, DAY_S, SLOT_S, Counts, fine_from, slot_of
from data.database import lock_upgrades, table_of, unix_now, write
from data.key_values import read_value_in, set_value_in
from data.models import Music, Stats, Users, Video
from data.prepared_statements import PreparedStatement, parameters
from data.upserts import insert_into

logger = logging.getLogger(__name__)

_USERS, _STATS = table_of(Users), table_of(Stats)
_VIDEOS, _MUSIC = table_of(Video), table_of(Music)
#: Version of the counters' meaning. Changing it rebuilds the rollups at the next start.
_VERSION: Final = "1"
_VERSION_KEY: Final = "rollups"

_CHAT_COLUMNS: Final = (
    "user_id",
    "registered_at",
    "ad_count",
    "ad_cooldown",
    "post_at",
    "slideshow_at",
    "sound_at",
)
# FOR UPDATE locks the chat's row on PostgreSQL. On SQLite the transaction itself is the lock.
_LOCK_CHAT: Final = PreparedStatement(
    select(*(_USERS.c[name] for name in _CHAT_COLUMNS))
    .where(_USERS.c.user_id == place("chat_id"))
    .with_for_update(key_share=True)
)
_THIS_CHAT = update(_USERS).where(_USERS.c.user_id == place("chat_id"))
_ADD_POST: Final = PreparedStatement(
    _THIS_CHAT.values(posts=_USERS.c.posts + 1, post_at=place("at"))
)
_ADD_SLIDESHOW: Final = PreparedStatement(
    _THIS_CHAT.values(
        posts=_USERS.c.posts + 1,
        post_at=place("at"),
        slideshows=_USERS.c.slideshows + 1,
        slideshow_at=place("slideshow"),
    )
)
_ADD_SOUND: Final = PreparedStatement(
    _THIS_CHAT.values(sounds=_USERS.c.sounds + 1, sound_at=place("at"))
)


def _adding(table: Table, statement: Any, keys: list[str], numbers: tuple[str, ...]) -> Any:
    """Extend an INSERT so that it adds its numbers to an existing row."""
    return statement.on_conflict_do_update(
        index_elements=keys,
        set_={name: table.c[name] + statement.excluded[name] for name in numbers},
    )


_ADD: Final = PreparedStatement(
    *(
        _adding(
            _STATS,
            dialect.insert(_STATS).values(parameters("slot", "is_group", *COUNTED)),
            ["slot", "is_group"],
            COUNTED,
        )
        for dialect in (sqlite, postgresql)
    )
)


# --- counting events -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CountedPost:
    """A post that was delivered to a chat."""

    chat_id: int
    is_slideshow: bool
    is_inline: bool


def lock_chat(db: Connection, chat_id: int) -> Any:
    """Lock a chat's row until the end of the transaction and return it; None if unregistered."""
    return lock_chats(db, [chat_id]).get(chat_id)


def lock_chats(db: Connection, chat_ids: Collection[int]) -> dict[int, Any]:
    """Lock chats' rows until the end of the transaction; return those that are registered."""
    # The fixed order prevents deadlocks.
    rows = _LOCK_CHAT.many(db, [{"chat_id": chat_id} for chat_id in sorted(chat_ids)])
    return {row.user_id: row for row in rows}


def count_posts(
    db: Connection, posts: Sequence[CountedPost], chats: Mapping[int, Any], now: int
) -> None:
    """Count delivered posts, at most one for each locked chat, at the Unix time `now`.

    Call it last in the transaction: all chats share the rows of `stats`, and it locks them.
    """
    changes = _Changes()
    plain, slideshows = [], []
    for post in posts:
        chat, is_group = chats[post.chat_id], post.chat_id < 0
        at = changes.seen(is_group, "post_chats", chat.post_at, now)
        counts = Counts(posts=1, slideshows=post.is_slideshow, inline_posts=post.is_inline)
        changes.add(is_group, now, counts)
        values = {"chat_id": post.chat_id, "at": at}
        if post.is_slideshow:
            slideshow_at = changes.seen(is_group, "slideshow_chats", chat.slideshow_at, now)
            slideshows.append({**values, "slideshow": slideshow_at})
        else:
            plain.append(values)
    if plain:
        _ADD_POST.many(db, plain)
    if slideshows:
        _ADD_SLIDESHOW.many(db, slideshows)
    changes.write(db)


def count_sound(db: Connection, chat_id: int, chat: Any, now: int) -> None:
    """Count a delivered audio file of a locked chat, at the Unix time `now`."""
    changes = _Changes()
    at = changes.seen(chat_id < 0, "sound_chats", chat.sound_at, now)
    changes.add(chat_id < 0, now, Counts(sounds=1))
    _ADD_SOUND.first(db, {"chat_id": chat_id, "at": at})
    changes.write(db)


def count_chats(db: Connection, chats: Iterable[tuple[int, int]]) -> None:
    """Count new chats: the id of each, and the Unix time at which it was registered.

    Call it last in the transaction, like `count_posts`.
    """
    changes = _Changes()
    for chat_id, registered_at in chats:
        changes.add(chat_id < 0, registered_at, Counts(chats=1))
    changes.write(db)


class _Changes:
    """Changes of one transaction to `stats`."""

    def __init__(self) -> None:
        self._by_row: defaultdict[tuple[int, bool], Counts] = defaultdict(Counts)

    def add(self, is_group: bool, at: int, counts: Counts) -> None:
        """Add counters to the half-hour that contains the Unix time `at`."""
        self._by_row[slot_of(at), is_group] += counts

    def seen(self, is_group: bool, column: str, last_at: int | None, now: int) -> int:
        """Move a chat's contribution to a `…_chats` column from its last slot to the current one.

        Return the Unix time of its last event, which is never before `last_at`.
        """
        at = max(last_at or 0, now)
        if last_at is None or slot_of(last_at) != slot_of(at):
            self.add(is_group, at, Counts(**{column: 1}))
            if last_at is not None:
                self.add(is_group, last_at, Counts(**{column: -1}))
        return at

    def write(self, db: Connection) -> None:
        """Write the changes, oldest slot first. The fixed lock order prevents deadlocks."""
        rows = sorted(self._by_row.items())
        _ADD.many(db, [_row(slot, is_group, counts) for (slot, is_group), counts in rows])


def add_counts(db: Connection, slot: int, is_group: bool, counts: Counts) -> None:
    """Add counters to one row of `stats`, inserting it if it is missing."""
    _ADD.first(db, _row(slot, is_group, counts))


def _row(slot: int, is_group: bool, counts: Counts) -> dict[str, Any]:
    numbers = {name: int(getattr(counts, name)) for name in COUNTED}
    return {"slot": slot, "is_group": is_group, **numbers}


# --- erased and migrated chats -------------------------------------------------------------------


def subtract_chat_counts(db: Connection, chat_id: int) -> None:
    """Subtract a chat's contribution from `stats`. Call it before changing the chat's history."""
    _add_contributions(db, chat_id, sign=-1)


def add_chat_counts(db: Connection, chat_id: int) -> None:
    """Rebuild a chat's counters from its history and add its contribution to `stats`."""
    _count_chats(db, chat_id)
    _add_contributions(db, chat_id, sign=1)


def _add_contributions(db: Connection, chat_id: int, *, sign: Literal[-1, 1]) -> None:
    totals: defaultdict[tuple[int, bool], Counts] = defaultdict(Counts)
    for columns, query in _contributions(chat_id, fine_from=0):
        for slot, is_group, *numbers in db.execute(query):
            counts = Counts(**dict(zip(columns, numbers, strict=True)))
            totals[slot, bool(is_group)] += counts if sign > 0 else -counts
    for (slot, is_group), counts in sorted(totals.items()):
        add_counts(db, slot, is_group, counts)


# --- rebuilding ----------------------------------------------------------------------------------


async def recount() -> None:
    """Rebuild all rollups from the history, for example after another program has written to it."""
    await write(_recount)


async def ensure_counted() -> None:
    """Build the rollups once, in a database whose history is older than they are.

    Raises:
        StorageError: the database did not answer, or refused.
    """
    await write(_ensure_counted)


def _ensure_counted(db: Connection) -> None:
    lock_upgrades(db)
    if read_value_in(db, _VERSION_KEY) == _VERSION:
        return
    if db.execute(select(Users.user_id).limit(1)).first():
        logger.info(
            "Building the statistics from the history, once: some seconds for a million downloads",
            extra={"event": "rollups_built"},
        )
    _recount(db)
    set_value_in(db, _VERSION_KEY, _VERSION)


def _recount(db: Connection) -> None:
    _count_chats(db, None)
    db.execute(delete(Stats))
    for columns, query in _contributions(None, fine_from=fine_from(unix_now())):
        counted = query.subquery()
        zeros = [literal(0).label(name) for name in COUNTED if name not in columns]
        names = ["slot", "is_group", *columns, *(column.name for column in zeros)]
        # Without the WHERE, SQLite would parse ON CONFLICT as a join constraint of the SELECT.
        # Source: https://www.sqlite.org/lang_upsert.html ("Parsing Ambiguity")
        rows = select(counted, *zeros).where(literal(1) == 1)
        statement = insert_into(db, _STATS).from_select(names, rows)
        db.execute(_adding(_STATS, statement, ["slot", "is_group"], COUNTED))


def _count_chats(db: Connection, chat_id: int | None) -> None:
    """Rebuild the counters in `users` from the history, for one chat or (None) for all."""
    chats = update(_USERS)
    posts = select(
        _VIDEOS.c.user_id,
        func.count().label("posts"),
        func.coalesce(func.max(_VIDEOS.c.downloaded_at), 0).label("post_at"),
        func.count(case((_VIDEOS.c.is_images, 1))).label("slideshows"),
        func.max(case((_VIDEOS.c.is_images, func.coalesce(_VIDEOS.c.downloaded_at, 0)))).label(
            "slideshow_at"
        ),
    ).group_by(_VIDEOS.c.user_id)
    sounds = select(
        _MUSIC.c.user_id,
        func.count().label("sounds"),
        func.coalesce(func.max(_MUSIC.c.downloaded_at), 0).label("sound_at"),
    ).group_by(_MUSIC.c.user_id)
    if chat_id is not None:
        chats = chats.where(_USERS.c.user_id == chat_id)
        posts = posts.where(_VIDEOS.c.user_id == chat_id)
        sounds = sounds.where(_MUSIC.c.user_id == chat_id)
    db.execute(
        chats.values(
            posts=0, slideshows=0, sounds=0, post_at=None, slideshow_at=None, sound_at=None
        )
    )
    for query in (posts, sounds):
        counted = query.subquery()
        values = {column.name: column for column in counted.c if column.name != "user_id"}
        db.execute(update(_USERS).where(_USERS.c.user_id == counted.c.user_id).values(values))


def _contributions(
    chat_id: int | None, *, fine_from: int
) -> Iterator[tuple[tuple[str, ...], Select[Any]]]:
    """Yield the contributions of one chat or (None) all chats to `stats`.

    Each one is a tuple of column names and a query for rows of (slot, is_group, numbers of these
    columns). Slots before the Unix time `fine_from` are days, later ones half-hours.
    """

    def by_slot(table: Table, at: str, **numbers: Any) -> tuple[tuple[str, ...], Select[Any]]:
        time = func.coalesce(table.c[at], 0)
        slot = case((time < fine_from, time // DAY_S * DAY_S), else_=time // SLOT_S * SLOT_S)
        query = select(
            slot.label("slot"),
            (table.c.user_id < 0).label("is_group"),
            *(number.label(name) for name, number in numbers.items()),
        ).group_by("slot", "is_group")
        if chat_id is not None:
            query = query.where(table.c.user_id == chat_id)
        return tuple(numbers), query

    yield by_slot(_USERS, "registered_at", chats=func.count())
    yield by_slot(
        _VIDEOS,
        "downloaded_at",
        posts=func.count(),
        slideshows=func.count(case((_VIDEOS.c.is_images, 1))),
        inline_posts=func.count(case((_VIDEOS.c.is_inline, 1))),
    )
    yield by_slot(_MUSIC, "downloaded_at", sounds=func.count())
    for name in ("post", "slideshow", "sound"):
        columns, query = by_slot(_USERS, f"{name}_at", **{f"{name}_chats": func.count()})
        yield columns, query.where(_USERS.c[f"{name}s"] > 0)


# --- compaction ----------------------------------------------------------------------------------


def removing_half_hours(table: Table, before: int) -> ReturningDelete[Any]:
    """Return the statement that deletes and returns half-hour rows older than `before`.

    A row of a day's first half-hour stays: the others are added to it, so that it is the day's.
    """
    return delete(table).where(table.c.slot < before, table.c.slot % DAY_S != 0).returning(*table.c)


async def fold_stats() -> int:
    """Merge old half-hour rows into day rows. Return the number of rows saved."""
    before = fine_from(unix_now())
    old = removing_half_hours(_STATS, before)

    def work(db: Connection) -> int:
        days: defaultdict[tuple[int, bool], Counts] = defaultdict(Counts)
        rows = db.execute(old).mappings().all()
        for row in rows:
            day = row["slot"] // DAY_S * DAY_S
            days[day, bool(row["is_group"])] += Counts(*(row[name] for name in COUNTED))
        for (day, is_group), counts in sorted(days.items()):
            add_counts(db, day, is_group, counts)
        return len(rows) - len(days)

    return await write(work)
