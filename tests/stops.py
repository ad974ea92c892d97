"""Stops of the process, at any moment."""

from app.stop_time import StopTime
from data.config import describe


def stop_begun(elapsed_s: float, drain_s: float = 60) -> StopTime:
    """Return the time of a stop that has begun `elapsed_s` seconds ago; the clock stands still."""
    now = [0.0]
    stop_time = StopTime(drain_s, lambda: now[0])
    stop_time.begin()
    now[0] = elapsed_s
    return stop_time


def longest_stop_s() -> float:
    """Return how long a stop with the default settings takes at most, in seconds."""
    defaults = {(section, key): default for section, key, default, _ in describe()}
    return StopTime(int(defaults["run", "drain_s"])).longest_s
