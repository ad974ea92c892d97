"""Facts in texts to users that every language writes in its own way."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

#: The units of a file size, with their bytes.
_UNITS: Final = (("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000))


@dataclass(frozen=True, slots=True)
class FileSize:
    """A file size, in bytes, with the rounding with which it is shown.

    `rounding` is `round`, or `math.ceil` and `math.floor` where a size that exceeds a limit must
    not appear to fit.
    """

    bytes: int
    rounding: Callable[[float], int] = round

    def in_unit(self) -> tuple[float, str]:
        """Return the number and its unit ("KB", "MB" or "GB"), in steps of 1 000.

        Numbers below ten have one decimal, others none.
        """
        numbers = [(self._rounded(factor), unit) for unit, factor in _UNITS]
        return next((one for one in numbers if one[0] < 1_000), numbers[-1])

    def _rounded(self, factor: int) -> float:
        tenths = self.rounding(self.bytes * 10 / factor)
        return tenths / 10 if tenths < 100 else float(self.rounding(self.bytes / factor))


#: The value of a placeholder. A tuple is a list of alternatives: "TikTok, Instagram, or YouTube".
Fact = str | int | FileSize | tuple[str, ...]


def length(seconds: int) -> str:
    """Format a length as m:ss or h:mm:ss, which reads the same in every language."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
