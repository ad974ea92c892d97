"""What is written when a delivery has arrived: history, ad counter and statistics, together."""

from typing import Final

from sqlalchemy import Connection, bindparam, insert, update

from core.ads import AD_MAX_INTERVAL_S, COUNT_AFTER_AD, AdRule, is_ad_due
from core.request import Progress
from data.database import table_of, unix_now, write
from data.models import Users, Video
from data.prepared_statements import PreparedStatement, parameters
from data.requests import finish
from data.rollups import count_post, lock_chat

# Built once, and for the bare tables: this is written for every delivery.
_USERS, _VIDEOS = table_of(Users), table_of(Video)
_INSERT_VIDEO: Final = PreparedStatement(
    insert(_VIDEOS).values(
        parameters(
            "user_id", "downloaded_at", "video_link", "is_images", "is_processed", "is_inline"
        )
    )
)
_THIS_CHAT = update(_USERS).where(_USERS.c.user_id == bindparam("chat_id"))
_COUNT_ON: Final = PreparedStatement(_THIS_CHAT.values(ad_count=_USERS.c.ad_count + 1))
_SHOW_AD: Final = PreparedStatement(
    _THIS_CHAT.values(ad_count=COUNT_AFTER_AD, ad_cooldown=bindparam("cooldown"))
)


async def record_download(
    chat_id: int,
    link: str,
    *,
    is_images: bool,
    is_processed: bool,
    is_inline: bool,
    ads: AdRule | None,
    answers: tuple[int, Progress] | None = None,
) -> bool:
    """Record one delivery in one transaction; tell whether it brings an ad.

    With `ads`, an ad that is due by that rule is claimed: of many deliveries at once only the
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
        # Locked before it is read, so that deliveries at the same time decide one after the other.
        chat = lock_chat(db, chat_id)
        _INSERT_VIDEO.first(db, video)
        is_due = ads is not None and is_ad_due(
            chat.ad_count, chat.ad_cooldown, now, ads, chat.registered_at
        )
        if is_due:
            _SHOW_AD.first(db, {"chat_id": chat_id, "cooldown": now + AD_MAX_INTERVAL_S})
        else:
            _COUNT_ON.first(db, {"chat_id": chat_id})
        if answers:
            finish(db, *answers, "delivered")
        count_post(db, chat_id, chat, now, is_slideshow=is_images, is_inline=is_inline)
        return is_due

    return await write(work)
