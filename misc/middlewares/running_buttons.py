"""One press at a time: a button that is at work is not pressed again."""

from collections.abc import Callable, Hashable


class RunningButtons:
    """The presses whose work is not done yet, by what tells them apart: message and data."""

    def __init__(self) -> None:
        self._running: set[Hashable] = set()

    def begin(self, press: Hashable) -> Callable[[], None] | None:
        """Note that a press is at work; give what ends it, or None if it is at work already."""
        if press in self._running:
            return None
        self._running.add(press)
        return lambda: self._running.discard(press)
