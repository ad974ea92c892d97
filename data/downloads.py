"""What is written when a delivery has arrived: its history row and the ad counter, together."""

from sqlalchemy import select, update

from core.ads import AD_MAX_INTERVAL_S, COUNT_AFTER_AD, is_ad_due
from data.database import get_session, unix_now
from data.models import Users, Video


async def record_download(
    chat_id: int, link: str, *, is_images: bool, is_inline: bool, ads: bool
) -> bool:
    """Record one delivery in one transaction; tell whether it brings an ad.

    With `ads`, an ad that is due by `core.ads` is claimed: of many deliveries at once only the
    right ones get True. Without, the delivery is only counted.

    Raises:
        sqlalchemy.exc.IntegrityError: the chat is not registered.
    """
    now = unix_now()
    async with await get_session() as db:
        # The row is locked before it is read (on SQLite the transaction itself is the lock), so
        # that deliveries at the same time decide one after the other.
        counter = (
            await db.execute(
                select(Users.ad_count, Users.ad_cooldown)
                .where(Users.user_id == chat_id)
                .with_for_update(key_share=True)
            )
        ).first()
        is_due = ads and counter is not None and is_ad_due(*counter, now)
        db.add(
            Video(
                user_id=chat_id,
                downloaded_at=now,
                video_link=link,
                is_images=is_images,
                is_processed=False,
                is_inline=is_inline,
            )
        )
        change = (
            {"ad_count": COUNT_AFTER_AD, "ad_cooldown": now + AD_MAX_INTERVAL_S}
            if is_due
            else {"ad_count": Users.ad_count + 1}
        )
        await db.execute(update(Users).where(Users.user_id == chat_id).values(**change))
        await db.commit()
        return is_due
