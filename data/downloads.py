"""Recording a delivery: history, ad counter and statistics, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, update

from core.ads import AD_MAX_INTERVAL_S, COUNT_AFTER_AD, AdRule, is_ad_due
from core.request import Progress
from data.database import run, table_of, unix_now
from data.groups import Group, Kind
from data.models import Users, Video
from data.prepared_statements import PreparedStatement, parameters
from data.requests import DELIVERED, Claim, finish
from data.rollups import CountedPost, count_posts, lock_chats

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
    download = _Download(chat_id, link, is_images, is_processed, is_inline, ads, answers)
    return await run(_RECORD, download)


@dataclass(frozen=True, slots=True)
class _Download:
    """The arguments of `record_download`."""

    chat_id: int
    link: str
    is_images: bool
    is_processed: bool
    is_inline: bool
    ads: AdRule | None
    answers: tuple[Claim, Progress] | None

    def row(self, now: int) -> dict[str, Any]:
        """Return its row in the history."""
        return {
            "user_id": self.chat_id,
            "downloaded_at": now,
            "video_link": self.link,
            "is_images": self.is_images,
            "is_processed": self.is_processed,
            "is_inline": self.is_inline,
        }

    def is_ad_due(self, chat: Any, now: int) -> bool:
        """Return True if an ad must be shown with it; `chat` is the row of its chat."""
        return self.ads is not None and is_ad_due(
            chat.ad_count, chat.ad_cooldown, now, self.ads, chat.registered_at
        )


def _record(db: Connection, downloads: Sequence[_Download]) -> list[bool]:
    """Record deliveries to different chats."""
    now = unix_now()
    # The rows are locked before they are read, so that concurrent deliveries are serialised.
    chats = lock_chats(db, [download.chat_id for download in downloads])
    _INSERT_VIDEO.many(db, [download.row(now) for download in downloads])
    are_due = [download.is_ad_due(chats[download.chat_id], now) for download in downloads]
    _count_ads(db, dict(zip([d.chat_id for d in downloads], are_due, strict=True)), now)
    if ends := [download.answers for download in downloads if download.answers]:
        finish(db, ends, DELIVERED)
    counted = [CountedPost(d.chat_id, d.is_images, d.is_inline) for d in downloads]
    count_posts(db, counted, chats, now)
    return are_due


def _count_ads(db: Connection, due: Mapping[int, bool], now: int) -> None:
    """Claim the ads that are due, and count the deliveries to other chats."""
    cooldown = now + AD_MAX_INTERVAL_S
    shown = [{"chat_id": chat, "cooldown": cooldown} for chat, is_due in due.items() if is_due]
    counted = [{"chat_id": chat} for chat, is_due in due.items() if not is_due]
    if shown:
        _SHOW_AD.many(db, shown)
    if counted:
        _INCREASE_AD_COUNT.many(db, counted)


_RECORD: Final = Group[_Download, bool](
    _record, lambda download: download.chat_id, Kind.TRANSACTION
)
