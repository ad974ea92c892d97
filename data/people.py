"""Who uses the bot: the chats that have last received something."""

from sqlalchemy import select

from data.database import read
from data.models import Video

#: Deliveries that are looked through. Few chats make most of them.
_LOOKED_AT = 1_000


async def recently_active(number: int) -> list[tuple[int, int]]:
    """Return up to `number` chats as (chat id, Unix time of the last post), newest first.

    Only the newest deliveries are looked through, by their index, whatever the history's length.
    """
    query = (
        select(Video.user_id, Video.downloaded_at)
        .where(Video.downloaded_at.is_not(None))
        .order_by(Video.downloaded_at.desc(), Video.pk_id.desc())
        .limit(_LOOKED_AT)
    )
    rows = await read(lambda db: db.execute(query).all())
    latest: dict[int, int] = {}
    for chat_id, at in rows:
        if at is not None:
            latest.setdefault(chat_id, at)
    return list(latest.items())[:number]
