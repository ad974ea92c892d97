"""Changes of the bot's membership in a chat, and groups that become supergroups."""

from dataclasses import dataclass

from aiogram import Router
from aiogram.enums import ContentType
from aiogram.types import (
    ChatMemberRestricted,
    ChatMemberUnion,
    ChatMemberUpdated,
    Message,
)

from data.chats import adopt_language, mark_blocked, mark_reachable, move_chat, register_chat
from delivery.moved_chats import MovedChats
from misc.filters import OfKind
from misc.join_log import JoinLog
from misc.middlewares.access_gate import OPEN_TO_ALL
from misc.middlewares.ban_list import BanList
from misc.middlewares.registration import TURNS_AWAY
from misc.ui.texts import Texts
from misc.utils import greet_chat
from services.access import AccessPolicy

_OUTSIDE = {"left", "kicked"}


def router(membership: "BotMembership") -> Router:
    """Register updates of the bot's membership and messages about a group's new id."""
    router = Router(name="chat_member")
    router.my_chat_member.register(membership.follow)
    kinds = OfKind({ContentType.MIGRATE_TO_CHAT_ID, ContentType.MIGRATE_FROM_CHAT_ID})
    # Registration would welcome the group once more, under its new id.
    router.message.register(on_new_id, kinds, flags={**OPEN_TO_ALL, **TURNS_AWAY})
    return router


@dataclass(frozen=True, slots=True)
class BotMembership:
    """Follows where the bot is, and registers groups that it is added to."""

    texts: Texts
    bans: BanList
    #: Titles of the platforms for the welcome.
    platforms: tuple[str, ...]
    join_log: JoinLog | None = None
    answers_channels: bool = False

    async def follow(self, event: ChatMemberUpdated) -> None:
        """Mark the chat as blocked or reachable; register and welcome a new group.

        Raises:
            StorageError: the change is not stored.
        """
        if not _is_inside(event.new_chat_member):
            await mark_blocked(event.chat.id)
            return
        await mark_reachable(event.chat.id)
        if event.chat.type != "private" and not _is_inside(event.old_chat_member):
            await self._join(event)

    async def _join(self, event: ChatMemberUpdated) -> None:
        """Register a group or channel in the language of the person who added the bot."""
        is_channel = event.chat.type == "channel"
        is_unwanted = is_channel and not self.answers_channels
        if is_unwanted or self.bans.has(event.chat.id, event.from_user.id):
            return
        lang = self.texts.closest(event.from_user.language_code)
        _, is_new = await register_chat(event.chat.id, lang, is_channel=is_channel)
        if is_new:
            await greet_chat(event, lang, platforms=self.platforms, join_log=self.join_log)
        else:
            # A message may have been faster, which knows nothing of this person.
            await adopt_language(event.chat.id, lang, int(event.date.timestamp()))


async def on_new_id(
    message: Message, bans: BanList, access: AccessPolicy, moved: MovedChats
) -> None:
    """Move a group's settings, history, permission and ban to the id of its supergroup.

    Telegram reports the change in both chats, the old one and the new one.

    Raises:
        StorageError: they are not moved.
    """
    old_id = message.migrate_from_chat_id or message.chat.id
    new_id = message.migrate_to_chat_id or message.chat.id
    moved.follow(old_id, new_id)
    await move_chat(old_id, new_id)
    await bans.refresh()
    await access.follow(old_id, new_id)


def _is_inside(member: ChatMemberUnion) -> bool:
    """Return True for a member of the chat.

    A restricted user may have left: https://core.telegram.org/bots/api#chatmemberrestricted
    """
    if isinstance(member, ChatMemberRestricted):
        return member.is_member
    return member.status not in _OUTSIDE
