"""The database functions of the seed page, with the same names, parameters and return shapes.

Each function is one short transaction. Times are Unix seconds. Queries beyond the seed page are in
the other modules of this package, by subject.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core.ads import AD_MAX_INTERVAL_S, COUNT_AFTER_AD, is_ad_due
from core.statistics import Period
from data.database import read, run, table_of, unix_now, write
from data.groups import Group, Kind
from data.models import Music, Users, Video
from data.prepared_statements import PreparedStatement, parameters
from data.rollups import CountedPost, count_chats, count_posts, count_sound, lock_chat
from data.statistics import first_slot

#: Length of the top lists.
_TOP = 10
# Statements of the hot paths are built once, the others where they are used.
_USERS: Final = table_of(Users)
_USER_BY_ID = select(Users).where(Users.user_id == bindparam("user_id"))
_FIND_USER: Final = PreparedStatement(
    select(_USERS).where(_USERS.c.user_id == bindparam("user_id"))
)
_NEW_USER: Final = (
    *("user_id", "registered_at", "lang", "link", "file_mode", "ad_count", "ad_cooldown"),
    "is_channel",
)
#: Insert-if-absent. Returns a row only if it inserted one.
_INSERT_USER: Final = PreparedStatement(
    *(
        dialect.insert(_USERS)
        .values({**parameters(*_NEW_USER), "posts": 0, "slideshows": 0, "sounds": 0})
        .on_conflict_do_nothing(index_elements=["user_id"])
        .returning(_USERS.c.user_id)
        for dialect in (sqlite, postgresql)
    )
)


async def get_user(user_id: int) -> Users | None:
    """Return the chat's row, or None if it is unknown."""
    return await read(lambda db: _find_user(db, user_id))


async def create_user(user_id: int, lang: str, link: str | None = None) -> Users:
    """Register a chat and return its row. The row of a registered chat stays unchanged."""
    user, _ = await insert_user(user_id, lang, link)
    return user


async def insert_user(
    user_id: int, lang: str, link: str | None = None, *, is_channel: bool = False
) -> tuple[Users, bool]:
    """Register a chat if it is unknown. Return its row, and True if this call created it."""
    return await run(_REGISTER, _user_row(user_id, lang, link, is_channel=is_channel))


def ensure_user(db: Connection, user_id: int, lang: str) -> None:
    """Register a chat if it is unknown, inside the caller's transaction."""
    _insert_users(db, [_user_row(user_id, lang, None)])


def _user_row(
    user_id: int, lang: str, link: str | None, *, is_channel: bool = False
) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "registered_at": unix_now(),
        "lang": lang,
        "link": link,
        "file_mode": False,
        "ad_count": 0,
        "ad_cooldown": 0,
        "is_channel": is_channel,
    }


def _insert_users(db: Connection, rows: Sequence[Mapping[str, Any]]) -> set[int]:
    """Insert and count different chats; return the ids of those that were not registered."""
    # The fixed order prevents deadlocks: two groups may have the same chats.
    ordered = sorted(rows, key=lambda row: int(row["user_id"]))
    new = {row.user_id for row in _INSERT_USER.many(db, ordered)}
    if new:
        registered = {row["user_id"]: row["registered_at"] for row in rows}
        count_chats(db, [(chat_id, registered[chat_id]) for chat_id in new])
    return new


def _register(db: Connection, rows: Sequence[Mapping[str, Any]]) -> list[tuple[Users, bool]]:
    """Register different chats; see `insert_user`."""
    new = _insert_users(db, rows)
    known = [{"user_id": row["user_id"]} for row in rows if row["user_id"] not in new]
    found = {row.user_id: _as_user(row) for row in _FIND_USER.many(db, known)} if known else {}
    return [
        (Users(**row), True) if row["user_id"] in new else (found[row["user_id"]], False)
        for row in rows
    ]


