"""One press at a time: a button that is at work is not pressed again."""

from collections.abc import Callable

Press = tuple[int, int, str]


class Presses:
    """The presses whose work is not done yet: chat, message and data of each."""

    def __init__(self) -> None:
        self._running: set[Press] = set()

    def begin(self, press: Press) -> Callable[[], None] | None:
        """Note that a press is at work; give what ends it, or None if it is at work already."""
        if press in self._running:
            return None
        self._running.add(press)
        return lambda: self._running.discard(press)
