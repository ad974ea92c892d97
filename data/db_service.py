"""The seed page's questions to the memory: same names, same parameters, same answers.

Each function is its own short transaction. Times are Unix seconds. What goes beyond the seed page
lives beside this file, by subject.
"""

from sqlalchemy import case, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from core.ads import AD_MAX_INTERVAL_S, COUNT_AFTER_AD, is_ad_due
from data.database import read_session, single_write_session, unix_now
from data.models import Music, Users, Video

#: How many rows the top lists have.
_TOP = 10


async def get_user(user_id: int) -> Users | None:
    """Give the chat's record, or None."""
    async with read_session() as db:
        return await db.get(Users, user_id)


async def create_user(user_id: int, lang: str, link: str | None = None) -> Users:
    """Register a chat and give its stored record; a chat that is already there stays as it is."""
    user, _ = await insert_user(user_id, lang, link)
    return user


async def insert_user(user_id: int, lang: str, link: str | None = None) -> tuple[Users, bool]:
    """Register a chat; give its stored record, and whether this very call has created it."""
    async with single_write_session() as db:
        dialect = sqlite if db.get_bind().dialect.name == "sqlite" else postgresql
        insert = (
            dialect.insert(Users)
            .values(
                user_id=user_id,
                registered_at=unix_now(),
                lang=lang,
                link=link,
                file_mode=False,
                ad_count=0,
                ad_cooldown=0,
            )
            .on_conflict_do_nothing(index_elements=[Users.user_id])
            .returning(Users)
        )
        created = (await db.execute(insert)).scalar_one_or_none()
        if created is not None:
            return created, True
        return (await db.execute(select(Users).where(Users.user_id == user_id))).scalar_one(), False


async def update_user_mode(user_id: int, file_mode: bool) -> None:
    """Set whether the chat gets files as documents. An unknown chat is left alone."""
    await _set(user_id, file_mode=file_mode)


async def update_user_lang(user_id: int, lang: str) -> None:
    """Set the chat's language. An unknown chat is left alone."""
    await _set(user_id, lang=lang)


async def get_user_settings(user_id: int) -> tuple[str, bool] | None:
    """Give the chat's (lang, file_mode), or None."""
    async with read_session() as db:
        row = (
            await db.execute(select(Users.lang, Users.file_mode).where(Users.user_id == user_id))
        ).first()
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
        sqlalchemy.exc.IntegrityError: the chat is not registered.
    """
    async with single_write_session() as db:
        db.add(
            Video(
                user_id=user_id,
                downloaded_at=unix_now(),
                video_link=video_link,
                is_images=is_images,
                is_processed=is_processed,
                is_inline=is_inline,
            )
        )
        await db.commit()


async def add_music(user_id: int, video_id: int) -> None:
    """Record a delivered sound.

    Raises:
        sqlalchemy.exc.IntegrityError: the chat is not registered.
    """
    async with single_write_session() as db:
        db.add(Music(user_id=user_id, downloaded_at=unix_now(), video_id=video_id))
        await db.commit()


async def get_user_stats(user_id: int) -> tuple[Users | None, int, int]:
    """Give (record, deliveries, of them slideshows), or (None, 0, 0) for an unknown chat."""
    user = await get_user(user_id)
    if user is None:
        return None, 0, 0
    async with read_session() as db:
        videos, images = (
            await db.execute(
                select(func.count(), func.count(case((Video.is_images, 1)))).where(
                    Video.user_id == user_id
                )
            )
        ).one()
        return user, videos, images


async def get_stats_by_period(
    period: int = 0, chat_type: str = "all"
) -> list[tuple[int | None, str]]:
    """List (downloaded_at, video_link) of the last `period` seconds, oldest first; 0 is all time.

    `chat_type` is "all", "users" (private chats) or "groups". The list holds every row: for a
    screen or a large database use counts instead.

    Raises:
        ValueError: another chat_type.
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
    async with read_session() as db:
        return [(at, link) for at, link in await db.execute(query)]


async def get_referral_stats() -> list[tuple[str, int]]:
    """List the ten referral links that brought most chats, as (link, chats)."""
    count = func.count()
    query = (
        select(Users.link, count)
        .where(Users.link.is_not(None))
        .group_by(Users.link)
        .order_by(count.desc(), Users.link)
        .limit(_TOP)
    )
    async with read_session() as db:
        return [(link, chats) for link, chats in await db.execute(query) if link is not None]


async def get_other_stats() -> tuple[int, list[tuple[str, int]], list[tuple[int, int]]]:
    """Give (chats in file mode, [(lang, chats)], the ten busiest [(chat, deliveries)])."""
    count = func.count()
    languages = select(Users.lang, count).group_by(Users.lang).order_by(count.desc(), Users.lang)
    busiest = (
        select(Video.user_id, count)
        .group_by(Video.user_id)
        .order_by(count.desc(), Video.user_id)
        .limit(_TOP)
    )
    async with read_session() as db:
        in_file_mode = await db.scalar(select(count).select_from(Users).where(Users.file_mode))
        return (
            in_file_mode or 0,
            [(lang, chats) for lang, chats in await db.execute(languages)],
            [(chat, deliveries) for chat, deliveries in await db.execute(busiest)],
        )


async def should_show_ad(user_id: int) -> bool:
    """Tell whether an ad is due in this chat, by `core.ads`. Never in an unknown chat."""
    async with read_session() as db:
        row = (
            await db.execute(
                select(Users.ad_count, Users.ad_cooldown).where(Users.user_id == user_id)
            )
        ).first()
        return row is not None and is_ad_due(row.ad_count, row.ad_cooldown, unix_now())


async def record_ad_show(user_id: int) -> None:
    """Note that an ad was shown: the counter starts again at 1, the next is due in 24 hours."""
    await _set(user_id, ad_count=COUNT_AFTER_AD, ad_cooldown=unix_now() + AD_MAX_INTERVAL_S)


async def increase_ad_count(user_id: int) -> None:
    """Count one more download since the last ad."""
    await _set(user_id, ad_count=Users.ad_count + 1)


async def get_user_ids(only_positive: bool = True) -> list[int]:
    """List the ids of all private chats, or with `only_positive=False` of all chats."""
    query = select(Users.user_id).order_by(Users.user_id)
    if only_positive:
        query = query.where(Users.user_id > 0)
    async with read_session() as db:
        return list(await db.scalars(query))


async def get_user_videos(user_id: int) -> list[tuple[int | None, str]]:
    """List the chat's deliveries as (downloaded_at, video_link), oldest first."""
    query = (
        select(Video.downloaded_at, Video.video_link)
        .where(Video.user_id == user_id)
        .order_by(Video.downloaded_at, Video.pk_id)
    )
    async with read_session() as db:
        return [(at, link) for at, link in await db.execute(query)]


async def _set(user_id: int, **values: object) -> None:
    async with single_write_session() as db:
        await db.execute(update(Users).where(Users.user_id == user_id).values(**values))
