"""Publishes the bot's command lists, per language and kind of chat, when they have changed."""

import hashlib
import json
import logging
from dataclasses import dataclass
from typing import Final

from aiogram import Bot
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeUnion,
)

from core.errors import ChatForbiddenError, DeliveryError, StorageError
from core.pseudonyms import LoggedChat
from data.key_values import read_value, set_value
from misc.ui.texts import FALLBACK, Texts

logger = logging.getLogger(__name__)

PRIVATE_COMMANDS = (
    "start",
    "help",
    "settings",
    "lang",
    "mode",
    "cancel",
    "privacy",
    "about",
)
GROUP_COMMANDS = ("help", "cancel", "notmylinks", "mylinks", "about")
GROUP_ADMIN_COMMANDS = ("settings", "lang", "mode", *GROUP_COMMANDS)
READER_COMMANDS = ("stats",)
ADMIN_COMMANDS = (
    "admin",
    "stats",
    "user",
    "msg",
    "ban",
    "unban",
    "access",
    "allow",
    "disallow",
    "export",
    "log",
)
_CHAT: Final = "chat/"


@dataclass(frozen=True, slots=True)
class CommandList:
    """The commands that Telegram shows in some chats."""

    scope: BotCommandScopeUnion
    names: tuple[str, ...]

    @property
    def key(self) -> str:
        """The name under which the state of the list is stored."""
        if isinstance(self.scope, BotCommandScopeChat):
            return f"{_CHAT}{self.scope.chat_id}"
        return self.scope.type


def command_lists(admins: frozenset[int], readers: frozenset[int]) -> list[CommandList]:
    """Return all command lists; `admins` and `readers` (of the statistics) are user ids."""
    return [
        CommandList(BotCommandScopeAllPrivateChats(), PRIVATE_COMMANDS),
        CommandList(BotCommandScopeAllGroupChats(), GROUP_COMMANDS),
        CommandList(BotCommandScopeAllChatAdministrators(), GROUP_ADMIN_COMMANDS),
        *(
            CommandList(
                BotCommandScopeChat(chat_id=person),
                PRIVATE_COMMANDS + (ADMIN_COMMANDS if person in admins else READER_COMMANDS),
            )
            for person in sorted(admins | readers)
        ),
    ]


async def publish_commands(
    bot: Bot, texts: Texts, admins: frozenset[int], readers: frozenset[int]
) -> None:
    """Publish the lists that have changed since they were published; failures are logged.

    A list that Telegram does not take is published again by the next call.
    """
    name = f"commands/{bot.id}"
    published = await _read(name)
    state = await _publish(bot, texts, command_lists(admins, readers), published)
    if state != published:
        await _store(name, state)


async def _publish(
    bot: Bot, texts: Texts, lists: list[CommandList], published: dict[str, str]
) -> dict[str, str]:
    """Publish what differs from `published`, digests by key; return the new state."""
    state: dict[str, str] = {}
    for commands in lists:
        digest = _digest(commands, texts)
        if published.get(commands.key) == digest or await _set(bot, texts, commands):
            state[commands.key] = digest
    for key in published.keys() - {commands.key for commands in lists}:
        if not await _delete(bot, texts, int(key.removeprefix(_CHAT))):
            state[key] = published[key]
    return state


async def _set(bot: Bot, texts: Texts, commands: CommandList) -> bool:
    """Publish a list in all languages; return False if Telegram does not take it."""
    try:
        for lang in texts.languages:
            await bot.set_my_commands(
                [
                    BotCommand(command=name, description=texts[lang][f"command_{name}"])
                    for name in commands.names
                ],
                scope=commands.scope,
                language_code=_code(lang),
            )
    except DeliveryError as error:
        if isinstance(commands.scope, BotCommandScopeChat):
            # An administrator who has never written to the bot has no chat with it yet.
            logger.info(
                "Could not publish the command list of %s: %s",
                LoggedChat(int(commands.scope.chat_id)),
                error,
                extra={"event": "admin_commands_not_published"},
            )
        else:
            logger.warning(
                "Could not publish the command list: %s",
                error,
                extra={"event": "commands_not_published"},
            )
        return False
    return True


async def _delete(bot: Bot, texts: Texts, person: int) -> bool:
    """Delete the list of a former administrator; return False if it has to be tried again."""
    try:
        for lang in texts.languages:
            await bot.delete_my_commands(
                scope=BotCommandScopeChat(chat_id=person), language_code=_code(lang)
            )
    except ChatForbiddenError:
        return True
    except DeliveryError as error:
        logger.info(
            "Could not delete the command list of %s: %s",
            LoggedChat(person),
            error,
            extra={"event": "admin_commands_not_deleted"},
        )
        return False
    return True


def _code(lang: str) -> str | None:
    """Return the language code for Telegram: the list without one is for all other languages."""
    return None if lang == FALLBACK else lang


def _digest(commands: CommandList, texts: Texts) -> str:
    keys = [f"command_{name}" for name in commands.names]
    content = [[lang, keys, [texts[lang][key] for key in keys]] for lang in texts.languages]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


async def _read(name: str) -> dict[str, str]:
    """Return the stored state; an empty one if there is none, so that everything is published."""
    try:
        stored = json.loads(await read_value(name) or "{}")
    except (StorageError, ValueError) as error:
        logger.warning(
            "Could not read which commands are published: %s",
            error,
            extra={"event": "commands_state_not_read"},
        )
        return {}
    return dict(stored)


async def _store(name: str, state: dict[str, str]) -> None:
    try:
        await set_value(name, json.dumps(state, sort_keys=True))
    except StorageError as error:
        logger.warning(
            "Could not store which commands are published: %s",
            error,
            extra={"event": "commands_state_not_stored"},
        )
