"""Builds the Telegram client, which translates aiogram's errors in one place.

All calls pass `TelegramClient.__call__`: those of the sender, `message.answer(…)`,
`callback.answer(…)`.
"""

from collections.abc import Callable
from typing import Any

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.exceptions import AiogramError
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import LinkPreviewOptions, Message, MessageId, Update
from aiogram.utils.token import TokenValidationError

from core.errors import SettingsError
from core.limits import PUBLIC_UPLOAD_BYTES
from delivery.rate_limiter import RateLimiter
from delivery.telegram_errors import translate

#: The response models of every poll and every message. pydantic drops a generic model without
#: references, and would build it again after each garbage collection.
_KEPT = (Response[Message], Response[MessageId], Response[bool], Response[list[Update]])


class TelegramClient(Bot):
    """aiogram's client; its calls raise the errors of `core.errors`."""

    def __init__(self, token: str, *, ceiling_bytes: int, **options: Any) -> None:
        super().__init__(token, **options)
        self._ceiling_bytes = ceiling_bytes

    async def __call__(
        self, method: TelegramMethod[TelegramType], request_timeout: int | None = None
    ) -> TelegramType:
        """Call a Bot API method.

        Raises:
            DeliveryError, TooLargeError: see `delivery.telegram_errors.translate`.
        """
        try:
            return await super().__call__(method, request_timeout)
        except AiogramError as error:
            raise translate(error, self._ceiling_bytes) from error


def make_bot(
    token: str,
    *,
    server: str,
    connections: int,
    ceiling_bytes: int = PUBLIC_UPLOAD_BYTES,
    paces: bool = True,
    waited: Callable[[float], None] = lambda _: None,
) -> TelegramClient:
    """Build the client.

    `connections` limits the concurrent requests, including uploads. `ceiling_bytes` is the largest
    upload that the server accepts. With `paces`, messages are created no faster than Telegram
    allows; `waited` is called with the wait of each message, in seconds.

    aiogram's default timeout of 60 s applies to all calls except uploads, which set their own.

    Raises:
        SettingsError: the token is malformed.
    """
    session = AiohttpSession(api=TelegramAPIServer.from_base(server), limit=connections)
    session.middleware(RateLimiter(paces=paces, waited=waited))
    try:
        return TelegramClient(
            token,
            ceiling_bytes=ceiling_bytes,
            session=session,
            default=DefaultBotProperties(
                parse_mode=ParseMode.HTML,
                # `link_preview_is_disabled` would send a parameter that Telegram has removed.
                link_preview=LinkPreviewOptions(is_disabled=True),
            ),
        )
    except TokenValidationError:
        raise SettingsError(["[bot] token (BOT_TOKEN): not a bot token"]) from None
