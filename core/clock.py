"""The one clock: Unix time in, testable time out."""

import time
from collections.abc import Callable

#: Answers the current Unix time in seconds. Objects take one so that a test can hand them its own.
Clock = Callable[[], float]

system_clock: Clock = time.time
