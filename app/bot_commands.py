"""The bot's list of commands, in every language, for every kind of chat."""

import logging

from aiogram import Bot
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllPrivateChats,
)

from core.errors import DeliveryError
from misc.ui.texts import FALLBACK, Texts

logger = logging.getLogger(__name__)

_PRIVATE = ("start", "settings", "lang", "mode", "privacy")
_GROUP_ADMINS = ("settings", "lang", "mode")


async def publish_commands(bot: Bot, texts: Texts) -> None:
    """Tell Telegram the commands; a refusal is logged and nothing else."""
    try:
        for lang in texts.languages:
            for scope, names in (
                (BotCommandScopeAllPrivateChats(), _PRIVATE),
                (BotCommandScopeAllChatAdministrators(), _GROUP_ADMINS),
            ):
                await bot.set_my_commands(
                    [
                        BotCommand(command=name, description=texts[lang][f"command_{name}"])
                        for name in names
                    ],
                    scope=scope,
                    # Telegram shows the list without a language to everybody else.
                    language_code=None if lang == FALLBACK else lang,
                )
    except DeliveryError as error:
        logger.warning("The list of commands is not set: %s", error)
