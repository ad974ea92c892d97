"""How chats are named in logs."""

from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class LoggedChat:
    """A chat as an argument of a log line. What it is written as is the log's own decision."""

    chat_id: int

    def __str__(self) -> str:
        """Say nothing, where nobody has decided."""
        return "(a chat)"


class Pseudonyms:
    """Names that are always the same for one chat, and lead nobody without the bot's token to it."""

    def __init__(self, token: str) -> None:
        self._key = blake2b(token.encode(), digest_size=32).digest()

    def of(self, chat_id: int) -> str:
        """Give a chat's name."""
        return "c" + blake2b(str(chat_id).encode(), key=self._key, digest_size=5).hexdigest()
