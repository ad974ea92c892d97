"""Counting: what is counted once, in the transaction in which it happens, is never counted again.

Two places hold the same truth twice: a chat's own counts in `users`, and everybody's by half-hour in
`stats`. `recount` makes both anew from the history, and must change nothing.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Select,
    Table,
    case,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy import bindparam as place
from sqlalchemy.dialects import postgresql, sqlite

from core.statistics import COUNTED, DAY_S, SLOT_S, Counts, fine_from, slot_of
from data.database import table_of, unix_now, write
from data.models import KeyValues, Music, Stats, Users, Video
from data.prepared_statements import PreparedStatement, parameters

logger = logging.getLogger(__name__)

_USERS, _STATS = table_of(Users), table_of(Stats)
_VIDEOS, _MUSIC = table_of(Video), table_of(Music)
#: What the counts mean. Another number here, and every database is counted anew at its next start.
_VERSION: Final = "1"
_VERSION_NOTE: Final = "rollups"

_NEEDED: Final = ("registered_at", "ad_count", "ad_cooldown", "post_at", "slideshow_at", "sound_at")
# A chat's row is locked while something is added to it (on SQLite the transaction itself is the lock).
_CHAT: Final = PreparedStatement(
    select(*(_USERS.c[n] for n in _NEEDED))
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
    """Let an INSERT add to the row that is there already."""
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


# --- as it happens -------------------------------------------------------------------------------


def lock_chat(db: Connection, chat_id: int) -> Any:
    """Give the row of a registered chat, which stays ours to the end of the transaction."""
    return _CHAT.first(db, {"chat_id": chat_id})


def count_post(
    db: Connection, chat_id: int, chat: Any, now: int, *, is_slideshow: bool, is_inline: bool
) -> None:
    """Count a delivery. It comes last in its transaction, because all chats share these rows."""
    changes = _Changes(chat_id)
    at = changes.seen("post_chats", chat.post_at, now)
    changes.add(now, Counts(posts=1, slideshows=int(is_slideshow), inline_posts=int(is_inline)))
    if is_slideshow:
        slideshow_at = changes.seen("slideshow_chats", chat.slideshow_at, now)
        _ADD_SLIDESHOW.first(db, {"chat_id": chat_id, "at": at, "slideshow": slideshow_at})
    else:
        _ADD_POST.first(db, {"chat_id": chat_id, "at": at})
    changes.write(db)


def count_sound(db: Connection, chat_id: int, chat: Any, now: int) -> None:
    """Count a sound."""
    changes = _Changes(chat_id)
    at = changes.seen("sound_chats", chat.sound_at, now)
    changes.add(now, Counts(sounds=1))
    _ADD_SOUND.first(db, {"chat_id": chat_id, "at": at})
    changes.write(db)


def count_chat(db: Connection, chat_id: int, now: int) -> None:
    """Count a new chat."""
    changes = _Changes(chat_id)
    changes.add(now, Counts(chats=1))
    changes.write(db)


class _Changes:
    """What a transaction changes in `stats`, for one chat."""

    def __init__(self, chat_id: int) -> None:
        self._is_group = chat_id < 0
        self._by_slot: defaultdict[int, Counts] = defaultdict(Counts)

    def add(self, at: int, counts: Counts) -> None:
        """Add to the half-hour of a Unix time."""
        self._by_slot[slot_of(at)] += counts

    def seen(self, column: str, last_at: int | None, now: int) -> int:
        """Move the chat from where it was last seen to now; gives when it was last seen by now."""
        at = max(last_at or 0, now)
        if last_at is None or slot_of(last_at) != slot_of(at):
            self.add(at, Counts(**{column: 1}))
            if last_at is not None:
                self.add(last_at, Counts(**{column: -1}))
        return at

    def write(self, db: Connection) -> None:
        """Write it, oldest first: all who lock several rows lock them in this order."""
        for slot, counts in sorted(self._by_slot.items()):
            add_counts(db, slot, self._is_group, counts)


def add_counts(db: Connection, slot: int, is_group: bool, counts: Counts) -> None:
    """Add to one row of `stats`."""
    numbers = {name: getattr(counts, name) for name in COUNTED}
    _ADD.first(db, {"slot": slot, "is_group": is_group, **numbers})


# --- a chat that goes, or comes from elsewhere ---------------------------------------------------


def subtract_chat_counts(db: Connection, chat_id: int) -> None:
    """Take everything out of `stats` that a chat has brought, before its history is changed."""
    _bring(db, chat_id, is_taken=True)


def add_chat_counts(db: Connection, chat_id: int) -> None:
    """Count a chat from its history, and put it into `stats`."""
    _count_chats(db, chat_id)
    _bring(db, chat_id, is_taken=False)


def _bring(db: Connection, chat_id: int, *, is_taken: bool) -> None:
    found: defaultdict[tuple[int, bool], Counts] = defaultdict(Counts)
    for columns, question in _contributions(chat_id, fine_from=0):
        for slot, is_group, *numbers in db.execute(question):
            counts = Counts(**dict(zip(columns, numbers, strict=True)))
            found[slot, bool(is_group)] += -counts if is_taken else counts
    for (slot, is_group), counts in sorted(found.items()):
        add_counts(db, slot, is_group, counts)


# --- from the beginning --------------------------------------------------------------------------


async def recount() -> None:
    """Count everything anew from the history: for when another program has written to it."""
    await write(_recount)


def ensure_counted(db: Connection) -> None:
    """Count a database whose history was written before there were counts."""
    version = db.execute(select(KeyValues.value).where(KeyValues.name == _VERSION_NOTE)).scalar()
    if version == _VERSION:
        return
    if db.execute(select(Users.user_id).limit(1)).first():
        logger.info("The history is counted, once; a million downloads take a few seconds")
    _recount(db)
    db.execute(delete(KeyValues).where(KeyValues.name == _VERSION_NOTE))
    db.execute(insert(KeyValues).values(name=_VERSION_NOTE, value=_VERSION))


def _recount(db: Connection) -> None:
    _count_chats(db, None)
    db.execute(delete(Stats))
    into = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
    for columns, question in _contributions(None, fine_from=fine_from(unix_now())):
        counted = question.subquery()
        rest = [literal(0).label(name) for name in COUNTED if name not in columns]
        names = ["slot", "is_group", *columns, *(column.name for column in rest)]
        # SQLite needs the WHERE to know that ON CONFLICT is no part of the question.
        rows = select(counted, *rest).where(literal(1) == 1)
        statement = into(_STATS).from_select(names, rows)
        db.execute(_adding(_STATS, statement, ["slot", "is_group"], COUNTED))


def _count_chats(db: Connection, chat_id: int | None) -> None:
    """Count chats' own histories into `users`."""
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
    for question in (posts, sounds):
        counted = question.subquery()
        values = {column.name: column for column in counted.c if column.name != "user_id"}
        db.execute(update(_USERS).where(_USERS.c.user_id == counted.c.user_id).values(values))


