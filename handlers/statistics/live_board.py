"""The live board: two messages in a chat that the bot keeps up to date."""

import logging
from dataclasses import dataclass
from functools import partial

from aiogram import Bot
from aiogram.methods import EditMessageText

from core.errors import DeliveryError, FileRejectedError, UnchangedError
from core.statistics import Period
from data.chats import find_chat
from data.key_values import compare_and_set, read_value
from delivery.moved_chats import MovedChats
from delivery.sender import Sender
from delivery.targets import ChatTarget
from handlers.statistics.menu import StatisticsMenu
from misc.ui.texts import FALLBACK

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LiveBoard:
    """Shows the counts of all time and of the last day, one message each, in one chat.

    Each message is sent once and then edited. Telegram's errors are logged, not raised.
    """

    bot: Bot
    sender: Sender
    menu: StatisticsMenu
    chat_id: int
    moved: MovedChats

    async def show_ever(self) -> None:
        """Update the message about all time.

        Raises:
            StorageError: the database did not answer.
        """
        await self._update(Period.ALL)

    async def show_day(self) -> None:
        """Update the message about the last day.

        Raises:
            StorageError: the database did not answer.
        """
        await self._update(Period.DAY)

    async def _update(self, period: Period) -> None:
        try:
            await self.moved.call(self.chat_id, partial(self._show, period))
        except DeliveryError as error:
            logger.warning(
                "Could not update the live board: %s", error, extra={"event": "live_board_failed"}
            )

    async def _show(self, period: Period, chat_id: int) -> None:
        """Edit the message, or send it.

        Raises:
            DeliveryError: Telegram refused it, or the outcome is unknown.
        """
        name = f"board/{self.bot.id}/{chat_id}/{period}"
        record = await find_chat(chat_id)
        stored_id = await read_value(name)
        text = await self.menu.board(period, record.lang if record else FALLBACK)
        if stored_id is None or not await self._edit(chat_id, int(stored_id), text):
            target = ChatTarget(chat_id, 0, is_private=False, is_reply=False)
            message = await self.sender.send_text(target, text, silent=True)
            await compare_and_set(name, stored_id, str(message.message_id))

    async def _edit(self, chat_id: int, message_id: int, text: str) -> bool:
        """Edit a message. Return False if Telegram rejects the edit, as for a deleted message.

        Raises:
            DeliveryError: the edit failed for another reason.
        """
        method = EditMessageText(chat_id=chat_id, message_id=message_id, text=text)
        try:
            await self.bot(method)
        except UnchangedError:
            return True
        except FileRejectedError as error:
            logger.info(
                "Could not edit the live board, sending it again: %s",
                error,
                extra={"event": "live_board_resent"},
            )
            return False
        return True
