"""Changes of the bot's membership: blocked, removed, added, or a group with a new id."""

from aiogram import Router
from aiogram.enums import ContentType
from aiogram.types import ChatMemberUpdated, Message

from data.chats import mark_blocked, mark_reachable, move_chat
from misc.filters import OfKind

_OUTSIDE = {"left", "kicked"}


def router() -> Router:
    """Register membership updates and the migration to a supergroup."""
    router = Router(name="membership")
    router.my_chat_member.register(on_chat_member)
    router.message.register(on_new_id, OfKind({ContentType.MIGRATE_TO_CHAT_ID}))
    return router


async def on_chat_member(event: ChatMemberUpdated) -> None:
    """Store whether the bot can write to the chat."""
    mark = mark_blocked if event.new_chat_member.status in _OUTSIDE else mark_reachable
    await mark(event.chat.id)


async def on_new_id(message: Message) -> None:
    """Keep a group's settings and history when it becomes a supergroup."""
    assert message.migrate_to_chat_id
    await move_chat(message.chat.id, message.migrate_to_chat_id)
