"""What is written when a delivery has arrived: its history row and the ad counter, together."""

from sqlalchemy import Connection, insert, select, update

from core.ads import AD_MAX_INTERVAL_S, COUNT_AFTER_AD, is_ad_due
from data.database import unix_now, write
from data.models import Users, Video


async def record_download(
    chat_id: int, link: str, *, is_images: bool, is_processed: bool, is_inline: bool, ads: bool
) -> bool:
    """Record one delivery in one transaction; tell whether it brings an ad.

    With `ads`, an ad that is due by `core.ads` is claimed: of many deliveries at once only the
    right ones get True. Without, the delivery is only counted.

    Raises:
        sqlalchemy.exc.IntegrityError: the chat is not registered.
    """
    now = unix_now()
    video = insert(Video).values(
        user_id=chat_id,
        downloaded_at=now,
        video_link=link,
        is_images=is_images,
        is_processed=is_processed,
        is_inline=is_inline,
    )
    # The row is locked before it is read (on SQLite the transaction itself is the lock), so that
    # deliveries at the same time decide one after the other.
    counter = (
        select(Users.ad_count, Users.ad_cooldown)
        .where(Users.user_id == chat_id)
        .with_for_update(key_share=True)
    )

    def work(db: Connection) -> bool:
        row = db.execute(counter).first()
        is_due = ads and row is not None and is_ad_due(row.ad_count, row.ad_cooldown, now)
        change = (
            {"ad_count": COUNT_AFTER_AD, "ad_cooldown": now + AD_MAX_INTERVAL_S}
            if is_due
            else {"ad_count": Users.ad_count + 1}
        )
        db.execute(video)
        db.execute(update(Users).where(Users.user_id == chat_id).values(**change))
        return is_due

    return await write(work)
