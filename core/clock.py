"""The source of the current time, replaceable in tests."""

import time
from collections.abc import Callable

#: Returns the current Unix time in seconds. Objects take one so that tests can control the time.
Clock = Callable[[], float]

system_clock: Clock = time.time
