"""How far a request is, shown on the request itself: by reactions, or by a ⏳ where they are off.

Decoration: nothing here may fail a request, so every refusal by Telegram ends in this file.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from aiogram import Bot
from aiogram.methods import DeleteMessage, EditMessageReplyMarkup, SetMessageReaction
from aiogram.types import InlineKeyboardMarkup, ReactionTypeEmoji, ReactionTypeUnion

from core.concurrency import run_uncancelled
from core.errors import DeliveryError
from core.pseudonyms import LoggedChat
from delivery.api_requests import MessageOptions
from delivery.final_status_calls import IsCurrent
from delivery.request_body import ending_only_if
from delivery.sender import Sender
from delivery.status_note import RecordNote, StatusNote
from delivery.targets import ChatTarget
from delivery.telegram_errors import may_pass

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

    def keep_message(self) -> None:
        """Let the message stay, even where answered ones are deleted."""

    async def cancelled(self) -> None:
        """End the indicator of a request that was cancelled."""

    async def failed(self) -> None:
        """End the indicator of a request that failed."""

    async def done(self) -> None:
        """End the indicator of a request that was answered."""

    async def passed_on(self) -> None:
        """End the part that a request has in it which another process answers, or has answered."""


class Right(Protocol):
    """A process's right to show the status of a request: the one that serves it has it."""

    def may_send(self) -> bool:
        """Return True if no other process can have taken the request over."""

    async def is_ours(self) -> bool:
        """Return True if no other process can have taken the request over; ask if in doubt."""

    async def has_message_failed(self, known: bool | None) -> bool | None:
        """Return True if a request of the message has failed; None while one has not ended.

        `known` is returned if nothing else is known.
        """


class _Steps:
    """The calls about one message on the way to its end, one at a time.

    None begins after the end, or once another process has the request. One that has begun is not
    cancelled, because nobody would know whether Telegram carries it out after a later one.
    """

    def __init__(self, right: Right) -> None:
        self._right = right
        self._in_order = asyncio.Lock()
        self._is_over = False

    async def take(self, call: Callable[[], Awaitable[object]]) -> None:
        """Make a call, unless it is too late for it."""
        await run_uncancelled(self._take(call))

    async def end(self) -> None:
        """Let nothing begin any more, and wait for what has begun."""
        self._is_over = True
        async with self._in_order:
            pass

    async def _take(self, call: Callable[[], Awaitable[object]]) -> None:
        async with self._in_order:
            if not self._is_over and await self._right.is_ours():
                with ending_only_if(self._right.may_send):
                    await call()


class Reactions:
    """The reaction on a message, or a ⏳ below it where reactions are not allowed."""

    def __init__(
        self, bot: Bot, sender: Sender, target: ChatTarget, right: Right, *, is_shown: bool
    ) -> None:
        """`is_shown`: another process may have reacted already."""
        self._bot = bot
        self._sender = sender
        self._target = target
        self._right = right
        #: Id of the ⏳ message.
        self._hourglass: int | None = None
        self._are_allowed = True
        self.is_shown = is_shown
        self._is_working = False

    async def accept(self) -> None:
        """Show the first status, once."""
        if self.is_shown:
            return
        self.is_shown = True
        error = await self._react(_ACCEPTED)
        # A connection that has broken says nothing about the chat, and 👀 may be there.
        if error is None or may_pass(error) or not self._right.may_send():
            return
        self._are_allowed = False
        try:
            message = await self._sender.send_text(self._target, "⏳", silent=True)
            self._hourglass = message.message_id
        except DeliveryError as error:
            _log_failure("status_failed", self._target, error)

    async def work(self) -> None:
        """Show that work has begun, once: an archive has the files of many posts."""
        if self._are_allowed and not self._is_working:
            self.is_shown = True
            error = await self._react(_WORKING)
            # A chat may allow the first reaction only.
            self._is_working = error is None or not may_pass(error)

    async def end(self, *, has_failed: bool, is_current: IsCurrent | None) -> None:
        """Show the end: a sad face after a failure, else nothing."""
        if self._are_allowed and (self.is_shown or has_failed):
            call = self._reaction(_FAILED if has_failed else None)
            await self._sender.final_status_calls.make(call, is_current)

    async def clear(self) -> None:
        """Delete the ⏳ message, which no other process knows."""
        if self._hourglass is not None:
            await _delete(self._sender, self._target, self._hourglass)
            self._hourglass = None

    def _reaction(self, emoji: str | None) -> SetMessageReaction:
        reaction: list[ReactionTypeUnion] = [ReactionTypeEmoji(emoji=emoji)] if emoji else []
        return SetMessageReaction(
            chat_id=self._target.chat_id, message_id=self._target.message_id, reaction=reaction
        )

    async def _react(self, emoji: str) -> DeliveryError | None:
        call = self._reaction(emoji)
        self._sender.final_status_calls.drop(call)
        try:
            await self._bot(call)
        except DeliveryError as error:
            _log_failure("reaction_failed", self._target, error)
            return error
        return None


