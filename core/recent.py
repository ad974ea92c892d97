"""A bounded memory of what was seen lately."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class RecentKeys(Generic[K]):
    """The keys that were added last, up to `most` of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._keys: OrderedDict[K, None] = OrderedDict()

    def __contains__(self, key: K) -> bool:
        """Return True if a key is remembered."""
        return key in self._keys

    def add(self, key: K) -> bool:
        """Remember a key; return False if it is remembered already."""
        if key in self._keys:
            return False
        self._keys[key] = None
        if len(self._keys) > self._most:
            self._keys.popitem(last=False)
        return True
