"""Queries for chats' settings, beyond the functions of the seed page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    insert,
    not_,
    select,
    update,
)

from core.preferences import Preferences
from data.access import move_access_entry
from data.bans import move_ban
from data.database import read_one, run, table_of, unix_now, write
from data.db_service import ensure_user, insert_user, update_user_lang
from data.groups import Group, Kind
from data.models import Music, Users, Video
from data.prepared_statements import PreparedStatement
from data.rollups import add_chat_counts, subtract_chat_counts

# Prepared once, because the lookup runs for every message.
_USERS = table_of(Users)
_CHAT_BY_ID = PreparedStatement(
    select(
        _USERS.c.user_id, _USERS.c.lang, _USERS.c.file_mode, _USERS.c.blocked_at, _USERS.c.wishes
    ).where(_USERS.c.user_id == bindparam("chat_id"))
)


@dataclass(frozen=True, slots=True)
class ChatRecord:
    """A registered chat's settings."""

    #: Language code as stored; the language may no longer exist in locale/.
    lang: str
    #: Send files unchanged, as documents.
    file_mode: bool
    #: Telegram refused the last message to this chat.
    is_blocked: bool
    preferences: Preferences


def _find(db: Connection, chat_ids: Sequence[int]) -> list[Any]:
    rows = _CHAT_BY_ID.many(db, [{"chat_id": chat_id} for chat_id in chat_ids])
    found = {row.user_id: row for row in rows}
    return [found.get(chat_id) for chat_id in chat_ids]


_FIND: Final = Group[int, Any](_find, lambda chat_id: chat_id, Kind.READ)


async def find_chat(chat_id: int) -> ChatRecord | None:
    """Return a chat's settings, or None if it is not registered."""
    row = await run(_FIND, chat_id)
    return row and _record(row)


async def register_chat(
    chat_id: int, lang: str, referral: str | None = None, *, is_channel: bool = False
) -> tuple[ChatRecord, bool]:
    """Register a chat if it is unknown. Return its settings, and True if it was unknown."""
    user, is_new = await insert_user(chat_id, lang, referral, is_channel=is_channel)
    return _record(user), is_new


async def toggle_file_mode(chat_id: int, lang: str) -> bool:
    """Toggle a chat's file mode and return the new state.

    An unknown chat is registered with the language `lang`.
    """
    statement = (
        update(Users)
        .where(Users.user_id == chat_id)
        .values(file_mode=not_(Users.file_mode))
        .returning(Users.file_mode)
    )

    def work(db: Connection) -> bool:
        ensure_user(db, chat_id, lang)
        return bool(db.scalar(statement))

    return await write(work)


async def change_preferences(
    chat_id: int, lang: str, change: Callable[[Preferences], Preferences]
) -> Preferences:
    """Apply `change` to a chat's preferences in one transaction and return the new ones.

    An unknown chat is registered with the language `lang`.
    """
    query = select(Users.wishes).where(Users.user_id == chat_id).with_for_update()

    def work(db: Connection) -> Preferences:
        ensure_user(db, chat_id, lang)
        preferences = change(Preferences.from_json(db.scalar(query)))
        db.execute(
            update(Users).where(Users.user_id == chat_id).values(wishes=preferences.as_json())
        )
        return preferences

    return await write(work)


async def move_chat(old_id: int, new_id: int) -> None:
    """Move settings, history, permission and ban of a group to the id of its supergroup.

    Telegram reports the migration twice and in any order; the second call does nothing. If the new
    id is already registered and has changed a setting, it keeps its own and gets only the history.
    """
    settings = ("lang", "file_mode", "wishes")

    def work(db: Connection) -> None:
        move_access_entry(db, old_id, new_id)
        move_ban(db, old_id, new_id)
        old = db.execute(select(Users.__table__).where(Users.user_id == old_id)).mappings().first()
        if old is None:
            return
        subtract_chat_counts(db, old_id)
        new = db.execute(select(Users.__table__).where(Users.user_id == new_id)).mappings().first()
        if new is None:
            db.execute(insert(Users).values({**old, "user_id": new_id, "blocked_at": None}))
        else:
            subtract_chat_counts(db, new_id)
            # The bot's joining of the supergroup registers it, too.
            if not (new["file_mode"] or new["wishes"]):
                kept = {name: old[name] for name in settings}
                db.execute(update(Users).where(Users.user_id == new_id).values(kept))
        for model in (Video, Music):
            db.execute(update(model).where(model.user_id == old_id).values(user_id=new_id))
        db.execute(delete(Users).where(Users.user_id == old_id))
        add_chat_counts(db, new_id)

    await write(work)


async def set_language(chat_id: int, lang: str) -> None:
    """Set a chat's language; register the chat if it is unknown."""
    await insert_user(chat_id, lang)
    await update_user_lang(chat_id, lang)


async def adopt_language(chat_id: int, lang: str, since: int) -> None:
    """Set the language of a chat that was registered at the Unix time `since` or later."""
    statement = (
        update(Users)
        .where(Users.user_id == chat_id, Users.registered_at >= since)
        .values(lang=lang)
    )
    await write(lambda db: db.execute(statement))


async def is_channel(chat_id: int) -> bool:
    """Return True for a registered channel."""
    query = select(Users.is_channel).where(Users.user_id == chat_id)
    return bool(await read_one(lambda db: db.scalar(query)))


async def mark_blocked(chat_id: int) -> None:
    """Record that Telegram refuses this chat. The time of the first refusal is kept."""
    await _mark(chat_id, Users.blocked_at.is_(None), unix_now())


async def mark_reachable(chat_id: int) -> None:
    """Record that the chat is reachable again, because it has written to the bot."""
    await _mark(chat_id, Users.blocked_at.is_not(None), None)


def _record(row: Any) -> ChatRecord:
    return ChatRecord(
        row.lang, bool(row.file_mode), row.blocked_at is not None, Preferences.from_json(row.wishes)
    )


async def _mark(chat_id: int, condition: ColumnElement[bool], blocked_at: int | None) -> None:
    statement = (
        update(Users).where(Users.user_id == chat_id, condition).values(blocked_at=blocked_at)
    )
    await write(lambda db: db.execute(statement))
