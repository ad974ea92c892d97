"""Bot commands in message texts: `/name@mention arguments`."""

import re
from dataclasses import dataclass
from typing import Final

#: Source: https://core.telegram.org/bots/features#commands
#: The name ends where Telegram's own highlighting does, so `/home/user` is no command.
_COMMAND: Final = re.compile(
    r"\s*/(\w{1,64})(?:@(\w{1,64}))?(?=[^\w@/]|$)\s*(.*)", re.ASCII | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class CommandText:
    """A text that begins with a command."""

    #: In lower case, without the slash.
    name: str
    #: The username of the bot that is addressed, in lower case and without the @; empty if none is.
    mention: str
    arguments: str


def read_command(text: str | None) -> CommandText | None:
    """Parse a text that begins with a command; return None for any other text."""
    found = _COMMAND.match(text or "")
    if found is None:
        return None
    return CommandText(found[1].lower(), (found[2] or "").lower(), found[3].strip())


def is_for_another_bot(text: str | None, username: str) -> bool:
    """Return True if a text begins with a command that addresses another bot than `username`."""
    command = read_command(text)
    return command is not None and command.mention not in {"", username.lower()}
