"""Asks Telegram for the own user of the bot, the first request of a start."""

import logging

from aiogram import Bot
from aiogram.types import User

from core.errors import WRONG_TOKEN, DeliveryError, SettingsError, TokenRejectedError

logger = logging.getLogger(__name__)


async def own_user(bot: Bot) -> User | None:
    """Return the bot's own user, or None if Telegram cannot be reached, which is logged.

    Raises:
        SettingsError: the token is wrong or revoked.
    """
    try:
        return await bot.me()
    except TokenRejectedError:
        raise SettingsError([WRONG_TOKEN]) from None
    except DeliveryError as error:
        logger.error(  # noqa: TRY400 - expected
            "Telegram cannot be reached: %s",
            error.detail or error,
            extra={"event": "telegram_unreachable"},
        )
        return None
