"""Publishes the bot's command list, per language and chat type."""

import logging

from aiogram import Bot
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
)

from core.errors import DeliveryError
from misc.ui.texts import FALLBACK, Texts

logger = logging.getLogger(__name__)

PRIVATE_COMMANDS = ("start", "settings", "lang", "mode", "privacy")
GROUP_COMMANDS = ("notmylinks", "mylinks")
GROUP_ADMIN_COMMANDS = ("settings", "lang", "mode", *GROUP_COMMANDS)


async def publish_commands(bot: Bot, texts: Texts) -> None:
    """Publish the commands to Telegram; log a failure."""
    try:
        for lang in texts.languages:
            for scope, names in (
                (BotCommandScopeAllPrivateChats(), PRIVATE_COMMANDS),
                (BotCommandScopeAllGroupChats(), GROUP_COMMANDS),
                (BotCommandScopeAllChatAdministrators(), GROUP_ADMIN_COMMANDS),
            ):
                await bot.set_my_commands(
                    [
                        BotCommand(command=name, description=texts[lang][f"command_{name}"])
                        for name in names
                    ],
                    scope=scope,
                    # The list without a language is shown to users of all other languages.
                    language_code=None if lang == FALLBACK else lang,
                )
    except DeliveryError as error:
        logger.warning(
            "Could not publish the command list: %s",
            error,
            extra={"event": "commands_not_published"},
        )
