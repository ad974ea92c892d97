"""Broadcasts as pure values: audience, state, and the commands in replies to the broadcast card."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeVar

from core.errors import CardReplyError

T = TypeVar("T")

#: Number of messages sent concurrently. After a crash, at most this many outcomes are unknown.
AT_ONCE: Final = 8
#: Number of messages that one Star pays for, above the free rate.
#: Source: https://core.telegram.org/bots/api#paid-broadcasts (0.1 Stars per message)
MESSAGES_PER_STAR: Final = 10
_DAYS: Final = (7, 30, 90)
_MAX_BUTTONS: Final = 20


class State(StrEnum):
    """State of a broadcast."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """Delivery state of one recipient's message."""

    WAITING = "waiting"
    #: The send has started and its result is not stored yet.
    LEAVING = "leaving"
    SENT = "sent"
    BLOCKED = "blocked"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Chats(StrEnum):
    """Kinds of chats that a broadcast can go to."""

    PRIVATE = "private"
    GROUPS = "groups"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Audience:
    """Conditions that select the recipients of a broadcast."""

    chats: Chats = Chats.PRIVATE
    #: A language code, or None for all languages.
    lang: str | None = None
    #: Only chats with a download in the last `active_days` days; None for all.
    active_days: int | None = None
    #: Only chats that came through this referral; "" for any referral, None for all chats.
    referral: str | None = None

    def next_chats(self) -> "Audience":
        """Return a copy with the next kind of chats, cyclically."""
        return replace(self, chats=_after(tuple(Chats), self.chats))

    def next_lang(self, languages: Sequence[str]) -> "Audience":
        """Return a copy with the next language, cyclically; "all languages" is a step too."""
        return replace(self, lang=_after((None, *languages), self.lang))

    def next_days(self) -> "Audience":
        """Return a copy with the next activity limit, cyclically; "no limit" is a step too."""
        return replace(self, active_days=_after((None, *_DAYS), self.active_days))

    def next_referral(self, referrals: Sequence[str]) -> "Audience":
        """Return a copy with the next referral, cyclically.

        "All chats" and "any referral" are among the steps.
        """
        return replace(self, referral=_after((None, "", *referrals), self.referral))

    def as_json(self) -> str:
        """Return the JSON form for the database."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Audience":
        """Parse the JSON form from the database."""
        values = json.loads(text)
        return cls(**{**values, "chats": Chats(values["chats"])})


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One message to many chats, as stored."""

    id: int
    admin_id: int
    state: State
    audience: Audience
    #: The administrator's message to copy; None until it is written.
    message_id: int | None = None
    #: The bot's message that controls the broadcast (the card).
    card_id: int | None = None
    #: Telegram's JSON of the inline keyboard below the message, or None.
    buttons: str | None = None
    is_silent: bool = False
    #: Pay Telegram for a higher rate.
    is_paid: bool = False
    #: Earliest start as a Unix time.
    starts_at: int = 0
    total: int = 0
    sent: int = 0
    blocked: int = 0
    failed: int = 0
    unknown: int = 0
    #: Key of the text that explains an automatic pause, or None.
    trouble: str | None = None

    @property
    def left(self) -> int:
        """Return the number of recipients without an outcome."""
        return max(self.total - self.sent - self.blocked - self.failed - self.unknown, 0)

    @property
    def stars(self) -> int:
        """Return the maximum cost in Telegram Stars, rounded up."""
        return -(-self.total // MESSAGES_PER_STAR)


@dataclass(frozen=True, slots=True)
class Button:
    """A button that opens a URL."""

    label: str
    url: str


def parse_card_reply(text: str, now: float) -> tuple[Button, ...] | int:
    """Parse an administrator's reply to the broadcast card.

    The reply holds either buttons, one "label - URL" per line, or a time as "YYYY-MM-DD HH:MM" in
    UTC. Return the buttons, or the Unix time.

    Raises:
        CardReplyError: the reply is neither, or the time is not in the future.
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
    """Format a length as h:mm:ss or m:ss, which reads the same in every language."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


_BUTTON: Final = re.compile(r"(\S.{0,62}?)\s+[-–—]\s+(https?://[^\s/]+\.[^\s]+)")


def _after(values: Sequence[T], value: T) -> T:
    """Return the element after `value`, cyclically; the first one if `value` is missing."""
    index = values.index(value) + 1 if value in values else 0
    return values[index % len(values)]
