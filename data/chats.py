"""What the bot knows about a chat beyond the seed page's questions."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, bindparam, not_, select, update

from data.database import read, unix_now, write
from data.db_service import insert_user, update_user_lang
from data.models import Users

#: Asked at every message, so it is built once.
_CHAT_BY_ID = select(Users.lang, Users.file_mode, Users.blocked_at).where(
    Users.user_id == bindparam("chat_id")
)


@dataclass(frozen=True, slots=True)
class ChatRecord:
    """A registered chat's settings."""

    #: As stored; may name a language that is no longer shipped.
    lang: str
    #: Send files as documents.
    file_mode: bool
    #: Telegram refused us this chat when we last wrote to it.
    is_blocked: bool


async def find_chat(chat_id: int) -> ChatRecord | None:
    """Give the chat's settings, or None when it is not registered."""
    row = await read(lambda db: db.execute(_CHAT_BY_ID, {"chat_id": chat_id}).first())
    return row and ChatRecord(row.lang, bool(row.file_mode), row.blocked_at is not None)


async def register_chat(
    chat_id: int, lang: str, referral: str | None = None
) -> tuple[ChatRecord, bool]:
    """Register a chat if it is unknown; give its settings, and whether this call has done it."""
    user, is_new = await insert_user(chat_id, lang, referral)
    return ChatRecord(user.lang, bool(user.file_mode), user.blocked_at is not None), is_new


async def toggle_file_mode(chat_id: int) -> bool | None:
    """Turn file mode on or off in one statement; give the new state, or None for an unknown chat."""
    statement = (
        update(Users)
        .where(Users.user_id == chat_id)
        .values(file_mode=not_(Users.file_mode))
        .returning(Users.file_mode)
    )
    return await write(lambda db: db.scalar(statement))


async def set_language(chat_id: int, lang: str) -> None:
    """Set the chat's language; an unknown chat is registered with it."""
    await insert_user(chat_id, lang)
    await update_user_lang(chat_id, lang)


async def mark_blocked(chat_id: int) -> None:
    """Note that Telegram refuses us this chat; the first time counts."""
    await _mark(chat_id, Users.blocked_at.is_(None), unix_now())


async def mark_reachable(chat_id: int) -> None:
    """Note that the chat has written to us again."""
    await _mark(chat_id, Users.blocked_at.is_not(None), None)


async def _mark(chat_id: int, condition: ColumnElement[bool], blocked_at: int | None) -> None:
    statement = (
        update(Users).where(Users.user_id == chat_id, condition).values(blocked_at=blocked_at)
    )
    await write(lambda db: db.execute(statement))
