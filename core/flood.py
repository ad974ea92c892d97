"""Who writes too much is not answered for a while: a pure machine with a clock from outside."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

#: Messages and seconds.
SENDER: Final = (5, 5.0)
GROUP: Final = (20, 60.0)
#: The first time-out, and the next ones as long as the last was not an hour ago.
_FIRST_MIN: Final = 1
_NEXT_MIN: Final = 5
_FORGIVEN_S: Final = 3_600.0
#: Records are looked through when there are so many more of them.
_SWEEP_EVERY: Final = 1_000


class Verdict(Enum):
    """What is done with a message."""

    ANSWER = auto()
    #: Say once that there will be no answers for a while.
    WARN_SENDER = auto()
    WARN_GROUP = auto()
    IGNORE = auto()


@dataclass(slots=True)
class _Record:
    times: "deque[float]" = field(default_factory=deque)
    out_until: float = 0.0
    violated_at: float | None = None

    def hit(self, now: float, most: int, window_s: float) -> int:
        """Count a message; give the minutes of a time-out that begins with it, or 0."""
        while self.times and self.times[0] <= now - window_s:
            self.times.popleft()
        if len(self.times) < most:
            self.times.append(now)
            return 0
        is_again = self.violated_at is not None and now - self.violated_at < _FORGIVEN_S
        minutes = _NEXT_MIN if is_again else _FIRST_MIN
        self.violated_at, self.out_until = now, now + minutes * 60
        self.times.clear()
        return minutes

    def is_idle(self, now: float) -> bool:
        """Tell whether it can be forgotten."""
        is_forgiven = self.violated_at is None or now - self.violated_at >= _FORGIVEN_S
        return is_forgiven and (not self.times or self.times[-1] <= now - GROUP[1])


class Guard:
    """Counts messages by sender, over all chats, and by group."""

    def __init__(self) -> None:
        self._senders: dict[int, _Record] = {}
        self._groups: dict[int, _Record] = {}
        self._until_sweep = _SWEEP_EVERY

    def judge(self, sender_id: int, group_id: int | None, now: float) -> tuple[Verdict, int]:
        """Count a message; say what is done with it, and of a time-out the minutes.

        Messages of a sender who is in a time-out do not count for the group. When both limits are
        reached at once, both time-outs begin and the group is told.
        """
        self._sweep(now)
        sender = self._senders.setdefault(sender_id, _Record())
        if now < sender.out_until:
            return Verdict.IGNORE, 0
        sender_minutes = sender.hit(now, *SENDER)
        group_minutes, is_paused = 0, False
        if group_id is not None:
            group = self._groups.setdefault(group_id, _Record())
            is_paused = now < group.out_until
            group_minutes = 0 if is_paused else group.hit(now, *GROUP)
        if group_minutes:
            return Verdict.WARN_GROUP, group_minutes
        if is_paused:
            return Verdict.IGNORE, 0
        if sender_minutes:
            return Verdict.WARN_SENDER, sender_minutes
        return Verdict.ANSWER, 0

    def _sweep(self, now: float) -> None:
        """Forget the quiet ones, so that memory follows the traffic."""
        self._until_sweep -= 1
        if self._until_sweep:
            return
        self._until_sweep = _SWEEP_EVERY
        for records in (self._senders, self._groups):
            for key in [key for key, record in records.items() if record.is_idle(now)]:
                del records[key]
