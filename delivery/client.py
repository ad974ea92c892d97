"""Builds the Telegram client, which translates aiogram's errors in one place.

All calls pass `TelegramClient.__call__`: those of the sender, `message.answer(…)`,
`callback.answer(…)`.
"""

import logging
from collections.abc import Callable
from typing import Any

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.exceptions import AiogramError, ClientDecodeError
from aiogram.methods import GetUpdates, Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import LinkPreviewOptions, Message, MessageId, Update
from aiogram.utils.token import TokenValidationError
from pydantic import ValidationError

from core.errors import SettingsError
from core.limits import PUBLIC_UPLOAD_BYTES
from delivery.rate_limiter import RateLimiter
from delivery.response_repair import UnreadableUpdate, read_updates, repair
from delivery.telegram_errors import translate

logger = logging.getLogger(__name__)

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


class TolerantSession(AiohttpSession):
    """aiogram's session; a response that its models do not accept is repaired.

    `unreadable` is called with each update that could not be read completely.
    """

    def __init__(self, unreadable: Callable[[UnreadableUpdate], None], **options: Any) -> None:
        super().__init__(**options)
        self._unreadable = unreadable

    def check_response(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        status_code: int,
        content: str,
    ) -> Response[TelegramType]:
        """Return the response.

        Raises:
            AiogramError: see aiogram's own method.
        """
        try:
            return super().check_response(bot, method, status_code, content)
        except ClientDecodeError as error:
            if not isinstance(error.original, ValidationError) or not isinstance(error.data, dict):
                raise
            repaired = self._repair(bot, method, error.data)
            if repaired is None:
                raise
        return super().check_response(bot, method, status_code, self.json_dumps(repaired))

    def _repair(
        self, bot: Bot, method: TelegramMethod[TelegramType], data: dict[str, Any]
    ) -> dict[str, Any] | None:
        if isinstance(method, GetUpdates) and data.get("ok"):
            updates, unreadable = read_updates(data.get("result"), bot)
            for update in unreadable:
                logger.warning(
                    "Update %d cannot be read completely: %s (%s)",
                    update.update_id,
                    update.path or update.kind,
                    "the rest is handled" if update.is_handled else "it is skipped",
                    extra={"event": "update_unreadable"},
                )
                self._unreadable(update)
            return {"ok": True, "result": updates} if updates else None
        model = Response[method.__returning__]  # type: ignore[name-defined]
        # Of several messages none may be lost.
        kept = 2 if isinstance(data.get("result"), list) else 1
        repaired = repair(model, data, bot, kept=kept)
        if repaired is None:
            return None
        response, path = repaired
        logger.warning(
            "The response to %s cannot be read completely: %s",
            method.__api_method__,
            path,
            extra={"event": "response_unreadable"},
        )
        return response


def make_bot(
    token: str,
    *,
    server: str,
    connections: int,
    ceiling_bytes: int = PUBLIC_UPLOAD_BYTES,
    paces: bool = True,
    waited: Callable[[float], None] = lambda _: None,
    unreadable: Callable[[UnreadableUpdate], None] = lambda _: None,
) -> TelegramClient:
    """Build the client.

    `connections` limits the concurrent requests, including uploads. `ceiling_bytes` is the largest
    upload that the server accepts. With `paces`, messages are created no faster than Telegram
    allows; `waited` is called with the wait of each message, in seconds. `unreadable` is called
    with each update that could not be read completely.

    aiogram's default timeout of 60 s applies to all calls except uploads, which set their own.

    Raises:
        SettingsError: the token is malformed.
    """
    session = TolerantSession(
        unreadable, api=TelegramAPIServer.from_base(server), limit=connections
    )
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
