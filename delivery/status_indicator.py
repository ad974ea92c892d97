"""How far a request is, shown on the request itself: by reactions, or by a ⏳ where they are off.

Decoration: nothing here may fail a request, so every refusal ends in this file.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from aiogram import Bot
from aiogram.types import (
    InlineKeyboardMarkup,
    ReactionTypeEmoji,
    ReactionTypeUnion,
)

from core.errors import DeliveryError
from core.pseudonyms import LoggedChat
from delivery.api_requests import MessageOptions
from delivery.sender import Sender
from delivery.targets import ChatTarget

logger = logging.getLogger(__name__)

_ACCEPTED, _WORKING, _FAILED = "👀", "👨‍💻", "😢"


class StatusIndicator:
    """The light over one request, or over several that were made in one message.

    It ends when the last of them has ended, and in sadness if any of them has failed.
    """

    def __init__(
        self,
        bot: Bot,
        sender: Sender,
        target: ChatTarget,
        *,
        requests: int = 1,
        deletes_request: bool = False,
        is_lit: bool = False,
    ) -> None:
        self._bot = bot
        self._sender = sender
        self._target = target
        #: Id of the ⏳ message, where reactions are not allowed.
        self._hourglass: int | None = None
        #: Id of the note about waiting; 0 while it is on its way, or when it is gone.
        self._note: int | None = None
        self._reactions_work = True
        self._is_lit = is_lit
        self._left = requests
        self._end: str | None = None
        self._deletes_request = deletes_request
        #: What is shown later must not be overtaken by what was shown before.
        self._in_turn = asyncio.Lock()

    async def accepted(self) -> None:
        """Show that the request was seen."""
        if self._is_lit:
            return
        self._is_lit = True
        async with self._in_turn:
            if not await self._react(_ACCEPTED):
                self._reactions_work = False
                try:
                    message = await self._sender.send_text(self._target, "⏳", silent=True)
                    self._hourglass = message.message_id
                except DeliveryError as error:
                    logger.debug(
                        "No status in chat %s: %s", LoggedChat(self._target.chat_id), error
                    )

    async def working(self) -> None:
        """Show that the post was found and is being fetched."""
        async with self._in_turn:
            if self._reactions_work:
                await self._react(_WORKING)

    async def trying_again(self, number: int, most: int) -> None:
        """Show nothing new: in a chat an attempt that fails is nobody's business."""

    async def sending(self) -> None:
        """Show nothing new: Telegram's own "sending a video" is enough."""

    async def wait(self, note: MessageOptions) -> None:
        """Say that it takes long; once, and only until the end."""
        if self._note is None and self._left:
            self._note = 0
            try:
                message = await self._sender.send_text(
                    self._target, note.caption, note.buttons, silent=True
                )
                self._note = message.message_id
            except DeliveryError as error:
                logger.debug("No note in chat %s: %s", LoggedChat(self._target.chat_id), error)
            if not self._left:
                await self._take_note_away()

    async def called_off(self) -> None:
        """Take the light away, because nobody waits any more."""
        await self._one_less()

    async def failed(self) -> None:
        """Show that there will be no media."""
        self._end = _FAILED
        await self._one_less()

    async def done(self) -> None:
        """Take the light away: the media says it all."""
        await self._one_less()

    async def _one_less(self) -> None:
        self._left -= 1
        if self._left == 0:
            await self._take_note_away()
            if self._is_lit or self._end:
                async with self._in_turn:
                    await self._finish(self._end)
            if self._end is None and self._deletes_request:
                await self._delete(self._target.message_id)

    async def _take_note_away(self) -> None:
        if self._note:
            note, self._note = self._note, 0
            await self._delete(note)

    async def _finish(self, emoji: str | None) -> None:
        if self._reactions_work:
            await self._react(emoji)
        elif self._hourglass is not None:
            await self._delete(self._hourglass)

    async def _delete(self, message_id: int) -> None:
        try:
            await self._bot.delete_message(self._target.chat_id, message_id)
        except DeliveryError as error:
            logger.debug("A message stays in chat %s: %s", LoggedChat(self._target.chat_id), error)

    async def _react(self, emoji: str | None) -> bool:
        reaction: list[ReactionTypeUnion] = [ReactionTypeEmoji(emoji=emoji)] if emoji else []
        try:
            await self._bot.set_message_reaction(
                self._target.chat_id, self._target.message_id, reaction=reaction
            )
        except DeliveryError as error:
            logger.debug("No reaction in chat %s: %s", LoggedChat(self._target.chat_id), error)
            return False
        return True


