"""Every message that the bot creates waits here for its turn, so that Telegram never has to refuse one.

It sits under the client, where nothing can go past it. When Telegram asks for a pause all the same,
everybody that shares the bucket waits, and the call is repeated once: a 429 says that nothing was sent.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, Final

from aiogram import Bot
from aiogram import methods as api
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType

from core.pacing import Pacer, Ticket
from delivery.api_requests import SendByFileId

logger = logging.getLogger(__name__)

#: Set for the time of a broadcast: people who wait for an answer go first.
is_bulk_send: ContextVar[bool] = ContextVar("in_bulk", default=False)
#: Called in the moment in which a message leaves, after all waiting for its turn.
on_send_start: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar(
    "at_departure", default=None
)

#: Telegram's wish for a pause is granted up to this length, in seconds.
_LONGEST_PAUSE_S: Final = 60
_CREATES_ONE: Final = (
    api.SendMessage,
    api.SendPhoto,
    api.SendVideo,
    api.SendAnimation,
    api.SendAudio,
    api.SendDocument,
    api.CopyMessage,
    api.ForwardMessage,
    SendByFileId,
)
#: In groups Telegram counts edits about like messages.
_EDITS: Final = (
    api.EditMessageText,
    api.EditMessageCaption,
    api.EditMessageMedia,
    api.EditMessageReplyMarkup,
)


class RateLimiter(BaseRequestMiddleware):
    """Paces the requests of one bot."""

    def __init__(self, *, paces: bool, waited: Callable[[float], None]) -> None:
        #: Told how many seconds each message has waited.
        self._waited = waited
        #: False leaves out the pacing, and only obeys Telegram's own refusals.
        self._paces = paces
        self._pacer = Pacer()
        self._turns: dict[Ticket, asyncio.Future[None]] = {}
        self._alarm: asyncio.TimerHandle | None = None

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Send a request when its turn has come.

        Raises:
            TelegramRetryAfter: refused twice, or for too long.
        """
        chat_id, weight = _created(method)
        if not weight:
            return await make_request(bot, method)
        async with self._turn(chat_id, weight) as ticket:
            try:
                return await _depart(make_request, bot, method)
            except TelegramRetryAfter as flood:
                if flood.retry_after > _LONGEST_PAUSE_S:
                    raise
                logger.warning("Telegram asks for a pause of %d s", flood.retry_after)
                pause_s = flood.retry_after
                if ticket:
                    self._pacer.flooded(ticket, pause_s, self._now())
        if not self._paces:
            await asyncio.sleep(pause_s)
        async with self._turn(chat_id, weight):
            return await _depart(make_request, bot, method)

    @asynccontextmanager
    async def _turn(self, chat_id: int, weight: int) -> AsyncIterator[Ticket | None]:
        """Wait for a call's turn, and give its tokens back after the block; None without pacing."""
        if not self._paces:
            yield None
            return
        asked_at = self._now()
        ticket = self._pacer.ask(chat_id, weight, is_bulk=is_bulk_send.get(), now=asked_at)
        turn = self._turns[ticket] = asyncio.get_running_loop().create_future()
        self._call_up()
        try:
            await turn
            self._waited(self._now() - asked_at)
            yield ticket
        finally:
            del self._turns[ticket]
            if ticket.is_granted:
                self._pacer.answered(ticket, self._now())
            else:
                self._pacer.withdraw(ticket)
            self._call_up()

    def _call_up(self) -> None:
        """Let those go whose turn it is, and come back when the next one's may be."""
        now = self._now()
        for ticket in self._pacer.grant(now):
            turn = self._turns[ticket]
            if not turn.done():  # else it was cancelled just now, and gives its tokens back itself
                turn.set_result(None)
        if self._alarm:
            self._alarm.cancel()
        next_at = self._pacer.next_at(now)
        loop = asyncio.get_running_loop()
        self._alarm = loop.call_at(next_at, self._call_up) if next_at is not None else None

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


async def _depart(
    make_request: NextRequestMiddlewareType[TelegramType],
    bot: Bot,
    method: TelegramMethod[TelegramType],
) -> Response[TelegramType]:
    if note := on_send_start.get():
        await note()
    return await make_request(bot, method)


def _created(method: TelegramMethod[Any]) -> tuple[int, int]:
    """Tell in which chat a request creates how many messages; none for most."""
    chat_id = getattr(method, "chat_id", None)
    # What is paid for is not bound to the free pace.
    if not isinstance(chat_id, int) or getattr(method, "allow_paid_broadcast", None):
        return 0, 0
    match method:
        case api.SendMediaGroup():
            return chat_id, len(method.media)
        case _ if isinstance(method, _CREATES_ONE):
            return chat_id, 1
        case _ if isinstance(method, _EDITS) and chat_id < 0:
            return chat_id, 1
        case _:
            return chat_id, 0