class MessageStatus:
    """The status of the requests of one message in a chat where the bot can react.

    It ends when the last request has ended, as a failure if any of them has failed. Where another
    process has or may have requests of the message, too, their rows decide how it ends, and whoever
    has shown an end looks at them once more: so the last reaction is that of the last state,
    whichever process comes late.
    """

    def __init__(
        self,
        bot: Bot,
        sender: Sender,
        target: ChatTarget,
        right: Right,
        *,
        requests: int = 1,
        deletes_request: bool = False,
        is_shown: bool = False,
    ) -> None:
        """`deletes_request`: the message is deleted once all its requests are answered."""
        self._bot = bot
        self._sender = sender
        self._target = target
        self._right = right
        self._steps = _Steps(right)
        self._reactions = Reactions(bot, sender, target, right, is_shown=is_shown)
        self._note: StatusNote | None = None
        self._ending = _Ending(requests, is_shared=is_shown)
        self._deletes_request = deletes_request

    async def accepted(self) -> None:
        await self._steps.take(self._accept)

    async def _accept(self) -> None:
        await self._reactions.accept()

    async def working(self) -> None:
        await self._steps.take(self._reactions.work)

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

    def keep_message(self) -> None:
        self._deletes_request = False

    async def cancelled(self) -> None:
        """Take the reaction away. The message stays: nothing else in the chat has its link."""
        self.keep_message()
        await self._one_ended()

    async def failed(self) -> None:
        """React with a sad face."""
        self._ending.has_failed = True
        await self._one_ended()

    async def done(self) -> None:
        """Take the reaction away: the media says it all."""
        await self._one_ended()

    async def passed_on(self) -> None:
        """Leave the end to the other process, or show it once more if that was there already."""
        self._ending.is_shared, self._ending.are_all_known = True, False
        await self._one_ended()

    async def _one_ended(self) -> None:
        self._ending.left -= 1
        if not self._ending.left:
            await self._steps.end()
            await self._end()

    async def _end(self) -> None:
        """Show how the message's requests have ended, as long as that has changed meanwhile."""
        shown, has_failed = None, await self._outcome()
        while has_failed is not None and has_failed != shown:
            await self._show_end(has_failed=has_failed)
            shown, has_failed = has_failed, await self._outcome()
        await self._reactions.clear()
        if self._deletes_request and shown is False:
            await _delete(self._sender, self._target, self._target.message_id)

    async def _show_end(self, *, has_failed: bool) -> None:
        is_current = partial(self._is_outcome, has_failed) if self._ending.may_change else None
        await self._reactions.end(has_failed=has_failed, is_current=is_current)

    async def _outcome(self) -> bool | None:
        """Return True after a failure; None if another process will show the end."""
        known = self._ending.known
        return await self._right.has_message_failed(known) if self._ending.may_change else known

    async def _is_outcome(self, has_failed: bool) -> bool:
        return await self._right.has_message_failed(has_failed) is has_failed


@dataclass(slots=True)
class _Ending:
    """What a process knows of the end of a message's requests."""

    #: Requests that it has not ended.
    left: int
    #: Other processes have, or may have, requests of the message.
    is_shared: bool
    has_failed: bool = False
    #: False: another process has one, or had.
    are_all_known: bool = True

    @property
    def known(self) -> bool | None:
        """Return True after a failure; None if not all requests have ended."""
        return self.has_failed if self.are_all_known else None

    @property
    def may_change(self) -> bool:
        """Return True if another process may end the message differently: a failed one is retried.

        A message whose only process has answered it is answered for good.
        """
        return self.is_shared or self.has_failed


