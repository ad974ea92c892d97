"""Reports of updates that are dropped on purpose, which answer "why did the bot not answer?"."""

from typing import Protocol


class Dropped(Protocol):
    """Called for every update that is dropped, see `services.metrics.Metrics.dropped`."""

    def __call__(self, reason: str, chat_id: int) -> None:
        """Count and log the update."""


def ignore_drop(reason: str, chat_id: int) -> None:
    """Report nothing."""
