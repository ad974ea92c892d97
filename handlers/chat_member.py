"""Changes of the bot's membership in a chat, and groups that become supergroups."""

from aiogram import Router
from aiogram.enums import ContentType
from aiogram.types import ChatMemberUpdated, Message

from data.chats import mark_blocked, mark_reachable, move_chat
from misc.filters import OfKind
from misc.middlewares.access_gate import OPEN_TO_ALL

_CANNOT_WRITE = {"left", "kicked"}


def router() -> Router:
    """Register updates of the bot's membership and messages about a group's new id."""
    router = Router(name="chat_member")
    router.my_chat_member.register(on_chat_member)
    router.message.register(on_new_id, OfKind({ContentType.MIGRATE_TO_CHAT_ID}), flags=OPEN_TO_ALL)
    return router


async def on_chat_member(event: ChatMemberUpdated) -> None:
    """Mark the chat as blocked or reachable.

    Raises:
        StorageError: the change is not stored.
    """
    mark = mark_blocked if event.new_chat_member.status in _CANNOT_WRITE else mark_reachable
    await mark(event.chat.id)


async def on_new_id(message: Message) -> None:
    """Move a group's settings and history to its new id when it becomes a supergroup.

    Raises:
        StorageError: they are not moved.
    """
    assert message.migrate_to_chat_id
    await move_chat(message.chat.id, message.migrate_to_chat_id)
