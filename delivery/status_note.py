"""The status note: a message in a private chat that says how far a request is."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from aiogram import Bot

from core.concurrency import run_uncancelled
from core.errors import (
    DeliveryError,
    FloodError,
    RequestTakenOverError,
    TelegramUnreachableError,
    UnchangedError,
    UnknownOutcomeError,
)
from core.pseudonyms import LoggedChat
from delivery.api_requests import MessageOptions
from delivery.rate_limiter import only_if_spare
from delivery.sender import Sender
from delivery.targets import ChatTarget

logger = logging.getLogger(__name__)

#: Stores the id of the note's message, or None once it is deleted, so that it outlives no crash.
RecordNote = Callable[[int | None], Awaitable[None]]

#: Pauses before a deletion that Telegram did not confirm is repeated, in seconds.
DELETE_AGAIN_S: Final = (1.0, 4.0)


class StatusNote:
    """The note of one request: sent once, edited while the request is worked on, then deleted."""

    def __init__(
        self,
        bot: Bot,
        sender: Sender,
        target: ChatTarget,
        record: RecordNote,
        message_id: int | None = None,
    ) -> None:
        """`message_id` is that of a note that another process has left."""
        self._bot = bot
        self._sender = sender
        self._target = target
        self._record = record
        self._message_id = message_id
        #: What it says; "" if unknown.
        self._text = ""
        #: It is deleted, or cannot be shown.
        self._is_over = False
        #: Held while it is sent, edited or deleted, one after the other.
        self._in_order = asyncio.Lock()

    async def show(self, note: MessageOptions) -> None:
        """Send the note, or edit it if its text has changed; a cancellation waits for that.

        Nothing is done if Telegram's limits leave no room for it: answers come first.
        """
        await run_uncancelled(self._show(note))

    async def _show(self, note: MessageOptions) -> None:
        async with self._in_order:
            if not self._is_over and note.caption != self._text:
                await self._send_or_edit(note)

    async def _send_or_edit(self, note: MessageOptions) -> None:
        try:
            await (self._edit(note) if self._message_id else self._send(note))
        except FloodError:
            return  # The next one may fit.
        except DeliveryError as error:
            self._log_failure(error)
        self._text = note.caption

    async def remove(self) -> None:
        """Delete the note, once what is being sent or edited has arrived."""
        self._is_over = True
        async with self._in_order:
            if self._message_id is not None:
                await self._delete(self._message_id)
                self._message_id = None
                await self._record(None)

    async def _send(self, note: MessageOptions) -> None:
        try:
            with only_if_spare():
                message = await self._sender.send_text(
                    self._target, note.caption, note.buttons, silent=True
                )
        except FloodError:
            raise
        except DeliveryError:
            self._is_over = True  # It may have arrived, so it is not sent again.
            raise
        self._message_id = message.message_id
        try:
            await self._record(self._message_id)
        except RequestTakenOverError:  # the other process does not know of it
            self._is_over = True
            await self._delete(self._message_id)
            self._message_id = None
            raise

    async def _edit(self, note: MessageOptions) -> None:
        with only_if_spare(), suppress(UnchangedError):
            await self._bot.edit_message_text(
                text=note.caption,
                chat_id=self._target.chat_id,
                message_id=self._message_id,
                reply_markup=note.buttons,
            )

    async def _delete(self, message_id: int) -> None:
        for pause_s in (*DELETE_AGAIN_S, None):
            try:
                await self._bot.delete_message(self._target.chat_id, message_id)
            except (FloodError, TelegramUnreachableError, UnknownOutcomeError) as error:
                if pause_s is not None:
                    await asyncio.sleep(pause_s)
                    continue
                self._log_failure(error)
            except DeliveryError as error:
                self._log_failure(error)
            return

    def _log_failure(self, error: DeliveryError) -> None:
        logger.debug(
            "Could not update the status note in chat %s: %s",
            LoggedChat(self._target.chat_id),
            error,
            extra={"event": "status_note_failed"},
        )
