"""Pseudonyms: of chats in log files, and of @names in the database."""

from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class LoggedChat:
    """A chat as an argument of a log call. The log formatter decides how it is written."""

    chat_id: int

    def __str__(self) -> str:
        """Return a placeholder that reveals nothing, for output without the log formatter."""
        return "(a chat)"


class Pseudonyms:
    """Stable pseudonyms for chats. Without the bot's token they cannot be traced back."""

    def __init__(self, token: str) -> None:
        self._key = blake2b(token.encode(), digest_size=32).digest()

    def of(self, chat_id: int) -> str:
        """Return a chat's pseudonym: "c" and ten hexadecimal digits."""
        return "c" + blake2b(str(chat_id).encode(), key=self._key, digest_size=5).hexdigest()

    def of_name(self, name: str) -> str:
        """Return the pseudonym of an @name (without the @), whatever its case: 32 digits."""
        return blake2b(name.lower().encode(), key=self._key, digest_size=16).hexdigest()
