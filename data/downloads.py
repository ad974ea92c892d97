"""What is written when a delivery has arrived: its history row and the ad counter, together."""

from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update

from core.ads import AD_MAX_INTERVAL_S, COUNT_AFTER_AD, is_ad_due
from core.request import Progress
from data.database import table_of, unix_now, write
from data.models import Users, Video
from data.prepared import Prepared, places
from data.requests import finish

# Built once, and for the bare tables: this is written for every delivery.
_USERS, _VIDEOS = table_of(Users), table_of(Video)
_INSERT_VIDEO: Final = Prepared(
    insert(_VIDEOS).values(
        places("user_id", "downloaded_at", "video_link", "is_images", "is_processed", "is_inline")
    )
)
# The row is locked before it is read (on SQLite the transaction itself is the lock), so that
# deliveries at the same time decide one after the other.
_COUNTER: Final = Prepared(
    select(_USERS.c.ad_count, _USERS.c.ad_cooldown)
    .where(_USERS.c.user_id == bindparam("chat_id"))
    .with_for_update(key_share=True)
)
_THIS_CHAT = update(_USERS).where(_USERS.c.user_id == bindparam("chat_id"))
_COUNT_ON: Final = Prepared(_THIS_CHAT.values(ad_count=_USERS.c.ad_count + 1))
_SHOW_AD: Final = Prepared(
    _THIS_CHAT.values(ad_count=COUNT_AFTER_AD, ad_cooldown=bindparam("cooldown"))
)


async def record_download(
    chat_id: int,
    link: str,
    *,
    is_images: bool,
    is_processed: bool,
    is_inline: bool,
    ads: bool,
    answers: tuple[int, Progress] | None = None,
) -> bool:
    """Record one delivery in one transaction; tell whether it brings an ad.

    With `ads`, an ad that is due by `core.ads` is claimed: of many deliveries at once only the
    right ones get True. Without, the delivery is only counted. `answers` is the request that is
    finished by it, by its row and how much has gone out.

    Raises:
        sqlalchemy.exc.IntegrityError: the chat is not registered.
    """
    now = unix_now()
    video = {
        "user_id": chat_id,
        "downloaded_at": now,
        "video_link": link,
        "is_images": is_images,
        "is_processed": is_processed,
        "is_inline": is_inline,
    }

    def work(db: Connection) -> bool:
        _INSERT_VIDEO.first(db, video)
        row = _COUNTER.first(db, {"chat_id": chat_id}) if ads else None
        is_due = row is not None and is_ad_due(row.ad_count, row.ad_cooldown, now)
        if is_due:
            _SHOW_AD.first(db, {"chat_id": chat_id, "cooldown": now + AD_MAX_INTERVAL_S})
        else:
            _COUNT_ON.first(db, {"chat_id": chat_id})
        if answers:
            finish(db, *answers, "delivered")
        return is_due

    return await write(work)
