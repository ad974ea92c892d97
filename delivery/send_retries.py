"""Retries messages that certainly were not sent; all others may have arrived, and are not retried.

Retried are a connection that was refused or could not be resolved, one that ended before the last
byte of the request was handed to it, and a 429. A refusal of the file itself is retried with
another file by `services.requests.recovery`.
"""

import asyncio
import logging
from typing import Final

from aiogram import Bot
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.exceptions import TelegramNetworkError, TelegramRetryAfter
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType

from delivery.rate_limiter import caller_retries, creates_message
from delivery.request_body import current_body
from delivery.telegram_errors import is_not_sent

logger = logging.getLogger(__name__)

#: Pauses before each retry, in seconds.
RETRY_PAUSES_S: Final = (0.5, 2.0, 8.0)
#: Longest `retry_after` of a 429 that is waited out, in seconds.
_LONGEST_PAUSE_S: Final = 60
#: No retry begins later than this after the first attempt, in seconds.
_BUDGET_S: Final = 180


class SendRetries(BaseRequestMiddleware):
    """Retries calls that create messages, except those of broadcasts, which retry their own."""

    def __init__(self, *, paces: bool) -> None:
        """`paces`: the rate limiter itself delays a call after a 429."""
        self._paces = paces

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        """Send a request, several times if need be.

        Raises:
            TelegramRetryAfter: Telegram refused each time, or asked for too long a pause.
            TelegramNetworkError: no attempt was sent, or the outcome is unknown.
        """
        current_body.set(None)  # it may be cancelled while it waits for its turn
        if caller_retries.get() or not creates_message(method):
            return await make_request(bot, method)
        now = asyncio.get_running_loop().time
        deadline = now() + _BUDGET_S
        for pause_s in RETRY_PAUSES_S:
            try:
                return await make_request(bot, method)
            except TelegramRetryAfter as flood:
                if flood.retry_after > _LONGEST_PAUSE_S:
                    raise
                current_body.set(None)  # or before the next attempt
                await asyncio.sleep(0 if self._paces else flood.retry_after)
            except TelegramNetworkError as error:
                if not is_not_sent(error) or now() + pause_s > deadline:
                    raise
                _log_retry(method, error)
                current_body.set(None)
                await asyncio.sleep(pause_s)
        return await make_request(bot, method)


def _log_retry(method: TelegramMethod[TelegramType], error: TelegramNetworkError) -> None:
    logger.warning(
        "%s was not sent, retrying: %s",
        method.__api_method__,
        type(error.__cause__).__name__,
        extra={"event": "send_repeated"},
    )
