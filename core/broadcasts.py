"""A message to everybody: who gets it, how far it is, and what an administrator may write about it."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeVar

from core.errors import CardReplyError

T = TypeVar("T")

#: So many messages are on their way at a time, and nobody knows of so many what became of them when
#: the process is killed.
AT_ONCE: Final = 8
#: What Telegram asks for a message beyond the free pace.
#: Source: https://core.telegram.org/bots/api#paid-broadcasts (0.1 Stars a message)
MESSAGES_PER_STAR: Final = 10
_DAYS: Final = (7, 30, 90)
_MAX_BUTTONS: Final = 20


class State(StrEnum):
    """Where a broadcast is."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """What has become of one recipient's message."""

    WAITING = "waiting"
    #: It is on its way, or was when the process ended.
    LEAVING = "leaving"
    SENT = "sent"
    BLOCKED = "blocked"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Chats(StrEnum):
    """Kinds of chats."""

    PRIVATE = "private"
    GROUPS = "groups"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is to get it."""

    chats: Chats = Chats.PRIVATE
    #: A language code, or None for all.
    lang: str | None = None
    #: Only chats with a download in so many days; None for all.
    active_days: int | None = None
    #: Only chats that came by this invitation; "" for any, None for all chats.
    referral: str | None = None

    def next_chats(self) -> "Audience":
        """Go on to the next kind of chats."""
        return replace(self, chats=_after(tuple(Chats), self.chats))

    def next_lang(self, languages: Sequence[str]) -> "Audience":
        """Go on to the next language."""
        return replace(self, lang=_after((None, *languages), self.lang))

    def next_days(self) -> "Audience":
        """Go on to the next number of days."""
        return replace(self, active_days=_after((None, *_DAYS), self.active_days))

    def next_referral(self, referrals: Sequence[str]) -> "Audience":
        """Go on to the next invitation."""
        return replace(self, referral=_after((None, "", *referrals), self.referral))

    def as_json(self) -> str:
        """Give the form for the database."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Audience":
        """Read the database's form."""
        values = json.loads(text)
        return cls(**{**values, "chats": Chats(values["chats"])})


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One message to many chats, as it is stored."""

    id: int
    admin_id: int
    state: State
    audience: Audience
    #: The administrator's message; None while it is still to be written.
    message_id: int | None = None
    #: Our message in which it is governed.
    card_id: int | None = None
    #: Telegram's JSON of the buttons below it, or None.
    buttons: str | None = None
    is_silent: bool = False
    #: Telegram is paid for a faster pace.
    is_paid: bool = False
    #: Unix time before which it does not begin.
    starts_at: int = 0
    total: int = 0
    sent: int = 0
    blocked: int = 0
    failed: int = 0
    unknown: int = 0
    #: Key of the text that says why it was paused by itself.
    trouble: str | None = None

    @property
    def left(self) -> int:
        """How many are still to get it."""
        return max(self.total - self.sent - self.blocked - self.failed - self.unknown, 0)

    @property
    def stars(self) -> int:
        """What it may cost."""
        return -(-self.total // MESSAGES_PER_STAR)


@dataclass(frozen=True, slots=True)
class Button:
    """A button that opens an address."""

    label: str
    url: str


def parse_card_reply(text: str, now: float) -> tuple[Button, ...] | int:
    """Read what an administrator has answered to the card: buttons, a line each, or a time in UTC.

    Gives the Unix time for a time.

    Raises:
        NoteError: it is neither, or the time is over.
    """
    try:
        at = datetime.strptime(text.strip(), "%Y-%m-%d %H:%M").replace(tzinfo=UTC).timestamp()
    except ValueError:
        pass
    else:
        if at <= now:
            raise CardReplyError(text)
        return int(at)
    found = [_BUTTON.fullmatch(line.strip()) for line in text.strip().splitlines()]
    buttons = tuple(Button(match[1], match[2]) for match in found if match)
    if len(buttons) < len(found) or not 0 < len(buttons) <= _MAX_BUTTONS:
        raise CardReplyError(text)
    return buttons


def duration(seconds: float) -> str:
    """Give a length as h:mm:ss or m:ss, which reads the same in every language."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


_BUTTON: Final = re.compile(r"(\S.{0,62}?)\s+[-–—]\s+(https?://[^\s/]+\.[^\s]+)")


def _after(values: Sequence[T], value: T) -> T:
    where = values.index(value) + 1 if value in values else 0
    return values[where % len(values)]