_REGISTER: Final = Group[Mapping[str, Any], tuple[Users, bool]](
    _register, lambda row: row["user_id"], Kind.TRANSACTION
)


def _as_user(row: Any) -> Users:
    """Return the row of a prepared statement as an object; SQLite's driver knows no booleans."""
    flags = {"file_mode": bool(row.file_mode), "is_channel": bool(row.is_channel)}
    return Users(**{**row._asdict(), **flags})


async def update_user_mode(user_id: int, file_mode: bool) -> None:
    """Turn the chat's file mode (files as documents) on or off. Ignore an unknown chat."""
    await _set(user_id, file_mode=file_mode)


async def update_user_lang(user_id: int, lang: str) -> None:
    """Set the chat's language code. Ignore an unknown chat."""
    await _set(user_id, lang=lang)


async def get_user_settings(user_id: int) -> tuple[str, bool] | None:
    """Return the chat's (lang, file_mode), or None if it is unknown."""
    row = await read(lambda db: db.execute(_USER_BY_ID, {"user_id": user_id}).first())
    return (row.lang, bool(row.file_mode)) if row else None


async def add_video(
    user_id: int,
    video_link: str,
    is_images: bool,
    is_processed: bool = False,
    is_inline: bool = False,
) -> None:
    """Record a delivered video or slideshow.

    Raises:
        StorageError: the chat is not registered, or the database did not respond.
    """
    now = unix_now()
    video = insert(Video).values(
        user_id=user_id,
        downloaded_at=now,
        video_link=video_link,
        is_images=is_images,
        is_processed=is_processed,
        is_inline=is_inline,
    )

    def work(db: Connection) -> None:
        chat = lock_chat(db, user_id)
        db.execute(video)
        count_posts(db, [CountedPost(user_id, is_images, is_inline)], {user_id: chat}, now)

    await write(work)


async def add_music(user_id: int, video_id: int) -> None:
    """Record a delivered audio file. `video_id` is the numeric id of its TikTok post.

    Raises:
        StorageError: the chat is not registered, or the database did not respond.
    """
    now = unix_now()
    music = insert(Music).values(user_id=user_id, downloaded_at=now, video_id=video_id)

    def work(db: Connection) -> None:
        chat = lock_chat(db, user_id)
        db.execute(music)
        count_sound(db, user_id, chat, now)

    await write(work)


async def get_user_stats(user_id: int) -> tuple[Users | None, int, int]:
    """Return (row, delivered posts, slideshows among them); (None, 0, 0) for an unknown chat."""
    user = await read(lambda db: _find_user(db, user_id))
    return (user, user.posts, user.slideshows) if user else (None, 0, 0)


async def get_stats_by_period(
    period: int = 0, chat_type: str = "all"
) -> list[tuple[int | None, str]]:
    """Return (downloaded_at, video_link) of the last `period` seconds, oldest first.

    A `period` of 0 means all time. `chat_type` is "all", "users" (private chats) or "groups". The
    list has every row of the period: for screens, use the counters in data.statistics instead.

    Raises:
        ValueError: `chat_type` has another value.
    """
    query = select(Video.downloaded_at, Video.video_link).order_by(Video.downloaded_at, Video.pk_id)
    if period:
        query = query.where(Video.downloaded_at >= unix_now() - period)
    if chat_type == "users":
        query = query.where(Video.user_id > 0)
    elif chat_type == "groups":
        query = query.where(Video.user_id < 0)
    elif chat_type != "all":
        raise ValueError(f"chat_type must be all, users or groups, not {chat_type!r}")
    return await read(lambda db: [(at, link) for at, link in db.execute(query)])


async def get_referral_stats() -> list[tuple[str, int]]:
    """Return the ten referrals with the most chats as (referral, number of chats)."""
    count = func.count()
    query = (
        select(Users.link, count)
        .where(Users.link.is_not(None))
        .group_by(Users.link)
        .order_by(count.desc(), Users.link)
        .limit(_TOP)
    )
    return await read(lambda db: [(link, n) for link, n in db.execute(query) if link is not None])


