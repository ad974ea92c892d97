"""Who may use the bot: modes, the entries of the access list, and memberships. Pure rules."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Literal

from core.chat_reference import read_reference

#: Everyone; people and groups on the list; besides these the members of some channels.
Mode = Literal["everyone", "listed", "members"]

#: Telegram's statuses of people who are in a chat.
#: Source: https://core.telegram.org/bots/api#chatmember
_INSIDE: Final = frozenset({"creator", "administrator", "member"})


class Standing(Enum):
    """Whether somebody may use the bot, and if not, why."""

    ALLOWED = auto()
    NOT_LISTED = auto()
    NOT_A_MEMBER = auto()
    #: Telegram did not say whether they are a member.
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Visitor:
    """The sender of a message or button press, and the group it came from."""

    #: The person, or the chat in whose name a message was sent; None if Telegram does not say.
    sender_id: int | None
    #: Without the @; empty if there is none.
    username: str = ""
    #: The group, or None outside of groups.
    group_id: int | None = None
    group_username: str = ""
    #: False for a chat that writes in its own name: Telegram knows no memberships of chats.
    is_person: bool = True


def read_entry(text: str) -> str | None:
    """Return an entry of the access list in the form in which it is stored; None if it is invalid.

    This is an id ("123", "-100123"), or a username in lower case ("@name").
    """
    reference = read_reference(text.strip())
    return None if reference is None else str(reference)


def is_listed(visitor: Visitor, entries: AbstractSet[str]) -> bool:
    """Return True if the sender or the group is on the list; a listed group lets everybody in."""
    ids = (visitor.sender_id, visitor.group_id)
    names = (visitor.username, visitor.group_username)
    return not entries.isdisjoint([*map(str, ids), *(f"@{name.lower()}" for name in names)])


def is_inside(status: str, *, is_member: bool) -> bool:
    """Return True if a ChatMember is in its chat; restricted ones say so by `is_member`."""
    return status in _INSIDE or (status == "restricted" and is_member)
