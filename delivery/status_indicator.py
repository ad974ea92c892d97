"""How far a request is, shown on the request itself: by reactions, or by a ⏳ where they are off.

Decoration: nothing here may fail a request, so every refusal by Telegram ends in this file.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aiogram import Bot
from aiogram.methods import DeleteMessage, EditMessageReplyMarkup, SetMessageReaction
from aiogram.types import InlineKeyboardMarkup, ReactionTypeEmoji, ReactionTypeUnion

from core.errors import DeliveryError
from core.pseudonyms import LoggedChat
from delivery.api_requests import MessageOptions
from delivery.sender import Sender
from delivery.status_note import RecordNote, StatusNote
from delivery.targets import ChatTarget

logger = logging.getLogger(__name__)

_ACCEPTED, _WORKING, _FAILED = "👀", "👨‍💻", "😢"


class StatusIndicator(Protocol):
    """Shows the progress of the requests of one message. No method raises."""

    async def accepted(self) -> None:
        """Show that the request was seen."""

    async def working(self) -> None:
        """Show that the post was found and is being fetched."""

    async def retrying(self, attempt: int, attempts: int) -> None:
        """Show that another attempt follows a failed one, and which of how many."""

    async def sending(self) -> None:
        """Show that the files are being sent."""

    async def show_note(self, note: MessageOptions, record: RecordNote) -> None:
        """Show or update the status note of one of the requests; `record` stores its id."""

    async def remove_note(self) -> None:
        """Delete the status note, if there is one."""

    async def cancelled(self) -> None:
        """End the indicator of a request that was cancelled."""

    async def failed(self) -> None:
        """End the indicator of a request that failed."""

    async def done(self) -> None:
        """End the indicator of a request that was answered."""

    async def passed_on(self, has_failed: bool | None) -> None:
        """End the part that a request has in it which another process answers.

        `has_failed` says how the requests of the message have ended there; None: they have not, and
        the other process will end the indicator.
        """


class Reactions:
    """The reaction on a message, or a ⏳ below it where reactions are not allowed."""

    def __init__(self, bot: Bot, sender: Sender, target: ChatTarget, *, is_shown: bool) -> None:
        self._bot = bot
        self._sender = sender
        self._target = target
        #: Id of the ⏳ message.
        self._hourglass: int | None = None
        self._are_allowed = True
        #: `is_shown`: another process may have reacted already.
        self._is_shown = is_shown
        self._is_working = False
        #: A later status must not be overtaken by an earlier one.
        self._in_order = asyncio.Lock()

    async def accept(self) -> None:
        """Show the first status, once."""
        if self._is_shown:
            return
        self._is_shown = True
        async with self._in_order:
            if await self._react(_ACCEPTED):
                return
            self._are_allowed = False
            try:
                message = await self._sender.send_text(self._target, "⏳", silent=True)
                self._hourglass = message.message_id
            except DeliveryError as error:
                _log_failure("status_failed", self._target, error)

    async def work(self) -> None:
        """Show that work has begun, once: an archive has the files of many posts."""
        async with self._in_order:
            if self._are_allowed and not self._is_working:
                self._is_working = await self._react(_WORKING)

    async def end(self, *, has_failed: bool) -> None:
        """Show the end: a sad face after a failure, else nothing."""
        if not (self._is_shown or has_failed):
            return
        async with self._in_order:
            if self._are_allowed:
                await self._sender.last_calls.make(self._reaction(_FAILED if has_failed else None))
            elif self._hourglass is not None:
                await _delete(self._sender, self._target, self._hourglass)

    async def leave(self) -> None:
        """Leave the end to another process, which does not know of the ⏳ message."""
        async with self._in_order:
            if self._hourglass is not None:
                await _delete(self._sender, self._target, self._hourglass)

    def _reaction(self, emoji: str | None) -> SetMessageReaction:
        reaction: list[ReactionTypeUnion] = [ReactionTypeEmoji(emoji=emoji)] if emoji else []
        return SetMessageReaction(
            chat_id=self._target.chat_id, message_id=self._target.message_id, reaction=reaction
        )

    async def _react(self, emoji: str) -> bool:
        call = self._reaction(emoji)
        self._sender.last_calls.drop(call)
        try:
            await self._bot(call)
        except DeliveryError as error:
            _log_failure("reaction_failed", self._target, error)
            return False
        return True


class MessageStatus:
    """The status of the requests of one message in a chat where the bot can react.

    It ends when the last request has ended, as a failure if any of them has failed.
    """

    def __init__(
        self,
        bot: Bot,
        sender: Sender,
        target: ChatTarget,
        *,
        requests: int = 1,
        deletes_request: bool = False,
        is_shown: bool = False,
    ) -> None:
        """`deletes_request`: the message is deleted once all its requests are answered."""
        self._bot = bot
        self._sender = sender
        self._target = target
        self._reactions = Reactions(bot, sender, target, is_shown=is_shown)
        self._note: StatusNote | None = None
        self._left = requests
        self._has_failed = False
        self._deletes_request = deletes_request

    async def accepted(self) -> None:
        """React to the message."""
        await self._reactions.accept()

    async def working(self) -> None:
        """React to the message."""
        await self._reactions.work()

    async def retrying(self, attempt: int, attempts: int) -> None:
        """Show nothing: a chat has no use for details."""

    async def sending(self) -> None:
        """Show nothing: Telegram's own "sending a video" is enough."""

    def adopt_note(self, message_id: int, record: RecordNote) -> None:
        """Take over the note that another process has left."""
        self._note = StatusNote(self._bot, self._sender, self._target, record, message_id)

    async def show_note(self, note: MessageOptions, record: RecordNote) -> None:
        """Answer the message with the note, or edit it."""
        if self._note is None:
            self._note = StatusNote(self._bot, self._sender, self._target, record)
        await self._note.show(note)

    async def remove_note(self) -> None:
        """Delete the note; the next request of the message gets its own."""
        if self._note:
            await self._note.remove()
            self._note = None

    async def cancelled(self) -> None:
        """Take the reaction away."""
        await self._one_ended()

    async def failed(self) -> None:
        """React with a sad face."""
        self._has_failed = True
        await self._one_ended()

    async def done(self) -> None:
        """Take the reaction away: the media says it all."""
        await self._one_ended()

    async def passed_on(self, has_failed: bool | None) -> None:
        """Show the end once more: this process may have reacted after the other one's end."""
        if has_failed is not None:
            self._has_failed = self._has_failed or has_failed
            await self._one_ended()
            return
        self._left -= 1
        if not self._left:
            await self._reactions.leave()

    async def _one_ended(self) -> None:
        self._left -= 1
        if self._left:
            return
        await self._reactions.end(has_failed=self._has_failed)
        if self._deletes_request and not self._has_failed:
            await _delete(self._sender, self._target, self._target.message_id)