async def get_other_stats() -> tuple[int, list[tuple[str, int]], list[tuple[int, int]]]:
    """Return (chats in file mode, languages, top chats).

    Languages are (lang, number of chats), most frequent first. Top chats are the ten chats with the
    most deliveries, as (chat id, number of deliveries).
    """
    count = func.count()
    in_file_mode = select(count).select_from(Users).where(Users.file_mode)
    languages = select(Users.lang, count).group_by(Users.lang).order_by(count.desc(), Users.lang)
    busiest = (
        select(Users.user_id, Users.posts)
        .where(Users.posts > 0)
        .order_by(Users.posts.desc(), Users.user_id)
        .limit(_TOP)
    )

    def work(db: Connection) -> tuple[int, list[tuple[str, int]], list[tuple[int, int]]]:
        return (
            db.scalars(in_file_mode).one(),
            [(lang, chats) for lang, chats in db.execute(languages)],
            [(chat, deliveries) for chat, deliveries in db.execute(busiest)],
        )

    return await read(work)


async def people_before(now: int) -> dict[Period, int]:
    """Return how many people received a post in private in the day, week and month before that.

    Counted in the history, all of which is read: in the half-hours each person counts once, where
    the last post is. Periods that began before the first event are left out.
    """
    first, numbers = await first_slot(), {}
    for period in (Period.DAY, Period.WEEK, Period.MONTH):
        end = period.since(now)
        begin = None if end is None else end - (period.length_s or 0)
        if begin is not None and first is not None and first <= begin:
            query = select(func.count(Video.user_id.distinct())).where(
                Video.user_id > 0, Video.downloaded_at >= begin, Video.downloaded_at < end
            )
            numbers[period] = await _count(query)
    return numbers


async def _count(query: Select[Any]) -> int:
    return await read(lambda db: int(db.execute(query).scalar_one()))


async def should_show_ad(user_id: int) -> bool:
    """Return True if an ad is due in this chat by the seed's rule; False for an unknown chat."""
    row = await read(lambda db: db.execute(_USER_BY_ID, {"user_id": user_id}).first())
    return row is not None and is_ad_due(row.ad_count, row.ad_cooldown, unix_now())


async def record_ad_show(user_id: int) -> None:
    """Record that an ad was shown: reset the counter to 1 and the cooldown to 24 hours."""
    await _set(user_id, ad_count=COUNT_AFTER_AD, ad_cooldown=unix_now() + AD_MAX_INTERVAL_S)


async def increase_ad_count(user_id: int) -> None:
    """Increase the counter of downloads since the last ad by 1, in one atomic statement."""
    await _set(user_id, ad_count=Users.ad_count + 1)


async def get_user_ids(only_positive: bool = True) -> list[int]:
    """Return the ids of all private chats, or of all chats if `only_positive` is False, sorted."""
    query = select(Users.user_id).order_by(Users.user_id)
    if only_positive:
        query = query.where(Users.user_id > 0)
    return await read(lambda db: list(db.scalars(query)))


async def get_user_videos(user_id: int) -> list[tuple[int | None, str]]:
    """Return the chat's deliveries as (downloaded_at, video_link), oldest first."""
    query = (
        select(Video.downloaded_at, Video.video_link)
        .where(Video.user_id == user_id)
        .order_by(Video.downloaded_at, Video.pk_id)
    )
    return await read(lambda db: [(at, link) for at, link in db.execute(query)])


def _find_user(db: Connection, user_id: int) -> Users | None:
    row = db.execute(_USER_BY_ID, {"user_id": user_id}).first()
    return Users(**row._mapping) if row else None


async def _set(user_id: int, **values: object) -> None:
    statement = update(Users).where(Users.user_id == user_id).values(**values)
    await write(lambda db: db.execute(statement))
