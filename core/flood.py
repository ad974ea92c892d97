"""Flood protection: senders and groups above a message rate get a time-out.

Messages with links are not judged: they wait in the request queue. The logic is pure; the caller
passes the time.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

#: Limits as (messages, seconds).
SENDER: Final = (5, 5.0)
GROUP: Final = (20, 60.0)
#: Minutes of the first time-out, and of a repeated one.
_FIRST_MIN: Final = 1
_NEXT_MIN: Final = 5
#: A violation older than this, in seconds, no longer makes the next one a repetition.
_FORGIVEN_S: Final = 3_600.0
#: Number of messages between two sweeps of idle records.
_SWEEP_EVERY: Final = 1_000


@dataclass(frozen=True, slots=True)
class TimeOut:
    """A time-out that begins now."""

    #: A group, or a sender: a person or a chat.
    chat_id: int
    is_group: bool
    minutes: int


@dataclass(slots=True)
class _Record:
    times: "deque[float]" = field(default_factory=deque)
    out_until: float = 0.0
    violated_at: float | None = None

    def hit(self, now: float, most: int, window_s: float) -> int:
        """Count a message. Return the minutes of the time-out that it triggers, or 0."""
        while self.times and self.times[0] <= now - window_s:
            self.times.popleft()
        if len(self.times) < most:
            self.times.append(now)
            return 0
        is_again = self.violated_at is not None and now - self.violated_at < _FORGIVEN_S
        minutes = _NEXT_MIN if is_again else _FIRST_MIN
        self.begin(minutes, now)
        return minutes

    def begin(self, minutes: int, now: float) -> None:
        """Begin a time-out."""
        self.violated_at, self.out_until = now, now + minutes * 60
        self.times.clear()

    def is_idle(self, now: float) -> bool:
        """Return True if the record can be dropped."""
        is_forgiven = self.violated_at is None or now - self.violated_at >= _FORGIVEN_S
        return is_forgiven and (not self.times or self.times[-1] <= now - GROUP[1])


class Guard:
    """Message counters per sender, over all chats, and per group."""

    def __init__(self) -> None:
        self._senders: dict[int, _Record] = {}
        self._groups: dict[int, _Record] = {}
        self._until_sweep = _SWEEP_EVERY

    def __len__(self) -> int:
        """Return the number of senders and groups whose messages are counted."""
        return len(self._senders) + len(self._groups)

    def begin(self, time_out: TimeOut, now: float) -> None:
        """Begin a time-out that another process has decided on."""
        self._sweep(now)
        records = self._groups if time_out.is_group else self._senders
        records.setdefault(time_out.chat_id, _Record()).begin(time_out.minutes, now)

    def is_out(self, sender_id: int, group_id: int | None, now: float) -> bool:
        """Return True if a message is to be ignored because of a time-out.

        It counts neither for its sender nor for the group: an ignored message never begins a
        time-out, because no warning would be sent.
        """
        records = self._senders.get(sender_id), self._groups.get(group_id or 0)
        return any(record and now < record.out_until for record in records)

    def count(self, sender_id: int, group_id: int | None, now: float) -> tuple[TimeOut, ...]:
        """Count a message that no time-out stops. Return the time-outs that begin with it.

        One message may exceed both limits: then the group's time-out comes first.
        """
        self._sweep(now)
        begun = []
        if group_id is not None:
            group = self._groups.setdefault(group_id, _Record())
            begun.append(TimeOut(group_id, True, group.hit(now, *GROUP)))
        sender = self._senders.setdefault(sender_id, _Record())
        begun.append(TimeOut(sender_id, False, sender.hit(now, *SENDER)))
        return tuple(one for one in begun if one.minutes)

    def _sweep(self, now: float) -> None:
        """Drop idle records now and then, to bound memory."""
        self._until_sweep -= 1
        if self._until_sweep:
            return
        self._until_sweep = _SWEEP_EVERY
        for records in (self._senders, self._groups):
            for key in [key for key, record in records.items() if record.is_idle(now)]:
                del records[key]
