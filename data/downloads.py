"""Recording a delivery: history, ad counter and statistics, in one transaction."""

from typing import Final

from sqlalchemy import Connection, bindparam, insert, update

from core.ads import AD_MAX_INTERVAL_S, COUNT_AFTER_AD, AdRule, is_ad_due
from core.request import Progress
from data.database import table_of, unix_now, write
from data.models import Users, Video
from data.prepared_statements import PreparedStatement, parameters
from data.requests import Claim, finish
from data.rollups import count_post, lock_chat

# Prepared once and on the bare tables, because these statements run for every delivery.
_USERS, _VIDEOS = table_of(Users), table_of(Video)
_INSERT_VIDEO: Final = PreparedStatement(
    insert(_VIDEOS).values(
        parameters(
            "user_id", "downloaded_at", "video_link", "is_images", "is_processed", "is_inline"
        )
    )
)
_THIS_CHAT = update(_USERS).where(_USERS.c.user_id == bindparam("chat_id"))
_INCREASE_AD_COUNT: Final = PreparedStatement(_THIS_CHAT.values(ad_count=_USERS.c.ad_count + 1))
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
    answers: tuple[Claim, Progress] | None = None,
) -> bool:
    """Record one delivery in one transaction. Return True if an ad must be shown with it.

    `ads` is the rule for showing ads. An ad that is due is claimed in the same transaction, so
    concurrent deliveries cannot show it twice. With None, the delivery is only counted. `answers`
    is the claim and the progress of the request that the delivery finishes, or None.

    Raises:
        RequestTakenOverError: the claim has ended; nothing was recorded.
        StorageError: the chat is not registered, or the database did not respond.
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
        # The row is locked before it is read, so that concurrent deliveries are serialised.
        chat = lock_chat(db, chat_id)
        _INSERT_VIDEO.first(db, video)
        is_due = ads is not None and is_ad_due(
            chat.ad_count, chat.ad_cooldown, now, ads, chat.registered_at
        )
        if is_due:
            _SHOW_AD.first(db, {"chat_id": chat_id, "cooldown": now + AD_MAX_INTERVAL_S})
        else:
            _INCREASE_AD_COUNT.first(db, {"chat_id": chat_id})
        if answers:
            finish(db, *answers, "delivered")
        count_post(db, chat_id, chat, now, is_slideshow=is_images, is_inline=is_inline)
        return is_due

    return await write(work)
