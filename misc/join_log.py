"""Messages about new chats, in the chat that `[bot] join_log_chat` names."""

import logging
from dataclasses import dataclass
from html import escape

from aiogram.types import ChatMemberUpdated, Message, User

from core.errors import DeliveryError
from delivery.moved_chats import MovedChats

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JoinLog:
    """Reports new chats to one chat."""

    chat_id: int
    moved: MovedChats

    async def report(self, event: Message | ChatMemberUpdated, referral: str | None) -> None:
        """Report the chat of an event. A delivery failure is logged, not raised."""
        bot, text = event.bot, _text(event, referral)
        assert bot
        try:
            await self.moved.call(self.chat_id, lambda chat_id: bot.send_message(chat_id, text))
        except DeliveryError as error:
            logger.warning(
                "Could not report a new chat to the join log chat: %s",
                error,
                extra={"event": "join_log_failed"},
            )


def _text(event: Message | ChatMemberUpdated, referral: str | None) -> str:
    lines = [_user_line(event.from_user), f"<code>{event.chat.id}</code>"]
    if event.chat.type != "private":
        lines.insert(0, f"<b>{escape(event.chat.title or '')}</b>")
    if referral:
        lines.append(f"<i>{escape(referral)}</i>")
    return "\n".join(filter(None, lines))


def _user_line(user: User | None) -> str:
    if user is None:
        return ""
    name = f'<b><a href="tg://user?id={user.id}">{escape(user.full_name)}</a></b>'
    return f"{name}\n@{user.username}" if user.username else name
