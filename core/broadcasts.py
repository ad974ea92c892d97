"""Broadcasts as pure values: audience, state, and how long they take."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from core.errors import CardReplyError
from core.pacing import OVERALL

#: Number of messages sent concurrently. After a crash, at most this many outcomes are unknown.
AT_ONCE: Final = 8
#: Number of messages that one Star pays for, above the free rate.
#: Source: https://core.telegram.org/bots/api#paid-broadcasts (0.1 Stars per message)
MESSAGES_PER_STAR: Final = 10
#: Choices for `Audience.active_days`.
ACTIVE_DAYS: Final = (7, 30, 90)
#: Recipients per second, at most: Telegram's limit for all messages of a bot.
_PER_SECOND: Final = OVERALL[0] / OVERALL[1]


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

    def as_json(self) -> str:
        """Return the JSON form for the database."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Audience":
        """Parse the JSON form from the database."""
        values = json.loads(text)
        return cls(**{**values, "chats": Chats(values["chats"])})


@dataclass(frozen=True, slots=True)
class Content:
    """What every recipient gets: copies of the administrator's own messages."""

    #: The message to copy; None until it is written.
    message_id: int | None = None
    #: The messages of an album to copy, in order; empty for a single message.
    album: tuple[int, ...] = ()
    #: Telegram's JSON of the inline keyboard below the message, or None.
    buttons: str | None = None
    is_silent: bool = False
    #: Pay Telegram for a higher rate.
    is_paid: bool = False

    @property
    def is_album(self) -> bool:
        """Return True if it is several messages, which stay together."""
        return len(self.album) > 1


@dataclass(frozen=True, slots=True)
class RecipientCounts:
    """Numbers of recipients: all of them, and those with each final outcome."""

    total: int = 0
    sent: int = 0
    blocked: int = 0
    failed: int = 0
    unknown: int = 0

    @property
    def left(self) -> int:
        """Return the number of recipients without an outcome."""
        return max(self.total - self.sent - self.blocked - self.failed - self.unknown, 0)


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One message to many chats, as stored."""

    id: int
    admin_id: int
    state: State
    audience: Audience
    content: Content = Content()
    counts: RecipientCounts = RecipientCounts()
    #: The bot's message that controls the broadcast (the card).
    card_id: int | None = None
    #: Earliest start as a Unix time.
    starts_at: int = 0
    #: Key of the text that explains an automatic pause, or None.
    trouble: str | None = None

    @property
    def stars(self) -> int:
        """Return the maximum cost in Telegram Stars, rounded up."""
        return -(-self.counts.total // MESSAGES_PER_STAR)

    def seconds_left(self, per_second: float = 0.0) -> float:
        """Return how long the rest takes, in seconds.

        `per_second` is the current rate in recipients per second; 0 means that it is not known yet,
        which assumes Telegram's limit. Each item of an album counts as a message there.
        """
        per_second = per_second or _PER_SECOND / max(len(self.content.album), 1)
        counts = self.counts
        return (counts.total if self.state is State.DRAFT else counts.left) / per_second


def parse_start_time(text: str, now: float) -> int | None:
    """Parse "YYYY-MM-DD HH:MM" in UTC into a Unix time; return None if the text is no time.

    Raises:
        CardReplyError: the time is not in the future.
    """
    try:
        at = datetime.strptime(text.strip(), "%Y-%m-%d %H:%M").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
    if at <= now:
        raise CardReplyError([(1, "broadcast_past")])
    return int(at)
