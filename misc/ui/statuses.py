"""Chooses how the progress of a message's requests is shown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from aiogram import Bot
from aiogram.types import InlineKeyboardMarkup, Message

from core.recent import RecentValues
from delivery.api_requests import MessageOptions
from delivery.sender import Sender
from delivery.status_indicator import (
    BusinessStatus,
    ButtonStatus,
    InlineStatus,
    InlineStatusTexts,
    MessageStatus,
    PressedKeyboard,
    StatusIndicator,
)
from delivery.targets import ChatTarget
from misc.ui import keyboards
from misc.ui.texts import Texts
from services.requests.store import StoredRequest

#: Messages whose keyboards are remembered. One is needed only while requests of it are open.
_MOST: Final = 1_000


@dataclass(frozen=True, slots=True)
class StatusFactory:
    """Builds status indicators."""

    bot: Bot
    sender: Sender
    texts: Texts
    #: By chat and message.
    keyboards: RecentValues[tuple[int, int], PressedKeyboard] = field(
        default_factory=lambda: RecentValues(_MOST)
    )

    def status_of(self, requests: Sequence[StoredRequest]) -> StatusIndicator:
        """Return the indicator for the requests of one message, one or more."""
        stored, number = requests[0], len(requests)
        request = stored.request
        target = ChatTarget.of_request(request)
        if target.inline_id:
            texts = self._inline_texts(request.chat.lang)
            return InlineStatus(self.sender, target, stored, texts)
        if target.business_id:
            return BusinessStatus()
        status = self._message_status(stored, target, number)
        for each in requests:
            if note := each.progress.note:
                status.adopt_note(note, each.record_note)
            if _may_have_sent_card(each):
                status.keep_message()
        return status

    def _message_status(
        self, stored: StoredRequest, target: ChatTarget, requests: int
    ) -> MessageStatus:
        request, is_shown = stored.request, stored.is_resumed
        press = request.origin.press
        if press and press.keyboard:
            seen = InlineKeyboardMarkup.model_validate_json(press.keyboard)
            keyboard = self._keyboard_of(target.chat_id, target.message_id, seen)
            return ButtonStatus(
                self.bot, self.sender, target, stored, keyboard, press.data, is_shown=is_shown
            )
        return MessageStatus(
            self.bot,
            self.sender,
            target,
            stored,
            requests=requests,
            deletes_request=(
                request.chat.preferences.delete_request and not target.is_private and press is None
            ),
            is_shown=is_shown,
        )

    def whole_keyboard(self, message: Message) -> InlineKeyboardMarkup | None:
        """Return the keyboard of a message that is pressed, with what running requests hide."""
        if seen := message.reply_markup:
            return self._keyboard_of(message.chat.id, message.message_id, seen).whole
        known = self.keyboards.get((message.chat.id, message.message_id))
        return known.whole if known else None

    def _keyboard_of(
        self, chat_id: int, message_id: int, seen: InlineKeyboardMarkup
    ) -> PressedKeyboard:
        """Return the keyboard of a message, which a press came with in the form `seen`."""
        known = self.keyboards.setdefault((chat_id, message_id), PressedKeyboard(seen))
        known.add(seen)
        return known

    def _inline_texts(self, lang: str) -> InlineStatusTexts:
        def options(key: str, **facts: int) -> MessageOptions:
            # An inline message can only be edited while it has a keyboard.
            return MessageOptions(self.texts(lang, key, **facts), keyboards.hourglass())

        return InlineStatusTexts(
            working=options("inline_working"),
            sending=options("inline_sending"),
            retrying=lambda number, most: options("inline_attempt", number=number, total=most),
        )


def _may_have_sent_card(stored: StoredRequest) -> bool:
    """Return True if another process has answered a request, perhaps with the card of a list.

    The posts that are chosen on the card answer the message.
    """
    is_answered = stored.is_finished or stored.progress.is_complete
    return is_answered and stored.request.origin.is_addressed
