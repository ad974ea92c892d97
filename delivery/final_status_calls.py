"""The calls that end a request's status: what Telegram fails at is repeated later."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from aiogram import Bot
from aiogram.methods import (
    DeleteMessage,
    EditMessageReplyMarkup,
    SetMessageReaction,
    TelegramMethod,
)

from core.errors import DeliveryError, FloodError
from core.pseudonyms import LoggedChat
from delivery.telegram_errors import may_pass

logger = logging.getLogger(__name__)

#: Calls that may be made twice: the second one changes nothing.
FinalStatusCall = SetMessageReaction | DeleteMessage | EditMessageReplyMarkup

#: Failures after which a call is given up; with `AGAIN_S` between them, that is half an hour.
_MOST_FAILURES: Final = 360
#: Calls that are kept; more mean that Telegram is away, and the oldest are given up.
_MOST_KEPT: Final = 1_000
#: Seconds between two attempts.
AGAIN_S: Final = 5.0


#: Returns True while a call still shows its message's final state.
IsCurrent = Callable[[], Awaitable[bool]]


#: Chat, message and kind of a call.
_Key = tuple[Any, Any, type[FinalStatusCall]]


@dataclass(slots=True)
class _Kept:
    call: FinalStatusCall
    #: None: it is, until this process makes another one.
    is_current: IsCurrent | None = None
    failures: int = 1
    #: Monotonic time before which Telegram wants no other attempt.
    not_before: float = 0.0


class FinalStatusCalls:
    """Makes the calls that end a status, and keeps those that failed for now, to repeat them."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        #: Of two calls about the same thing, the last one counts.
        self._kept: dict[_Key, _Kept] = {}
        #: Those whose first attempt is being made.
        self._begun: dict[_Key, FinalStatusCall] = {}

    async def make(self, call: FinalStatusCall, is_current: IsCurrent | None = None) -> None:
        """Make a call; raises nothing. It is not repeated once `is_current` says False."""
        key = self.drop(call)
        self._begun[key] = call
        try:
            error = await self._error_of(call)
        finally:
            is_last = self._begun.get(key) is call
            if is_last:
                del self._begun[key]
        if error and is_last:
            self._keep(key, _Kept(call, is_current, not_before=_pause_end(error)))

    def _keep(self, key: _Key, kept: _Kept) -> None:
        self._kept[key] = kept
        if len(self._kept) > _MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))

    def drop(self, call: FinalStatusCall) -> _Key:
        """Repeat no earlier call of that kind about the same message; return their key.

        That includes one that is being made now, and may fail later.
        """
        key = (call.chat_id, call.message_id, type(call))
        self._kept.pop(key, None)
        self._begun.pop(key, None)
        return key

    async def repeat(self) -> None:
        """Make the kept calls again whose pause is over; raises nothing."""
        for key, kept in list(self._kept.items()):
            if time.monotonic() >= kept.not_before:
                await self._repeat(key, kept)

    async def _repeat(self, key: _Key, kept: _Kept) -> None:
        if kept.is_current and not await kept.is_current():
            kept.failures = _MOST_FAILURES
        # It may have been replaced meanwhile.
        error = await self._error_of(kept.call) if self._is_due(key, kept) else None
        if self._kept.get(key) is not kept:
            return
        kept.failures += 1
        if error is None or kept.failures >= _MOST_FAILURES:
            del self._kept[key]
        else:
            kept.not_before = _pause_end(error)

    def _is_due(self, key: _Key, kept: _Kept) -> bool:
        return self._kept.get(key) is kept and kept.failures < _MOST_FAILURES

    async def _error_of(self, call: FinalStatusCall) -> DeliveryError | None:
        """Make a call; return its error if it may pass later."""
        method: TelegramMethod[Any] = call
        try:
            await self._bot(method)
        except DeliveryError as error:
            logger.debug(
                "Could not end the status in chat %s: %s",
                LoggedChat(call.chat_id if isinstance(call.chat_id, int) else 0),
                error,
                extra={"event": "status_end_failed"},
            )
            if may_pass(error):
                return error
        return None


def _pause_end(error: DeliveryError) -> float:
    pause_s = error.retry_after_s if isinstance(error, FloodError) else 0
    return time.monotonic() + pause_s