def _contributions(
    chat_id: int | None, *, fine_from: int
) -> Iterator[tuple[tuple[str, ...], Select[Any]]]:
    """List what one chat or all have brought to `stats`: columns, and rows of (slot, is_group, numbers).

    What lies before `fine_from` is counted by days.
    """

    def by_slot(table: Table, at: str, **numbers: Any) -> tuple[tuple[str, ...], Select[Any]]:
        time = func.coalesce(table.c[at], 0)
        slot = case((time < fine_from, time // DAY_S * DAY_S), else_=time // SLOT_S * SLOT_S)
        question = select(
            slot.label("slot"),
            (table.c.user_id < 0).label("is_group"),
            *(number.label(name) for name, number in numbers.items()),
        ).group_by("slot", "is_group")
        if chat_id is not None:
            question = question.where(table.c.user_id == chat_id)
        return tuple(numbers), question

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
        columns, question = by_slot(_USERS, f"{name}_at", **{f"{name}_chats": func.count()})
        yield columns, question.where(_USERS.c[f"{name}s"] > 0)


# --- later ---------------------------------------------------------------------------------------


async def fold_stats() -> int:
    """Turn old half-hours into days; give how many rows that has saved."""
    before = fine_from(unix_now())
    old = (
        delete(_STATS)
        .where(_STATS.c.slot < before, _STATS.c.slot % DAY_S != 0)
        .returning(*_STATS.c)
    )

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
