"""Enforce Telegram's rate limits with sliding windows over the accepted messages."""

import time
from collections import defaultdict, deque
from typing import Any

from simulator.telegram.errors import ApiError

#: Messages and seconds. Source: telegram-facts.md.
OVERALL, CHAT, GROUP = (30, 1.0), (5, 5.0), (20, 60.0)
_SINGLE = {
    "sendMessage",
    "sendPhoto",
    "sendLivePhoto",
    "sendVideo",
    "sendAnimation",
    "sendAudio",
    "sendDocument",
    "copyMessage",
    "forwardMessage",
}


class Limits:
    """Counts messages and refuses those above a limit."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, int], deque[tuple[float, int]]] = defaultdict(deque)
        #: Times of refused calls, on the monotonic clock.
        self.refused_at: list[float] = []

    @property
    def refusals(self) -> int:
        """Return the number of refused calls."""
        return len(self.refused_at)

    def check(self, name: str, params: dict[str, Any]) -> None:
        """Count a call against the limits.

        Raises:
            ApiError: 429, when a limit is exceeded.
        """
        weight = _weight(name, params)
        if not weight:
            return
        now, chat_id = time.monotonic(), params["chat_id"]
        wanted = [("overall", 0, OVERALL, weight), ("chat", chat_id, CHAT, 1)]
        if chat_id < 0:
            wanted.append(("group", chat_id, GROUP, weight))
        for kind, key, (most, window_s), number in wanted:
            window = self._windows[kind, key]
            while window and window[0][0] <= now - window_s:
                window.popleft()
            if sum(n for _, n in window) + number > most:
                self.refused_at.append(now)
                seconds = max(int(window[0][0] + window_s - now) + 1, 1)
                raise ApiError(
                    429, f"Too Many Requests: retry after {seconds}", retry_after=seconds
                )
        for kind, key, _, number in wanted:
            self._windows[kind, key].append((now, number))


def _weight(name: str, params: dict[str, Any]) -> int:
    """Return the number of messages that a call creates."""
    if name == "sendMediaGroup":
        return len(params["media"])
    if name == "copyMessages":
        return len(params["message_ids"])
    return int(name in _SINGLE)
