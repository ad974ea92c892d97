"""Let bytes through slowly: at a rate, or as many as a test allows."""

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Throttle:
    """Holds the bytes of each transfer back."""

    #: Highest rate of one transfer; 0 for none.
    bytes_per_s: int = 0
    #: How many bytes of each transfer may pass; None for all.
    allowed: int | None = None
    _raised: asyncio.Event = field(default_factory=asyncio.Event)

    def allow(self, number: int | None) -> None:
        """Let `number` bytes of each transfer pass; None lets all pass."""
        self.allowed = number
        self._raised.set()
        self._raised = asyncio.Event()

    async def admit(self, passed: int, more: int) -> int:
        """Wait until some of `more` bytes may follow the `passed` ones; return how many."""
        while self.allowed is not None and passed >= self.allowed:
            await self._raised.wait()
        number = more if self.allowed is None else min(more, self.allowed - passed)
        return min(number, max(self.bytes_per_s // 10, 1)) if self.bytes_per_s else number

    async def take(self, number: int) -> None:
        """Wait as long as `number` bytes take."""
        if self.bytes_per_s:
            await asyncio.sleep(number / self.bytes_per_s)
