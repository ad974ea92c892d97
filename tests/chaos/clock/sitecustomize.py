"""Let a process see another time than the system's; Python imports this module at its start.

The file that CLOCK_OFFSET names holds the difference in seconds, and may change at any time.
"""

import os
import time
from pathlib import Path

_OFFSET = Path(os.environ["CLOCK_OFFSET"])
_real = time.time


def _shifted() -> float:
    return _real() + float(_OFFSET.read_text() or 0)


time.time = _shifted
