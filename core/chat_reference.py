"""How an operator names a chat, in a command or a setting: by its id or by its @name."""

import re
from dataclasses import dataclass
from typing import Final

# ASCII digits only: int() reads other digits too, but nobody recognises the id that they mean.
_ID: Final = re.compile(r"[-\u2212\u2013]?[1-9][0-9]{0,17}")
#: Source: https://core.telegram.org/api/usernames (sold names have four)
_NAME: Final = re.compile(
    r"(?:@|(?:https?://)?t\.me/)([A-Za-z][A-Za-z0-9_]{3,31})/?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ChatName:
    """A public name of a chat, in lower case and without the @."""

    name: str

    def __str__(self) -> str:
        """Return the name with the @."""
        return f"@{self.name}"


def read_reference(word: str) -> int | ChatName | None:
    """Return the id or the name that a word stands for, or None if it is neither.

    A minus sign or a dash in front of an id counts as a hyphen, because keyboards replace it.
    """
    if _ID.fullmatch(word):
        return int("-" + word[1:] if word[0] in "\u2212\u2013" else word)
    found = _NAME.fullmatch(word)
    return ChatName(found[1].lower()) if found else None
