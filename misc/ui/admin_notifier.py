"""Notifications to the administrators, each in their own language."""

import asyncio
import logging
import time
from dataclasses import dataclass
from functools import partial
from typing import Final

from core.errors import (
    DeliveryError,
    FloodError,
    StorageError,
    TelegramUnreachableError,
    UnknownOutcomeError,
)
from core.facts import Fact
from core.pseudonyms import LoggedChat
from data.chats import find_chat
from data.database import unix_now
from data.notices import Notice, add_notices, forget_notice, take_over_notices
from delivery.sender import Sender
from delivery.targets import ChatTarget
from misc.ui.texts import FALLBACK, Texts
from services.alarms import Change

logger = logging.getLogger(__name__)

#: Seconds between two attempts to send what Telegram has not taken.
AGAIN_S: Final = 30.0
#: What may have arrived is sent again after this time, and each time after twice as long, in
#: seconds.
_DOUBT_S: Final = 30.0
_MOST_DOUBT_S: Final = 3_600.0
#: Notices of an administrator that are kept, and for how long in seconds; older ones are given up.
_MOST_KEPT: Final = 100
_KEPT_S: Final = 86_400


@dataclass(slots=True, eq=False)
class _Waiting:
    notice: Notice
    #: How often it got no response.
    doubts: int = 0
    #: Monotonic time before which it is not sent again.
    not_before: float = 0.0


class AdminNotifier:
    """Sends localised texts to all administrators, to each in order.

    A notice is kept until Telegram has confirmed or refused it: what it is about is reported only
    once. So it may come twice, after a response or a process was lost (docs/decisions/0048).
    """

    def __init__(self, sender: Sender, texts: Texts, admins: frozenset[int], owner: str) -> None:
        """`admins` are user ids, `owner` is the name of this process in the database."""
        self._sender = sender
        self._texts = texts
        self._owner = owner
        self._waiting: dict[int, list[_Waiting]] = {admin: [] for admin in sorted(admins)}
        self._in_order = asyncio.Lock()
        #: Names of the rows that this process takes care of.
        self._known: set[str] = set()

    async def notify(self, key: str, **facts: Fact) -> None:
        """Send a text to all administrators, one after the other.

        `key` is a key of locale/, `facts` fill its placeholders. If an administrator cannot be
        reached, this is logged and the others are still notified. It is not stored: see `report`.

        Raises:
            KeyError: the text or one of its placeholders is missing.
        """
        await self._send(await self._write(key, facts))

    async def report(self, change: Change, key: str, **facts: Fact) -> bool:
        """Make a change, and send a text about it; return False if there was nothing to change.

        Change and text are stored together, so that no end of the process loses the text.

        Raises:
            KeyError: the text or one of its placeholders is missing.
            StorageError: the change was not made.
        """
        notices = await self._write(key, facts)
        rows = {notice.row for notice in notices}
        self._known |= rows
        has_changed = False
        try:
            has_changed = await change(partial(add_notices, notices, self._owner))
        finally:
            if not has_changed:  # if the response was lost, `work` finds them
                self._known -= rows
        if has_changed:
            await self._send(notices)
        return has_changed

    async def work(self) -> None:
        """Send what could not be sent before, and what processes that have ended have left.

        Raises:
            StorageError: the database did not respond.
        """
        await self.send_waiting()
        left = await take_over_notices(self._owner, self._known)
        self._known |= {notice.row for notice in left}
        for notice in left:
            if notice.admin not in self._waiting:  # no administrator any more
                await self._forget(notice)
        await self._send([notice for notice in left if notice.admin in self._waiting])

    async def send_waiting(self) -> None:
        """Send what could not be sent before. No failure of Telegram is raised."""
        async with self._in_order:
            for admin in self._waiting:
                await self._send_to(admin)

    async def _write(self, key: str, facts: dict[str, Fact]) -> list[Notice]:
        return [
            Notice.new(admin, self._texts(await _language_of(admin), key, **facts))
            for admin in self._waiting
        ]

    async def _send(self, notices: list[Notice]) -> None:
        for notice in notices:
            waiting = self._waiting[notice.admin]
            waiting.append(_Waiting(notice))
            if len(waiting) > _MOST_KEPT:
                await self._forget(waiting.pop(0).notice)
        await self.send_waiting()

    async def _send_to(self, admin: int) -> None:
        """Send an administrator's notices in order, until one has certainly not arrived."""
        notices = self._waiting[admin]
        for waiting in tuple(notices):
            if waiting not in notices or time.monotonic() < waiting.not_before:
                continue
            error = await self._try(waiting.notice)
            if isinstance(error, FloodError | TelegramUnreachableError):
                return
            if isinstance(error, UnknownOutcomeError):
                pause_s = min(_DOUBT_S * 2**waiting.doubts, _MOST_DOUBT_S)
                waiting.not_before = time.monotonic() + pause_s
                waiting.doubts += 1
                continue
            if waiting in notices:
                notices.remove(waiting)
            await self._forget(waiting.notice)

    async def _forget(self, notice: Notice) -> None:
        """Delete a notice's row, if it has one. If that fails, only another process sends it."""
        if notice.row not in self._known:
            return
        try:
            await forget_notice(notice)
        except StorageError as error:
            logger.warning(
                "A notice to an administrator may come again: %s",
                error,
                extra={"event": "notice_not_forgotten"},
            )
        else:
            self._known.discard(notice.row)

    async def _try(self, notice: Notice) -> DeliveryError | None:
        """Send a notice, unless it is old; return why it was not sent."""
        if unix_now() - notice.made_at > _KEPT_S:
            return None
        target = ChatTarget(notice.admin, 0, is_private=True, is_reply=False)
        try:
            await self._sender.send_text(target, notice.text)
        except DeliveryError as error:
            logger.warning(
                "Could not notify administrator %s: %s",
                LoggedChat(notice.admin),
                error,
                extra={"event": "admin_not_notified"},
            )
            return error
        return None


async def _language_of(admin: int) -> str:
    """Return an administrator's language; some notices are about the database being away."""
    try:
        record = await find_chat(admin)
    except StorageError:
        return FALLBACK
    return record.lang if record else FALLBACK
