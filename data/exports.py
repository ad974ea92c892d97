"""Exports for administrators: the list of chats, and the details of one chat."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from data.database import read
from data.models import Bans, Users


@dataclass(frozen=True, slots=True)
class ExportedChat:
    """A chat as one line of an export. Times are Unix seconds, or None if unknown."""

    chat_id: int
    lang: str
    registered_at: int | None
    referral: str | None
    last_at: int | None


@dataclass(frozen=True, slots=True)
class ChatDetails:
    """Everything that the bot stores about a chat, apart from its history."""

    chat: ExportedChat
    file_mode: bool
    #: Unix time at which Telegram first refused this chat; None while it is reachable.
    blocked_at: int | None
    is_banned: bool
    posts: int
    #: Posts with pictures, included in `posts`.
    slideshows: int
    sounds: int


async def all_chats(at_a_time: int) -> AsyncIterator[list[ExportedChat]]:
    """Yield all chats in the order of their ids, up to `at_a_time` of them together.

    Raises:
        StorageError: the database did not respond.
    """
    last_id = None
    while chats := await _chats_after(last_id, at_a_time):
        yield chats
        last_id = chats[-1].chat_id


async def _chats_after(chat_id: int | None, number: int) -> list[ExportedChat]:
    query = select(*_COLUMNS).order_by(Users.user_id).limit(number)
    if chat_id is not None:
        query = query.where(Users.user_id > chat_id)
    rows = await read(lambda db: db.execute(query).all())
    return [ExportedChat(*row) for row in rows]


async def chat_details(chat_id: int) -> ChatDetails | None:
    """Return the details of a chat, or None if it is not registered."""
    query = select(
        *_COLUMNS,
        Users.file_mode,
        Users.blocked_at,
        Users.posts,
        Users.slideshows,
        Users.sounds,
    ).where(Users.user_id == chat_id)

    def work(db: Connection) -> ChatDetails | None:
        row = db.execute(query).first()
        if row is None:
            return None
        return ChatDetails(
            chat=ExportedChat(*row[:5]),
            file_mode=bool(row.file_mode),
            blocked_at=row.blocked_at,
            is_banned=db.execute(select(Bans.chat_id).where(Bans.chat_id == chat_id)).first()
            is not None,
            posts=row.posts,
            slideshows=row.slideshows,
            sounds=row.sounds,
        )

    return await read(work)


_COLUMNS = (
    Users.user_id,
    Users.lang,
    Users.registered_at,
    Users.link,
    Users.post_at,
)