class BusinessStatus:
    """The status in a business account's chats, where a bot cannot react: nothing is shown."""

    async def accepted(self) -> None:
        pass

    async def working(self) -> None:
        pass

    async def retrying(self, attempt: int, attempts: int) -> None:
        pass

    async def sending(self) -> None:
        pass

    async def show_note(self, note: MessageOptions, record: RecordNote) -> None:
        """Show nothing: its customers get as little as groups."""

    async def remove_note(self) -> None:
        """Do nothing: there is no note."""

    def keep_message(self) -> None:
        """Do nothing: the message is not deleted."""

    async def cancelled(self) -> None:
        pass

    async def failed(self) -> None:
        pass

    async def done(self) -> None:
        pass

    async def passed_on(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class InlineStatusTexts:
    """The texts of an inline message until its media is there."""

    working: MessageOptions
    sending: MessageOptions
    #: For an attempt, of how many.
    retrying: Callable[[int, int], MessageOptions]


class InlineStatus:
    """The status of an inline message: its own text, which the media or an explanation replaces."""

    def __init__(
        self, sender: Sender, target: ChatTarget, right: Right, texts: InlineStatusTexts
    ) -> None:
        self._sender = sender
        self._target = target
        self._steps = _Steps(right)
        self._texts = texts

    async def accepted(self) -> None:
        """Show nothing: the card says that already."""

    async def working(self) -> None:
        await self._edit(self._texts.working)

    async def retrying(self, attempt: int, attempts: int) -> None:
        await self._edit(self._texts.retrying(attempt, attempts))

    async def sending(self) -> None:
        await self._edit(self._texts.sending)

    async def show_note(self, note: MessageOptions, record: RecordNote) -> None:
        """Show nothing: the bot cannot send a note to this chat."""

    async def remove_note(self) -> None:
        """Edit the text no more: what follows replaces it, and must stay."""
        await self._steps.end()

    def keep_message(self) -> None:
        """Do nothing: the message is not deleted."""

    async def cancelled(self) -> None:
        """Show nothing: the explanation replaces the text."""

    async def failed(self) -> None:
        """Show nothing: the explanation replaces the text."""

    async def done(self) -> None:
        """Show nothing: the media replaces the text."""

    async def passed_on(self) -> None:
        """Show nothing: the other process edits the text."""

    async def _edit(self, text: MessageOptions) -> None:
        await self._steps.take(partial(self._show, text))

    async def _show(self, text: MessageOptions) -> None:
        try:
            await self._sender.edit_inline(self._target, text.caption, text.buttons)
        except DeliveryError as error:
            logger.debug(
                "Could not edit an inline message: %s",
                error,
                extra={"event": "inline_status_failed"},
            )


@dataclass(slots=True)
class PressedKeyboard:
    """The keyboard of a message, without the rows of the buttons whose requests run.

    All requests of the message share it: a press of one button while that of another runs comes
    with the keyboard that the message has then, and must not bring that one back.
    """

    whole: InlineKeyboardMarkup
    #: Callback data of the buttons that are hidden.
    hidden: set[str] = field(default_factory=set)

    def add(self, seen: InlineKeyboardMarkup) -> None:
        """Take the keyboard that another press came with, if it has more rows."""
        if len(seen.inline_keyboard) > len(self.whole.inline_keyboard):
            self.whole = seen

    @property
    def shown(self) -> InlineKeyboardMarkup:
        """Return what the message shows now."""
        rows = [
            row
            for row in self.whole.inline_keyboard
            if all(button.callback_data not in self.hidden for button in row)
        ]
        return InlineKeyboardMarkup(inline_keyboard=rows)


class ButtonStatus(MessageStatus):
    """The status of a request that was made by pressing a button.

    The row with the button disappears while the request runs, and comes back as it was.
    """

    def __init__(
        self,
        bot: Bot,
        sender: Sender,
        target: ChatTarget,
        right: Right,
        keyboard: PressedKeyboard,
        data: str,
        *,
        is_shown: bool = False,
    ) -> None:
        """`data` is the callback data of the button in `keyboard`."""
        super().__init__(bot, sender, target, right, is_shown=is_shown)
        self._keyboard = keyboard
        self._data = data
        self._is_hidden = is_shown
        if is_shown:
            keyboard.hidden.add(data)

    async def _accept(self) -> None:
        """Hide the button, and react."""
        self._is_hidden = True
        self._keyboard.hidden.add(self._data)
        call = self._edit()
        self._sender.final_status_calls.drop(call)
        try:
            await self._bot(call)
        except DeliveryError as error:
            _log_failure("keyboard_failed", self._target, error)
        await super()._accept()

    async def _end(self) -> None:
        self._keyboard.hidden.discard(self._data)
        await super()._end()

    async def _show_end(self, *, has_failed: bool) -> None:
        await super()._show_end(has_failed=has_failed)
        if self._is_hidden:
            await self._sender.final_status_calls.make(self._edit())

    def _edit(self) -> EditMessageReplyMarkup:
        return EditMessageReplyMarkup(
            chat_id=self._target.chat_id,
            message_id=self._target.message_id,
            reply_markup=self._keyboard.shown,
        )


async def _delete(sender: Sender, target: ChatTarget, message_id: int) -> None:
    await sender.final_status_calls.make(
        DeleteMessage(chat_id=target.chat_id, message_id=message_id)
    )


def _log_failure(event: str, target: ChatTarget, error: DeliveryError) -> None:
    logger.debug(
        "Could not update the status in chat %s: %s",
        LoggedChat(target.chat_id),
        error,
        extra={"event": event},
    )
