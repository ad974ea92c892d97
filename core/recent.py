"""Bounded memories of what happened lately."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class RecentValues(Generic[K, V]):
    """The values that were set last, up to `most` of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        #: The one that was set the longest ago comes first.
        self._values: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        """Return how many values are remembered."""
        return len(self._values)

    def __contains__(self, key: K) -> bool:
        """Return True if the value of a key is remembered."""
        return key in self._values

    def get(self, key: K) -> V | None:
        """Return the value of a key, or None if it is not remembered."""
        return self._values.get(key)

    def __setitem__(self, key: K, value: V) -> None:
        """Set the value of a key, which is the newest from now on."""
        self._values[key] = value
        self._values.move_to_end(key)
        self._forget()

    def setdefault(self, key: K, value: V) -> V:
        """Return the value of a key; set it to `value` if it is not remembered."""
        found = self._values.setdefault(key, value)
        self._forget()
        return found

    def _forget(self) -> None:
        if len(self._values) > self._most:
            self._values.popitem(last=False)


class RecentKeys(Generic[K]):
    """The keys that were added last, up to `most` of them."""

    def __init__(self, most: int) -> None:
        self._keys = RecentValues[K, None](most)

    def __contains__(self, key: K) -> bool:
        """Return True if a key is remembered."""
        return key in self._keys

    def add(self, key: K) -> bool:
        """Remember a key; return False if it is remembered already."""
        if key in self._keys:
            return False
        self._keys[key] = None
        return True


class Throttle(Generic[K]):
    """Limits how often something is done for each key; `most` keys are remembered."""

    def __init__(self, most: int) -> None:
        self._done_at = RecentValues[K, float](most)

    def is_due(self, key: K, now: float, interval_s: float) -> bool:
        """Return True unless it was done in the last `interval_s`; it counts as done now then."""
        done_at = self._done_at.get(key)
        if done_at is not None and now - done_at < interval_s:
            return False
        self._done_at[key] = now
        return True