class NoStatus(StatusIndicator):
    """No light at all: in a business account's chats a bot can neither react nor should it show."""

    async def accepted(self) -> None:
        """Show nothing."""

    async def working(self) -> None:
        """Show nothing."""

    async def _finish(self, emoji: str | None) -> None:
        """Show nothing."""


@dataclass(frozen=True, slots=True)
class InlineStatusTexts:
    """What an inline message says on the way."""

    working: MessageOptions
    sending: MessageOptions
    #: Which attempt it is, of how many.
    attempt: Callable[[int, int], MessageOptions]


class InlineStatus(StatusIndicator):
    """The light over an inline message: its own text, which the media or an explanation replaces."""

    def __init__(
        self,
        bot: Bot,
        sender: Sender,
        target: ChatTarget,
        words: InlineStatusTexts,
        *,
        is_lit: bool = False,
    ) -> None:
        super().__init__(bot, sender, target, is_lit=is_lit)
        self._words = words

    async def accepted(self) -> None:
        """Show nothing: the card says that already."""

    async def working(self) -> None:
        """Say that the post was found and is being fetched."""
        await self._say(self._words.working)

    async def trying_again(self, number: int, most: int) -> None:
        """Say which attempt it is."""
        await self._say(self._words.attempt(number, most))

    async def sending(self) -> None:
        """Say that it is being sent."""
        await self._say(self._words.sending)

    async def _say(self, options: MessageOptions) -> None:
        try:
            await self._sender.edit_inline(self._target, options.caption, options.buttons)
        except DeliveryError as error:
            logger.debug("An inline message stays as it is: %s", error)

    async def wait(self, note: MessageOptions) -> None:
        """Show nothing: there is no chat for a note."""

    async def _finish(self, emoji: str | None) -> None:
        """Show nothing: the message itself is the end."""


class ButtonStatus(StatusIndicator):
    """The light over a request that was made by pressing a button.

    The row with the button goes away while the request runs, and comes back exactly as it was.
    """

    def __init__(
        self,
        bot: Bot,
        sender: Sender,
        target: ChatTarget,
        keyboard: InlineKeyboardMarkup | None,
        data: str,
        *,
        is_lit: bool = False,
    ) -> None:
        super().__init__(bot, sender, target, is_lit=is_lit)
        self._keyboard = keyboard
        self._data = data

    async def accepted(self) -> None:
        """Take the button away, and show that the press was seen."""
        if self._keyboard:
            rows = [
                row
                for row in self._keyboard.inline_keyboard
                if all(button.callback_data != self._data for button in row)
            ]
            await self._show(InlineKeyboardMarkup(inline_keyboard=rows))
        await super().accepted()

    async def _finish(self, emoji: str | None) -> None:
        await super()._finish(emoji)
        if self._keyboard:
            await self._show(self._keyboard)

    async def _show(self, keyboard: InlineKeyboardMarkup) -> None:
        try:
            await self._bot.edit_message_reply_markup(
                chat_id=self._target.chat_id,
                message_id=self._target.message_id,
                reply_markup=keyboard,
            )
        except DeliveryError as error:
            logger.debug(
                "The keyboard in chat %s stays: %s", LoggedChat(self._target.chat_id), error
            )
