"""Changes of the bot's membership in a chat, and groups that become supergroups."""

from aiogram import Router
from aiogram.enums import ContentType
from aiogram.types import ChatMemberUpdated, Message

from data.chats import mark_blocked, mark_reachable, move_chat
from misc.filters import OfKind
from misc.middlewares.ban_list import BanList
from misc.middlewares.registration import TURNS_AWAY

_CANNOT_WRITE = {"left", "kicked"}


def router() -> Router:
    """Register updates of the bot's membership and messages about a group's new id."""
    router = Router(name="chat_member")
    router.my_chat_member.register(on_chat_member)
    kinds = OfKind({ContentType.MIGRATE_TO_CHAT_ID, ContentType.MIGRATE_FROM_CHAT_ID})
    # Registration would welcome the group once more, under its new id.
    router.message.register(on_new_id, kinds, flags=TURNS_AWAY)
    return router


async def on_chat_member(event: ChatMemberUpdated) -> None:
    """Mark the chat as blocked or reachable.

    Raises:
        StorageError: the change is not stored.
    """
    mark = mark_blocked if event.new_chat_member.status in _CANNOT_WRITE else mark_reachable
    await mark(event.chat.id)


async def on_new_id(message: Message, bans: BanList) -> None:
    """Move a group's settings, history and ban to its new id when it becomes a supergroup.

    Telegram reports this in both chats, the old one and the new one.

    Raises:
        StorageError: they are not moved.
    """
    if message.migrate_to_chat_id:
        await move_chat(message.chat.id, message.migrate_to_chat_id)
    elif message.migrate_from_chat_id:
        await move_chat(message.migrate_from_chat_id, message.chat.id)
    await bans.refresh()
