"""Finds the chat that an administrator means: by id, by @name, by a reply or by a forward."""

from dataclasses import dataclass
from typing import Final

from aiogram.types import (
    Message,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
)

from core.chat_reference import ChatName, read_reference
from core.pseudonyms import Pseudonyms
from data.usernames import find_by_name
from misc.addressing import sender_of
from misc.ui.texts import Texts

#: Key of the text for a reference that is missing or cannot be read; each command has its own.
NO_REFERENCE: Final = ""


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Why a chat was not found: the key of a text, and the name for its placeholder."""

    key: str
    name: str = ""

    def text(self, texts: Texts, lang: str, usage: str, **facts: str) -> str:
        """Return the explanation; `usage` is the key of the command's usage, with its `facts`."""
        return texts(lang, self.key or usage, name=self.name, **facts)


@dataclass(frozen=True, slots=True)
class ChatLookup:
    """Resolves references to chats. Telegram is not asked: only known chats have a name."""

    pseudonyms: Pseudonyms

    async def of_command(self, message: Message, args: str) -> int | Unresolved:
        """Return the chat that a command names, or else the one that it replies to.

        Raises:
            StorageError: the database did not respond.
        """
        return await self._resolve(referred(message, args))

    async def of_message(self, message: Message) -> int | Unresolved:
        """Return the chat that a message without a command names, or that it was forwarded from.

        Raises:
            StorageError: the database did not respond.
        """
        if message.forward_origin:
            return author_of(message)
        return await self.of_word((message.text or "").strip())

    async def of_word(self, word: str) -> int | Unresolved:
        """Return the chat with an id or an @name.

        Raises:
            StorageError: the database did not respond.
        """
        return await self._resolve(read_reference(word) or Unresolved(NO_REFERENCE))

    async def _resolve(self, reference: int | ChatName | Unresolved) -> int | Unresolved:
        if not isinstance(reference, ChatName):
            return reference
        found = await find_by_name(self.pseudonyms.of_name(reference.name))
        return found or Unresolved("user_no_name", reference.name)


def referred(message: Message, args: str) -> int | ChatName | Unresolved:
    """Return the chat that a command names, or else the author of what it replies to."""
    if args:
        return read_reference(args) or Unresolved(NO_REFERENCE)
    if message.reply_to_message is None:
        return Unresolved(NO_REFERENCE)
    return author_of(message.reply_to_message)


def author_of(message: Message) -> int | Unresolved:
    """Return who wrote a message, or the chat in whose name it was sent.

    A card of /user, which the bot has sent, stands for the chat that it shows. An administrator's
    own message in a private chat, and that of an anonymous one in a group, stand for nobody.
    """
    match message.forward_origin:
        case MessageOriginUser(sender_user=user):
            return user.id
        case MessageOriginHiddenUser(sender_user_name=name):
            return Unresolved("user_hidden", name)
        case MessageOriginChat(sender_chat=chat) | MessageOriginChannel(chat=chat):
            return chat.id
        case _:
            sender_id = sender_of(message)
            if sender_id and sender_id != message.chat.id:
                return sender_id
            return _shown_chat(message) or Unresolved("user_no_origin")


def _shown_chat(message: Message) -> int | None:
    if message.from_user is None or not message.from_user.is_bot:
        return None
    reference = read_reference((message.text or "").partition("\n")[0])
    return reference if isinstance(reference, int) else None
