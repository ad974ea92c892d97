"""Which processes `make coverage` measures: those of the tests, and the program where it is named.

Starting with coverage takes a process half a second. What a killed process has run is lost anyway,
and of most others every line also runs in a test's own process.
"""

import os
from typing import Final

#: The variables with which a new process is measured; none while nothing is.
MEASURED: Final = {k: v for k, v in os.environ.items() if k.startswith("COVERAGE_")}


def measure_no_children() -> None:
    """Let the processes that this one starts run without coverage, unless they get `MEASURED`."""
    for name in MEASURED:
        os.environ.pop(name, None)