class BusinessStatus:
    """The status in a business account's chats, where a bot cannot react: nothing is shown."""

    async def accepted(self) -> None:
        """Show nothing."""

    async def working(self) -> None:
        """Show nothing."""

    async def retrying(self, attempt: int, attempts: int) -> None:
        """Show nothing."""

    async def sending(self) -> None:
        """Show nothing."""

    async def show_note(self, note: MessageOptions, record: RecordNote) -> None:
        """Show nothing: its customers get as little as groups."""

    async def remove_note(self) -> None:
        """Do nothing: there is no note."""

    async def cancelled(self) -> None:
        """Show nothing."""

    async def failed(self) -> None:
        """Show nothing."""

    async def done(self) -> None:
        """Show nothing."""

    async def passed_on(self, has_failed: bool | None) -> None:
        """Show nothing."""


@dataclass(frozen=True, slots=True)
class InlineStatusTexts:
    """The texts of an inline message until its media is there."""

    working: MessageOptions
    sending: MessageOptions
    #: For an attempt, of how many.
    retrying: Callable[[int, int], MessageOptions]


class InlineStatus:
    """The status of an inline message: its own text, which the media or an explanation replaces."""

    def __init__(self, sender: Sender, target: ChatTarget, texts: InlineStatusTexts) -> None:
        self._sender = sender
        self._target = target
        self._texts = texts

    async def accepted(self) -> None:
        """Show nothing: the card says that already."""

    async def working(self) -> None:
        """Edit the text."""
        await self._edit(self._texts.working)

    async def retrying(self, attempt: int, attempts: int) -> None:
        """Edit the text."""
        await self._edit(self._texts.retrying(attempt, attempts))

    async def sending(self) -> None:
        """Edit the text."""
        await self._edit(self._texts.sending)

    async def show_note(self, note: MessageOptions, record: RecordNote) -> None:
        """Show nothing: the bot cannot send a note to this chat."""

    async def remove_note(self) -> None:
        """Do nothing: there is no note."""

    async def cancelled(self) -> None:
        """Show nothing: the explanation replaces the text."""

    async def failed(self) -> None:
        """Show nothing: the explanation replaces the text."""

    async def done(self) -> None:
        """Show nothing: the media replaces the text."""

    async def passed_on(self, has_failed: bool | None) -> None:
        """Show nothing: the other process edits the text."""

    async def _edit(self, text: MessageOptions) -> None:
        try:
            await self._sender.edit_inline(self._target, text.caption, text.buttons)
        except DeliveryError as error:
            logger.debug(
                "Could not edit an inline message: %s",
                error,
                extra={"event": "inline_status_failed"},
            )


class ButtonStatus(MessageStatus):
    """The status of a request that was made by pressing a button.

    The row with the button disappears while the request runs, and comes back as it was.
    """

    def __init__(
        self,
        bot: Bot,
        sender: Sender,
        target: ChatTarget,
        keyboard: InlineKeyboardMarkup,
        data: str,
        *,
        is_shown: bool = False,
    ) -> None:
        """`data` is the callback data of the button in `keyboard`."""
        super().__init__(bot, sender, target, is_shown=is_shown)
        self._keyboard = keyboard
        self._data = data
        self._is_hidden = is_shown

    async def accepted(self) -> None:
        """Hide the button, and react."""
        rows = [
            row
            for row in self._keyboard.inline_keyboard
            if all(button.callback_data != self._data for button in row)
        ]
        self._is_hidden = True
        call = self._edit(InlineKeyboardMarkup(inline_keyboard=rows))
        self._sender.last_calls.drop(call)
        try:
            await self._bot(call)
        except DeliveryError as error:
            _log_failure("keyboard_failed", self._target, error)
        await super().accepted()

    async def _one_ended(self) -> None:
        await super()._one_ended()
        if self._is_hidden:
            await self._sender.last_calls.make(self._edit(self._keyboard))

    def _edit(self, keyboard: InlineKeyboardMarkup) -> EditMessageReplyMarkup:
        return EditMessageReplyMarkup(
            chat_id=self._target.chat_id,
            message_id=self._target.message_id,
            reply_markup=keyboard,
        )


async def _delete(sender: Sender, target: ChatTarget, message_id: int) -> None:
    await sender.last_calls.make(DeleteMessage(chat_id=target.chat_id, message_id=message_id))


def _log_failure(event: str, target: ChatTarget, error: DeliveryError) -> None:
    logger.debug(
        "No status in chat %s: %s", LoggedChat(target.chat_id), error, extra={"event": event}
    )
