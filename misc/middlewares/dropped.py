"""Reports of updates that are dropped on purpose, which answer "why did the bot not answer?"."""

from typing import Protocol

from core.drop_reasons import DropReason


class Dropped(Protocol):
    """Called for every update that is dropped, see `services.metrics.Metrics.dropped`."""

    def __call__(self, reason: DropReason, chat_id: int) -> None:
        """Count and log the update."""


def ignore_drop(reason: DropReason, chat_id: int) -> None:
    """Report nothing."""
