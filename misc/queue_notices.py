"""Messages about many links: they wait, some were left out, or a button fetches the others."""

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Final

from aiogram import Bot
from aiogram.types import InlineKeyboardMarkup, Message

from core.chat_queue import Lane
from core.errors import DeliveryError
from core.pseudonyms import LoggedChat
from core.request import Request
from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.ui import keyboards, messages
from misc.ui.callback_data import RemainingLinks
from misc.ui.texts import Texts

logger = logging.getLogger(__name__)

#: Links of one person that are nothing special.
_FEW_LINKS: Final = 10
#: Links that are left out within this time of each other are counted in one message, in seconds.
_SAME_FLOOD_S: Final = 300.0
#: Interval between two edits of that message, in seconds. Telegram paces edits like messages.
_EDIT_INTERVAL_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Remaining:
    """The links of a message that are left after those that are served at once."""

    count: int
    button: RemainingLinks


@dataclass(slots=True)
class _LeftOut:
    """Links of one flood that were left out, and the message that says so."""

    target: ChatTarget
    lang: str
    links: int = 0
    #: Number of links in the message.
    told: int = 0
    #: When the last link was left out, on the monotonic clock.
    at: float = 0.0
    message_id: int | None = None
    is_being_told: bool = False


class QueueNotices:
    """Tells people about their many links, once each. A message that fails is only logged."""

    def __init__(self, bot: Bot, sender: Sender, texts: Texts) -> None:
        self._bot = bot
        self._sender = sender
        self._texts = texts
        #: People who know that their links wait.
        self._told: set[int] = set()
        self._left_out: dict[Lane, _LeftOut] = {}

    async def say_waiting(self, request: Request, links: int) -> None:
        """Say once that a person's many links wait; `links` is their number."""
        if links <= _FEW_LINKS or request.person_id in self._told or request.target.business_id:
            return
        self._told.add(request.person_id)
        await self._send(request, self._texts[request.chat.lang]["links_waiting"])

    def forget(self, person_id: int) -> None:
        """Note that none of a person's links waits any longer."""
        self._told.discard(person_id)

    async def say_left_out(self, request: Request, links: int, limit: int) -> None:
        """Say how many links were left out because `limit` links of the person wait already.

        Those that follow within minutes are added to the number in the same message.
        """
        if request.target.business_id:
            return
        note = self._note_for(request)
        note.links += links
        note.at = time.monotonic()
        if note.is_being_told:
            return  # the number is read again
        note.is_being_told = True
        try:
            while note.told < note.links:
                if note.message_id:
                    await asyncio.sleep(_EDIT_INTERVAL_S)
                note.told = note.links
                text = self._texts(note.lang, "links_left_out", count=note.told, limit=limit)
                await self._tell(note, request, text)
        finally:
            note.is_being_told = False

    async def offer_remaining(self, request: Request, remaining: Remaining) -> None:
        """Say how many links of a message are left, with a button that fetches them."""
        text, buttons = self._offer(request.chat.lang, remaining)
        await self._send(request, text, buttons)

    async def update_offer(self, note: Message, lang: str, remaining: Remaining | None) -> None:
        """Change the number in the message with the button; delete it if no link is left."""
        if remaining is None:
            await messages.delete(note)
            return
        text, buttons = self._offer(lang, remaining)
        try:
            await note.edit_text(text, reply_markup=buttons)
        except DeliveryError as error:
            _log_failure(note.chat.id, error)

    def _offer(self, lang: str, remaining: Remaining) -> tuple[str, InlineKeyboardMarkup]:
        label = self._texts(lang, "remaining_button", count=remaining.count)
        buttons = keyboards.one_button(label, str(remaining.button))
        return self._texts(lang, "links_left", count=remaining.count), buttons

    def _note_for(self, request: Request) -> _LeftOut:
        now = time.monotonic()
        for lane in [lane for lane, n in self._left_out.items() if now - n.at > _SAME_FLOOD_S]:
            if not self._left_out[lane].is_being_told:
                del self._left_out[lane]
        lane = Lane(request.chat_id, request.person_id)
        new = _LeftOut(ChatTarget.of_request(request), request.chat.lang)
        return self._left_out.setdefault(lane, new)

    async def _tell(self, note: _LeftOut, request: Request, text: str) -> None:
        if note.message_id is None:
            message = await self._send(request, text)
            note.message_id = message.message_id if message else None
            return
        try:
            await self._bot.edit_message_text(
                text, chat_id=note.target.chat_id, message_id=note.message_id
            )
        except DeliveryError as error:
            _log_failure(note.target.chat_id, error)

    async def _send(
        self, request: Request, text: str, buttons: InlineKeyboardMarkup | None = None
    ) -> Message | None:
        target = ChatTarget.of_request(request)
        try:
            return await self._sender.send_text(target, text, buttons, silent=not target.is_private)
        except DeliveryError as error:
            _log_failure(target.chat_id, error)
            return None


def _log_failure(chat_id: int, error: DeliveryError) -> None:
    logger.info(
        "Could not tell chat %s about its links: %s",
        LoggedChat(chat_id),
        error,
        extra={"event": "queue_notice_failed"},
    )
