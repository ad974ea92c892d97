"""Rate limiter: delays every call that creates messages until Telegram's limits allow it.

It is a request middleware of the client, so every call passes it. If Telegram still responds with
429, all calls that share the bucket wait. The call itself is retried by `delivery.send_retries`.

An upload waits right before its last byte: Telegram carries out no request before that one, and an
upload that takes seconds would hold its tokens all the time.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
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

from core.pacing import CallTicket, Pacer
from delivery.api_requests import SendByFileId, has_files
from delivery.request_body import before_end
from delivery.shared_pace import ClaimTurns, SharedPace

logger = logging.getLogger(__name__)

#: True for broadcasts and old updates. Answers to new messages have priority.
is_bulk_send: ContextVar[bool] = ContextVar("is_bulk_send", default=False)
#: True for broadcasts and status notes: a refused call is not repeated here, because the caller
#: does so later.
caller_retries: ContextVar[bool] = ContextVar("caller_retries", default=False)
#: See `only_if_spare`.
_needs_spare: ContextVar[bool] = ContextVar("needs_spare", default=False)
#: Called right before a message is sent, after any wait in the rate limiter.
on_send_start: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar(
    "on_send_start", default=None
)

#: A broadcast waits for a chat at most this long before it goes on with others, in seconds.
_SHORT_PAUSE_S: Final = 1.0
_CREATES_ONE: Final = (
    api.SendMessage,
    api.SendPhoto,
    api.SendVideo,
    api.SendAnimation,
    api.SendAudio,
    api.SendDocument,
    api.SendLivePhoto,
    api.CopyMessage,
    api.ForwardMessage,
    SendByFileId,
)
#: In groups, Telegram counts edits roughly like messages.
_EDITS: Final = (
    api.EditMessageText,
    api.EditMessageCaption,
    api.EditMessageMedia,
    api.EditMessageReplyMarkup,
)


@contextmanager
def only_if_spare() -> Iterator[None]:
    """Refuse the messages and edits in the block, instead of delaying them, if room is short.

    For what is soon out of date, such as status notes. A refused call raises `TelegramRetryAfter`.
    """
    tokens = _needs_spare.set(True), caller_retries.set(True)
    try:
        yield
    finally:
        _needs_spare.reset(tokens[0])
        caller_retries.reset(tokens[1])


@dataclass(slots=True)
class _Turn:
    """One call and its tokens."""

    chat_id: int
    weight: int
    is_bulk: bool
    ticket: CallTicket | None = None
    is_over: bool = False


class RateLimiter(BaseRequestMiddleware):
    """Paces the calls of one bot that create messages."""

    def __init__(
        self,
        *,
        paces: bool,
        waited: Callable[[float], None],
        claim: ClaimTurns | None = None,
    ) -> None:
        """With `claim`, the limits are those of all processes together."""
        #: Called with the wait of each message, in seconds.
        self._waited = waited
        #: False switches pacing off; 429 responses are still respected.
        self._paces = paces
        self._pacer = Pacer()
        self._turns: dict[CallTicket, asyncio.Future[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._shared = (
            SharedPace(claim, self._pacer, self._start, self._grant_turns) if claim else None
        )

    async def close(self) -> None:
        """Tell the other processes about the last calls."""
        if self._shared:
            await self._shared.close()

    @property
    def pending(self) -> int:
        """Return the number of calls that are waiting or in flight."""
        return max(len(self._turns), self._pacer.waiting)

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Send a request once the limits allow it.

        Raises:
            TelegramRetryAfter: Telegram asks for a pause; or there is no room for a call that
                needs some to spare.
        """
        chat_id, weight = _created(method)
        weight = weight or int(_needs_spare.get())
        if not weight:
            if on_start := on_send_start.get():  # a paid message creates one without our limits
                await on_start()
            return await make_request(bot, method)
        if caller_retries.get():
            self._refuse_early(chat_id, method)
        return await self._send(chat_id, weight, make_request, bot, method)

    def _refuse_early(self, chat_id: int, method: TelegramMethod[Any]) -> None:
        """Refuse a call that its caller repeats later, instead of letting it wait.

        Raises:
            TelegramRetryAfter: it would have to wait.
        """
        # The broadcast comes back to the chat later; meanwhile it goes on with the others.
        pause_s = self._pacer.paused_for(chat_id, self._now())
        if pause_s > _SHORT_PAUSE_S:
            raise TelegramRetryAfter(method, "the chat is paused", math.ceil(pause_s))
        needs_spare = _needs_spare.get() and self._paces
        if needs_spare and not self._pacer.has_spare(chat_id, self._now()):
            raise TelegramRetryAfter(method, "there is no capacity to spare", 1)

    async def _send(
        self,
        chat_id: int,
        weight: int,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        turn = _Turn(chat_id, weight, is_bulk_send.get())
        try:
            is_late = self._paces and has_files(method)
            if self._paces:
                await (self._wait_for_chat(turn) if is_late else self._take(turn))
            if on_start := on_send_start.get():
                await on_start()
            if is_late:
                before_end.set(partial(self._take, turn))
            return await make_request(bot, method)
        except TelegramRetryAfter as flood:
            self._obey(turn, flood.retry_after)
            raise
        finally:
            before_end.set(None)
            turn.is_over = True
            if turn.ticket:
                self._return(turn.ticket)

    def _obey(self, turn: "_Turn", seconds: int) -> None:
        """Pause what Telegram has refused with 429."""
        logger.warning(
            "Telegram responded with 429: retry after %d s",
            seconds,
            extra={"event": "telegram_rate_limited"},
        )
        if self._paces:
            self._pacer.flooded(turn, seconds, self._now())
            if self._shared:
                self._shared.refused(turn, seconds)

    async def _wait_for_chat(self, turn: "_Turn") -> None:
        """Wait as long as an upload would have to wait at its end in any case."""
        delay = self._pacer.delay_of(turn.chat_id, turn.weight, self._now())
        while delay > 0:
            await asyncio.sleep(delay)
            delay = self._pacer.delay_of(turn.chat_id, turn.weight, self._now())

    async def _take(self, turn: "_Turn") -> None:
        """Wait for the tokens of a call."""
        asked_at = self._now()
        ticket = self._pacer.ask(turn.chat_id, turn.weight, is_bulk=turn.is_bulk, now=asked_at)
        granted = self._turns[ticket] = asyncio.get_running_loop().create_future()
        self._grant_turns()
        try:
            await granted
        except asyncio.CancelledError:
            self._return(ticket)
            raise
        if turn.is_over:  # Telegram has refused the request before its end
            self._return(ticket)
            return
        turn.ticket = ticket
        self._waited(self._now() - asked_at)

    def _return(self, ticket: CallTicket) -> None:
        """Return the tokens of a call."""
        del self._turns[ticket]
        if ticket.is_granted:
            self._pacer.answered(ticket, self._now())
            if self._shared:
                self._shared.ended(ticket)
        else:
            self._pacer.withdraw(ticket)
        self._grant_turns()

    def _grant_turns(self) -> None:
        """Start the calls for which there are tokens, and schedule the next check."""
        now = self._now()
        granted = self._pacer.grant(now)
        if self._shared:
            self._shared.want(granted)
        else:
            for ticket in granted:
                self._start(ticket)
        if self._timer:
            self._timer.cancel()
        next_at = self._pacer.next_at(now)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(next_at, self._grant_turns) if next_at is not None else None

    def _start(self, ticket: CallTicket) -> None:
        turn = self._turns.get(ticket)
        if turn and not turn.done():  # a call that was cancelled returns its own tokens
            turn.set_result(None)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def creates_message(method: TelegramMethod[Any]) -> bool:
    """Return True if a request creates a message, or is limited like one."""
    return _created(method)[1] > 0


def _created(method: TelegramMethod[Any]) -> tuple[int, int]:
    """Return the chat and the number of messages that a request creates there; 0 for most."""
    chat_id = getattr(method, "chat_id", None)
    # Paid broadcasts are exempt from the free limits.
    if not isinstance(chat_id, int) or getattr(method, "allow_paid_broadcast", None):
        return 0, 0
    match method:
        case api.SendMediaGroup():
            return chat_id, len(method.media)
        case api.CopyMessages():
            return chat_id, len(method.message_ids)
        case _ if isinstance(method, _CREATES_ONE):
            return chat_id, 1
        case _ if isinstance(method, _EDITS) and chat_id < 0:
            return chat_id, 1
        case _:
            return chat_id, 0
